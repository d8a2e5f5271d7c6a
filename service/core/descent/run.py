"""One descent under way: chunks of steps between looks at the clock, and the records of its history."""

from __future__ import annotations

from typing import Any, TypeVar

from service.core.calculus.kernel import Kernel
from service.core.descent.choice import Options
from service.core.descent.history import History, Record
from service.core.descent.judge import STATUSES, Judge
from service.core.descent.layout import Iterate, Parts, Reason
from service.core.descent.steps import Stepper, Steps
from service.core.exceptions import DeadlineExceeded, fault
from service.core.limits import Deadline

CHUNK_SECONDS = 0.008
LONGEST_CHUNK = 20_000
FIRST_CHUNK, CAUTION = 128, 8
"""Steps of the first chunk, fewer where a step takes long, at worst this many times longer than estimated."""
MOST_UNDONE = 1 / 16
"""Part of the steps that a run takes back at its deadline, so that its history ends evenly."""


Twin = TypeVar("Twin")


def twin(original: Twin) -> Twin:
    """Return a shallow copy, as `copy.copy` does for any object; a sweep makes two for each of its runs."""
    new = object.__new__(type(original))
    new.__dict__ = vars(original).copy()
    return new


class Run:
    """A descent under way.

    Parameters
    ----------
    kernel, stepper : Kernel, Stepper
        What runs.
    first : int
        The number of its first step.
    options : Options
        How many updates to do, and how many records to keep.
    deadline : Deadline
        When to stop.

    Attributes
    ----------
    start, point : Iterate
        Where the run began, and where it is; to be had from `evaluate` on.
    status : str
        How it ended; empty as long as it goes on.
    told : int
        The last step that progress was told of.
    stopped : Iterate
        Where it ended, as a run that goes on from there needs it; `point` is then judged once more by the
        function that is minimised, where the steps saw a part of it.
    """

    def __init__(
        self,
        kernel: Kernel,
        stepper: Stepper,
        first: int,
        options: Options,
        deadline: Deadline,
    ) -> None:
        self.kernel, self.deadline, self.options = kernel, deadline, options
        self.steps, self.layout = Steps(kernel, stepper, deadline), stepper.layout
        self.first, self.last = first, first + options["steps"]
        self.judge = Judge(self.steps, first)
        self.history = History(options["history"], first, self.last)
        self.status = ""
        self.told = first
        self.start: Iterate
        self.point: Iterate
        self.recorded: Iterate
        self.stopped: Iterate
        fitting = 1e6 * CHUNK_SECONDS / (CAUTION * kernel.template.microseconds + 1)
        self._chunk = max(1, min(int(fitting), FIRST_CHUNK))

    def evaluate(self, start: Parts) -> None:
        """Evaluate a start.

        Raises
        ------
        DeadlineExceeded
            The time was up before there was a value.
        """
        self.point = self.steps.evaluate(start)
        if self.point.reason is Reason.INTERRUPTED:
            raise DeadlineExceeded(fault("deadline"))

    def begin(self, **values: float) -> None:
        """Judge the evaluated start, whose value and gradient are finite.

        Parameters
        ----------
        **values
            What its parts are to hold besides: ``bound``, the magnitude beyond which a value has diverged,
            or another ``rate``.
        """
        parts = self.layout.replaced(self.point.parts, **values)
        self.start = self.recorded = Iterate(self.point.reason, parts, self.layout)
        self.follow(self.start, STATUSES.get(self.start.reason, ""))

    def anew(self) -> Run:
        """Return such a run that is still to begin."""
        run = twin(self)
        run.status = ""
        if self.history.count:
            run.history = History(self.history.count, self.first, self.last)
        return run

    def advance(self) -> None:
        """Run one chunk; `status` is set when that was the last."""
        if self.deadline.is_over():
            self.end_early()
            return
        if self.point.step > self.first and self.options.batch is None:  # batches are judged at a deadline
            self.point = self.point.begun()
        start, began = self.point, self.deadline.worked()
        last = min(self.last, start.step + self._chunk, self.history.due(self.last))
        end = self.steps.reach(start, last)
        if last < self.last:
            is_long = self.deadline.worked() - began > CHUNK_SECONDS
            self._chunk = max(1, self._chunk // 2) if is_long else min(2 * self._chunk, LONGEST_CHUNK)
        point, status = self.judge.settle(start, end)
        if status == "deadline":
            self.end_early()
        else:
            self.follow(point, status)

    def follow(self, point: Iterate, status: str = "") -> None:
        """Go on from a judged iterate, or end there."""
        self.point = point
        self.status = status or ("max_steps" if point.step == self.last else "")
        self._record()
        if self.status:
            self._conclude()

    def end_early(self) -> None:
        """End at the deadline, with the last iterate that is known whole.

        When steps are recorded and the last record is not far back, the run ends there: else its history
        could only be the start and the end.
        """
        if self.history.count > 1:
            undone = self.point.step - self.recorded.step
            is_near = undone <= MOST_UNDONE * (self.point.step - self.first)
            if is_near and self.told <= self.recorded.step:
                self.point = self.recorded
        self.status = "deadline"
        self._record()
        self._conclude()

    def _conclude(self) -> None:
        """Judge the end by the function that is minimised; where it is not finite, an earlier one is it."""
        self.stopped, conclude = self.point, self.steps.stepper.conclude
        self.point = conclude(self.stopped)
        if self.point is self.stopped:
            return
        if not self.judge.is_finite(self.point):
            is_finite = self.judge.is_finite
            self.stopped, self.status = self.judge.last_good(
                self.start, self.stopped, lambda at: is_finite(conclude(at)), "diverged"
            )
            self.point = conclude(self.stopped)
        elif self.status in ("max_steps", "deadline"):
            self.status = STATUSES.get(self.point.reason, self.status)

    def _record(self) -> None:
        """Keep the present iterate when it is due, and the last one in any case."""
        if not self.history.count:
            return
        is_due = self.history.is_due(self.point.step)
        if is_due:
            self.recorded = self.point
        if is_due or self.status:
            self.history.records[self.point.step] = self.record(self.point)

    def record(self, point: Iterate, *, has_variables: bool | None = None) -> Record:
        """Return a record of an iterate; with its variables where the history has them, if not told."""
        has_variables = self.options["history_variables"] if has_variables is None else has_variables
        record = {"step": point.step, "value": point.value, "gradient_norm": point.gradient_norm}
        return record | {"variables": self.kernel.unpack(point.slots)} if has_variables else record

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
                point = self.steps.reach(point, min(step, point.step + self._chunk))
                if self.deadline.is_over() or point.reason is Reason.INTERRUPTED:
                    return
            records[step] = self.record(point)
        self.history.records = records

    def best(self, point: Iterate) -> dict[str, Any]:
        """Return the best iterate up to one."""
        parts = point.parts
        return {
            "step": int(parts[self.layout.best_step]),
            "value": float(parts[self.layout.best]),
            "variables": self.kernel.unpack(parts[self.layout.best_slots]),
        }

    def best_value(self) -> float:
        """Return the lowest value so far."""
        return float(self.point.parts[self.layout.best])

    def rises(self) -> int:
        """Count the steps at which the value did not fall."""
        return int(self.point.parts[self.layout.rises])
