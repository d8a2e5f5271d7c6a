"""Numerical differentiation: central and forward differences, the complex step, and what judges others.

References: Saito, Deep Learning from Scratch (O'Reilly Japan, 2016), section 4.3, for the central
difference; Squire and Trapp, Using complex variables to estimate derivatives of real functions,
SIAM Review 40 (1998), for the complex step; Richardson, The deferred approach to the limit,
Phil. Trans. A 226 (1927), for the extrapolation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.core.arrays import Array
from service.core.language.graph import Graph, Term
from service.core.limits import Check

INEXACT_STEP = 1e6
"""An element this many times the step rounds the step by more than 1e-10 of it: differences are then
divided by the step that was taken. Below, they are divided by the step that was asked for, as in the book."""
LOST = 1e-300
"""Added to a step that was taken: one that was lost altogether gives a difference of 0, not of 0 / 0."""

SMALL_PART, LEAST_STEP, TINY_VALUE = 1e-8, 1e-307, 1e-270
"""How large a complex step may be beside an element, so that it is no subnormal number itself, nor what it
makes of a value below the last of these."""

SMALLEST_NUMBER = float(np.finfo(np.float64).smallest_subnormal)

WIDEST, NARROWING, LEVELS = 10**-2.04, 10**-1.5, 7
"""Richardson's steps, relative to the element: the widest, which is no round number as periods and jumps
are, the factor to the next, and how many."""
MOST_BEND = 0.75
"""How much of the difference between the quotients of both sides may be left at half the step: 1/2, of a
smooth function."""
UNSURE = 1e-3
"""A step whose error is a larger part of its quotient tells little, such as one across a jump or a kink."""


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
    meaning : str
        In a formula or in words.
    arrays : int
        Arrays of the shape of the value, or of one element at all points, that it takes beside an
        evaluation, the value and the derivatives.
    is_lowered : bool
        Whether small functions hold the differences in their program on floats.
    is_complex : bool
        Whether it evaluates the function at complex numbers.
    kinds : tuple of int
        Shape of what it finds for an element: ``()`` for the derivative alone, ``(2,)`` for the derivative
        and its estimated error.
    """

    name: str
    evaluations: int
    step: float
    is_relative: bool
    meaning: str
    arrays: int = 0
    is_lowered: bool = True
    is_complex: bool = False
    kinds: tuple[int, ...] = ()

    @property
    def tensors(self) -> int:
        """Tensors of the variables' size beside an evaluation: those that move, and what is found."""
        return 2 + math.prod(self.kinds) if self.evaluations else 0

    def evaluations_for(self, elements: int) -> int:
        """Count the evaluations for value and gradient by a number of elements."""
        return 1 + self.evaluations * elements


METHODS: dict[str, Method] = {
    row.name: row
    for row in (
        Method("exact", 0, 0.0, False, "reverse-mode differentiation"),
        Method("central", 2, 1e-4, False, "(f(x + h) - f(x - h)) / 2h", arrays=3),
        Method("forward", 1, 1e-8, True, "(f(x + h) - f(x)) / h", arrays=2),
        Method(
            "complex_step",
            1,
            1e-20,
            False,
            "imaginary part of f(x + ih) / h",
            arrays=5,
            is_lowered=False,
            is_complex=True,
        ),
    )
}
"""The methods of `/gradient` by name."""

RICHARDSON = Method(
    "central",
    4 * LEVELS,
    WIDEST,
    False,
    "extrapolated central differences, for verification",
    arrays=25,
    is_lowered=False,
    kinds=(2,),
)
"""What an exact gradient is compared with where the complex step cannot be: the best of several steps."""


def judge_for(method: Method, *, is_analytic: bool) -> Method:
    """Return the method that verifies another: exact for numerical ones, else the most accurate there is."""
    if method.evaluations:
        return METHODS["exact"]
    return METHODS["complex_step"] if is_analytic else RICHARDSON


