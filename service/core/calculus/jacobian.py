"""Jacobians of functions of any shape, and their products with tangents and cotangents."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from service.core.calculus.budget import check_budget, quote_of
from service.core.calculus.gradient import Tensors
from service.core.calculus.parts import Across, Along, Part, WholeJacobian
from service.core.calculus.task import Task
from service.core.calculus.verification import compare
from service.core.limits import DEFAULT_LIMITS, Deadline, Limits


def jacobian(
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
    """Compute the value of a function of any shape, and all its derivatives.

    Parameters
    ----------
    function, variables, constants, method, h, verify, limits, deadline
        As `gradient` takes them; the value may have any shape.

    Returns
    -------
    dict
        ``value`` (ndarray), ``jacobian`` (ndarray by name, the value's shape followed by the variable's)
        and, with `verify`, ``verification``.

    Raises
    ------
    InvalidFunction, InvalidRequest, OverBudget, NonFiniteResult, DeadlineExceeded
        As `gradient` does.

    Notes
    -----
    Exact ones are as many products as the value has elements, or the variables, whichever is less work,
    in blocks of one batched program.

    Examples
    --------
    >>> jacobian("A @ x", {"x": [1, 1]}, {"A": [[1, 2], [3, 4]]})["jacobian"]["x"]
    array([[1., 2.],
           [3., 4.]])
    """
    task = Task(function, variables, constants, method, h, limits, deadline)
    return derive(task, WholeJacobian(task), "jacobian", verify=verify)


def jvp(
    function: str,
    variables: Tensors,
    tangents: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Multiply the Jacobian with tangents: the derivative of the value along a direction.

    Parameters
    ----------
    tangents : mapping of str to array_like
        By variable, of its shape; those of absent names are 0.
    function, variables, constants, method, h, verify, limits, deadline
        As `jacobian` takes them.

    Returns
    -------
    dict
        ``value``, ``product`` (ndarray of the value's shape) and, with `verify`, ``verification``.

    Raises
    ------
    InvalidFunction, InvalidRequest, OverBudget, NonFiniteResult, DeadlineExceeded
        As `jacobian` does.

    Notes
    -----
    A few evaluations, however many variables there are.

    Examples
    --------
    >>> jvp("x**2", {"x": [1, 2]}, {"x": [1, 1]})["product"]
    array([2., 4.])
    """
    task = Task(function, variables, constants, method, h, limits, deadline)
    return derive(task, Along(task, task.like_variables(tangents, "tangents")), "product", verify=verify)


def vjp(
    function: str,
    variables: Tensors,
    cotangents: ArrayLike,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Multiply cotangents with the Jacobian: the gradient of the sum of cotangents times value.

    Parameters
    ----------
    cotangents : array_like
        Of the value's shape.
    function, variables, constants, method, h, verify, limits, deadline
        As `jacobian` takes them.

    Returns
    -------
    dict
        ``value``, ``product`` (ndarray by name, of the variable's shape) and, with `verify`,
        ``verification``.

    Raises
    ------
    InvalidFunction, InvalidRequest, OverBudget, NonFiniteResult, DeadlineExceeded
        As `jacobian` does.

    Examples
    --------
    >>> vjp("x**2", {"x": [1, 2]}, [1, 1])["product"]["x"]
    array([2., 4.])
    """
    task = Task(function, variables, constants, method, h, limits, deadline)
    return derive(task, Across(task, task.like_value(cotangents, "cotangents")), "product", verify=verify)


def quote_jacobian(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    tangents: Tensors | None = None,
    cotangents: ArrayLike | None = None,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Tell what a Jacobian, or a product with it, would cost.

    Parameters
    ----------
    function, variables, constants, tangents, cotangents, method, h, verify, limits, deadline
        As `jacobian`, `jvp` and `vjp` take them.

    Returns
    -------
    dict
        As `quote` returns it.
    """
    task = Task(function, variables, constants, method, h, limits, deadline)
    part: Part = WholeJacobian(task)
    if tangents is not None:
        part = Along(task, task.like_variables(tangents, "tangents"))
    elif cotangents is not None:
        part = Across(task, task.like_value(cotangents, "cotangents"))
    return quote_of(part.prices(verify), limits)


def derive(task: Task, part: Part, name: str, *, verify: bool) -> dict[str, Any]:
    """Compute a part of the derivatives within the limits, and compare it with an independent one."""
    methods = part.methods(verify)
    check_budget(part.prices(verify), task.limits, deadline=task.deadline, hint=part.hint)
    part.check_step()
    found = []
    for method in methods:
        task.deadline.check()
        value, derivatives, errors = part.run(method)
        task.refuse_non_finite(value)
        part.refuse_non_finite(method, derivatives)
        found.append((derivatives, errors))
        if method is task.method:
            answer: dict[str, Any] = part.answer(value, name, derivatives)
    if verify:
        (derivatives, _), (others, errors) = found
        answer["verification"] = compare(derivatives, others, errors, methods[1].name, part.pointer)
    return answer
