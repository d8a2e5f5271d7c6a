"""The gradient of a function given as text, at one point and at many, and its quote."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from service.core.arrays import Array, Shape, float_array, is_ready
from service.core.calculus.budget import Priced, check_budget, price_of, quote_of
from service.core.calculus.buffers import limit_buffers
from service.core.calculus.compiler import Compiled, compile_function
from service.core.calculus.costs import FLOAT_NODES
from service.core.calculus.differences import METHODS, Method, judge_for, step_at
from service.core.calculus.explain import refuse_non_finite
from service.core.calculus.kernel import bind
from service.core.calculus.schedule import ELEMENT_BYTES
from service.core.calculus.verification import COMPARED_TENSORS, verification
from service.core.exceptions import InvalidRequest, fault, pointer_to
from service.core.language.program import check_constants
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Limits

Tensors = Mapping[str, ArrayLike]


def gradient(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Compute the value and the gradient of a function at a point.

    Parameters
    ----------
    function : str
        Text of the function language; its value has one element.
    variables : mapping of str to array_like
        Where to evaluate, and what to differentiate by; any shapes, cast to float64.
    constants : mapping of str to array_like, optional
        Data that the function uses and is not differentiated by.
    method : {"exact", "central", "forward", "complex_step"}
        Reverse-mode differentiation, or a numerical method.
    h : float, optional
        Step of the numerical methods, above 0. When absent 1e-4 for central (the textbook's),
        1e-8 max(1, |x|) for forward, 1e-20 for complex_step.
    verify : bool
        Compare with an independent method: exact with the complex step where the function is
        analytic, else with extrapolated central differences; a numerical method with exact.
    limits : Limits
        What the quote is held against before anything is computed.
    deadline : Deadline, optional
        When to give up.

    Returns
    -------
    dict
        ``value`` (float), ``gradient`` (ndarray by name, of the variable's shape), ``method``,
        ``evaluations`` (of the function, the value's own included) and, with `verify`,
        ``verification``.

    Raises
    ------
    InvalidFunction
        The text, a name or a shape does not fit.
    InvalidRequest
        A step that is lost in rounding.
    OverBudget
        The quote exceeds a limit.
    NonFiniteResult
        Value or gradient is infinite or NaN.
    DeadlineExceeded
        The time was up.

    Notes
    -----
    An exact gradient costs a few evaluations of the function, whatever the number of variables;
    central differences cost two for each element, forward differences and the complex step one.

    References
    ----------
    Saito, Deep Learning from Scratch, O'Reilly Japan, 2016, section 4.4.

    Examples
    --------
    >>> gradient("x[0]**2 + x[1]**2", {"x": [3, 4]})["gradient"]["x"]
    array([6., 8.])
    """
    time = deadline or NO_DEADLINE
    point, data = arrays_of(variables, "variables"), arrays_of(constants or {}, "constants")
    work = compile_methods(function, shapes_of(point), shapes_of(data), method, h, verify, limits, time)
    check_constants(work[0].program, data)
    check_budget(_prices(work), limits, deadline=time)
    check_step(work[0].method, h, point)
    value, derivatives = evaluate(work[0], point, data, h, time)
    answer: dict[str, Any] = {
        "value": value,
        "gradient": derivatives,
        "method": method,
        "evaluations": sum([each.evaluations for each in work]),
    }
    if verify:
        answer["verification"] = verification(work[1], point, data, derivatives, time)
    return answer