def step_at(method: Method, h: float | None, x: Any) -> Any:
    """Return the step for an element, or for the same element of several points."""
    if h is not None:
        return h
    if method.is_complex:
        return np.maximum(method.step * _size_of(x), np.minimum(_small_part(x), LEAST_STEP))
    return method.step * np.maximum(1.0, np.abs(x)) if method.is_relative else method.step


def _size_of(x: Any) -> Any:
    """Return the magnitude of an element, at most 1; 1 for an element of 0."""
    return np.where(x == 0.0, 1.0, np.minimum(1.0, np.abs(x)))


def _small_part(x: Any) -> Any:
    """Return the largest complex step beside an element, above 0 beside subnormal numbers too."""
    return np.maximum(SMALL_PART * _size_of(x), SMALLEST_NUMBER)


def differences(
    function: Callable[..., Any],
    variables: Sequence[Array],
    method: Method,
    h: float | None,
    check: Check,
    points: int = 0,
) -> tuple[Array, list[Array]]:
    """Differentiate a function of arrays by evaluating it.

    Parameters
    ----------
    function : callable
        From one array for each variable to an array, which may be a variable itself or a view of one.
    variables : sequence of ndarray
        Where to evaluate; not written to.
    method : Method
        How; the exact one evaluates alone.
    h : float, optional
        The step; the method's own when absent.
    check : callable
        Called before every evaluation; raises when the time is up.
    points : int
        0, or the number of points that are the first axis of all variables and of the value.

    Returns
    -------
    value : ndarray
    derivatives : list of ndarray
        By variable, of the value's shape behind an axis for the variable's elements at one point.
        `RICHARDSON` has an axis between them: the derivative, and the error that it estimates.
    """
    value = np.array(function(*variables))
    found = []
    is_complex = method.is_complex
    # all of them complex while one moves: what one makes is written over what another made
    arguments = [np.array(each, dtype=complex, order="C") for each in variables] if is_complex else variables
    for position, variable in enumerate(variables):
        moved = arguments[position] if is_complex else np.array(variable, dtype=float, order="C")
        lead = moved.shape[: 1 if points else 0]
        elements, flat = np.reshape(variable, (*lead, -1)), moved.reshape(*lead, -1)
        probe = _Probe(
            function, (*arguments[:position], moved, *arguments[position + 1 :]), flat, value, check
        )
        derivative = np.empty((flat.shape[-1], *method.kinds, *np.shape(value)))
        for element in range(flat.shape[-1]):
            derivative[element] = _QUOTIENTS[method](probe, element, elements[..., element], h)
        found.append(derivative)
    return np.real(value), found


class _Probe:
    """Evaluates the function with one element moved, and puts the element back."""

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Sequence[Array],
        flat: Array,
        value: Array,
        check: Check,
    ) -> None:
        self.function, self.arguments, self.flat = function, arguments, flat
        self.value, self.check = value, check

    def __call__(self, element: int, x: Any) -> Array:
        """Return the value with an element at x, in memory of its own: it may be a view of what moves."""
        self.check()
        before = np.array(self.flat[..., element])
        self.flat[..., element] = x
        value = np.array(self.function(*self.arguments))
        self.flat[..., element] = before
        return value

    def spread(self, steps: Any) -> Any:
        """Give one step for each point the axes of the value."""
        return np.reshape(steps, np.shape(steps) + (1,) * (self.value.ndim - np.ndim(steps)))


def _central(probe: _Probe, element: int, x: Array, h: float | None) -> Array:
    higher, lower, taken = _both_sides(probe, element, x, step_at(METHODS["central"], h, x))
    higher -= lower
    higher /= taken
    return higher


def _both_sides(probe: _Probe, element: int, x: Array, step: Any) -> tuple[Array, Array, Any]:
    """Return the values on both sides of x, in memory of their own, and how far they are apart."""
    above, below = x + step, x - step
    taken = probe.spread(np.where(np.abs(x) > INEXACT_STEP * step, above - below + LOST, 2 * step))
    return probe(element, above), probe(element, below), taken


