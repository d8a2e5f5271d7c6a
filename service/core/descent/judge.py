"""Tests that cost too much at every step: made at the end of a chunk, and traced back to the first bad step.

The loop does not test whether variables and moments stayed finite, nor whether an update still changed
anything. When a chunk ends badly it is run again from its start, by bisection, to the last
good step. Everything is deterministic, so chunks change no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from service.core.arrays import is_finite
from service.core.descent.layout import Iterate, Reason
from service.core.descent.steps import Steps

STATUSES = {
    Reason.CONVERGED: "converged",
    Reason.DIVERGED: "diverged",
    Reason.STALLED: "stalled",
    Reason.EXHAUSTED: "converged",
    Reason.SETTLED_VALUE: "converged",
    Reason.SETTLED_STEP: "converged",
    Reason.ON_TARGET: "converged",
    Reason.BLOCKED: "stalled",
    Reason.INTERRUPTED: "deadline",
}
"""The status of a run that ends for a reason."""


Verdict = tuple[Iterate, str]
"""Where a chunk ended, and the status when that is the end of the run, else an empty word."""


class Judge:
    """The judge of one run.

    Parameters
    ----------
    steps : Steps
        The run's steps.
    first : int
        The run's first step, which no update led to.
    """

    def __init__(self, steps: Steps, first: int) -> None:
        self.steps, self.first = steps, first
        self._is_on_floats = steps.kernel.is_on_floats

    def settle(self, start: Iterate, end: Iterate) -> Verdict:
        """Judge a chunk by its end; what went wrong in it moves the end back."""
        if end.reason is Reason.INTERRUPTED:
            return start, "deadline"
        if not self.is_finite(end):
            return self.last_good(start, end, self.is_finite, "diverged")
        if end.reason in (Reason.REACHED, Reason.STALLED) and self._is_stuck(end):
            return self.last_good(start, end, lambda each: not self._is_stuck(each), "stalled")
        return end, STATUSES.get(end.reason, "")

    def last_good(
        self, start: Iterate, end: Iterate, is_good: Callable[[Iterate], bool], status: str
    ) -> Verdict:
        """Find the last iterate of a chunk that is good, by bisection; its start is, its end is not."""
        low, high = start, end.step
        while high - low.step > 1:
            wanted = (low.step + high) // 2
            middle = self.steps.reach(start, wanted)
            if middle.reason is Reason.INTERRUPTED:
                return start, "deadline"
            if middle.step < wanted:  # it ended there, for a reason of its own
                return self.settle(low, middle)
            if is_good(middle):
                low = middle
            else:
                high = middle.step
        return low, status

    def is_finite(self, point: Iterate) -> bool:
        """Tell whether variables, moments, value and gradient of an iterate are all finite."""
        test = math.isfinite if self._is_on_floats else is_finite
        return math.isfinite(point.value) and all(map(test, point.parts[point.layout.tested]))

    def _is_stuck(self, point: Iterate) -> bool:
        """Tell whether the last update changed nothing, and no later one can."""
        if not self.steps.stepper.is_stationary or point.step == self.first:
            return False
        if self._is_on_floats:
            return point.slots == point.before
        return all(map(np.array_equal, point.slots, point.before))
