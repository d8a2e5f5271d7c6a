"""Gradient descent on a function given as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.core.calculus.buffers import limit_buffers
from service.core.calculus.gradient import Tensors
from service.core.descent.choice import Options, read_options
from service.core.descent.path import Path, Progress
from service.core.descent.problem import Problem
from service.core.descent.state import write_state
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Limits


def descent(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    state: Mapping[str, Any] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
    answer_numbers: float = math.inf,
    on_progress: Progress | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Minimise a function from a start; every outcome is a result with a status.

    Parameters
    ----------
    function, variables, constants, method, h
        As `gradient` takes them; the variables are the start.
    state : mapping, optional
        That of an earlier result, to go on from there.
    limits, deadline
        As `gradient` takes them; the deadline ends the run with the status ``deadline``.
    answer_numbers : float
        Numbers for which the answer has room; a run that would have more is refused before it begins.
    on_progress : callable, optional
        Called with a record of ``step``, ``value`` and ``gradient_norm`` (and ``variables``, by the
        option `ticks`), at most 10 times a second.
    **options
        Rows of `OPTIONS`, which says of each its kind, range, default and who uses it.

    Returns
    -------
    dict
        ``variables``, ``value`` and ``gradient_norm`` (when asked ``gradient``) of the last iterate,
        ``steps``, ``evaluations``, ``status``, ``message``, ``best``, ``history`` and ``state``.

    Raises
    ------
    InvalidRequest, InvalidFunction, OverBudget
        The arguments do not fit.
    NonFiniteResult
        Value or gradient at the start is not finite.
    DeadlineExceeded
        The time was up before the start was evaluated.

    Notes
    -----
    An update rule evaluates value and gradient n + 1 times for n steps, by batches those of all rows besides;
    optimizers that search for a step evaluate as often as it takes. ``evaluations`` counts them.

    References
    ----------
    Saito, Deep Learning from Scratch, O'Reilly Japan, 2016, section 4.4.1; PyTorch, `torch.optim`.

    Examples
    --------
    >>> path = descent("x[0]**2 + x[1]**2", {"x": [-3, 4]}, learning_rate=0.1)
    >>> path["status"], path["variables"]["x"].round(12).tolist()
    ('max_steps', [-6.11e-10, 8.15e-10])
    """
    end = deadline or NO_DEADLINE
    problem = Problem(function, variables, constants or {}, method, h, limits, end, answer_numbers)
    chosen = read_options(options, problem.limits)
    run = _run if problem.kernel.is_on_floats and chosen.is_plain else _run_on_arrays
    answer = run(problem, chosen, state, on_progress)
    del problem  # the state is laid out in memory that it held
    answer["state"] = write_state(answer["state"])
    return answer


def _run(
    problem: Problem, options: Options, state: Mapping[str, Any] | None, on_progress: Progress | None
) -> dict[str, Any]:
    """Return the answer with the state still to be sealed."""
    path = Path(problem, options, state)
    path.begin()
    path.finish(on_progress)
    return path.answer()


@np.errstate(all="ignore")
def _run_on_arrays(
    problem: Problem, options: Options, state: Mapping[str, Any] | None, on_progress: Progress | None
) -> dict[str, Any]:
    """Do the same where NumPy computes: it ignores errors, and its buffers are small."""
    limit_buffers()
    return _run(problem, options, state, on_progress)
