"""What the steppers share that evaluate more than once for a step: their run, and what they count."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from service.core.calculus.kernel import Kernel
from service.core.descent.layout import Iterate, Parts, Reason
from service.core.descent.loop import Judgement, Memory
from service.core.exceptions import DeadlineExceeded

JUDGED = int(Reason.JUDGED)


class Searcher(ABC):
    """A stepper that searches for each step.

    Parameters
    ----------
    kernel : Kernel
        Value and gradient.
    judgement : Judgement
        Judges iterates; its layout has a part for each name in `carried`.

    Attributes
    ----------
    carried : tuple of str
        Names of what it carries from step to step; the first counts evaluations.
    places : tuple of int
        Where they stand in the parts.
    """

    carried: ClassVar[tuple[str, ...]] = ("evaluations",)
    is_stationary = False

    def __init__(self, kernel: Kernel, judgement: Judgement) -> None:
        self.kernel, self.judge, self.layout = kernel, judgement.judge, judgement.layout
        self.places = tuple(self.layout.carried[name] for name in self.carried)

    @abstractmethod
    def step(self, parts: Parts) -> tuple[int, Parts]:
        """Search for a step; return the code of a reason, and the parts of the judged iterate."""

    def arrived(self, code: int, parts: Parts) -> tuple[int, Parts]:
        """Look once more at an iterate that ends the run; most steppers take it as it is."""
        return code, parts

    def carry(self, memory: Memory) -> dict[str, Any]:
        """Return what the parts carry of a state's memory; the start is evaluated once."""
        return {"evaluations": 1, **memory["numbers"]}

    def remember(self, point: Iterate) -> Memory:
        """Return the memory that a state keeps."""
        return {"moments": {}, "numbers": {name: point.carried(name) for name in self.carried[1:]}}

    def conclude(self, point: Iterate) -> Iterate:
        """Judge the end of a run, as every iterate was."""
        return point

    def evaluations(self, point: Iterate, first: int) -> int:
        """Count the evaluations of value and gradient from the first step on."""
        return int(point.carried("evaluations"))

    def run(self, start: Parts, last: int, *, is_fresh: bool) -> Iterate:
        """Go from an iterate to the step `last`, or to where there is a reason to come back."""
        parts, code, place = start, JUDGED, self.layout.k
        try:
            if is_fresh:
                value, gradient = self.kernel.evaluate(parts[self.layout.slots])
                known = self.layout.replaced(parts, value=value, gradient=gradient)
                code, parts = self.arrived(*self.judge(*known))
            while code == JUDGED and parts[place] < last:
                code, parts = self.step(parts)
                if code != JUDGED:
                    code, parts = self.arrived(code, parts)
        except DeadlineExceeded:
            return Iterate(Reason.INTERRUPTED, parts, self.layout)
        return Iterate(Reason.REACHED if code == JUDGED else Reason(code), parts, self.layout)
