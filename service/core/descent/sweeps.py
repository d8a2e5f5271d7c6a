"""A sweep: the same descent with several learning rates, or from several starts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.core.calculus.buffers import limit_buffers
from service.core.calculus.gradient import Tensors
from service.core.descent.choice import RULE_STEPPERS, Options, read_options
from service.core.descent.fleet import fleets_of
from service.core.descent.options import OPTIONS
from service.core.descent.path import Path
from service.core.descent.problem import Problem
from service.core.descent.ranges import check_range
from service.core.descent.starts import given_starts, random_starts
from service.core.descent.state import write_state, write_states
from service.core.exceptions import InvalidRequest, fault
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Limits

ANSWERS = {"all": "every run", "best": "the best run, and of the others where they ended"}
"""What the answer of a sweep may hold."""
SUMMARY = ("learning_rate", "verdict", "value", "status", "steps")
"""What is said of a run that is not the best."""


def sweep(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    learning_rates: Sequence[float] | None = None,
    starts: Tensors | None = None,
    random_starts: Mapping[str, Any] | None = None,
    answers: str = "all",
    method: str = "exact",
    h: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
    answer_numbers: float = math.inf,
    **options: Any,
) -> dict[str, Any]:
    """Run a descent for each of several learning rates or starts, sharing one deadline.

    Parameters
    ----------
    function, variables, constants, method, h, limits, deadline, answer_numbers
        As `descent` takes them; with starts the variables tell names and shapes.
    learning_rates : sequence of float, optional
        1 to ``limits.sweep`` of them, each above 0.
    starts : mapping of str to array_like, optional
        By variable; the first axis counts the runs, 1 to 1,024.
    random_starts : mapping, optional
        ``count`` and ``seed`` of starts that are uniform in the bounds or, with ``spread``, normal around
        the variables.
    answers : {"all", "best"}
        Whether all runs are told whole, or the best alone.
    **options
        The other options of `descent`, ``state`` and ``on_progress`` excepted; `learning_rate` is that of all
        runs from several starts.

    Returns
    -------
    dict
        ``runs``: for each run what `descent` returns, with ``learning_rate`` and ``verdict``;
        ``best``: the index of the run with the lowest best value.

    Raises
    ------
    InvalidRequest, InvalidFunction, OverBudget, NonFiniteResult, DeadlineExceeded
        As `descent` does; one run's divergence fails no other.

    Notes
    -----
    Update rules take every step with all runs at once, as one program over arrays of runs, where that is
    faster; else the runs take turns, a chunk of steps each. So a deadline finds all of them equally far.
    A run is the descent of its rate or start, up to the rounding of sums and products.

    Examples
    --------
    >>> outcome = sweep("x**2", {"x": 3.0}, learning_rates=[0.1, 1.0, 10.0])
    >>> [run["verdict"] for run in outcome["runs"]], outcome["best"]
    (['improving', 'oscillating', 'diverged'], 0)
    """
    _check_kind(learning_rates, starts, random_starts)
    with np.errstate(all="ignore"):
        limit_buffers()
        end = deadline or NO_DEADLINE
        problem = Problem(function, variables, constants or {}, method, h, limits, end, answer_numbers)
        if learning_rates is not None:
            paths = _by_rate(problem, options, learning_rates, answers)
        else:
            paths = _by_start(problem, read_options(options, limits), starts, random_starts, answers)
        _finish(paths)
        best = min(range(len(paths)), key=lambda index: paths[index].run.best_value())
        if answers == "all":
            runs = _answers(paths)
        else:
            runs = [_summary(path) for path in paths]
            runs[best] = _answers([paths[best]])[0]
    return {"runs": runs, "best": best}


def _finish(paths: list[Path]) -> None:
    """Run all to their ends, together where that is faster, in turn where not."""
    fleets = fleets_of(paths)
    alone = [path for fleet in fleets for path in fleet.begin()] if fleets else _begun(paths)
    while fleets or alone:
        for fleet in fleets:
            alone += fleet.advance()
        fleets = [fleet for fleet in fleets if fleet.is_under_way]
        alone = [path for path in alone if not path.run.status]
        for path in alone:
            path.run.advance()


def _begun(paths: list[Path]) -> list[Path]:
    """Begin every path; with update rules a start is evaluated once for all rates."""
    first, *others = paths
    first.begin()
    for path in others:
        if path.start is first.start and path.options.stepper in RULE_STEPPERS:
            path.begin_beside(first)
        else:
            path.begin()
    return paths


def _check_kind(*kinds: Any) -> None:
    """Refuse a sweep over nothing, and one over two things."""
    if sum(kind is not None for kind in kinds) != 1:
        rule = "given, or starts or random_starts in place of it, and only one of them"
        got = "several" if any(kind is not None for kind in kinds) else "none"
        raise InvalidRequest(fault("out-of-range", "/learning_rates", rule=rule, got=got))


def _by_rate(problem: Problem, given: Mapping[str, Any], rates: Sequence[float], answers: str) -> list[Path]:
    """Make a path for every rate."""
    limits, count = problem.limits, len(rates)
    if not 1 <= count <= limits.sweep:
        raise InvalidRequest(fault("too-many-elements", "/learning_rates", count=count, limit=limits.sweep))
    options = read_options({**given, "learning_rate": rates[0]}, limits)
    for rate in rates:
        check_range(OPTIONS["learning_rate"], rate, limits)
    first = Path(problem, options, runs=count if answers == "all" else 1, beside=count - 1)
    return [first, *map(first.at_rate, rates[1:])]


def _by_start(
    problem: Problem,
    options: Options,
    starts: Tensors | None,
    wanted: Mapping[str, Any] | None,
    answers: str,
) -> list[Path]:
    """Make a path from every start."""
    if starts is not None:
        points = given_starts(problem, starts)
    else:
        points = random_starts(problem, options, wanted or {})
    told = len(points) if answers == "all" else 1
    first = Path(problem, options, runs=told, beside=len(points) - 1, start=points[0])
    return [first, *map(first.at_start, points[1:])]


def _answers(paths: list[Path]) -> list[dict[str, Any]]:
    """Return all that is said of runs; the states of update rules have the same numbers of numbers."""
    answers = [path.answer() | _verdict(path) for path in paths]
    contents = [each["state"] for each in answers]
    states = (
        write_states(contents) if paths[0].options.stepper in RULE_STEPPERS else map(write_state, contents)
    )
    for each, state in zip(answers, states, strict=True):
        each["state"] = state
    return answers


def _summary(path: Path) -> dict[str, Any]:
    """Return what is said of a run that is not the best, where only that is told whole."""
    run = path.run
    end = {"value": run.point.value, "status": run.status, "steps": run.point.step - run.first}
    said = _verdict(path) | end
    return {name: said[name] for name in SUMMARY}


def _verdict(path: Path) -> dict[str, Any]:
    """Judge a run by its status, then by its last value, then by how often the value failed to fall."""
    run, word = path.run, path.run.status
    if word == "max_steps" and run.point.value > path.content["start_value"]:
        word = "rising"
    elif word == "max_steps":
        word = "oscillating" if 4 * run.rises() >= run.point.step - run.first else "improving"
    return {"learning_rate": path.options["learning_rate"], "verdict": word}
