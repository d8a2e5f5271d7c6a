"""Gradient descent that searches for the length of each step.

References
----------
Armijo, Minimization of functions having Lipschitz continuous first partial derivatives, Pacific Journal of
Mathematics 16 (1966). Bertsekas, On the Goldstein-Levitin-Polyak gradient projection method, IEEE
Transactions on Automatic Control 21 (1976), for the search along the projected path.
"""

from __future__ import annotations

import math
from typing import Any

from service.core.descent.active_set import Box
from service.core.descent.layout import Parts
from service.core.descent.line_search import DECREASE, ROUNDING
from service.core.descent.loop import Judgement, Memory
from service.core.descent.problem import Problem
from service.core.descent.searcher import NO_GAIN_YET, Searcher
from service.core.descent.vectors import Vector, vectors_of

MOST_HALVINGS = 2_100
"""Trials of one step: from the largest double down to the least. They end where no variable changes."""

CHECKED_TRIALS = 8
"""Trials between two looks at the clock; most steps take fewer."""


class Backtracking(Searcher):
    """The stepper of `gradient_descent` with `line_search`.

    Parameters
    ----------
    problem, judgement, box
        As `Searcher` takes them.
    first : float
        The first step to try: the learning rate.

    Notes
    -----
    A step starts at twice the last accepted one and is halved until the value has fallen by `DECREASE` times
    what the gradient promises for the way gone: so the value never rises.
    """

    carried = ("evaluations", "length", *NO_GAIN_YET)

    def __init__(self, problem: Problem, judgement: Judgement, first: float, box: Box | None) -> None:
        super().__init__(problem, judgement, vectors_of(problem.kernel), box)
        self.check, self.first = problem.deadline.check, first

    def carry(self, memory: Memory) -> dict[str, Any]:
        """Return what the parts carry of a state's memory; the first trial is the learning rate itself."""
        return NO_GAIN_YET | {"length": self.first / 2.0} | super().carry(memory)

    def step(self, parts: Parts) -> tuple[int, Parts]:
        """Halve the step until the value is low enough."""
        layout, vectors, evaluate = self.layout, self.vectors, self.kernel.evaluate
        count_at, length_at, *_ = self.places
        moved = list(parts)
        x, gradient = vectors.of(parts[layout.slots]), vectors.of(parts[layout.gradient])
        value, first = parts[layout.value], max(2.0 * parts[length_at], self._least(x, gradient))
        length = first
        for trial in range(1, MOST_HALVINGS + 1):
            if trial % CHECKED_TRIALS == 0:
                self.check()
            place = vectors.along(x, gradient, -length)
            if self.box is not None:
                place = self.box.projected(vectors, place)
            way = vectors.difference(place, x)
            promise = -vectors.dot(gradient, way)
            if not promise > 0.0 and math.isfinite(promise):
                break
            slots = vectors.slots(place)
            found, by_slot = evaluate(slots)
            moved[count_at] += 1
            if found <= value - DECREASE * promise and math.isfinite(vectors.dot(vectors.of(by_slot), way)):
                moved[layout.slots], moved[layout.before] = slots, parts[layout.slots]
                moved[layout.value], moved[layout.previous] = found, value
                moved[layout.gradient], moved[length_at] = by_slot, length
                moved[layout.k] += 1
                del place, way  # large arrays would stay beside those of the next line
                square = self.squared_norm(vectors.of(slots), vectors.of(by_slot))
                return self.judge_step(parts, moved, square, trial)
            length /= 2.0
        is_level = self.squared_norm(x, gradient) * first <= 2.0 * ROUNDING * abs(value)
        return self.reason_to_end(parts, is_level=is_level), tuple(moved)

    def _least(self, x: Vector, gradient: Vector) -> float:
        """Return a step that rounding does not lose: the last may be far too short after a steep place."""
        steepness = self.vectors.norm(gradient)
        return ROUNDING * len(x) * self.vectors.norm(x) / steepness if steepness else 0.0