def _central_with_bend(probe: _Probe, element: int, x: Array, step: Any) -> tuple[Array, Array]:
    """Return the quotient of both sides of x, and how much those of either side differ."""
    higher, lower, taken = _both_sides(probe, element, x, step)
    bend = (higher - probe.value) - (probe.value - lower)
    return np.asarray((higher - lower) / taken), np.abs(2 * bend / taken)


def _forward(probe: _Probe, element: int, x: Array, h: float | None) -> Array:
    step = step_at(METHODS["forward"], h, x)
    above = x + step
    taken = np.where(np.abs(x) > INEXACT_STEP * step, above - x + LOST, step)
    change = probe(element, above)
    change -= probe.value
    change /= probe.spread(taken)
    return change


def _complex_step(probe: _Probe, element: int, x: Array, h: float | None) -> Array:
    step = step_at(METHODS["complex_step"], h, x)
    if h is None:
        size = np.max(np.abs(probe.value).reshape(*np.shape(x), -1), axis=-1)
        is_tiny = (size > 0.0) & (size < TINY_VALUE)
        step = np.where(is_tiny, _small_part(x), step)
    return np.asarray(np.imag(probe(element, x + 1j * step)) / probe.spread(step))


def _extrapolated(probe: _Probe, element: int, x: Array, h: float | None) -> Array:
    """Take the best of several steps: that of the smallest error as truncation and rounding estimate it.

    Relative errors show the wide steps that miss what oscillates; where no quotient is sure, it may be 0, and
    the smallest error counts. What bends as much at half the step has a kink within it.
    """
    scale = np.where(x == 0.0, 1.0, np.abs(x))
    best = np.full((2, *probe.value.shape), np.nan)
    least = np.full(probe.value.shape, np.inf)
    for level in range(LEVELS):
        step = scale * WIDEST * NARROWING**level
        (wide, bend), (narrow, kink) = (
            _central_with_bend(probe, element, x, each) for each in (step, step / 2)
        )
        quotient = (4 * narrow - wide) / 3
        rounded = np.abs(probe.value) + np.abs(quotient) * probe.spread(scale)
        rounding = np.finfo(float).eps * rounded / probe.spread(step)
        error = np.abs(quotient - narrow) + rounding + np.where(kink > MOST_BEND * bend, kink, 0.0)
        noise = np.finfo(float).eps * np.abs(probe.value) / probe.spread(scale)
        relative = error / np.maximum(np.abs(quotient) + noise, np.finfo(float).tiny)
        doubt = np.where(relative < UNSURE, relative, UNSURE + error)
        is_better = doubt < least
        least = np.where(is_better, doubt, least)
        best = np.where(is_better, [quotient, error], best)
    return best


_QUOTIENTS: dict[Method, Callable[[_Probe, int, Array, float | None], Array]] = {
    METHODS["central"]: _central,
    METHODS["forward"]: _forward,
    METHODS["complex_step"]: _complex_step,
    RICHARDSON: _extrapolated,
}


def difference_terms(
    graph: Graph, value: Term, elements: Sequence[Term], method: Method, h: Term | None
) -> list[Term]:
    """Write central or forward differences into a program on floats, sharing what does not move."""
    gradient = []
    for x in elements:
        step = h if h is not None else graph.number(method.step)
        if h is None and method.is_relative:
            step = step * x.apply("abs").apply("maximum", 1.0)
        above = x + step
        below = x if method.name == "forward" else x - step
        is_inexact = x.apply("abs").apply("greater", INEXACT_STEP * step)
        asked = step if method.name == "forward" else 2.0 * step
        before = value if method.name == "forward" else _moved(graph, value, {x.index: below})
        change = _moved(graph, value, {x.index: above}) - before
        gradient.append(change / is_inexact.apply("where", above - below + LOST, asked))
    return gradient


def _moved(graph: Graph, value: Term, copies: dict[int, Term]) -> Term:
    """Write the program anew with other terms in place of some of its inputs."""
    for index in range(value.index + 1):
        node = graph.nodes[index]
        if index not in copies and any(operand in copies for operand in node.operands):
            operands = [copies.get(operand, Term(graph, operand)) for operand in node.operands]
            copies[index] = graph.copied(node, operands)
    return copies.get(value.index, value)
