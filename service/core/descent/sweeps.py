"""A sweep: the same descent with several learning rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from service.core.calculus.gradient import Tensors
from service.core.descent.options import read_options
from service.core.descent.path import Path
from service.core.descent.problem import Problem
from service.core.exceptions import InvalidRequest, fault
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Limits


def sweep(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    learning_rates: Sequence[float],
    method: str = "exact",
    h: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Run a descent for each of several learning rates, sharing one deadline.

    Parameters
    ----------
    function, variables, constants, method, h, limits, deadline
        As `descent` takes them.
    learning_rates : sequence of float
        1 to ``limits.sweep`` of them, each above 0.
    **options
        The other options of `descent`, ``state`` and ``on_progress`` excepted.

    Returns
    -------
    dict
        ``runs``: for each rate what `descent` returns, with ``learning_rate`` and ``verdict``;
        ``best``: the index of the run with the lowest best value.

    Raises
    ------
    InvalidRequest, InvalidFunction, OverBudget, NonFiniteResult, DeadlineExceeded
        As `descent` does; one run's divergence fails no other.

    Notes
    -----
    The runs take turns, a chunk of steps each, so that a deadline finds all of them equally far.

    Examples
    --------
    >>> outcome = sweep("x**2", {"x": 3.0}, learning_rates=[0.1, 1.0, 10.0])
    >>> [run["verdict"] for run in outcome["runs"]], outcome["best"]
    (['improving', 'oscillating', 'diverged'], 0)
    """
    if not 1 <= len(learning_rates) <= limits.sweep:
        raise InvalidRequest(
            fault("too-many-elements", "/learning_rates", count=len(learning_rates), limit=limits.sweep)
        )
    count = len(learning_rates)
    rows = [read_options({"learning_rate": rate, **options}, limits) for rate in learning_rates]
    with np.errstate(all="ignore"):
        problem = Problem(function, variables, constants or {}, method, h, limits, deadline or NO_DEADLINE)
        first = Path(problem, rows[0], runs=count)
        paths = [first, *(Path(problem, row, runs=count, like=first) for row in rows[1:])]
        for path in paths:
            path.begin()
        while unfinished := [path.run for path in paths if not path.run.status]:
            for run in unfinished:
                run.advance()
        runs = [path.answer() | _verdict(path) for path in paths]
    best = min(range(len(runs)), key=lambda index: runs[index]["best"]["value"])
    return {"runs": runs, "best": best}


def _verdict(path: Path) -> dict[str, Any]:
    """Judge a run by its status, then by its last value, then by how often the value failed to fall."""
    run, word = path.run, path.run.status
    if word == "max_steps" and run.point.value > run.start.value:
        word = "rising"
    elif word == "max_steps":
        word = "oscillating" if 4 * run.rises() >= run.point.step - run.first else "improving"
    return {"learning_rate": path.options["learning_rate"], "verdict": word}
