"""The gradient at many points in one call, for plots and batches."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.core.calculus.budget import check_budget, quote_of
from service.core.calculus.compiler import Compiled, compile_function
from service.core.calculus.costs import POINT_NODES
from service.core.calculus.differences import CHECK, METHODS
from service.core.calculus.explain import refuse_non_finite
from service.core.calculus.gradient import (
    Tensors,
    arrays_of,
    check_step,
    compare,
    method_named,
    shapes_of,
)
from service.core.calculus.inputs import float_data
from service.core.calculus.kernel import bind
from service.core.calculus.template import Array
from service.core.exceptions import Fault, InvalidFunction, InvalidRequest, fault, pointer_to
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Limits

BLOCK_ELEMENTS = 1_000_000
"""Numbers that a block of points may hold in all its intermediate results."""


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
    Small functions run over arrays of points, so the batch costs little more than one point;
    others run point by point.

    Examples
    --------
    >>> gradient_field("x**2", {"x": [1, 2, 3]})["gradient"]["x"]
    array([2., 4., 6.])
    """
    time = deadline or NO_DEADLINE
    batch, data = arrays_of(points, "points"), arrays_of(constants or {}, "constants")
    work, count = _compile(function, batch, data, method, h, verify, limits, time)
    check_budget(work, limits, count, time)
    check_step(work[0].method, h, batch, "points")
    values, slopes = _evaluate(work[0], batch, data, h, time)
    answer: dict[str, Any] = {
        "values": values,
        "gradient": slopes,
        "method": method,
        "evaluations": count * sum(each.evaluations for each in work),
    }
    if verify:
        _, others = _evaluate(work[1], batch, data, None, time)
        answer["verification"] = compare(slopes, others, work[1].method.name)
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
    count = _count(points)
    shapes = {name: array.shape[1:] for name, array in points.items()}
    rows = [method_named(method)]
    if verify:
        rows.append(CHECK if method == "exact" else METHODS["exact"])
    data = shapes_of(constants)
    try:
        steps = [h is not None, False]
        work = [
            compile_function(function, shapes, data, row, has_step, limits, POINT_NODES, deadline)
            for row, has_step in zip(rows, steps, strict=False)
        ]
    except InvalidFunction as error:
        raise InvalidFunction(*map(_at_points, error.faults)) from error
    return work, count


def _at_points(found: Fault) -> Fault:
    """Point to the points, which stand where a gradient at one point has its variables."""
    pointer = re.sub("^/variables/", "/points/", found.pointer)
    return dataclasses.replace(found, pointer=pointer)


def _count(points: Mapping[str, Array]) -> int:
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


def _evaluate(
    compiled: Compiled,
    points: Mapping[str, Array],
    constants: Mapping[str, Array],
    h: float | None,
    deadline: Deadline,
) -> tuple[Array, dict[str, Array]]:
    """Evaluate over all points, at once where it was lowered to numbers."""
    run = _one_by_one if compiled.emitted.lowered is None else _at_once
    values, slopes = run(compiled, points, constants, h, deadline)
    _refuse_non_finite(compiled, points, constants, values, slopes)
    return values, slopes


def _at_once(
    compiled: Compiled,
    points: Mapping[str, Array],
    constants: Mapping[str, Array],
    h: float | None,
    deadline: Deadline,
) -> tuple[Array, dict[str, Array]]:
    emitted = compiled.emitted
    source, make = emitted.points_source, emitted.over_points
    with np.errstate(all="ignore"):
        data = float_data(emitted.floats, compiled.program, constants, h)
        run = make(**data, check=deadline.check)
        count = len(next(iter(points.values())))
        block = max(1, BLOCK_ELEMENTS // max(len(source.body), 1))
        columns = [
            np.ascontiguousarray(column)
            for name, shape in compiled.shapes.items()
            for column in points[name].reshape(count, math.prod(shape)).T
        ]
        results = np.empty((len(source.outputs), count))
        for start in range(0, count, block):
            deadline.check()
            part = slice(start, start + block)
            for row, result in zip(results, run(*(column[part] for column in columns)), strict=True):
                row[part] = result
    return results[0].copy(), _by_name(compiled, results[1:], count)


def _by_name(compiled: Compiled, rows: Array, count: int) -> dict[str, Array]:
    """Lay the derivatives of elements out as those of variables."""
    slopes: dict[str, Array] = {}
    position = 0
    for name, shape in compiled.shapes.items():
        size = math.prod(shape)
        slopes[name] = np.ascontiguousarray(rows[position : position + size].T).reshape(count, *shape)
        position += size
    return slopes


def _refuse_non_finite(
    compiled: Compiled,
    points: Mapping[str, Array],
    constants: Mapping[str, Array],
    values: Array,
    slopes: Mapping[str, Array],
) -> None:
    """Explain the first point whose value or gradient is not finite."""
    is_finite = np.isfinite(values)
    for slope in slopes.values():
        is_finite &= np.isfinite(slope.reshape(len(values), -1)).all(axis=1)
    if not is_finite.all():
        bad = int(np.argmin(is_finite))
        variables = {name: np.array(array[bad]) for name, array in points.items()}
        gradient = {name: np.asarray(slope[bad]) for name, slope in slopes.items()}
        refuse_non_finite(compiled, variables, constants, float(values[bad]), gradient, f" at point {bad}")


@np.errstate(all="ignore")
def _one_by_one(
    compiled: Compiled,
    points: Mapping[str, Array],
    constants: Mapping[str, Array],
    h: float | None,
    deadline: Deadline,
) -> tuple[Array, dict[str, Array]]:
    count = len(next(iter(points.values())))
    values = np.empty(count)
    slopes = {name: np.empty((count, *shape)) for name, shape in compiled.shapes.items()}
    kernel = bind(compiled, constants, h, deadline.check)
    for position in range(count):
        deadline.check()
        point = {name: array[position] for name, array in points.items()}
        values[position], gradient = kernel.evaluate(kernel.pack(point))
        for name, slope in kernel.unpack(gradient).items():
            slopes[name][position] = slope
    return values, slopes
