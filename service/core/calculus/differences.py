"""Numerical differentiation: central and forward differences, and the complex step.

References: Saito, Deep Learning from Scratch (O'Reilly Japan, 2016), section 4.3, for the central
difference; Squire and Trapp, Using complex variables to estimate derivatives of real functions,
SIAM Review 40 (1998), for the complex step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.core.calculus.template import Array
from service.core.language.graph import Graph, Term

SCALED = np.finfo(np.float64).eps ** (1 / 3)
"""Relative step that balances truncation and rounding of a central difference."""


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """One row: how a derivative is taken.

    Attributes
    ----------
    evaluations : int
        Evaluations of the function for each element, besides the value's own.
    step : float
        The step when none is given.
    is_relative : bool
        Whether that step is multiplied by max(1, |x|).
    """

    name: str
    evaluations: int
    step: float
    is_relative: bool
    meaning: str

    def evaluations_for(self, elements: int) -> int:
        """Count the evaluations for value and gradient by a number of elements."""
        return 1 + self.evaluations * elements


METHODS: dict[str, Method] = {
    row.name: row
    for row in (
        Method("exact", 0, 0.0, False, "reverse-mode differentiation"),
        Method("central", 2, 1e-4, False, "(f(x + h) - f(x - h)) / 2h"),
        Method("forward", 1, 1e-8, True, "(f(x + h) - f(x)) / h"),
        Method("complex_step", 1, 1e-20, False, "imaginary part of f(x + ih) / h"),
    )
}
"""The methods of `/gradient` by name."""

CHECK = Method("central", 2, float(SCALED), True, "central difference of scaled step, for verification")


def step_at(method: Method, h: float | None, x: float) -> float:
    """Return the step for one element."""
    if h is not None:
        return h
    return method.step * max(1.0, abs(x)) if method.is_relative else method.step


def differences(
    function: Callable[..., Any],
    variables: Sequence[Array],
    method: Method,
    h: float | None,
    check: Callable[[], None],
) -> tuple[float, tuple[Array, ...]]:
    """Compute value and gradient by evaluating a function of arrays.

    Parameters
    ----------
    function : callable
        From one array for each variable to the value, a number or an array of one element.
    variables : sequence of ndarray
        Where to evaluate; not written to.
    method : Method
        Central, forward or complex step.
    h : float, optional
        The step; the method's own when absent.
    check : callable
        Called before every evaluation; raises when the time is up.

    Returns
    -------
    value : float
    gradient : tuple of ndarray
        Of the variables' shapes.
    """
    value = float(np.real(np.asarray(function(*variables)).item()))
    kind = complex if method.name == "complex_step" else float
    gradient = []
    for position, variable in enumerate(variables):
        moved = np.array(variable, dtype=kind)
        flat, slope = moved.reshape(-1), np.empty(moved.size)
        arguments = [*variables[:position], moved, *variables[position + 1 :]]
        for element in range(flat.size):
            check()
            x = flat[element]
            step = step_at(method, h, x.real)
            slope[element] = _QUOTIENTS[method.name](function, arguments, flat, element, x, step, value)
            flat[element] = x
        gradient.append(slope.reshape(moved.shape))
    return value, tuple(gradient)


def _central(
    function: Callable[..., Any],
    arguments: Sequence[Array],
    flat: Array,
    element: int,
    x: float,
    h: float,
    value: float,
) -> float:
    flat[element] = x + h
    above = function(*arguments)
    flat[element] = x - h
    below = function(*arguments)
    return float(np.asarray(above - below).item() / (2 * h))


def _forward(
    function: Callable[..., Any],
    arguments: Sequence[Array],
    flat: Array,
    element: int,
    x: float,
    h: float,
    value: float,
) -> float:
    flat[element] = x + h
    return float((np.asarray(function(*arguments)).item() - value) / h)


def _complex_step(
    function: Callable[..., Any],
    arguments: Sequence[Array],
    flat: Array,
    element: int,
    x: complex,
    h: float,
    value: float,
) -> float:
    flat[element] = complex(x.real, h)
    return float(np.imag(np.asarray(function(*arguments)).item()) / h)


_QUOTIENTS: dict[str, Callable[..., float]] = {
    "central": _central,
    "forward": _forward,
    "complex_step": _complex_step,
}


def difference_terms(
    graph: Graph, value: Term, elements: Sequence[Term], method: Method, h: Term | None
) -> list[Term]:
    """Write central or forward differences into a program on numbers, sharing what does not move."""
    gradient = []
    for x in elements:
        step = h if h is not None else graph.number(method.step)
        if h is None and method.is_relative:
            step = step * x.apply("abs").apply("maximum", 1.0)
        above = _moved(graph, value, {x.index: x + step})
        if method.name == "forward":
            gradient.append((above - value) / step)
        else:
            gradient.append((above - _moved(graph, value, {x.index: x - step})) / (2.0 * step))
    return gradient


def _moved(graph: Graph, value: Term, copies: dict[int, Term]) -> Term:
    """Write the program anew with other terms in place of some of its inputs."""
    for index in range(value.index + 1):
        node = graph.nodes[index]
        if index not in copies and any(operand in copies for operand in node.operands):
            graph.place, graph.called = node.place, node.called
            operands = [copies.get(operand, Term(graph, operand)) for operand in node.operands]
            copies[index] = graph.apply(node.operation.name, *operands)
    return copies.get(value.index, value)
