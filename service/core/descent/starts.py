"""The starts of a sweep: given, or drawn at random from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.core.arrays import Array, float_array
from service.core.calculus.gradient import Tensors, arrays_of
from service.core.descent.bounds import bounds_of
from service.core.descent.choice import Options
from service.core.descent.problem import Problem
from service.core.descent.projections import check_projections
from service.core.descent.ranges import check_keys, whole_number
from service.core.exceptions import InvalidRequest, fault, pointer_to

MOST_STARTS = 1_024
MOST_DRAWS = 100
"""Draws for one random start: where the function has no finite value another is drawn."""
KEYS = ("count", "seed", "spread")


def given_starts(problem: Problem, starts: Tensors) -> list[dict[str, Array]]:
    """Take starts apart, along their first axis.

    Raises
    ------
    InvalidRequest
        Names or shapes are not those of the variables, or the counts differ or are too large.
    """
    arrays = arrays_of(starts, "starts")
    known = ", ".join(problem.shapes)
    faults = [
        fault("unknown-name-here", pointer_to("starts", name), known=known)
        for name in arrays
        if name not in problem.shapes
    ]
    faults += [
        fault("missing-option", pointer_to("starts", name), option=name, needed_by="starts")
        for name in problem.shapes
        if name not in arrays
    ]
    if faults:
        raise InvalidRequest(*faults)
    first = next(iter(arrays.values()))
    count = len(first) if first.ndim else 0
    _check_count(count, "/starts")
    for name, array in arrays.items():
        shape = (count, *problem.shapes[name])
        if array.shape != shape:
            pointer = pointer_to("starts", name)
            raise InvalidRequest(fault("wrong-shape", pointer, got=array.shape, expected=shape))
    return [{name: np.array(array[run]) for name, array in arrays.items()} for run in range(count)]


def random_starts(problem: Problem, options: Options, wanted: Mapping[str, Any]) -> list[dict[str, Array]]:
    """Draw starts: normal around the variables when there is a spread, else uniform within the bounds.

    Parameters
    ----------
    wanted : mapping
        ``count``, ``seed`` (0) and ``spread``, standard deviations as a number or by variable.

    Raises
    ------
    InvalidRequest
        A key or its value does not fit, or there is neither a spread nor a finite bound on every side.
    """
    check_keys(wanted, KEYS, "random_starts")
    count = whole_number(wanted.get("count"), 0, "random_starts", "count")
    seed = whole_number(wanted.get("seed", 0), 0, "random_starts", "seed")
    most = problem.limits.elements // sum(variable.size for variable in problem.variables.values())
    _check_count(count, "/random_starts/count", min(most, MOST_STARTS))
    bounds = bounds_of(options["bounds"] or {}, problem.shapes)
    check_projections(options.projections, options.given_bounds, problem.shapes)
    spread = _spread(problem, wanted.get("spread"), has_bounds=bool(bounds) and _are_finite(bounds))
    random = np.random.default_rng(seed)
    return [_draw(problem, options, random, bounds, spread) for _ in range(count)]


def _draw(
    problem: Problem,
    options: Options,
    random: np.random.Generator,
    bounds: Mapping[str, tuple[Array, Array]],
    spread: Mapping[str, Array] | None,
) -> dict[str, Array]:
    """Draw a start within bounds and sets, again where value or gradient is not finite."""
    for _ in range(MOST_DRAWS):
        problem.deadline.check()
        start = {}
        for name, variable in problem.variables.items():
            if spread is None:
                # Halved and doubled, which changes no digit, since their distance may be beyond float64.
                lower, upper = bounds[name]
                start[name] = np.asarray(2.0 * random.uniform(lower / 2.0, upper / 2.0))
            else:
                drawn = variable + spread[name] * random.standard_normal(variable.shape)
                start[name] = np.clip(drawn, *bounds[name]) if name in bounds else np.asarray(drawn)
        for name, projection in options.projections.items():
            start[name] = projection.project(start[name])
        value, gradient = problem.kernel.evaluate(problem.kernel.pack(start))
        if np.isfinite(value) and all(np.isfinite(part).all() for part in gradient):
            break
    return start


def _spread(problem: Problem, given: Any, *, has_bounds: bool) -> dict[str, Array] | None:
    """Return the standard deviations by variable; None when starts are drawn within bounds."""
    if given is None:
        if not has_bounds:
            option = "A spread, or finite bounds on both sides of every variable,"
            raise InvalidRequest(fault("missing-option", "/bounds", option=option, needed_by="random_starts"))
        return None
    named = given if isinstance(given, Mapping) else dict.fromkeys(problem.shapes, given)
    for name in named:
        if name not in problem.shapes:
            known, pointer = ", ".join(problem.shapes), pointer_to("random_starts", "spread", name)
            raise InvalidRequest(fault("unknown-name-here", pointer, known=known))
    found = {}
    for name, shape in problem.shapes.items():
        pointer = pointer_to("random_starts", "spread", *([name] if isinstance(given, Mapping) else []))
        if name not in named:
            raise InvalidRequest(fault("missing-option", pointer, option=name, needed_by="spread"))
        found[name] = float_array(named[name], pointer)
        if found[name].shape not in ((), shape):
            raise InvalidRequest(fault("wrong-shape", pointer, got=found[name].shape, expected=shape))
        if np.any(found[name] < 0.0):
            raise InvalidRequest(fault("negative", pointer, got=found[name].min()))
    return found


def _check_count(count: int, pointer: str, most: int = MOST_STARTS) -> None:
    if not 1 <= count <= most:
        raise InvalidRequest(fault("out-of-range", pointer, rule=f"1 to {most:,} runs", got=count))


def _are_finite(bounds: Mapping[str, tuple[Array, Array]]) -> bool:
    return all(bool(np.isfinite(side).all()) for pair in bounds.values() for side in pair)
