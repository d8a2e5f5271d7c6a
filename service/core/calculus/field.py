"""The gradient at many points in one call, for plots and batches."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.core.calculus.budget import check_budget, quote_of
from service.core.calculus.compiler import Compiled, compile_function
from service.core.calculus.costs import POINT_NODES
from service.core.calculus.differences import CHECK
from service.core.calculus.explain import refuse_non_finite
from service.core.calculus.gradient import (
    Tensors,
    arrays_of,
    check_step,
    method_named,
    shapes_of,
)
from service.core.calculus.points import Points, evaluate_points
from service.core.calculus.template import Array
from service.core.calculus.verification import compare, judge_of
from service.core.exceptions import Fault, InvalidFunction, InvalidRequest, fault, pointer_to
from service.core.language.program import check_constants
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Limits


def gradient_field(
    function: str,
    points: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Compute value and gradient of a function at many points.

    Parameters
    ----------
    function : str
        Text of the function language, as it would be written for one point.
    points : mapping of str to array_like
        By variable an array whose first axis counts the points, equally many for all names.
    constants, method, h, verify, limits, deadline
        As `gradient` takes them.

    Returns
    -------
    dict
        ``values`` of shape (points,), ``gradient`` by name in the shape of its points,
        ``method``, ``evaluations`` and, with `verify`, ``verification``.

    Raises
    ------
    InvalidRequest, InvalidFunction, OverBudget, NonFiniteResult, DeadlineExceeded
        As `gradient` does.

    Notes
    -----
    The whole batch runs at once, in blocks that fit the memory: on floats, over arrays of points, or as
    one program on arrays with the points as first axis, whichever the cost model puts first.

    Examples
    --------
    >>> gradient_field("x**2", {"x": [1, 2, 3]})["gradient"]["x"]
    array([2., 4., 6.])
    """
    time = deadline or NO_DEADLINE
    batch, data = arrays_of(points, "points"), arrays_of(constants or {}, "constants")
    work, count = _compile(function, batch, data, method, h, verify, limits, time)
    check_constants(work[0].program, data)
    check_budget(work, limits, count, time)
    check_step(work[0].method, h, batch, "points")
    at = Points(batch, data, h)
    values, slopes = evaluate_points(work[0], at, limits, time.check)
    _refuse_non_finite(work[0], at, values, slopes)
    answer: dict[str, Any] = {
        "values": values,
        "gradient": slopes,
        "method": method,
        "evaluations": count * sum(each.evaluations for each in work),
    }
    if verify:
        answer["verification"] = _verification(work[1], Points(batch, data), slopes, limits, time)
    return answer


def quote_field(
    function: str,
    points: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Tell what a gradient field would cost; the shapes are those at one point.

    Parameters
    ----------
    function, points, constants, method, h, verify, limits, deadline
        As `gradient_field` takes them.

    Returns
    -------
    dict
        As `quote` returns it.
    """
    batch, data = arrays_of(points, "points"), arrays_of(constants or {}, "constants")
    work, count = _compile(function, batch, data, method, h, verify, limits, deadline or NO_DEADLINE)
    check_constants(work[0].program, data)
    return quote_of(work, limits, count)


def _compile(
    function: str,
    points: Mapping[str, Array],
    constants: Mapping[str, Array],
    method: str,
    h: float | None,
    verify: bool,
    limits: Limits,
    deadline: Deadline,
) -> tuple[list[Compiled], int]:
    count = count_of(points)
    shapes = {name: array.shape[1:] for name, array in points.items()}
    row, data = method_named(method), shapes_of(constants)
    try:
        work = [compile_function(function, shapes, data, row, h is not None, limits, POINT_NODES, deadline)]
        if verify:
            judge = judge_of(work[0])
            work.append(compile_function(function, shapes, data, judge, False, limits, POINT_NODES, deadline))
    except InvalidFunction as error:
        raise InvalidFunction(*map(at_points, error.faults)) from error
    return work, count


def at_points(found: Fault) -> Fault:
    """Point to the points, which stand where a gradient at one point has its variables."""
    pointer = re.sub("^/variables/", "/points/", found.pointer)
    return dataclasses.replace(found, pointer=pointer)


def count_of(points: Mapping[str, Array]) -> int:
    """Return the number of points, the same for all names.

    Raises
    ------
    InvalidRequest
        A name has no first axis, or another number of points.
    """
    names = list(points)
    for name in names:
        if not points[name].ndim:
            raise InvalidRequest(fault("not-an-array", pointer_to("points", name), got="a number"))
    first = names[0]
    expected = len(points[first])
    faults = [
        fault(
            "first-axis",
            pointer_to("points", name),
            got=len(points[name]),
            other=repr(first),
            expected=expected,
        )
        for name in names
        if len(points[name]) != expected
    ]
    if faults:
        raise InvalidRequest(*faults)
    return expected


def _verification(
    judge: Compiled, points: Points, slopes: Mapping[str, Array], limits: Limits, deadline: Deadline
) -> dict[str, Any]:
    values, others = evaluate_points(judge, points, limits, deadline.check)
    errors: Mapping[str, Array] = {}
    if judge.method is CHECK:
        others, errors = ({name: part[:, row] for name, part in others.items()} for row in (0, 1))
    _refuse_non_finite(judge, points, values, others)
    return compare(slopes, others, errors, judge.method.name)


def _refuse_non_finite(
    compiled: Compiled,
    points: Points,
    values: Array,
    slopes: Mapping[str, Array],
) -> None:
    """Explain the first point whose value or gradient is not finite."""
    is_finite = np.isfinite(values)
    for slope in slopes.values():
        is_finite &= np.isfinite(slope.reshape(len(values), -1)).all(axis=1)
    if not is_finite.all():
        bad = int(np.argmin(is_finite))
        variables = {name: np.array(array[bad]) for name, array in points.variables.items()}
        gradient = {name: np.asarray(slope[bad]) for name, slope in slopes.items()}
        value, where = float(values[bad]), f" at point {bad}"
        refuse_non_finite(compiled, variables, points.constants, value, gradient, where, points.h)
