"""Projections of a descent's variables onto sets: the nearest point of a set, over the last axis.

References
----------
Duchi, Shalev-Shwartz, Singer and Chandra, Efficient projections onto the l1-ball for learning in high
dimensions, ICML 2008, for simplex and l1 ball.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.core.arrays import Array, Shape
from service.core.descent.ranges import check_keys
from service.core.exceptions import InvalidRequest, fault, pointer_to, quote_text

TINY = sys.float_info.min


def onto_simplex(x: Array, total: float) -> Array:
    """Project onto the vectors of numbers of at least 0 whose sum is a total.

    >>> onto_simplex(np.array([0.5, 2.0, -1.0]), 1.0)
    array([0., 1., 0.])
    """
    shifted = x - x.max(axis=-1, keepdims=True)  # which changes no result, and keeps the digits of sums
    falling = -np.sort(-shifted, axis=-1)
    excess = (np.cumsum(falling, axis=-1) - total) / np.arange(1, x.shape[-1] + 1)
    last = np.count_nonzero(falling > excess, axis=-1, keepdims=True) - 1
    result: Array = np.maximum(shifted - np.take_along_axis(excess, last, axis=-1), 0.0)
    return result


def onto_l1_ball(x: Array, radius: float) -> Array:
    """Project onto the vectors whose absolute values add up to a radius at most.

    >>> onto_l1_ball(np.array([3.0, -1.0]), 2.0)
    array([2., 0.])
    """
    sizes = np.abs(x)
    is_inside = sizes.sum(axis=-1, keepdims=True) <= radius
    return np.where(is_inside, x, np.sign(x) * onto_simplex(sizes, radius) + 0.0)  # no -0


def onto_l2_ball(x: Array, radius: float) -> Array:
    """Project onto the vectors of a 2-norm of a radius at most.

    >>> onto_l2_ball(np.array([3.0, 4.0]), 1.0)
    array([0.6, 0.8])
    """
    scale, norm = _norm(x)
    is_inside = norm <= radius / scale
    return np.where(is_inside, x, radius * (x / scale / np.where(is_inside, 1.0, norm)))


def onto_sphere(x: Array, radius: float) -> Array:
    """Project onto the vectors of a 2-norm of a radius; 0, which is as near to all, onto equal elements.

    >>> onto_sphere(np.array([[3.0, 4.0], [0.0, 0.0]]), 2.0).round(4)
    array([[1.2   , 1.6   ],
           [1.4142, 1.4142]])
    """
    scale, norm = _norm(np.where(x.any(axis=-1, keepdims=True), x, 1.0))
    return radius * (np.where(x.any(axis=-1, keepdims=True), x, 1.0) / scale / norm)


def _norm(x: Array) -> tuple[Array, Array]:
    """Return a scale and the 2-norm divided by it, without overflow."""
    scale = np.maximum(np.abs(x).max(axis=-1, keepdims=True), TINY)
    return scale, np.sqrt(np.square(x / scale).sum(axis=-1, keepdims=True))


def along_sphere(x: Array, gradient: Array, radius: float) -> Array:
    """Return the part of a gradient that is tangential to the sphere on which x is."""
    unit = x / radius
    result: Array = gradient - (gradient * unit).sum(axis=-1, keepdims=True) * unit
    return result


@dataclass(frozen=True, slots=True)
class FeasibleSet:
    """One row: a set with its size.

    Attributes
    ----------
    option : str
        What its size is called.
    project : callable
        From a tensor and the size to the nearest point of the set.
    residual : callable, optional
        From a point of the set, a gradient and the size to what is 0 where the point is stationary; by
        default x - P(x - gradient).
    """

    name: str
    option: str
    project: Callable[[Array, float], Array]
    residual: Callable[[Array, Array, float], Array] | None = None


SETS: dict[str, FeasibleSet] = {
    row.name: row
    for row in (
        FeasibleSet("simplex", "sum", onto_simplex),
        FeasibleSet("l2_ball", "radius", onto_l2_ball),
        FeasibleSet("l1_ball", "radius", onto_l1_ball),
        FeasibleSet("sphere", "radius", onto_sphere, along_sphere),
    )
}
"""The sets by name."""

SIZES = ("sum", "radius")


@dataclass(frozen=True, slots=True)
class Projection:
    """The projection of one variable."""

    kind: FeasibleSet
    size: float

    def project(self, x: Array) -> Array:
        """Return the nearest point of the set."""
        return self.kind.project(x, self.size)

    def residual(self, x: Array, gradient: Array) -> Array:
        """Return what is 0 where a point of the set is stationary."""
        if self.kind.residual is not None:
            return self.kind.residual(x, gradient, self.size)
        return x - self.project(x - gradient)

    @property
    def plain(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return {"onto": self.kind.name, self.kind.option: self.size}


def read_projections(given: Mapping[str, Any]) -> dict[str, Projection]:
    """Check what a client asks for, as far as it can be checked without the variables.

    Raises
    ------
    InvalidRequest
        A key is unknown, a set is unknown or missing, or a size does not fit.
    """
    return {name: _read(name, each) for name, each in given.items()}


def _read(name: str, given: Mapping[str, Any]) -> Projection:
    pointer = ("project", name)
    check_keys(given, ("onto", *SIZES), *pointer)
    onto = given.get("onto")
    if onto not in SETS:
        got = quote_text(onto) if isinstance(onto, str) else "none"
        rule = f"one of {', '.join(SETS)}"
        raise InvalidRequest(fault("out-of-range", pointer_to(*pointer, "onto"), rule=rule, got=got))
    kind = SETS[onto]
    size = given.get(kind.option)
    size = 1.0 if size is None else size
    if isinstance(size, bool) or not isinstance(size, int | float) or not 0.0 < size < np.inf:
        got = quote_text(repr(size))
        raise InvalidRequest(
            fault("out-of-range", pointer_to(*pointer, kind.option), rule="above 0", got=got)
        )
    return Projection(kind, float(size))


def check_projections(
    projections: Mapping[str, Projection], bounds: Mapping[str, Any], shapes: Mapping[str, Shape]
) -> None:
    """Refuse a projection of no variable, of a number, or of one that has bounds.

    Raises
    ------
    InvalidRequest
        With the projection's pointer.
    """
    for name in projections:
        pointer = pointer_to("project", name)
        if name not in shapes:
            known = ", ".join(shapes)
            raise InvalidRequest(fault("unknown-name-here", pointer, known=known))
        if not shapes[name]:
            raise InvalidRequest(
                fault("out-of-range", pointer, rule="for a variable that is an array", got="a number")
            )
        if name in bounds:
            raise InvalidRequest(
                fault("not-with", pointer, option="project", other="bounds of the same name", hint="")
            )


def projection_numbers(projections: Mapping[str, Projection], shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """Name, for every slot of a kernel on arrays, how it is projected and what is to vanish at its end."""
    numbers: dict[str, Any] = {}
    for position, name in enumerate(shapes if projections else ()):
        projection = projections.get(name)
        slot = f"v{position}"
        numbers[f"project_{slot}"] = projection.project if projection else _same
        numbers[f"residual_{slot}"] = projection.residual if projection else _gradient_of
    return numbers


def _same(x: Array) -> Array:
    return x


def _gradient_of(x: Array, gradient: Array) -> Array:
    return gradient
