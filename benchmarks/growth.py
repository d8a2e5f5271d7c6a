"""How cost grows: with the number of variables, and with the number of steps."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.core import ROSENBROCK, SEED
from benchmarks.table import Goal, format_seconds, print_header, print_row, verdict
from benchmarks.timing import Work, compare
from service.core import descent, gradient
from service.core.calculus.compiler import compile_function
from service.core.calculus.differences import METHODS
from service.core.calculus.kernel import bind
from service.core.exceptions import OverBudget
from service.core.limits import DEFAULT_LIMITS

VARIABLES = (10, 100, 1_000, 10_000, 100_000)
STEPS = (10, 100, 1_000, 10_000, 100_000)
EVALUATIONS = Goal("at most", 6, "evaluations")
TWICE_THE_STEP = Goal("at most", 2, "times")
"""A step of a long descent may cost this many times a step of the longest."""


def print_tables(repetitions: int) -> bool:
    """Print both tables; tell whether cost grows as it should."""
    answers = {*_print_variables(repetitions), *_print_steps(repetitions)}
    return "NO" not in answers


def _print_variables(repetitions: int) -> set[str]:
    print_header("Rosenbrock, n variables", "value alone", "exact", "exact / value", "goal", "met", "central")
    answers = set()
    for n in VARIABLES:
        x = np.random.default_rng(0).normal(size=n)
        pair = compare(*_evaluations(x), repetitions)
        worth = 1 / pair.ratio
        answers.add(verdict([(EVALUATIONS, worth)]))
        print_row(
            f"{n:,}",
            format_seconds(pair.theirs),
            format_seconds(pair.ours),
            f"{worth:.2f}",
            EVALUATIONS,
            verdict([(EVALUATIONS, worth)]),
            _central(x),
        )
    return answers


def _evaluations(x: np.ndarray) -> tuple[Work, Work]:
    """Return what computes value and gradient, and what computes the value alone, by the same kernels."""
    compiled = compile_function(ROSENBROCK, {"x": x.shape}, {}, METHODS["exact"], False, DEFAULT_LIMITS)
    value_of = compiled.emitted.value_on_arrays(check=lambda: None)
    kernel = bind(compiled, {}, None, lambda: None)
    slots = kernel.pack({"x": x})
    return lambda: kernel.evaluate(slots), lambda: value_of(x)


def _central(x: np.ndarray) -> str:
    try:
        return format_seconds(_once(lambda: gradient(ROSENBROCK, {"x": x}, method="central")))
    except OverBudget:
        return "over budget"


def _print_steps(repetitions: int) -> set[str]:
    print_header("seed's descent, steps", "exact", "a step", "against the longest", "met", "central")
    answers = set()
    times = {steps: _shortest("exact", steps, repetitions) for steps in STEPS}
    for steps, took in times.items():
        ratio = (took / steps) / (times[STEPS[-1]] / STEPS[-1])
        goals = [(TWICE_THE_STEP, ratio)] if steps >= 10_000 else []  # below, the call itself costs more
        answers.add(verdict(goals))
        cells = f"{steps:,}", format_seconds(took), format_seconds(took / steps), f"{ratio:.2f}"
        print_row(*cells, verdict(goals), format_seconds(_shortest("central", steps, 1)))
    return answers


def _shortest(method: str, steps: int, repetitions: int) -> float:
    """Time a descent that neither converges nor stalls."""
    return min(
        _once(lambda: descent(SEED, {"x": [-3.0, 4.0]}, method=method, learning_rate=1e-9, steps=steps))
        for _ in range(min(repetitions, 3))
    )


def _once(function: Work) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
