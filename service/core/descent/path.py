"""Gradient descent on a function given as text: one run, and a sweep of learning rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.core.calculus.differences import METHODS
from service.core.calculus.explain import refuse_non_finite
from service.core.calculus.gradient import (
    Tensors,
    arrays_of,
    check_budget,
    check_step,
    method_named,
    shapes_of,
)
from service.core.calculus.kernel import Array, Kernel
from service.core.calculus.plan import Plan, make_plan
from service.core.descent.messages import message_of
from service.core.descent.options import GROWTH, Bounds, Options, bound_numbers, bounds_of, check_options
from service.core.descent.run import TICK_SECONDS, Progress, Run
from service.core.descent.state import fingerprint, read_state, write_state
from service.core.exceptions import InvalidRequest, OverBudget, fault, pointer_to
from service.core.limits import DEFAULT_LIMITS, Deadline, Limits, no_deadline, setting_of

NUMBER_CHARACTERS = 20
"""Characters of a number in an answer, about."""


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
        optimizer,
        learning_rate,
        steps,
        momentum,
        decay,
        beta1,
        beta2,
        epsilon,
        schedule,
        schedule_rate,
        schedule_every,
        clip_norm,
        bounds,
        tolerance,
    )
    time = deadline or no_deadline()
    problem = _Problem(function, variables, constants or {}, method, h, limits, time)
    path = _Path(problem, options, history, history_variables, state, is_counted=False)
    with np.errstate(all="ignore"):
        path.run(time, on_progress)
        return path.answer()


def sweep(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    learning_rates: Sequence[float],
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Run a descent for each of several learning rates, sharing one deadline.

    Parameters
    ----------
    function, variables, constants, limits, deadline
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
    time = deadline or no_deadline()
    shared = {name: options.pop(name) for name in ("method", "h") if name in options}
    history, with_variables = options.pop("history", 0), options.pop("history_variables", True)
    problem = _Problem(
        function, variables, constants or {}, shared.get("method", "exact"), shared.get("h"), limits, time
    )
    paths = [
        _Path(
            problem,
            Options(**{**DEFAULTS, **options, "learning_rate": rate}),
            history,
            with_variables,
            None,
            is_counted=True,
            runs=len(learning_rates),
        )
        for rate in learning_rates
    ]
    with np.errstate(all="ignore"):
        for path in paths:
            path.begin(time)
        while any(not path.is_over for path in paths):
            for path in paths:
                path.advance()
        runs = [{**path.answer(), **path.verdict()} for path in paths]
    best = min(range(len(runs)), key=lambda index: (runs[index]["best"]["value"], index))
    return {"runs": runs, "best": best}


DEFAULTS: dict[str, Any] = {
    "optimizer": "gradient_descent",
    "steps": 100,
    "momentum": 0.9,
    "decay": 0.99,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": None,
    "schedule": "constant",
    "schedule_rate": None,
    "schedule_every": None,
    "clip_norm": None,
    "bounds": None,
    "tolerance": None,
}
"""What `sweep` takes for options that are absent: the defaults of `descent`."""


class _Problem:
    """The function with its start and data, checked and within budget."""

    def __init__(
        self,
        function: str,
        variables: Tensors,
        constants: Tensors,
        method: str,
        h: float | None,
        limits: Limits,
        deadline: Deadline,
    ) -> None:
        self.function, self.method, self.h, self.limits = function, method, h, limits
        self.start = arrays_of(variables, "variables")
        self.constants = arrays_of(constants, "constants")
        self.shapes = shapes_of(self.start)
        self.plan: Plan = make_plan(
            function, self.shapes, shapes_of(self.constants), method_named(method), h is not None, limits
        )
        check_budget([self.plan], limits)
        self.kernel: Kernel = self.plan.kernel(self.constants, h, deadline.check)

    def check_start(self, start: Mapping[str, Array], value: float, gradient: Mapping[str, Array]) -> None:
        """Refuse a start where value or gradient is not finite."""
        refuse_non_finite(self.plan, start, self.constants, value, gradient)


class _Path:
    """One descent on a problem: its start or state, its run, and its answer."""

    def __init__(
        self,
        problem: _Problem,
        options: Options,
        history: int,
        has_variables: bool,
        state: Mapping[str, Any] | None,
        *,
        is_counted: bool,
        runs: int = 1,
    ) -> None:
        self.problem, self.options = problem, options
        check_options(options, problem.shapes, problem.limits)
        self.bounds = bounds_of(options, problem.shapes)
        self.rules = options.rules(is_counted)
        self.history, self.has_variables = history, has_variables
        self._check_answer(runs)
        moments = self.rules.optimizer.moments
        expected = {
            "function": fingerprint(problem.function),
            "method": problem.method,
            "h": problem.h,
            "options": options.fingerprint(),
        }
        self.content: dict[str, Any] = dict(expected)
        if state is None:
            self.content |= {"schedule_every": options.schedule_length, "step": 0}
            start = {name: np.clip(array, *self.bounds[name]) for name, array in problem.start.items()}
            self.content |= {"variables": start, "best": None}
            self.content["moments"] = {
                name: {key: np.zeros(shape) for key, shape in problem.shapes.items()} for name in moments
            }
            check_step(METHODS[problem.method], problem.h, start)
        else:
            self.content |= read_state(state, problem.shapes, moments, expected)

    def _check_answer(self, runs: int) -> None:
        """Refuse a history whose answer would be too large, before anything is computed."""
        if not 0 <= self.history <= self.problem.limits.history:
            rule = f"at least 0 and at most {self.problem.limits.history:,}"
            raise InvalidRequest(fault("out-of-range", "/history", rule=rule, got=self.history))
        size = sum(array.size for array in self.problem.start.values())
        records = min(self.history, self.options.steps + 1) * (size if self.has_variables else 2)
        asked = NUMBER_CHARACTERS * runs * records
        if asked > self.problem.limits.response_bytes:
            raise OverBudget(
                fault(
                    "over-limit",
                    pointer_to("history"),
                    what="The answer with this history (history_variables: false makes it small)",
                    asked=asked,
                    unit="bytes",
                    allowed=self.problem.limits.response_bytes,
                    setting=setting_of("response_bytes"),
                )
            )

    def run(self, deadline: Deadline, on_progress: Progress | None) -> None:
        """Run to the end, and tell the progress."""
        self.begin(deadline)
        ticked = deadline.now() - TICK_SECONDS
        while not self.is_over:
            if on_progress and deadline.now() - ticked >= TICK_SECONDS:
                ticked = deadline.now()
                run = self.current
                on_progress(run.step, float(run.point.value or 0.0), run.gradient_norm(run.point))
            self.advance()

    def begin(self, deadline: Deadline) -> None:
        """Evaluate and judge the start."""
        kernel, content = self.problem.kernel, self.content
        slots = kernel.pack(content["variables"])
        moments = [
            part for name in self.rules.optimizer.moments for part in kernel.pack(content["moments"][name])
        ]
        best = content["best"] or {
            "step": content["step"],
            "value": np.inf,
            "variables": content["variables"],
        }
        carried = (
            *slots,
            *moments,
            content["step"],
            best["value"],
            best["step"],
            *kernel.pack(best["variables"]),
        )
        if self.rules.is_counted:
            carried += (0, np.inf)
        numbers = self.options.numbers(content["schedule_every"]) | bound_numbers(kernel, self.bounds)
        value = content.get("start_value")
        if value is None:
            value = self._evaluate_start(slots)
        content["start_value"] = value
        numbers["bound"] = GROWTH * max(1.0, abs(value))
        self.current = Run(
            kernel,
            self.rules,
            numbers,
            carried,
            self.options.steps,
            self.history,
            self.has_variables,
            deadline,
        )
        self.current.begin()

    def _evaluate_start(self, slots: tuple[Any, ...]) -> float:
        kernel = self.problem.kernel
        value, gradient = kernel.run(slots)
        self.problem.check_start(self.content["variables"], value, kernel.unpack(gradient))
        return value

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return bool(self.current.status)

    def advance(self) -> None:
        """Run one chunk, when the run is not over."""
        if not self.is_over:
            self.current.advance()

    def answer(self) -> dict[str, Any]:
        """Return what the caller gets."""
        run, kernel = self.current, self.problem.kernel
        point = run.point
        best, variables = run.best(point), kernel.unpack(run.slots(point))
        norm = run.gradient_norm(point)
        content = {
            **self.content,
            "step": run.step,
            "variables": variables,
            "moments": run.moments(point),
            "best": best,
        }
        return {
            "variables": variables,
            "value": point.value,
            "gradient_norm": norm,
            "steps": run.step - run.first,
            "evaluations": (run.step - run.first + 1) * kernel.evaluations,
            "status": run.status,
            "message": message_of(run, self.options, content["start_value"], norm),
            "best": best,
            "history": run.even_records(),
            "state": write_state(content),
        }

    def verdict(self) -> dict[str, Any]:
        """Judge a run of a sweep by its status, or by how often its value failed to fall."""
        run = self.current
        word = run.status
        if word == "max_steps":
            word = "oscillating" if 4 * run.rises() >= run.step - run.first else "improving"
        return {"learning_rate": self.options.learning_rate, "verdict": word}
