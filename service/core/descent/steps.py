"""The steps of a descent: from one iterate to a later one, on floats as long as these can hold it."""

from __future__ import annotations

from typing import Any, Protocol

from service.core.calculus.kernel import Kernel
from service.core.descent.layout import Iterate, Layout, Parts, Reason
from service.core.descent.loop import Memory
from service.core.exceptions import DeadlineExceeded
from service.core.limits import Deadline


class Stepper(Protocol):
    """Something that chooses steps and judges iterates; `Loop` is one."""

    @property
    def layout(self) -> Layout:
        """What stands where in the parts."""

    @property
    def is_stationary(self) -> bool:
        """Whether a step that changes nothing is the end."""

    def run(self, start: Parts, last: int, *, is_fresh: bool) -> Iterate:
        """Go from an iterate to the step `last`, or to where there is a reason to come back."""

    def carry(self, memory: Memory) -> dict[str, Any]:
        """Return what the parts carry of a state's memory."""

    def remember(self, point: Iterate) -> Memory:
        """Return the memory that a state keeps."""

    def conclude(self, point: Iterate) -> Iterate:
        """Judge the end of a run by the function that it minimises, if its steps saw another."""

    def evaluations(self, point: Iterate, first: int) -> int:
        """Count the evaluations of value and gradient from the first step on."""

    def judge(self, *parts: object) -> tuple[int, Parts]:
        """Judge an iterate whose value and gradient are known."""


class Steps:
    """The steps of one descent.

    Parameters
    ----------
    kernel : Kernel
        Value and gradient.
    stepper : Stepper
        What chooses the steps.
    deadline : Deadline
        When to stop between two evaluations on arrays.
    """

    def __init__(self, kernel: Kernel, stepper: Stepper, deadline: Deadline) -> None:
        self.kernel, self.stepper, self.deadline = kernel, stepper, deadline
        self.layout = stepper.layout

    def evaluate(self, start: Parts) -> Iterate:
        """Evaluate and judge a start."""
        return self._advance(start, start[self.layout.k], is_fresh=True)

    def reach(self, start: Iterate, last: int) -> Iterate:
        """Run from an evaluated iterate to a later step."""
        return start if start.step == last else self._advance(start.parts, last)

    def judge(self, point: Iterate, value: float, gradient: Parts) -> Iterate:
        """Judge an iterate whose value and gradient come from elsewhere."""
        parts = self.layout.replaced(point.parts, value=value, gradient=gradient)
        reason, judged = self.stepper.judge(*parts)
        return Iterate(Reason(reason), judged, self.layout)

    def _advance(self, start: Parts, last: int, *, is_fresh: bool = False) -> Iterate:
        """Run the loop; a step at which floats raise is evaluated on arrays."""
        point = self.stepper.run(start, last, is_fresh=is_fresh)
        while point.reason is Reason.RAISED:
            try:
                self.deadline.check()
                value, gradient = self.kernel.evaluate_on_arrays(point.slots)
            except DeadlineExceeded:
                return Iterate(Reason.INTERRUPTED, point.parts, self.layout)
            judged = self.judge(point, value, gradient)
            if judged.reason is not Reason.JUDGED:
                return judged
            start = judged.parts
            point = self.stepper.run(start, last, is_fresh=False)
        return self._first_beyond(start, point) if point.reason is Reason.OVERSHOT else point

    def _first_beyond(self, start: Parts, end: Iterate) -> Iterate:
        """Find by bisection the first iterate whose value fell below the bound, at the end or before."""
        low, high = Iterate(Reason.JUDGED, start, self.layout), end
        while high.step - low.step > 1:
            middle = self.stepper.run(low.parts, (low.step + high.step) // 2, is_fresh=False)
            low, high = (low, middle) if middle.reason is Reason.OVERSHOT else (middle, high)
        return Iterate(Reason.DIVERGED, high.parts, self.layout)
