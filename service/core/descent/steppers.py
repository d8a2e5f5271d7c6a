"""The ways of choosing a step: one table, by the names that optimizers have them under."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from service.core.calculus.kernel import Kernel
from service.core.descent.active_set import Box
from service.core.descent.backtracking import Backtracking
from service.core.descent.choice import Options
from service.core.descent.lbfgs import Lbfgs
from service.core.descent.loop import Judgement, make_judgement, make_loop, make_row_loop
from service.core.descent.newton import Newton
from service.core.descent.problem import Problem
from service.core.descent.searcher import Searcher
from service.core.descent.steps import Stepper
from service.core.descent.stochastic import Stochastic


def _make_rule(problem: Problem, options: Options, numbers: dict[str, Any]) -> Stepper:
    return make_loop(problem.kernel, options.rules(has_noise=problem.noise > 0.0), numbers)


def _make_stochastic(problem: Problem, options: Options, numbers: dict[str, Any]) -> Stepper:
    rows, rules = problem.rows, options.rules(has_noise=problem.noise > 0.0)
    kernel = rows.kernel(0)
    names = [name for name in kernel.data if name != "check"]

    def rows_of(update: int) -> list[Any]:
        data = rows.kernel(update).data
        return [data[name] for name in names]

    loop = make_row_loop(kernel, problem.kernel, rules, numbers | {"rows_of": rows_of})
    return Stochastic(loop, rows.batches, problem.kernel, problem.patient_kernel(), rows.check_finite)


def _make_lbfgs(problem: Problem, options: Options, numbers: dict[str, Any]) -> Stepper:
    kernel, judgement = problem.kernel, _judgement(problem, options, numbers, Lbfgs)
    return Lbfgs(kernel, judgement, options["memory"], _box(kernel, numbers))


def _make_line_search(problem: Problem, options: Options, numbers: dict[str, Any]) -> Stepper:
    kernel, judgement = problem.kernel, _judgement(problem, options, numbers, Backtracking)
    return Backtracking(kernel, judgement, options["learning_rate"], _box(kernel, numbers))


def _make_newton(problem: Problem, options: Options, numbers: dict[str, Any]) -> Stepper:
    return Newton(problem, _judgement(problem, options, numbers, Newton), _box(problem.kernel, numbers))


def _judgement(
    problem: Problem, options: Options, numbers: dict[str, Any], kind: type[Searcher]
) -> Judgement:
    rules = options.rules(has_noise=problem.noise > 0.0, carried=kind.carried)
    return make_judgement(problem.kernel, rules, numbers)


def _box(kernel: Kernel, numbers: dict[str, Any]) -> Box | None:
    """Lay the bounds of all slots out as flat arrays, if there are any."""
    if f"low_{kernel.slots[0]}" not in numbers:
        return None
    sides = [[numbers[f"{side}_{slot}"] for slot in kernel.slots] for side in ("low", "high")]
    low, high = (np.concatenate([np.ravel(part) for part in side]) for side in sides)
    return Box(low, high)


STEPPERS: dict[str, Callable[[Problem, Options, dict[str, Any]], Stepper]] = {
    "rule": _make_rule,
    "stochastic": _make_stochastic,
    "lbfgs": _make_lbfgs,
    "newton": _make_newton,
    "line_search": _make_line_search,
}
"""From problem, options and the numbers of a loop to a stepper."""
