"""What steppers with several evaluations a step have in common: the run, its end, and what they count."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from service.core.descent.active_set import Box
from service.core.descent.layout import GROWTH, LARGE, Iterate, Parts, Reason
from service.core.descent.loop import Judgement, Memory
from service.core.descent.problem import Problem
from service.core.descent.vectors import Vector, Vectors
from service.core.exceptions import DeadlineExceeded

JUDGED = int(Reason.JUDGED)
MOST_LEVEL = 200
"""Evaluations in a row that made neither value nor gradient smaller than ever: what is left is rounding."""
NO_GAIN_YET = {"smallest": sys.float_info.max, "level": 0.0}
"""What `Searcher.judge_step` carries, before the first step."""


class Searcher(ABC):
    """A stepper that searches for each step.

    Parameters
    ----------
    problem : Problem
        Value and gradient, and whether they may have kinks.
    judgement : Judgement
        Judges iterates; its layout has a part for each name in `carried`.
    vectors : Vectors
        How the variables are laid out as one vector.
    box : Box, optional
        The bounds, if there are any.

    Attributes
    ----------
    carried : tuple of str
        Names of what it carries from step to step; the first counts evaluations.
    places : tuple of int
        Where they stand in the parts.
    """

    carried: ClassVar[tuple[str, ...]] = ("evaluations",)
    is_stationary = False

    def __init__(self, problem: Problem, judgement: Judgement, vectors: Vectors, box: Box | None) -> None:
        self.kernel, self.judge, self.layout = problem.kernel, judgement.judge, judgement.layout
        self.vectors, self.box = vectors, box
        self._has_kinks, self._is_exact = problem.compiled.has_kinks, not problem.noise
        self.places = tuple(self.layout.carried[name] for name in self.carried)

    @abstractmethod
    def step(self, parts: Parts) -> tuple[int, Parts]:
        """Search for a step; return the code of a reason, and the parts of the judged iterate."""

    def squared_norm(self, place: Vector, gradient: Vector) -> float:
        """Return the square of the gradient's 2-norm, with bounds of the projected gradient's."""
        vectors, box = self.vectors, self.box
        if box is not None:
            gradient = vectors.difference(place, box.projected(vectors, vectors.along(place, gradient, -1.0)))
        return vectors.dot(gradient, gradient)

    def reason_to_end(self, parts: Parts, *, is_level: bool) -> Reason:
        """Tell why a run ends where no step lowers the value: what is left may be lost in its rounding.

        At a kink every model says so, however far it is from a minimum: there a gradient that is large tells
        that the run has not arrived. Without kinks, one that is small tells that it has: a value that is
        rounded more than at its end alone, a determinant's or a long sum's, hides the rest.
        """
        layout, of = self.layout, self.vectors.of
        size = math.sqrt(self.squared_norm(of(parts[layout.slots]), of(parts[layout.gradient])))
        scale = min(max(1.0, abs(parts[layout.value])), parts[layout.bound] / GROWTH)  # at most the start's
        is_near = size <= LARGE * scale
        if self._has_kinks:
            is_level = is_level and is_near
        elif self._is_exact:
            is_level = is_level or is_near
        return Reason.EXHAUSTED if is_level else Reason.BLOCKED

    def judge_step(self, before: Parts, moved: list[Any], square: float, count: int) -> tuple[int, Parts]:
        """Judge a step of so many evaluations, and end the run where only rounding is left.

        There the value may rise by its rounding or stay, and points next to each other would lead to one
        another for ever. `smallest` is the smallest square of a gradient so far, and `level` counts the
        evaluations since it, or the value, was last made smaller.
        """
        layout = self.layout
        smallest_at, level_at = layout.carried["smallest"], layout.carried["level"]
        is_gain = moved[layout.value] < before[layout.best] or square < before[smallest_at]
        moved[level_at] = 0.0 if is_gain else before[level_at] + count
        moved[smallest_at] = min(square, before[smallest_at])
        code, judged = self.judge(*moved)
        if code == JUDGED and moved[level_at] >= MOST_LEVEL:
            code = self.reason_to_end(judged, is_level=True)
        return code, judged

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
