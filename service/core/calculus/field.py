"""The gradient at many points in one call, for plots and batches."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.core.arrays import Array, Mask, is_finite
from service.core.calculus.budget import Price, check_budget, quote_of
from service.core.calculus.compiler import Compiled
from service.core.calculus.costs import POINT_NODES
from service.core.calculus.differences import RICHARDSON
from service.core.calculus.explain import refuse_non_finite
from service.core.calculus.gradient import (
    Tensors,
    arrays_of,
    check_step,
    compile_methods,
    shapes_of,
)
from service.core.calculus.points import Points, evaluate_points, price_of_points
from service.core.calculus.schedule import ELEMENT_BYTES
from service.core.calculus.verification import compare, errors_of
from service.core.exceptions import Fault, InvalidFunction, InvalidRequest, fault, pointer_to
from service.core.language.program import check_constants
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Check, Deadline, Limits


def gradient_field(
    function: str,
    points: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    skip_non_finite: bool = False,
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
    skip_non_finite : bool
        Leave out a point without a finite value or derivative instead of refusing.

    Returns
    -------
    dict
        ``values`` of shape (points,), ``gradient`` by name in the shape of its points,
        ``method``, ``evaluations`` and, with `verify`, ``verification``. With `skip_non_finite`
        ``skipped``, the number of points left out, whose rows are None in a list.

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
    check_budget(_prices(work, count, limits), limits, deadline=time)
    check_step(work[0].method, h, batch, "points")
    at = Points(batch, data, h)
    values, derivatives = evaluate_points(work[0], at, limits, time.check)
    finite = finite_rows([values, *derivatives.values()])
    if not skip_non_finite:
        _refuse_non_finite(work[0], at, values, derivatives, time.check)
    answer: dict[str, Any] = {
        "values": kept_rows(values, finite),
        "gradient": {name: kept_rows(derivative, finite) for name, derivative in derivatives.items()},
        "method": method,
        "evaluations": count * sum(each.evaluations for each in work),
    }
    if skip_non_finite:
        answer["skipped"] = count - int(np.count_nonzero(finite))
    if verify and finite.any():
        kept = Points({name: array[finite] for name, array in batch.items()}, data)
        shown = {name: derivative[finite] for name, derivative in derivatives.items()}
        answer["verification"] = _verification(work[1], kept, shown, limits, time)
    return answer


def quote_field(
    function: str,
    points: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    skip_non_finite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Tell what a gradient field would cost; the shapes are those at one point.

    Parameters
    ----------
    function, points, constants, method, h, verify, skip_non_finite, limits, deadline
        As `gradient_field` takes them.

    Returns
    -------
    dict
        As `quote` returns it.
    """
    batch, data = arrays_of(points, "points"), arrays_of(constants or {}, "constants")
    work, count = _compile(function, batch, data, method, h, verify, limits, deadline or NO_DEADLINE)
    check_constants(work[0].program, data)
    return quote_of(_prices(work, count, limits), limits)


def _prices(work: Sequence[Compiled], count: int, limits: Limits) -> list[Price]:
    """Return the prices of a field and of its verification, which holds the field, copies and differences."""
    first, *judges = [price_of_points(each, count, limits) for each in work]
    held = ELEMENT_BYTES * count * (4 + 6 * work[0].size)
    return [first, *(each._replace(peak_bytes=each.peak_bytes + held) for each in judges)]


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
    given = function, shapes, shapes_of(constants), method, h, verify, limits, deadline
    try:
        return compile_methods(*given, POINT_NODES), count
    except InvalidFunction as error:
        raise InvalidFunction(*map(at_points, error.faults)) from error


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
    judge: Compiled, points: Points, derivatives: Mapping[str, Array], limits: Limits, deadline: Deadline
) -> dict[str, Any]:
    values, others = evaluate_points(judge, points, limits, deadline.check)
    errors: Mapping[str, Array] = errors_of(judge.method, points.variables, others)
    if judge.method is RICHARDSON:
        others, errors = ({name: part[:, row] for name, part in others.items()} for row in (0, 1))
    _refuse_non_finite(judge, points, values, others, deadline.check)
    return compare(derivatives, others, errors, judge.method.name)


def _refuse_non_finite(
    compiled: Compiled,
    points: Points,
    values: Array,
    derivatives: Mapping[str, Array],
    check: Check,
) -> None:
    """Explain the first point whose value or gradient is not finite."""
    finite = finite_rows([values, *derivatives.values()])
    if not finite.all():
        bad = int(np.argmin(finite))
        variables = {name: np.array(array[bad]) for name, array in points.variables.items()}
        gradient = {name: np.asarray(derivative[bad]) for name, derivative in derivatives.items()}
        value, where = float(values[bad]), f" at point {bad}"
        refuse_non_finite(compiled, variables, points.constants, value, gradient, check, where, points.h)


def finite_rows(results: Sequence[Array]) -> Mask:
    """Tell of each row whether it is finite in all results."""
    finite = np.ones(len(results[0]), dtype=bool)
    for result in results:
        if not is_finite(result):
            finite &= np.isfinite(result.reshape(len(result), -1)).all(axis=1)
    return finite


def kept_rows(result: Array, finite: Mask) -> Array | list[Any]:
    """Return the rows of a result, None for those that are not finite."""
    if finite.all():
        return result
    rows = result.tolist() if result.ndim == 1 else list(result)
    return [row if is_kept else None for row, is_kept in zip(rows, finite, strict=True)]
