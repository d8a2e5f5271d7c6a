"""The value of a function of any shape, at one point and at many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.core.arrays import Array, Mask, is_finite
from service.core.calculus.budget import Price, check_budget, quote_of
from service.core.calculus.explain import Watched, first_not_finite
from service.core.calculus.field import at_points, count_of, finite_rows, kept_rows
from service.core.calculus.gradient import Tensors, arrays_of, shapes_of
from service.core.calculus.maps import FunctionMap, compile_map, peak_bytes_of
from service.core.exceptions import InvalidFunction, InvalidRequest, fault, pointer_to
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Check, Deadline, Limits


def value(
    function: str,
    variables: Tensors | None = None,
    constants: Tensors | None = None,
    *,
    points: Tensors | None = None,
    outputs: Sequence[str] = (),
    skip_non_finite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Compute the value of a function, which may have any shape.

    Parameters
    ----------
    function, variables, constants, limits, deadline
        As `gradient` takes them; a function may have no variables.
    points : mapping of str to array_like, optional
        In place of the variables: arrays whose first axis counts the points, equally many for all names.
    outputs : sequence of str
        Statements whose values are wanted too.
    skip_non_finite : bool
        With points: leave out a point without a finite value instead of refusing.

    Returns
    -------
    dict
        ``value`` (ndarray), with outputs ``outputs`` (ndarray by name), each with the points as first axis
        where there are points. With `skip_non_finite` ``skipped``, the number of points left out, whose
        rows are None in a list.

    Raises
    ------
    InvalidFunction
        The text, a name or a shape does not fit, or a wanted statement does not exist.
    InvalidRequest
        Both variables and points, or points that do not fit each other.
    OverBudget, NonFiniteResult, DeadlineExceeded
        As `gradient` does.

    See Also
    --------
    gradient, jacobian, hessian : with derivatives.

    Examples
    --------
    >>> value("X @ w", {"w": [1, 2]}, {"X": [[1, 2], [3, 4]]})["value"]
    array([ 5., 11.])
    """
    time = deadline or NO_DEADLINE
    known, inputs, data, count = _compile(function, variables, constants, points, outputs, limits, time)
    check_budget([_price(known, count, limits)], limits, deadline=time)
    time.check()
    if points is None:
        results = known.evaluate(inputs, data, time.check)
    else:
        parts = known.rows(count, limits)
        results = known.evaluate_rows(
            parts, lambda part: {name: part.of(array) for name, array in inputs.items()}, {}, data, time.check
        )
    finite = None if points is None else finite_rows(results)
    if finite is None or not skip_non_finite:
        _refuse_non_finite(known, inputs, data, ("the value", *outputs), results, finite, time.check)
    rows = results if finite is None else [kept_rows(result, finite) for result in results]
    answer: dict[str, Any] = {"value": rows[0]}
    if outputs:
        answer["outputs"] = dict(zip(outputs, rows[1:], strict=True))
    if skip_non_finite and finite is not None:
        answer["skipped"] = count - int(np.count_nonzero(finite))
    return answer


def quote_value(
    function: str,
    variables: Tensors | None = None,
    constants: Tensors | None = None,
    *,
    points: Tensors | None = None,
    outputs: Sequence[str] = (),
    skip_non_finite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Tell what a value would cost; the shapes are those at one point.

    Parameters
    ----------
    function, variables, constants, points, outputs, skip_non_finite, limits, deadline
        As `value` takes them.

    Returns
    -------
    dict
        As `quote` returns it.
    """
    time = deadline or NO_DEADLINE
    known, _, _, count = _compile(function, variables, constants, points, outputs, limits, time)
    return quote_of([_price(known, count, limits)], limits)


def _compile(
    function: str,
    variables: Tensors | None,
    constants: Tensors | None,
    points: Tensors | None,
    outputs: Sequence[str],
    limits: Limits,
    deadline: Deadline,
) -> tuple[FunctionMap, dict[str, Array], dict[str, Array], int]:
    if variables and points is not None:
        raise InvalidRequest(fault("points-and-variables", "/points"))
    data = arrays_of(constants or {}, "constants")
    if points is None:
        inputs, count = arrays_of(variables or {}, "variables"), 1
        shapes = shapes_of(inputs)
    else:
        inputs = arrays_of(points, "points")
        count = count_of(inputs)
        shapes = {name: array.shape[1:] for name, array in inputs.items()}
    try:
        known = compile_map("value", function, shapes, shapes_of(data), limits, deadline, outputs)
    except InvalidFunction as error:
        raise InvalidFunction(
            *(map(at_points, error.faults) if points is not None else error.faults)
        ) from error
    return known, inputs, data, count


def _price(known: FunctionMap, count: int, limits: Limits) -> Price:
    kept = count * (sum(term.size for term in known.outputs) + known.size)
    if count == 1:
        # A view, which the plan counts as nothing, is copied: it may repeat one number without end.
        kept = sum(term.size for term in known.outputs if term.node.operation.is_view)
    return known.price(count, peak_bytes_of(known, count, limits, kept))


def _refuse_non_finite(
    known: FunctionMap,
    inputs: Mapping[str, Array],
    constants: Mapping[str, Array],
    words: Sequence[str],
    results: Sequence[Array],
    finite: Mask | None,
    check: Check,
) -> None:
    """Explain the first result, and of points the first, that is not finite."""
    bad = 0 if finite is None else int(np.argmin(finite))
    row = () if finite is None else (bad,)
    where = "" if finite is None else f" at point {bad}"
    for word, result, term in zip(words, results, known.outputs, strict=True):
        part = np.asarray(result[row])
        if not is_finite(part):
            arguments = tuple(np.array(inputs[name][row]) for name in known.inputs)
            element = first_not_finite(part)
            watched = Watched(known.extended, known.outputs, constants, check)
            output = f"{word}{pointer_to(*element)}{where}"
            watched.refuse(output, float(part[element]), term, [arguments])
