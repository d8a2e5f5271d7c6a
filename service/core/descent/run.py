"""One descent: chunks of the generated loop, and what is judged between them.

The loop tests cheaply. What it leaves out (whether variables stayed finite, whether an update still
changed anything) is tested after a chunk; when a chunk ends badly it is run again from its start, by
bisection, to the first bad step. Everything is deterministic, so chunks change no number.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.core.arrays import is_finite
from service.core.calculus.kernel import Kernel
from service.core.calculus.template import Array
from service.core.descent.history import History, Record
from service.core.descent.loop import (
    CONVERGED,
    DIVERGED,
    INTERRUPTED,
    JUDGED,
    OVERSHOT,
    RAISED,
    REACHED,
    STALLED,
    Layout,
    Loop,
    Parts,
)
from service.core.descent.options import Options
from service.core.exceptions import DeadlineExceeded, fault
from service.core.limits import Deadline

CHUNK_SECONDS = 0.008
LONGEST_CHUNK = 20_000
FIRST_CHUNK, CAUTION = 128, 8
"""Steps of the first chunk, fewer where a step takes long, at worst this many times longer than estimated."""
MOST_UNDONE = 1 / 16
"""Part of the steps that a run takes back at its deadline, so that its history ends evenly."""

STATUSES = {CONVERGED: "converged", DIVERGED: "diverged", STALLED: "stalled"}


@dataclass(frozen=True, slots=True)
class Iterate:
    """An evaluated iterate as the loop left it, and why the loop came back there."""

    reason: int
    parts: Parts
    layout: Layout

    @property
    def step(self) -> int:
        """Its number."""
        return int(self.parts[self.layout.k])

    @property
    def slots(self) -> Parts:
        """Its variables."""
        return self.parts[self.layout.slots]

    @property
    def value(self) -> float:
        """The function's value."""
        return float(self.parts[self.layout.value])

    @property
    def gradient(self) -> Parts:
        """The function's gradient, by slot."""
        return self.parts[self.layout.gradient]

    @property
    def gradient_norm(self) -> float:
        """The 2-norm of the gradient, float64's largest number where it is larger."""
        return min(self.layout.norm_of(*self.gradient), sys.float_info.max)

    @property
    def has_slope(self) -> bool:
        """Whether the gradient has an element that is not zero."""
        return self.layout.has_slope(self.gradient)

    @property
    def is_beyond_bound(self) -> bool:
        """Whether the value has grown too large."""
        return abs(self.value) > float(self.parts[self.layout.bound])


