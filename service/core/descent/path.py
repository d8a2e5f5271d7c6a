"""The path of one descent on a problem: from its start or state, through its run, to the answer."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from service.core.arrays import Array
from service.core.calculus.blocks import BLOCK_ELEMENTS
from service.core.calculus.schedule import ELEMENT_BYTES
from service.core.descent.bounds import bounds_of
from service.core.descent.choice import RULE_STEPPERS, Options
from service.core.descent.history import Record
from service.core.descent.layout import BLOCK_NUMBERS, BLOCK_STEPS, GROWTH, Parts
from service.core.descent.messages import Outcome
from service.core.descent.problem import Problem
from service.core.descent.run import Run, twin
from service.core.descent.state import length_of, read_state
from service.core.descent.steppers import STEPPERS
from service.core.exceptions import OverBudget, fault
from service.core.limits import setting_of

Progress = Callable[[Record], None]
"""Told of an iterate on the way, as a record of the history."""

TICK_SECONDS = 0.1
"""Between two reports of progress; the contract allows 0.05 to 1."""

NUMBER_SECONDS = 60e-9
"""Time to put a number into the answer and to send it, which the deadline is to leave."""

RUN_SECONDS = 1e-4
"""Time to begin a run beside the first, and to tell of it; that of its steps comes besides."""

RUN_TENSORS, RULE_TENSORS, STACK_TENSORS = 12, 4, 3
"""Tensors of the variables' size that a run keeps in all its iterates, for each of its rule's moments, and
for each of a pair's vectors within bounds, where a model of the function is made of them."""


class Path:
    """One descent on a problem.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    options : Options
        How.
    state : mapping, optional
        That of an earlier answer, to go on from there.
    runs : int
        How many descents share the answer.
    beside : int
        How many others go on at the same time.
    start : mapping of str to ndarray, optional
        Where to start in place of the problem's variables.
    """

    def __init__(
        self,
        problem: Problem,
        options: Options,
        state: Mapping[str, Any] | None = None,
        *,
        runs: int = 1,
        beside: int = 0,
        start: Mapping[str, Array] | None = None,
    ) -> None:
        self.problem, self.start = problem, start
        if options["bounds"]:
            problem.keep_within(bounds_of(options["bounds"], problem.shapes))
        if options.projections:
            problem.check_projections(options.projections, options.given_bounds)
        if options.batch:
            problem.take_rows(options.batch)
        records = _records(problem, options)
        numbers = _check_answer(problem, options, runs, records)
        last = problem.compiled.seconds if problem.has_rows else 0.0  # all rows, at the end of the run
        problem.deadline.reserve(NUMBER_SECONDS * numbers + last)
        held = numbers + _carried(problem, options, 1 + beside, records)
        problem.announce((1 + beside) * options["steps"], ELEMENT_BYTES * held, RUN_SECONDS * beside)
        self.options = options.completed(options["steps"] if state is None else length_of(state))
        self.binding: dict[str, Any] = {
            "function": problem.compiled.fingerprint,
            "method": problem.method.name,
            "h": problem.step,
            "options": self.options.binding(),
        }
        self.content: dict[str, Any] = {}
        if state is not None:
            self.content = read_state(state, problem.shapes, self.options.optimizer, self.binding)
        self.prepare()

    def at_rate(self, rate: float) -> Path:
        """Return a path from the same start with another learning rate, still to begin."""
        path = twin(self)
        path.options = self.options.at_rate(rate)
        bound = self.binding["options"]
        if "learning_rate" in bound:
            path.binding = {**self.binding, "options": {**bound, "learning_rate": rate}}
        if self.options.stepper in RULE_STEPPERS:
            path.run = self.run.anew()
        else:  # steppers that search begin with the rate, or have none
            path.prepare()
        return path

    def at_start(self, start: Mapping[str, Array]) -> Path:
        """Return a path from another start, still to begin."""
        path = twin(self)
        path.start, path.binding, path.run = start, self.binding, self.run.anew()
        return path

    def prepare(self) -> None:
        """Make stepper and run."""
        problem, step = self.problem, self.content.get("step", 0)
        self.stepper = STEPPERS[self.options.stepper](problem, self.options)
        self.run = Run(problem.kernel, self.stepper, step, self.options, problem.deadline)

    def first_variables(self) -> dict[str, Array]:
        """Return the start, within its bounds and sets.

        Raises
        ------
        InvalidRequest
            Differences there would be lost in rounding.
        """
        given = self.start or self.problem.variables
        start = dict(given)
        for name, pair in self.problem.bounds.items():
            start[name] = np.clip(given[name], *pair)
        for name, each in self.options.projections.items():
            start[name] = each.project(given[name])
        self.problem.check_step(start)
        return start

    def _fresh(self) -> dict[str, Any]:
        """Return the content of the start's state."""
        start, shapes = self.first_variables(), self.problem.shapes
        names = self.options.optimizer.moments
        moments = {name: {each: np.zeros(shape) for each, shape in shapes.items()} for name in names}
        return {
            "step": 0,
            "start_value": None,
            "variables": start,
            "moments": moments,
            "numbers": {**self.options.optimizer.numbers, **self.options.schedule.numbers},
            "best": {"step": 0, "value": math.inf, "variables": start},
        }

    def _start_parts(self) -> Parts:
        """Lay the content out as what the loop carries."""
        pack, content, best = self.problem.kernel.pack, self.content, self.content["best"]
        slots = pack(content["variables"])
        return self.stepper.layout.start(
            slots,
            slots if best["variables"] is content["variables"] else pack(best["variables"]),
            self.stepper.carry(content),
            k=content["step"],
            best=best["value"],
            best_step=best["step"],
            bound=bound_of(content["start_value"]),
            rate=self.options["learning_rate"],
        )

    def begin(self) -> None:
        """Evaluate and judge the start.

        Raises
        ------
        InvalidRequest
            Differences there would be lost in rounding.
        NonFiniteResult
            Value or gradient is not finite there.
        """
        run, content = self.run, self.content or self._fresh()
        self.content = content
        run.evaluate(self._start_parts())
        start = self.stepper.conclude(run.point) if content["start_value"] is None else run.point
        if not run.judge.is_finite(start):
            derivative = self.problem.kernel.unpack(start.gradient)
            self.problem.check_finite(content["variables"], start.value, derivative)
        if content["start_value"] is None:
            content["start_value"] = start.value
        run.begin(bound=bound_of(content["start_value"]))

    def begin_anew(self) -> None:
        """Begin from the start once more."""
        self.content, self.run = {}, self.run.anew()
        self.begin()

    def begin_beside(self, other: Path) -> None:
        """Begin from the start of another, which is evaluated and differs in its rate alone."""
        self.content, self.run.point = other.content, other.run.start
        self.run.begin(rate=self.options["learning_rate"])

    def finish(self, on_progress: Progress | None) -> None:
        """Run to the end, and tell the progress."""
        run, now = self.run, self.problem.deadline.now
        ticked = -math.inf
        while not run.status:
            if on_progress and now() - ticked >= TICK_SECONDS:
                ticked, run.told = now(), run.point.step
                on_progress(run.record(run.point, has_variables=self.options["ticks"] == "variables"))
            run.advance()

    def _message(self, gradient_norm: float) -> str:
        """Return the outcome in a sentence."""
        start_value = self.content["start_value"] + 0.0
        known = self.problem.noise, self.problem.compiled.has_kinks
        return Outcome(self.run, self.options, start_value, gradient_norm, *known).message()

    def answer(self) -> dict[str, Any]:
        """Return what the caller gets, with the state still to be sealed."""
        run, point = self.run, self.run.point
        norm = point.gradient_norm
        variables, best = self.problem.kernel.unpack(point.slots), run.best(point)
        known = best if run.stopped is point else run.best(run.stopped)
        memory = self.stepper.remember(run.stopped)
        return {
            "variables": variables,
            "value": point.value,
            "gradient_norm": norm,
            "steps": point.step - run.first,
            "evaluations": self.stepper.evaluations(point, run.first) * self.problem.kernel.evaluations,
            "status": run.status,
            "message": self._message(norm),
            "best": best,
            "history": run.even_records(),
            **({"gradient": self.problem.kernel.unpack(point.gradient)} if self.options["gradient"] else {}),
            "state": {
                **self.binding,
                **self.content,
                "step": point.step,
                "variables": variables,
                "best": known,
                **memory,
            },
        }


