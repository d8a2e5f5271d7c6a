"""One descent: chunks of the generated loop, and what is judged between them.

The loop tests cheaply. What it leaves out (whether variables stayed finite, whether an update still
changed anything) is tested after a chunk; when a chunk ends badly it is run again from its start, by
bisection, to the first bad step. Everything is deterministic, so chunks change no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.core.calculus.kernel import Array, Kernel
from service.core.descent.history import grid, thinned
from service.core.descent.loop import (
    CONVERGED,
    DIVERGED,
    INTERRUPTED,
    RAISED,
    RUNNING,
    STALLED,
    Loop,
    Rules,
    make_loop,
    total_norm,
)
from service.core.exceptions import DeadlineExceeded, fault
from service.core.limits import Deadline

Progress = Callable[[int, float, float], None]

CHUNK_SECONDS = 0.008
LONGEST_CHUNK = 20_000
TICK_SECONDS = 0.05

NAMES = {RUNNING: "max_steps", CONVERGED: "converged", DIVERGED: "diverged", STALLED: "stalled"}


@dataclass(frozen=True, slots=True)
class Point:
    """One iterate as the loop left it.

    Attributes
    ----------
    carried : tuple
        What the loop takes to go on; see `Loop.carried`.
    value : float or None
        None when the iterate was not evaluated.
    gradient, before : tuple
        By slot: the gradient, and the slots before the last update.
    """

    reason: int
    carried: tuple[Any, ...]
    value: float | None
    gradient: tuple[Any, ...]
    before: tuple[Any, ...]


class Run:
    """A descent under way.

    Parameters
    ----------
    kernel, rules, numbers : Kernel, Rules, dict
        As `make_loop` takes them.
    carried : tuple
        The start; see `Loop.carried`.
    steps : int
        How many updates to do.
    history, has_variables : int, bool
        How many records to keep, and whether they hold the variables.
    deadline : Deadline
        When to stop.
    """

    def __init__(
        self,
        kernel: Kernel,
        rules: Rules,
        numbers: Mapping[str, Any],
        carried: tuple[Any, ...],
        steps: int,
        history: int,
        has_variables: bool,
        deadline: Deadline,
    ) -> None:
        self.kernel, self.rules, self.deadline = kernel, rules, deadline
        self.history, self.has_variables = history, has_variables
        self.loop: Loop = make_loop(kernel, rules, dict(numbers))
        self.place = {name: position for position, name in enumerate(self.loop.carried)}
        self.start = carried
        self.first = carried[self.place["k"]]
        self.last = self.first + steps
        self.status = ""
        self.chunk = 1
        self.records: dict[int, dict[str, Any]] = {}
        self.waiting = [self.first + step for step in grid(steps, history)]
        self.point = self._reach(carried, self.first)
        if self.point.reason == INTERRUPTED:
            raise DeadlineExceeded(fault("deadline"))

    @property
    def step(self) -> int:
        """The number of the present iterate."""
        return int(self.point.carried[self.place["k"]])

    def slots(self, point: Point) -> tuple[Any, ...]:
        """Return the slots of an iterate."""
        return point.carried[: len(self.kernel.slots)]

    def begin(self) -> None:
        """Judge the start."""
        self._settle(self.point, self.start)

    def advance(self) -> None:
        """Run one chunk; `status` is set when that was the last."""
        if self.deadline.is_over():
            self.status = "deadline"
            return
        target = min(self.last, self.step + self.chunk, self.waiting[0] if self.waiting else self.last)
        began = self.deadline.now()
        carried = self.point.carried
        point = self._reach(carried, target)
        took = self.deadline.now() - began
        self.chunk = max(1, self.chunk // 2) if took > CHUNK_SECONDS else min(2 * self.chunk, LONGEST_CHUNK)
        if point.reason == INTERRUPTED:
            self.status = "deadline"  # at the start of this chunk, the last iterate known whole
            return
        self._settle(point, carried)

    def _reach(self, carried: tuple[Any, ...], last: int) -> Point:
        """Run the loop to a step; a step at which floats raise is evaluated on arrays."""
        count = len(self.loop.carried)
        reason, result = self.loop.advance(*carried, last)
        while reason == RAISED:
            carried = result[:count]
            value, gradient = self.kernel.evaluate(carried[: len(self.kernel.slots)])
            reason, result = self.loop.apply(*carried, last, value, *gradient)
            if reason == RAISED:
                reason, result = self.loop.advance(*result[:count], last)
        slots = len(self.kernel.slots)
        value, gradient = result[count], result[count + 1 : count + 1 + slots]
        return Point(reason, result[:count], value, gradient, result[count + 1 + slots :])

    def _settle(self, point: Point, carried: tuple[Any, ...]) -> None:
        """Judge a chunk, and take its end or the first place where it went wrong as the present iterate."""
        if not self.is_finite(point):
            point = self._last_good(carried, point, self.is_finite)
            self.status = "diverged"
        elif self._is_stuck(point) and point.reason in (RUNNING, STALLED):
            point = self._last_good(carried, point, lambda each: not self._is_stuck(each))
            self.status = "stalled"
        elif point.reason != RUNNING:
            self.status = NAMES[point.reason]
        elif point.carried[self.place["k"]] == self.last:
            self.status = "max_steps"
        self.point = point
        self._record()

    def _record(self) -> None:
        """Keep the present iterate when it is due, and the last one in any case."""
        is_due = bool(self.waiting) and self.waiting[0] == self.step
        if is_due:
            self.waiting.pop(0)
        if is_due or (self.history and self.status):
            self.records[self.step] = self._record_of(self.point)

    def _record_of(self, point: Point) -> dict[str, Any]:
        """Return what the history says of an iterate."""
        record: dict[str, Any] = {
            "step": int(point.carried[self.place["k"]]),
            "value": point.value,
            "gradient_norm": self.gradient_norm(point),
        }
        return record | {"variables": self.kernel.unpack(self.slots(point))} if self.has_variables else record

    def _last_good(self, carried: tuple[Any, ...], end: Point, is_good: Callable[[Point], bool]) -> Point:
        """Find by bisection the last iterate of a chunk that is good; its start is, its end is not."""
        low, high = carried[self.place["k"]], end.carried[self.place["k"]]
        while high - low > 1:
            middle = (low + high) // 2
            if is_good(self._reach(carried, middle)):
                low = middle
            else:
                high = middle
        return self._reach(carried, low)

    def is_finite(self, point: Point) -> bool:
        """Tell whether variables, moments, value and gradient of an iterate are all finite."""
        moments = len(self.kernel.slots) * (1 + len(self.rules.optimizer.moments))
        parts = (*point.carried[:moments], point.value, *point.gradient)
        if self.kernel.is_scalar:
            return all(math.isfinite(part) for part in parts if part is not None)
        return all(np.isfinite(part).all() for part in parts if part is not None)

    def _is_stuck(self, point: Point) -> bool:
        """Tell whether the last update changed nothing, and no later one can."""
        if not self.rules.is_stationary or point.carried[self.place["k"]] == self.first:
            return False
        pairs = zip(self.slots(point), point.before, strict=True)
        if self.kernel.is_scalar:
            return all(now == before for now, before in pairs)
        return all(now is not before and np.array_equal(now, before) for now, before in pairs)

    def gradient_norm(self, point: Point) -> float:
        """Return the 2-norm of an iterate's gradient over all variables."""
        return total_norm(*point.gradient) if not self.kernel.is_scalar else math.hypot(*point.gradient)

    def moments(self, point: Point) -> dict[str, dict[str, Array]]:
        """Return the optimizer's moments by name and variable."""
        count = len(self.kernel.slots)
        names = self.rules.optimizer.moments
        parts = (point.carried[count * (each + 1) : count * (each + 2)] for each in range(len(names)))
        return {name: self.kernel.unpack(part) for name, part in zip(names, parts, strict=True)}

    def best(self, point: Point) -> dict[str, Any]:
        """Return the best iterate so far."""
        at = self.place["best_step"] + 1
        return {
            "step": int(point.carried[self.place["best_step"]]),
            "value": float(point.carried[self.place["best"]]),
            "variables": self.kernel.unpack(point.carried[at : at + len(self.kernel.slots)]),
        }

    def rises(self) -> int:
        """Count the steps at which the value did not fall, the one to the present iterate included."""
        carried = self.point.carried
        return int(carried[self.place["rises"]]) + (not self.point.value < carried[self.place["previous"]])

    def even_records(self) -> list[dict[str, Any]]:
        """Return the records, evenly spaced over the steps that were run.

        A run that ended before its last step is run again to record at the right steps, unless the
        time is up: then the records there are thinned until their gaps are equal.
        """
        if not self.history:
            return []
        self.records.setdefault(self.step, self._record_of(self.point))
        wanted = [self.first + step for step in grid(self.step - self.first, self.history)]
        if wanted != sorted(self.records) and self.status != "deadline":
            self._record_again(wanted)
        if not set(wanted) <= set(self.records):
            known = sorted(step - self.first for step in self.records)
            wanted = [self.first + step for step in thinned(known, self.step - self.first)][-self.history :]
        return [self.records[step] for step in wanted]

    def _record_again(self, wanted: list[int]) -> None:
        """Run to every wanted step once more, as far as the time allows."""
        records, carried = {self.step: self.records[self.step]}, self.start
        for step in wanted[:-1]:
            point = self._reach(carried, step)
            if self.deadline.is_over() or point.reason == INTERRUPTED:
                return
            records[step] = self._record_of(point)
            carried = point.carried
        self.records = records
