"""The bounds of a descent's variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.core.arrays import Array, Shape
from service.core.calculus.kernel import Kernel
from service.core.exceptions import InvalidRequest, fault, pointer_to

Bounds = Mapping[str, Mapping[str, Any]]
"""By variable ``lower`` and ``upper``, each a number, a tensor, or absent."""

SIDES = {"lower": -np.inf, "upper": np.inf}
"""The two sides, and where an absent one is."""


def bounds_of(bounds: Bounds, shapes: Mapping[str, Shape]) -> dict[str, tuple[Array, Array]]:
    """Return lower and upper bounds of every variable, in its shape; nothing when there are no bounds.

    Raises
    ------
    InvalidRequest
        A bound is about no variable or has another shape, or lower is above upper.
    """
    for name in bounds:
        if name not in shapes:
            known = ", ".join(shapes)
            raise InvalidRequest(fault("unknown-name-here", pointer_to("bounds", name), known=known))
    if not bounds:
        return {}
    return {name: _pair_of(name, bounds.get(name, {}), shape) for name, shape in shapes.items()}


def _pair_of(name: str, pair: Mapping[str, Any], shape: Shape) -> tuple[Array, Array]:
    lower, upper = (_side_of(name, side, pair.get(side), shape) for side in SIDES)
    if np.any(lower > upper):
        at = int(np.argmax(np.ravel(lower > upper)))
        low, high = (float(np.ravel(side)[at]) for side in (lower, upper))
        raise InvalidRequest(fault("empty-bounds", pointer_to("bounds", name), lower=low, upper=high))
    return lower, upper


def _side_of(name: str, side: str, given: Any, shape: Shape) -> Array:
    tensor = np.asarray(SIDES[side] if given is None else given, dtype=np.float64)
    if tensor.shape not in ((), shape):
        raise InvalidRequest(
            fault(
                "shape-mismatch",
                pointer_to("bounds", name, side),
                first=f"the bound {side}",
                first_shape=tensor.shape,
                second=name,
                second_shape=shape,
                rule="a bound has its variable's shape, or is a number",
            )
        )
    return np.broadcast_to(tensor, shape)


def given_bounds(bounds: Bounds) -> dict[str, dict[str, Array]]:
    """Return the bounds in a normal form: without absent sides, an array of equal numbers as one number."""
    found: dict[str, dict[str, Array]] = {}
    for name, pair in bounds.items():
        sides = {side: _folded(given) for side, given in pair.items() if given is not None}
        if sides:
            found[name] = sides
    return found


def _folded(given: Any) -> Array:
    tensor = np.asarray(given, dtype=np.float64)
    first = tensor.reshape(-1)[:1]
    return first.reshape(()) if first.size and np.all(tensor == first) else tensor


def bound_numbers(kernel: Kernel, bounds: Mapping[str, tuple[Array, Array]]) -> dict[str, Any]:
    """Name the bounds of every slot."""
    numbers: dict[str, Any] = {}
    for side, name in enumerate(("low", "high") if bounds else ()):
        packed = kernel.pack({variable: pair[side] for variable, pair in bounds.items()})
        numbers |= {f"{name}_{slot}": value for slot, value in zip(kernel.slots, packed, strict=True)}
    return numbers
