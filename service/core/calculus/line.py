"""Differences along a line through the variables: products by numerical methods, in a few evaluations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from service.core.arrays import Array
from service.core.calculus.budget import Price
from service.core.calculus.differences import INEXACT_STEP, METHODS, RICHARDSON, Method, differences, step_at
from service.core.calculus.schedule import ELEMENT_BYTES
from service.core.exceptions import InvalidRequest, fault
from service.core.limits import Check

MOST_ASIDE = 0.01
"""How far rounding may lead a step away from the line: this part of the step's largest element."""

MOVED, STEPPED = 5, 8
"""Arrays of the size of all variables that are held while the function is evaluated along a line, and while
the step is found."""


def with_step(price: Price, elements: int) -> Price:
    """Add the memory for moving so many elements along a line."""
    moved, stepped = ELEMENT_BYTES * MOVED * elements, ELEMENT_BYTES * STEPPED * elements
    return price._replace(peak_bytes=max(price.peak_bytes + moved, stepped))


def differentiate_along(
    function: Callable[..., Array],
    variables: Mapping[str, Array],
    vectors: Mapping[str, Array],
    method: Method,
    h: float | None,
    check: Check,
) -> tuple[Array, Array]:
    """Differentiate a function of arrays by t at x + t·v.

    Parameters
    ----------
    function : callable
        From one array for each variable to an array.
    variables, vectors : mapping of str to ndarray
        x and v, of the same shapes.
    method, h, check
        As `differences` takes them. No element of x moves further than by its own step.

    Returns
    -------
    value : ndarray
    derivative : ndarray
        Of the value's shape; of `RICHARDSON` two of them, the derivative and its estimated error.

    Raises
    ------
    InvalidRequest
        Rounding leads the step away from the line.
    """
    scale, taken = _scale_and_share(variables, vectors, method, h)
    steps = [(array, scale * vectors[name]) for name, array in variables.items()]

    def along(t: Any) -> Array:
        return function(*(array + t * step for array, step in steps))

    value, (found,) = differences(along, [np.zeros(())], method, h, check)
    return value, found[0] / (scale * taken)


def _scale_and_share(
    variables: Mapping[str, Array], vectors: Mapping[str, Array], method: Method, h: float | None
) -> tuple[float, float]:
    """Return what v is multiplied by, and how much of a step along it is taken."""
    x, v = (np.concatenate([each.reshape(-1) for each in of.values()]) for of in (variables, vectors))
    scale = _scale(method, h, x, v)
    return scale, _share_taken(method, x, scale * v, step_at(method, h, 0.0))


def _scale(method: Method, h: float | None, x: Array, v: Array) -> float:
    """Return how much of v a step of 1 is: as far as each element may go; for `RICHARDSON`, the size of x."""
    if not v.any():
        return 1.0
    if method is RICHARDSON:
        longest = float(np.max(np.abs(v)))
        return (float(np.max(np.abs(x * (v / longest)))) or 1.0) / longest
    furthest = step_at(method, h, x) / step_at(method, h, 0.0) / np.abs(v)
    return float(np.min(furthest, where=v != 0.0, initial=np.inf))


def _share_taken(method: Method, x: Array, v: Array, step: float) -> float:
    """Return how much of a step along v remains beside x, 1 where rounding takes little of it."""
    if method not in (METHODS["central"], METHODS["forward"]):
        return 1.0
    longest = float(np.max(np.abs(v)))
    unit, length = v / (longest or 1.0), step * longest
    is_inexact = (np.abs(x) > INEXACT_STEP * length * np.abs(unit)) & (unit != 0.0)
    if not is_inexact.any():
        return 1.0
    below, asked = (x, length) if method is METHODS["forward"] else (x - length * unit, 2.0 * length)
    moved = ((x + length * unit) - below) / asked
    share = float(moved @ unit / (unit @ unit))
    aside = np.abs(moved - share * unit)
    if not np.max(aside) < MOST_ASIDE * share:
        value = float(x[np.argmax(aside)])
        raise InvalidRequest(fault("step-aside", "/h", h=repr(step), value=repr(value)))
    return share
