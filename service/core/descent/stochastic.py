"""Stochastic descent: update rules whose updates see a few rows of the constants each.

An iterate's value and gradient are those of the rows that the update from there sees. At the start, at the
end of every epoch and at the end of the run the function of all rows is evaluated beside them: it alone
decides what the best iterate is and whether the run has converged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.core.arrays import is_finite
from service.core.calculus.kernel import Kernel
from service.core.descent.batches import Batches
from service.core.descent.layout import Iterate, Layout, Parts, Reason
from service.core.descent.loop import Loop, Memory
from service.core.exceptions import DeadlineExceeded

EPOCH_VALUE = "epoch_value"
"""The number of a state that says the value of all rows at the end of the last epoch."""


class FullEvaluation(NamedTuple):
    """Value and gradient of all rows at the step where they were last evaluated."""

    step: int
    value: float
    gradient: Parts


@dataclass(frozen=True, slots=True)
class Stochastic:
    """The stepper of update rules over batches.

    Attributes
    ----------
    loop : Loop
        Its `advance` goes over batches, its `judge` judges iterates by all rows.
    batches : Batches
        The rows of the updates.
    whole, last_whole : Kernel
        The function of all rows, and the same for the end of a run, which no deadline interrupts.
    check_finite : callable
        Refuses a start where value or gradient is not finite, from its number, variables, value and gradient.
    """

    loop: Loop
    batches: Batches
    whole: Kernel
    last_whole: Kernel
    check_finite: Callable[[int, Parts, float, Parts], None]

    is_stationary = False

    @property
    def layout(self) -> Layout:
        """What stands where in the parts."""
        return self.loop.layout

    def run(self, start: Parts, last: int, *, is_fresh: bool) -> Iterate:
        """Go from an iterate to the step `last`, or to where there is a reason to come back."""
        place, updates = self.layout.k, self.batches.updates
        try:
            if is_fresh:
                return Iterate(*self._begin(start), self.layout)
            parts = start
            while parts[place] < last:
                end = min(last, parts[place] - parts[place] % updates + updates)
                reason, parts = self._advance(parts, end)
                if reason is Reason.REACHED and end % updates == 0:
                    reason, parts = self._judge_epoch(parts)
                if reason not in (Reason.REACHED, Reason.JUDGED):
                    return Iterate(reason, parts, self.layout)
        except DeadlineExceeded:
            return Iterate(Reason.INTERRUPTED, start, self.layout)
        return Iterate(Reason.REACHED, parts, self.layout)

    def conclude(self, point: Iterate) -> Iterate:
        """Judge an iterate by all rows, as the end of a run."""
        last: FullEvaluation = point.carried("whole")
        whole, reason, parts = last, point.reason, point.parts
        if last.step != point.step:
            whole = FullEvaluation(point.step, *self.last_whole.evaluate(point.slots))
            reason, parts = self._judged(parts, whole, last.value)
        parts = self.layout.replaced(parts, value=whole.value, gradient=whole.gradient)
        return Iterate(reason, parts, self.layout)

    def judge(self, *parts: Any) -> tuple[int, Parts]:
        """Judge an iterate whose value and gradient are those of all rows."""
        return self.loop.judge(*parts)

    def carry(self, memory: Memory) -> dict[str, Any]:
        """Return what the parts carry of a state's memory."""
        numbers = dict(memory["numbers"])
        whole = FullEvaluation(-1, numbers.pop(EPOCH_VALUE, math.inf), ())
        return {"whole": whole, **self.loop.carry({**memory, "numbers": numbers})}

    def remember(self, point: Iterate) -> Memory:
        """Return the memory that a state keeps."""
        memory = self.loop.remember(point)
        numbers = {**memory["numbers"], EPOCH_VALUE: point.carried("whole").value}
        return {**memory, "numbers": numbers}

    def evaluations(self, point: Iterate, first: int) -> int:
        """Count the evaluations from the first step on, of batches and of all rows."""
        return self.loop.evaluations(point, first) + self.batches.wholes(first, point.step)

    def _begin(self, start: Parts) -> tuple[Reason, Parts]:
        """Evaluate a start: all rows at the boundary of epochs, and those of the first update."""
        step, reason, parts = start[self.layout.k], Reason.REACHED, start
        if step % self.batches.updates == 0:
            reason, parts = self._judge_epoch(parts, is_fresh=True)
        began, parts = self._advance(parts, step, is_fresh=True)
        at = Iterate(began, parts, self.layout)
        if began is not Reason.INTERRUPTED:
            self.check_finite(step, at.slots, at.value, at.gradient)
        return began if reason in (Reason.REACHED, Reason.JUDGED) else reason, parts

    def _advance(self, parts: Parts, last: int, *, is_fresh: bool = False) -> tuple[Reason, Parts]:
        code, _, after = self.loop.advance(*parts, last, is_fresh)
        return Reason(code), after

    def _judge_epoch(self, parts: Parts, *, is_fresh: bool = False) -> tuple[Reason, Parts]:
        """Judge an iterate between two epochs, and go on with the value and gradient of its rows."""
        at = Iterate(Reason.REACHED, parts, self.layout)
        whole = FullEvaluation(at.step, *self.whole.evaluate(at.slots))
        reason, judged = self._judged(parts, whole, math.inf if is_fresh else at.carried("whole").value)
        own = {"value": at.parts[self.layout.value], "gradient": at.gradient}
        if not _is_finite(whole):  # which ends the run, as if the rows' own value were not finite
            own = {"value": math.nan}
        return reason, self.layout.replaced(judged, **own, whole=whole)

    def _judged(self, parts: Parts, whole: FullEvaluation, previous: float) -> tuple[Reason, Parts]:
        """Judge by value and gradient of all rows; a value that rose counts for every update on the way."""
        if not _is_finite(whole):
            return Reason.DIVERGED, parts
        layout, before = self.layout, parts[self.layout.rises]
        updates = whole.step - parts[layout.carried["whole"]].step
        known = layout.replaced(parts, value=whole.value, gradient=whole.gradient, previous=previous)
        code, after = self.loop.judge(*known)
        rises = before + updates * (after[layout.rises] - before)
        return Reason(code), layout.replaced(after, rises=rises)


def _is_finite(whole: FullEvaluation) -> bool:
    return math.isfinite(whole.value) and all(map(is_finite, whole.gradient))
