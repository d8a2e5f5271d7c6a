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

from service.core.calculus.kernel import Kernel
from service.core.descent.active_set import Box
from service.core.descent.layout import Iterate, Parts, Reason
from service.core.descent.line_search import Trial, search_line
from service.core.descent.loop import Judgement, Moments
from service.core.descent.vectors import Pair, Pairs, Vector, vectors_of
from service.core.exceptions import DeadlineExceeded

ROUNDING = 4.0 * sys.float_info.epsilon
"""A decrease of the value by this share of itself is lost in rounding."""
LEAST_CURVATURE = sys.float_info.epsilon
"""A pair is kept when s·y is more than this share of y·y: so the matrix stays positive definite."""
STACKS = ("steps", "changes")
"""The names of the pairs' parts in a state."""


class Lbfgs:
    """The stepper of `lbfgs`.

    Parameters
    ----------
    kernel : Kernel
        Value and gradient.
    judgement : Judgement
        Judges iterates; its layout has the parts ``pairs`` and ``evaluations``.
    memory : int
        How many pairs to keep.
    box : Box, optional
        The bounds, if there are any.
    """

    carried = ("pairs", "evaluations")
    is_stationary = False

    def __init__(self, kernel: Kernel, judgement: Judgement, memory: int, box: Box | None) -> None:
        self.kernel, self.judge, self.layout = kernel, judgement.judge, judgement.layout
        self.memory, self.box, self.vectors = memory, box, vectors_of(kernel)

    def carry(self, moments: Moments) -> dict[str, Any]:
        """Return what the parts carry of a state's moments: the pairs, made anew."""
        pairs: Pairs = ()
        for step, change in zip(*(self._unstacked(moments.get(name)) for name in STACKS), strict=True):
            pair = self.pair_of(step, change)
            pairs += (pair,) if pair else ()
        return {"pairs": pairs, "evaluations": 1}

    def remember(self, point: Iterate) -> Moments:
        """Return the moments that a state keeps: steps and changes of the pairs, each stacked."""
        pairs: Pairs = point.carried("pairs")
        if not pairs:
            return {}
        steps, changes, _ = zip(*pairs, strict=True)
        return {"steps": self._stacked(steps), "changes": self._stacked(changes)}

    def evaluations(self, point: Iterate, first: int) -> int:
        """Count the evaluations of value and gradient from the first step on."""
        return int(point.carried("evaluations"))

    def run(self, start: Parts, last: int, *, is_fresh: bool) -> tuple[Reason, Parts]:
        """Go from an iterate to the step `last`, or to where there is a reason to come back."""
        parts, reason = start, Reason.JUDGED
        try:
            if is_fresh:
                value, gradient = self.kernel.evaluate(parts[self.layout.slots])
                reason, parts = self._judged(parts, value=value, gradient=gradient)
            while reason is Reason.JUDGED and parts[self.layout.k] < last:
                reason, parts = self._step(parts)
        except DeadlineExceeded:
            return Reason.INTERRUPTED, parts
        return Reason.REACHED if reason is Reason.JUDGED else reason, parts

    def _judged(self, parts: Parts, **values: Any) -> tuple[Reason, Parts]:
        """Change some parts, and judge the iterate that they make."""
        code, judged = self.judge(*self.layout.replaced(parts, **values))
        return Reason(code), judged

    def _step(self, parts: Parts) -> tuple[Reason, Parts]:
        """Search along the direction of the memory; without success there, along that of the gradient."""
        layout, of = self.layout, self.vectors.of
        search = LineSearch(self, of(parts[layout.slots]), parts[layout.value], of(parts[layout.gradient]))
        search.is_first = not parts[layout.k]
        pairs: Pairs = parts[layout.carried["pairs"]]
        count = parts[layout.carried["evaluations"]]
        trial = search.along(pairs)
        if trial is None and pairs:
            pairs = ()
            trial = search.along(pairs)
        if trial is None:
            is_level = search.promise <= ROUNDING * abs(search.start)
            reason = Reason.EXHAUSTED if is_level else Reason.BLOCKED
            return reason, layout.replaced(parts, evaluations=count + search.count)
        slots, gradient, pair = trial.found[0], trial.found[1], search.pair_of(trial)
        return self._judged(
            parts,
            slots=slots,
            before=parts[layout.slots],
            value=trial.value,
            previous=parts[layout.value],
            gradient=gradient,
            k=parts[layout.k] + 1,
            pairs=(*pairs, pair)[-self.memory :] if pair else pairs,
            evaluations=count + search.count,
        )

    def pair_of(self, step: Vector, change: Vector) -> Pair | None:
        """Make the pair of a step; None when the curvature along it is not positive."""
        curvature = self.vectors.dot(step, change)
        if not LEAST_CURVATURE * self.vectors.dot(change, change) < curvature < math.inf:
            return None
        return step, change, 1.0 / curvature

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

    def __init__(self, stepper: Lbfgs, x: Vector, value: float, gradient: Vector) -> None:
        self.stepper, self.x, self.start, self.gradient = stepper, x, value, gradient
        self.count, self.promise, self.is_first = 0, math.inf, False

    def along(self, pairs: Pairs) -> Trial | None:
        """Search along the direction that pairs give; None when no step there lowers the value."""
        stepper, vectors, box = self.stepper, self.stepper.vectors, self.stepper.box
        longest = math.inf
        if box is None:
            direction = vectors.two_loops(pairs, self.gradient)
        else:
            direction, longest = box.direction(vectors, pairs, self.x, self.gradient)
            longest = 1.0 if self.is_first else longest
        derivative = vectors.dot(self.gradient, direction)
        if not derivative < 0.0:
            return None
        self.promise = min(self.promise, -derivative)
        is_short = pairs or (box is not None and box.is_finite)  # by the model, or by the bounds
        first = min(1.0 if is_short else 1.0 / vectors.norm(direction), 1.0, longest)
        evaluate = stepper.kernel.evaluate

        def trial_at(step: float) -> Trial:
            self.count += 1
            place = vectors.along(self.x, direction, step)
            if box is not None:
                place = box.projected(vectors, place)
            slots = vectors.slots(place)
            value, slope = evaluate(slots)
            gradient = vectors.of(slope)
            return Trial(step, value, vectors.dot(gradient, direction), (slots, slope, place, gradient))

        return search_line(trial_at, Trial(0.0, self.start, derivative), first, longest)

    def pair_of(self, trial: Trial) -> Pair | None:
        """Make the pair of the step to a trial."""
        _, _, place, gradient = trial.found
        difference = self.stepper.vectors.difference
        return self.stepper.pair_of(difference(place, self.x), difference(gradient, self.gradient))
