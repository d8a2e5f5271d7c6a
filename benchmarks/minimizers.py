"""`lbfgs` beside SciPy's L-BFGS-B: same functions, starts, gradients and tolerance, in one run."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.table import Goal, print_header, print_row, verdict
from service.core.calculus.kernel import Kernel
from service.core.descent.choice import read_options
from service.core.descent.path import Path
from service.core.descent.problem import Problem
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE
from tests.core.more_garbow_hillstrom import PAIRS, all_starts, our_end, their_end
from tests.core.standard_functions import FUNCTIONS, Function

STEPS = 1_000
TOLERANCE = 1e-8
"""Our default; SciPy is given the same, times max(1, |value|) where ours ended, and no other tolerance."""
STATIONARY = 1e-5
"""Largest element of the gradient, relative to the value's magnitude where that is above 1."""
LEAST_SECONDS = 0.003
"""Work is repeated for so long to time it."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a minimizer ended, and after how much work."""

    is_stationary: bool
    evaluations: int
    iterations: int
    value: float
    overhead: float
    """Seconds of an iteration beside its evaluations."""


def problem_of(function: Function, seed: int) -> Problem:
    """Make the problem of a function from a random start in its box."""
    start = {"x": function.start(seed)}
    return Problem(function.text, start, function.constants, "exact", None, DEFAULT_LIMITS, NO_DEADLINE)


def ours(problem: Problem) -> End:
    """Minimise by `lbfgs` with default options."""
    options = read_options({"optimizer": "lbfgs", "steps": STEPS}, DEFAULT_LIMITS)

    def run() -> Path:
        path = Path(problem, options)
        path.begin()
        path.finish(None)
        return path

    point = run().run.point
    evaluations, kernel = int(point.carried("evaluations")), problem.kernel
    taken = _seconds(run) - evaluations * _seconds(lambda: kernel.evaluate(point.slots))
    end = _is_stationary(kernel, np.array(point.slots))
    return End(end, evaluations, point.step, point.value, taken / max(1, point.step))


def theirs(problem: Problem, reached: float) -> End:
    """Minimise by SciPy's L-BFGS-B, which is given the same value, gradient and tolerance."""
    from scipy.optimize import minimize

    kernel, start = problem.kernel, np.ravel(problem.variables["x"])
    count = 0

    def evaluate(x: Any) -> tuple[float, Any]:
        nonlocal count
        count += 1
        value, gradient = kernel.evaluate(tuple(x.tolist()))
        return value, np.array(gradient)

    value, _ = evaluate(start)
    tolerance = TOLERANCE * max(1.0, min(abs(value), abs(reached)))
    limits = {"gtol": tolerance, "ftol": 0.0, "maxiter": STEPS}

    def run() -> Any:
        return minimize(evaluate, start, jac=True, method="L-BFGS-B", options=limits)

    result = run()
    taken = _seconds(run) - result.nfev * _seconds(lambda: evaluate(start))
    end = _is_stationary(kernel, result.x)
    return End(end, result.nfev, result.nit, float(result.fun), taken / max(1, result.nit))


def both(problem: Problem) -> tuple[End, End]:
    """Minimise by ours, and by theirs."""
    end = ours(problem)
    return end, theirs(problem, end.value)


def _seconds(work: Callable[[], object]) -> float:
    """Time a piece of work, at least a few times."""
    count, began = 0, time.process_time()
    while (taken := time.process_time() - began) < LEAST_SECONDS or count < 3:
        work()
        count += 1
    return taken / count


def _is_stationary(kernel: Kernel, x: Any) -> bool:
    value, gradient = kernel.evaluate(tuple(np.ravel(x).tolist()))
    return bool(np.max(np.abs(gradient)) <= STATIONARY * max(1.0, abs(value)))


def print_table(repetitions: int) -> bool:
    """Print both over all functions; tell whether every goal is met."""
    if not importlib.util.find_spec("scipy"):
        print("\nL-BFGS beside SciPy's: SciPy is not installed.")
        return True
    print_header("lbfgs from a random start", "ours", "SciPy's L-BFGS-B", "goal", "met")
    answers = set()
    for seed in range(max(1, repetitions // 3)):
        with np.errstate(all="ignore"):
            problems = [problem_of(function, seed) for function in FUNCTIONS]
            ends = [both(problem) for problem in problems if problem.kernel.is_on_floats]
        answers |= {
            _print(f"seed {seed}, {len(ends)} functions: {row}", *cells) for row, *cells in _rows(ends)
        }
    return "NO" not in answers | _print_published()


def _print_published() -> set[str]:
    """Print how often the published minima of Moré, Garbow and Hillstrom are reached."""
    print_header("minima of Moré, Garbow and Hillstrom reached", "ours", "SciPy's", "goal", "met")
    answers, goal = set(), Goal("at least", 0, "more")
    for optimizer, method in PAIRS.items():
        with np.errstate(all="ignore"):
            ends = [
                (
                    problem.is_reached(our_end(problem, posed, optimizer)),
                    problem.is_reached(their_end(posed, method)),
                )
                for _, problem, posed in all_starts()
            ]
        found = [sum(end[side] for end in ends) for side in (0, 1)]
        answers.add(
            _print(f"{optimizer} beside {method}, {len(ends)} starts", *found, goal, found[0] - found[1])
        )
    return answers


def _rows(ends: list[tuple[End, End]]) -> list[tuple[str, float, float, Goal, float]]:
    """Sum up the ends: what, ours, theirs, the goal and the figure that it is about."""
    found = [sum(end[side].is_stationary for end in ends) for side in (0, 1)]
    counts = [statistics.median(end[side].evaluations for end in ends) for side in (0, 1)]
    both = [end for end in ends if end[0].iterations > 5 and end[1].iterations > 5]
    each = [1e6 * statistics.median(end[side].overhead for end in both) for side in (0, 1)]
    return [
        ("stationary", found[0], found[1], Goal("at least", 1, "more"), found[0] - found[1]),
        ("median evaluations", counts[0], counts[1], Goal("at most", 1, "of theirs"), counts[0] / counts[1]),
        ("us of an iteration", each[0], each[1], Goal("at most", 0.5, "of theirs"), each[0] / each[1]),
    ]


def _print(row: str, ours: float, theirs: float, goal: Goal, figure: float) -> str:
    answer = verdict([(goal, figure)])
    print_row(row, f"{ours:.3g}", f"{theirs:.3g}", goal, answer)
    return answer
