"""Gradient descent on a function given as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.core.calculus.gradient import Tensors
from service.core.descent.bounds import Bounds
from service.core.descent.options import Options
from service.core.descent.path import Path, Progress
from service.core.descent.problem import Problem
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Limits


def descent(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    optimizer: str = "gradient_descent",
    learning_rate: float = 0.01,
    steps: int = 100,
    momentum: float = 0.9,
    decay: float = 0.99,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float | None = None,
    schedule: str = "constant",
    schedule_rate: float | None = None,
    schedule_every: int | None = None,
    clip_norm: float | None = None,
    bounds: Bounds | None = None,
    tolerance: float | None = None,
    history: int = 0,
    history_variables: bool = True,
    state: Mapping[str, Any] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Minimise a function from a start; every outcome is a result with a status.

    Parameters
    ----------
    function, variables, constants, method, h
        As `gradient` takes them; the variables are the start.
    optimizer : str
        A row of `OPTIMIZERS`: PyTorch's update rules.
    learning_rate : float
        Above 0, default 0.01.
    steps : int
        Updates of this call, 1 to ``limits.steps``.
    momentum, decay, beta1, beta2 : float
        In [0, 1); used by their optimizers alone.
    epsilon : float, optional
        Above 0; 1e-10 for adagrad, else 1e-8 when absent.
    schedule : str
        A row of `SCHEDULES`; ``schedule_rate`` and ``schedule_every`` are its parameters.
    clip_norm : float, optional
        The gradient's 2-norm over all variables is clipped to it.
    bounds : mapping, optional
        By variable ``lower`` and ``upper``, of its shape or numbers; start and steps are projected.
    tolerance : float, optional
        Converged when no element of the (with bounds: projected) gradient is larger.
    history : int
        Number of evenly spaced records.
    history_variables : bool
        Whether the records hold the variables.
    state : mapping, optional
        That of an earlier result, to go on from there.
    limits, deadline
        As `gradient` takes them; the deadline ends the run with the status ``deadline``.
    on_progress : callable, optional
        Called with step, value and gradient norm, at most 20 times a second.

    Returns
    -------
    dict
        ``variables``, ``value`` and ``gradient_norm`` of the last iterate, ``steps``,
        ``evaluations``, ``status``, ``message``, ``best``, ``history`` and ``state``.

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
    A run of n steps evaluates value and gradient n + 1 times.

    References
    ----------
    Saito, Deep Learning from Scratch, O'Reilly Japan, 2016, section 4.4.1; PyTorch, `torch.optim`.

    Examples
    --------
    >>> path = descent("x[0]**2 + x[1]**2", {"x": [-3, 4]}, learning_rate=0.1)
    >>> path["status"], path["variables"]["x"].round(12).tolist()
    ('max_steps', [-6.11e-10, 8.15e-10])
    """
    options = Options(
        optimizer=optimizer,
        learning_rate=learning_rate,
        steps=steps,
        momentum=momentum,
        decay=decay,
        beta1=beta1,
        beta2=beta2,
        epsilon=epsilon,
        schedule=schedule,
        schedule_rate=schedule_rate,
        schedule_every=schedule_every,
        clip_norm=clip_norm,
        bounds=bounds,
        tolerance=tolerance,
        history=history,
        history_variables=history_variables,
    )
    with np.errstate(all="ignore"):
        problem = Problem(function, variables, constants or {}, method, h, limits, deadline or NO_DEADLINE)
        path = Path(problem, options, state)
        path.begin()
        path.finish(on_progress)
        return path.answer()
