"""Limited-memory BFGS: steps that need no learning rate, within bounds too.

References
----------
Nocedal, Updating quasi-Newton matrices with limited storage, Mathematics of Computation 35 (1980), for the
two-loop recursion. Nocedal and Wright, Numerical Optimization, 2nd edition, Springer 2006, chapter 7.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.core.descent.active_set import Box
from service.core.descent.layout import Iterate, Parts
from service.core.descent.line_search import ROUNDING, Trial, make_trial, search_line
from service.core.descent.loop import Judgement, Memory
from service.core.descent.problem import Problem
from service.core.descent.searcher import NO_GAIN_YET, Searcher
from service.core.descent.vectors import Pair, Pairs, Vector, vectors_of

LEAST_CURVATURE = sys.float_info.epsilon
"""A pair is kept when s·y is more than this share of −g·s, g the gradient before the step, as in L-BFGS-B:
so the matrix stays positive definite, whatever the function's scale."""
STACKS = ("steps", "changes")
"""The names of the pairs' parts in a state."""


class Lbfgs(Searcher):
    """The stepper of `lbfgs`.

    Parameters
    ----------
    problem, judgement, box
        As `Searcher` takes them.
    memory : int
        How many pairs to keep.
    """

    carried = ("evaluations", "pairs", *NO_GAIN_YET)

    def __init__(self, problem: Problem, judgement: Judgement, memory: int, box: Box | None) -> None:
        super().__init__(problem, judgement, vectors_of(problem.kernel), box)
        self.memory = memory

    def carry(self, memory: Memory) -> dict[str, Any]:
        """Return what the parts carry of a state's memory: the pairs, made anew."""
        pairs: Pairs = ()
        stacks = (self._unstacked(memory["moments"].get(name)) for name in STACKS)
        for step, change in zip(*stacks, strict=True):
            pair = self.pair_of(step, change)
            pairs += (pair,) if pair else ()
        return NO_GAIN_YET | super().carry(memory) | {"pairs": pairs}

    def remember(self, point: Iterate) -> Memory:
        """Return the memory that a state keeps: steps and changes of the pairs, each stacked."""
        pairs: Pairs = point.carried("pairs")
        numbers = {name: point.carried(name) for name in NO_GAIN_YET}
        if not pairs:
            return {"moments": {}, "numbers": numbers}
        steps, changes, _ = zip(*pairs, strict=True)
        moments = {"steps": self._stacked(steps), "changes": self._stacked(changes)}
        return {"moments": moments, "numbers": numbers}

    def step(self, parts: Parts) -> tuple[int, Parts]:
        """Search along the direction of the memory; without success there, along that of the gradient."""
        layout, of = self.layout, self.vectors.of
        count_at, pairs_at, *_ = self.places
        value, pairs = parts[layout.value], parts[pairs_at]
        search = LineSearch(
            self, of(parts[layout.slots]), value, of(parts[layout.gradient]), not parts[layout.k]
        )
        trial = search.along(pairs)
        if trial is None and pairs:
            pairs = ()
            trial = search.along(pairs)
        moved = list(parts)
        moved[count_at] += search.count
        if trial is None:
            return self.reason_to_end(parts, is_level=search.promise <= ROUNDING * abs(value)), tuple(moved)
        pair = search.pair_of(trial)
        moved[layout.before], moved[layout.previous] = parts[layout.slots], value
        moved[layout.slots], moved[layout.gradient], place, gradient = trial.found
        moved[layout.value] = trial.value
        moved[layout.k] += 1
        moved[pairs_at] = (*pairs, pair)[-self.memory :] if pair else pairs
        return self.judge_step(parts, moved, self.squared_norm(place, gradient), search.count)

    def pair_of(self, step: Vector, change: Vector) -> Pair | None:
        """Make the pair of a step again that was kept."""
        return pair_made(step, change, self.vectors.dot(step, change), 0.0)

    def _unstacked(self, stack: Mapping[str, Any] | None) -> list[Vector]:
        """Return the vectors of tensors that are stacked along their first axis."""
        if stack is None:
            return []
        count = len(next(iter(stack.values())))
        rows = ({name: tensors[row] for name, tensors in stack.items()} for row in range(count))
        return [self.vectors.of(self.kernel.pack(row)) for row in rows]

    def _stacked(self, rows: tuple[Vector, ...]) -> dict[str, Any]:
        unpacked = [self.kernel.unpack(self.vectors.slots(row)) for row in rows]
        return {name: np.stack([each[name] for each in unpacked]) for name in self.kernel.shapes}


