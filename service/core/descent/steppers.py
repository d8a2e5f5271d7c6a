"""The ways of choosing a step: one table, by the names that optimizers have them under."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.core.descent.active_set import Box
from service.core.descent.backtracking import Backtracking
from service.core.descent.bounds import bound_numbers
from service.core.descent.choice import Options
from service.core.descent.lbfgs import Lbfgs
from service.core.descent.loop import Judgement, make_judgement, make_loop, make_row_loop
from service.core.descent.newton import Newton
from service.core.descent.problem import Problem
from service.core.descent.projections import projection_numbers
from service.core.descent.searcher import Searcher
from service.core.descent.steps import Stepper
from service.core.descent.stochastic import Stochastic


def _make_rule(problem: Problem, options: Options) -> Stepper:
    rules = options.rules(has_noise=problem.noise > 0.0)
    return make_loop(problem.kernel, rules, lambda: _numbers(problem, options))


def _make_stochastic(problem: Problem, options: Options) -> Stepper:
    rows, rules = problem.rows, options.rules(has_noise=problem.noise > 0.0)
    kernel = rows.kernel(0)
    names = [name for name in kernel.data if name != "check"]

    def rows_of(update: int) -> list[Any]:
        data = rows.kernel(update).data
        return [data[name] for name in names]

    loop = make_row_loop(kernel, problem.kernel, rules, _numbers(problem, options) | {"rows_of": rows_of})
    return Stochastic(loop, rows.batches, problem.kernel, problem.patient_kernel(), rows.check_finite)


def _make_lbfgs(problem: Problem, options: Options) -> Stepper:
    return Lbfgs(problem, _judgement(problem, options, Lbfgs), options["memory"], _box(problem))


def _make_line_search(problem: Problem, options: Options) -> Stepper:
    judgement = _judgement(problem, options, Backtracking)
    return Backtracking(problem, judgement, options["learning_rate"], _box(problem))


def _make_newton(problem: Problem, options: Options) -> Stepper:
    return Newton(problem, _judgement(problem, options, Newton), _box(problem))


def _judgement(problem: Problem, options: Options, kind: type[Searcher]) -> Judgement:
    rules = options.rules(has_noise=problem.noise > 0.0, carried=kind.carried)
    return make_judgement(problem.kernel, rules, _numbers(problem, options))


def _numbers(problem: Problem, options: Options) -> dict[str, Any]:
    """Return what the names of a loop stand for."""
    return {
        **options.numbers(),
        **bound_numbers(problem.kernel, problem.bounds),
        **projection_numbers(options.projections, problem.shapes),
        "noise": problem.noise,
    }


def _box(problem: Problem) -> Box | None:
    return Box.of(problem.bounds) if problem.bounds else None


STEPPERS: dict[str, Callable[[Problem, Options], Stepper]] = {
    "rule": _make_rule,
    "stochastic": _make_stochastic,
    "lbfgs": _make_lbfgs,
    "newton": _make_newton,
    "line_search": _make_line_search,
}
"""From problem and options to a stepper."""