class Run:
    """A descent under way.

    Parameters
    ----------
    kernel, loop : Kernel, Loop
        What runs.
    start : tuple
        The parts of the start, not evaluated yet.
    options : Options
        How many updates to do, and how many records to keep.
    deadline : Deadline
        When to stop.
    """

    def __init__(
        self,
        kernel: Kernel,
        loop: Loop,
        start: Parts,
        options: Options,
        deadline: Deadline,
    ) -> None:
        self.kernel, self.loop, self.deadline = kernel, loop, deadline
        self.layout = loop.layout
        self.first = int(start[self.layout.k])
        self.last = self.first + options["steps"]
        self.options = options
        self.history = History(options["history"], self.first, self.last)
        self.status = ""
        self.told = self.first
        self.point = self.start = self.recorded = Iterate(JUDGED, start, self.layout)
        fitting = 1e6 * CHUNK_SECONDS / (CAUTION * kernel.template.microseconds + 1)
        self._chunk = max(1, min(int(fitting), FIRST_CHUNK))

    def evaluate_start(self, known: Iterate | None = None) -> None:
        """Evaluate the start, or take value and gradient from that of another run.

        Raises
        ------
        DeadlineExceeded
            The time was up before there was a value.
        """
        if known is None:
            point = self._advance(self.start, self.first, is_fresh=True)
        else:
            point = self._judge(self.start, known.value, known.gradient)
        if point.reason == INTERRUPTED:
            raise DeadlineExceeded(fault("deadline"))
        self.point = point

    def begin(self, bound: float) -> None:
        """Judge the evaluated start, whose value and gradient are finite.

        Parameters
        ----------
        bound : float
            The magnitude beyond which a value has diverged.
        """
        parts = list(self.point.parts)
        parts[self.layout.bound] = min(bound, sys.float_info.max)
        self.start = self.recorded = Iterate(self.point.reason, tuple(parts), self.layout)
        self._settle(self.start, self.start)

    def advance(self) -> None:
        """Run one chunk; `status` is set when that was the last."""
        if self.deadline.is_over():
            self._end_early()
            return
        start, began = self.point, self.deadline.now()
        point = self._reach(start, min(self.last, start.step + self._chunk, self.history.due(self.last)))
        is_long = self.deadline.now() - began > CHUNK_SECONDS
        self._chunk = max(1, self._chunk // 2) if is_long else min(2 * self._chunk, LONGEST_CHUNK)
        if point.reason == INTERRUPTED:
            self._end_early()
        else:
            self._settle(point, start)

    def _end_early(self) -> None:
        """End at the deadline, with the last iterate that is known whole.

        When steps are recorded and the last record is not far back, the run ends there: else its history
        could only be the start and the end.
        """
        undone = self.point.step - self.recorded.step
        is_near = undone <= MOST_UNDONE * (self.point.step - self.first)
        if self.history.count > 1 and is_near and self.told <= self.recorded.step:
            self.point = self.recorded
        self.status = "deadline"
        self._record()

    def _reach(self, start: Iterate, last: int) -> Iterate:
        """Run the loop from an evaluated iterate to a later step."""
        return start if start.step == last else self._advance(start, last)

    def _advance(self, start: Iterate, last: int, *, is_fresh: bool = False) -> Iterate:
        """Run the loop; a step at which floats raise is evaluated on arrays."""
        point = self._loop(start, last, is_fresh)
        while point.reason == RAISED:
            try:
                self.deadline.check()
                value, gradient = self.kernel.evaluate_on_arrays(point.slots)
            except DeadlineExceeded:
                return Iterate(INTERRUPTED, point.parts, self.layout)
            start = self._judge(point, value, gradient)
            if start.reason != JUDGED:
                return start
            point = self._loop(start, last, is_fresh=False)
        return self._first_beyond(start, point) if point.reason == OVERSHOT else point

    def _first_beyond(self, start: Iterate, end: Iterate) -> Iterate:
        """Find by bisection the first iterate whose value fell below the bound, at the end or before."""
        low, high = start, end
        while high.step - low.step > 1:
            middle = self._loop(low, (low.step + high.step) // 2, is_fresh=False)
            low, high = (low, middle) if middle.reason == OVERSHOT else (middle, high)
        return Iterate(DIVERGED, high.parts, self.layout)

    def _loop(self, start: Iterate, last: int, is_fresh: bool) -> Iterate:
        reason, parts = self.loop.run(start.parts, last, is_fresh=is_fresh)
        return Iterate(reason, parts, self.layout)

    def _judge(self, point: Iterate, value: float, gradient: Parts) -> Iterate:
        """Judge an iterate whose value and gradient come from elsewhere."""
        parts = list(point.parts)
        parts[self.layout.value], parts[self.layout.gradient] = value, gradient
        reason, judged = self.loop.judge(*parts)
        return Iterate(reason, judged, self.layout)

    def _settle(self, point: Iterate, start: Iterate) -> None:
        """Judge a chunk, and take its end or the first place where it went wrong as the present iterate."""
        if not self._is_finite(point):
            self._go_back(start, point, self._is_finite, "diverged")
        elif self._is_stuck(point) and point.reason in (REACHED, STALLED):
            self._go_back(start, point, lambda each: not self._is_stuck(each), "stalled")
        else:
            self.point = point
            self.status = STATUSES.get(point.reason, "max_steps" if point.step == self.last else "")
            self._record()

    def _go_back(self, start: Iterate, end: Iterate, is_good: Callable[[Iterate], bool], status: str) -> None:
        """End with the last iterate of a chunk that is good, by bisection; its start is, its end is not."""
        low, high = start, end.step
        while high - low.step > 1:
            wanted = (low.step + high) // 2
            middle = self._reach(start, wanted)
            if middle.reason == INTERRUPTED:
                self._end_early()
                return
            if middle.step < wanted:  # it ended there, for a reason of its own
                self._settle(middle, low)
                return
            if is_good(middle):
                low = middle
            else:
                high = middle.step
        self.point, self.status = low, status
        self._record()

    def _is_finite(self, point: Iterate) -> bool:
        """Tell whether variables, moments, value and gradient of an iterate are all finite."""
        parts = (*point.slots, *point.parts[self.layout.moments], point.value, *point.gradient)
        if self.kernel.is_on_floats:
            return all(map(math.isfinite, parts))
        return all(map(is_finite, parts))

    def _is_stuck(self, point: Iterate) -> bool:
        """Tell whether the last update changed nothing, and no later one can."""
        if not self.loop.is_stationary or point.step == self.first:
            return False
        pairs = zip(point.slots, point.parts[self.layout.before], strict=True)
        if self.kernel.is_on_floats:
            return all(now == before for now, before in pairs)
        return all(np.array_equal(now, before) for now, before in pairs)

    def _record(self) -> None:
        """Keep the present iterate when it is due, and the last one in any case."""
        is_due = self.history.is_due(self.point.step)
        if is_due:
            self.recorded = self.point
        if is_due or (self.history.count and self.status):
            self.history.records[self.point.step] = self._record_of(self.point)

    def _record_of(self, point: Iterate) -> Record:
        """Return what the history says of an iterate."""
        record = {"step": point.step, "value": point.value, "gradient_norm": point.gradient_norm}
        return (
            record | {"variables": self.kernel.unpack(point.slots)}
            if self.options["history_variables"]
            else record
        )

    def even_records(self) -> list[Record]:
        """Return the records, evenly spaced over the steps that were run.

        A run that ended before its last step is run again to record at the right steps, unless the
        time is up: then the records there are thinned until their gaps are equal.
        """
        history, end = self.history, self.point.step
        if not history.count:
            return []
        if self.status != "deadline" and not history.has_all(history.wanted(end)):
            self._record_again(history.wanted(end))
        return history.even(end)

    def _record_again(self, wanted: list[int]) -> None:
        """Run to every wanted step once more, as far as the time allows."""
        records, point = {}, self.start
        for step in wanted:
            while point.step < step:
                point = self._reach(point, min(step, point.step + self._chunk))
                if self.deadline.is_over() or point.reason == INTERRUPTED:
                    return
            records[step] = self._record_of(point)
        self.history.records = records

    def moments(self) -> dict[str, dict[str, Array]]:
        """Return the optimizer's moments by name and variable."""
        parts, count = self.point.parts[self.layout.moments], len(self.kernel.slots)
        names = self.options.optimizer.moments
        return {
            name: self.kernel.unpack(parts[count * each : count * (each + 1)])
            for each, name in enumerate(names)
        }

    def best(self) -> dict[str, Any]:
        """Return the best iterate so far."""
        parts = self.point.parts
        return {
            "step": int(parts[self.layout.best_step]),
            "value": float(parts[self.layout.best]),
            "variables": self.kernel.unpack(parts[self.layout.best_slots]),
        }

    def rises(self) -> int:
        """Count the steps at which the value did not fall."""
        return int(self.point.parts[self.layout.rises])