class LineSearch:
    """Line searches from one point.

    Attributes
    ----------
    start : float
        The value there.
    count : int
        How many evaluations they took.
    promise : float
        The smallest decrease that a direction promised, −gradient · direction.
    is_first : bool
        Whether it is the first of the descent: within bounds its step is not extended.
    """

    __slots__ = ("count", "gradient", "is_first", "promise", "start", "stepper", "x")

    def __init__(self, stepper: Lbfgs, x: Vector, value: float, gradient: Vector, is_first: bool) -> None:
        self.stepper, self.x, self.start, self.gradient = stepper, x, value, gradient
        self.is_first, self.count, self.promise = is_first, 0, math.inf

    def along(self, pairs: Pairs) -> Trial | None:
        """Search along the direction that pairs give; None when no step there lowers the value."""
        stepper, vectors, box = self.stepper, self.stepper.vectors, self.stepper.box
        longest = math.inf
        if box is None:
            direction = vectors.two_loops(pairs, self.gradient)
        else:
            try:
                direction, longest = box.direction(vectors, pairs, self.x, self.gradient)
            except np.linalg.LinAlgError:  # pairs that depend on each other make no model
                return None
            longest = 1.0 if self.is_first else longest
        derivative = vectors.dot(self.gradient, direction)
        if derivative == -math.inf:  # the gradient's square overflows
            length = vectors.norm(direction)
            nothing = vectors.difference(direction, direction)
            direction, longest = vectors.along(nothing, direction, 1.0 / length), longest * length
            derivative = vectors.dot(self.gradient, direction)
        if not derivative < 0.0:
            return None
        self.promise = min(self.promise, -derivative)
        first = 1.0 if pairs else min(self._first(direction), longest)
        dot, along, of, to_slots = vectors.dot, vectors.along, vectors.of, vectors.slots
        x, function, evaluate = self.x, stepper.kernel.function, stepper.kernel.evaluate

        def trial_at(step: float) -> Trial:
            self.count += 1
            place = along(x, direction, step)
            if box is not None:
                place = box.projected(vectors, place)
            slots = to_slots(place)
            try:
                value, by_slot = function(*slots)
            except (ArithmeticError, ValueError):
                value, by_slot = evaluate(slots)
            gradient = of(by_slot)
            return make_trial((step, value, dot(gradient, direction), (slots, by_slot, place, gradient)))

        return search_line(trial_at, make_trial((0.0, self.start, derivative, None)), first, longest)

    def _first(self, direction: Vector) -> float:
        """Choose the first step of steepest descent: 1 where the bounds give the direction its length."""
        box = self.stepper.box
        if box is not None and box.is_finite:
            return 1.0
        return min(1.0, 1.0 / self.stepper.vectors.norm(direction))

    def pair_of(self, trial: Trial) -> Pair | None:
        """Make the pair of the step to a trial."""
        _, _, place, gradient = trial.found
        step, change, curvature = self.stepper.vectors.changes(place, self.x, gradient, self.gradient)
        return pair_made(step, change, curvature, LEAST_CURVATURE * self.promise * trial.step)


def pair_made(step: Vector, change: Vector, curvature: float, least: float) -> Pair | None:
    """Make a pair of step and change, and of their product; None when that is too small."""
    if not least < curvature < math.inf:
        return None
    return step, change, 1.0 / curvature