def quote(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Tell what a gradient would cost, without computing anything.

    Parameters
    ----------
    function, variables, constants, method, h, verify, limits, deadline
        As `gradient` takes them.

    Returns
    -------
    dict
        ``shapes`` of every variable, constant and statement, and of the value; ``operations``
        (elementary ones), ``peak_bytes``, ``evaluations`` and ``within_limits``;
        ``rewrites``, the naive formulas that are computed by other functions, where there are some.

    Raises
    ------
    InvalidFunction
        The text, a name or a shape does not fit.

    Examples
    --------
    >>> quote("sum(X @ w)", {"w": [1, 2]}, {"X": [[1, 2], [3, 4]]})["shapes"]
    {'w': (2,), 'X': (2, 2), 'value': ()}
    """
    point, data = arrays_of(variables, "variables"), arrays_of(constants or {}, "constants")
    time = deadline or NO_DEADLINE
    work = compile_methods(function, shapes_of(point), shapes_of(data), method, h, verify, limits, time)
    check_constants(work[0].program, data)
    return quote_of(_prices(work), limits)


@np.errstate(all="ignore")
def evaluate(
    compiled: Compiled,
    variables: Mapping[str, Array],
    constants: Mapping[str, Array],
    h: float | None,
    deadline: Deadline,
) -> tuple[float, dict[str, Array]]:
    """Compute value and gradient of a compiled function at a point; both are finite.

    Raises
    ------
    NonFiniteResult
        They are not.
    """
    deadline.check()
    if compiled.plan.memory:
        limit_buffers()
    kernel = bind(compiled, constants, h, deadline.check)
    value, slots = kernel.evaluate(kernel.pack(variables))
    kernel.give_back()
    derivatives = kernel.unpack_gradient(slots)
    refuse_non_finite(compiled, variables, constants, value, derivatives, deadline.check, h=h)
    return value, derivatives


def check_step(
    method: Method, h: float | None, variables: Mapping[str, Array], field: str = "variables"
) -> None:
    """Refuse a step that some element is too large for; `field` is where the request has them.

    Raises
    ------
    InvalidRequest
        ``x + h`` equals ``x``: every difference would be zero.
    """
    if method.name in ("central", "forward"):
        _refuse_lost(method, h, variables, field)


@np.errstate(over="ignore")
def _refuse_lost(method: Method, h: float | None, variables: Mapping[str, Array], field: str) -> None:
    for name, array in variables.items():
        x = np.abs(array) if method.name == "central" else array  # away from 0 more is lost than towards it
        lost = x + step_at(method, h, array) == x
        if np.count_nonzero(lost):
            position = np.unravel_index(int(np.argmax(lost)), array.shape)
            element = float(array[position])
            where, step = pointer_to(field, name, *map(int, position)), step_at(method, h, element)
            raise InvalidRequest(fault("step-lost", "/h", h=repr(step), where=where, value=repr(element)))


def arrays_of(tensors: Tensors, field: str) -> dict[str, Array]:
    """Cast tensors to float64 arrays.

    Raises
    ------
    InvalidRequest
        One is not numeric, is empty, or has an infinite or NaN element.
    """
    arrays = {}
    for name, tensor in tensors.items():
        if type(tensor) is float and math.isfinite(tensor):
            arrays[name] = np.array(tensor)
        else:
            arrays[name] = tensor if is_ready(tensor) else float_array(tensor, pointer_to(field, name))
    return arrays


def shapes_of(arrays: Mapping[str, Array]) -> dict[str, Shape]:
    """Return the shapes by name."""
    return {name: array.shape for name, array in arrays.items()}


def compile_methods(
    function: str,
    variables: Mapping[str, Shape],
    constants: Mapping[str, Shape],
    method: str,
    h: float | None,
    verify: bool,
    limits: Limits,
    deadline: Deadline,
    most: int = FLOAT_NODES,
) -> list[Compiled]:
    """Compile the function for the method and, with `verify`, for the independent one.

    Raises
    ------
    InvalidFunction, InvalidRequest, DeadlineExceeded
        As `compile_function` and `method_named` do.
    """
    row, given = method_named(method), (function, variables, constants)
    work = [compile_function(*given, row, h is not None, limits, most, deadline)]
    if verify:
        judge = judge_for(row, is_analytic=work[0].is_analytic)
        work.append(compile_function(*given, judge, False, limits, most, deadline))
    return work


def _prices(work: Sequence[Compiled]) -> Sequence[Priced]:
    """Return the prices of a gradient and of its verification, which holds both gradients."""
    first, *judges = work
    held = COMPARED_TENSORS * ELEMENT_BYTES * first.size
    return [first, *(price_of(each, each.peak_bytes + held) for each in judges)]


def method_named(name: str) -> Method:
    """Return a method's row.

    Raises
    ------
    InvalidRequest
        There is none of that name.
    """
    if name not in METHODS:
        rule = f"one of {', '.join(METHODS)}"
        raise InvalidRequest(fault("out-of-range", "/method", rule=rule, got=repr(name)))
    return METHODS[name]