def bound_of(start_value: float | None) -> float:
    """Return the magnitude beyond which a value has diverged; the start's own is not known at first."""
    if start_value is None:
        return math.inf
    return min(GROWTH * max(1.0, abs(start_value)), sys.float_info.max)


def _carried(problem: Problem, options: Options, runs: int, records: int) -> int:
    """Count the numbers that so many runs at a time keep beside their answers, and a fleet's blocks."""
    size, moments = problem.compiled.size, len(options.optimizer.moments)
    tensors = RUN_TENSORS + RULE_TENSORS * moments
    kept = STACK_TENSORS if problem.bounds else 1
    tensors += kept * len(options.optimizer.stacks) * min(options["memory"], options["steps"])
    if runs == 1:
        return int(size * tensors) + records
    evaluation = min(BLOCK_ELEMENTS, runs * problem.compiled.plan.elements)
    block = min(BLOCK_NUMBERS, BLOCK_STEPS * runs * (size * (2 + moments) + 1))
    return int(runs * size * tensors + 2 * evaluation + 4 * block)


def _records(problem: Problem, options: Options) -> int:
    """Count the numbers of the history of a run."""
    size = problem.compiled.size
    records: int = min(options["history"], options["steps"] + 1)
    return records * (size if options["history_variables"] else 2)


def _check_answer(problem: Problem, options: Options, runs: int, records: int) -> int:
    """Count the numbers of the answer, and refuse too many of them before anything is computed."""
    size, optimizer = problem.compiled.size, options.optimizer
    moments = len(optimizer.moments) + len(optimizer.stacks) * min(options["memory"], options["steps"])
    tensors = 4 + moments  # last and best, in the answer and in its state; moments
    numbers: int = runs * (records + tensors * size)
    if numbers > problem.answer_numbers:
        is_long = records > tensors * size
        raise OverBudget(
            fault(
                "answer-over-limit",
                "/history" if is_long else "/variables",
                what="history" if is_long else "state",
                asked=numbers,
                allowed=int(problem.answer_numbers),
                setting=setting_of("response_bytes"),
                hint=_remedy(options, is_long),
            )
        )
    return numbers


def _remedy(options: Options, is_long: bool) -> str:
    """Say how the answer of a run gets shorter."""
    if is_long:
        return " Ask for fewer records, or for history_variables false."
    return " A smaller memory leaves pairs out." if options.optimizer.stacks else ""
