"""What a block of steps of many runs looks like as a table, steps by runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import is_finite
from service.core.calculus.template import Array
from service.core.descent.fleet_template import FleetTemplate, Parts

Mask = NDArray[np.bool_]
Whole = NDArray[np.int64]


class Table:
    """The iterates of a block.

    Parameters
    ----------
    template : FleetTemplate
        What computed them.
    numbers : mapping of str to object
        The options, and the bounds of all elements as `low` and `high`.
    states : sequence of tuple
        The parts of the iterate before the block, and of each step.
    alive : ndarray
        Which runs are looked at.
    """

    def __init__(
        self, template: FleetTemplate, numbers: Mapping[str, Any], states: Sequence[Parts], alive: Mask
    ) -> None:
        self.template, self.rules, self.numbers, self.states = template, template.rules, numbers, states
        self.alive, self.count = alive, len(states) - 1
        at = template.value
        self.values: Array = np.array([state[at] for state in states]).reshape(len(states), -1)

    def good_steps(self, bound: Array) -> Whole | None:
        """Return for each run how many steps surely did not end it; None when that is all, of all runs.

        Parameters
        ----------
        bound : ndarray
            The magnitude beyond which the value of a run has diverged.
        """
        now, before = self.values[1:], self.values[:-1]
        doubts = ~(np.abs(now) <= bound)
        rules, numbers = self.rules, self.numbers
        if rules.has_target:
            doubts |= now <= numbers["target"]
        if rules.has_value_tolerance:
            magnitude = np.maximum(np.maximum(np.abs(before), np.abs(now)), 1.0)
            doubts |= (now <= before) & (before - now <= numbers["tolerance_value"] * magnitude)
        if rules.has_tolerance or rules.is_bounded:
            doubts |= self._doubts_of_gradient()
        if rules.has_step_tolerance:
            doubts |= self._doubts_of_moves()
        if self._has_doubts_at_the_end():
            doubts |= self._doubts_of_elements()
        doubts &= self.alive
        if not doubts.any():
            return None
        first: Whole = np.where(doubts.any(axis=0), doubts.argmax(axis=0), self.count)
        return first

    def _largest(self, arrays: Sequence[Parts]) -> Array:
        """Return the largest magnitude of each run's elements, for every step."""
        stacked = np.abs(np.array(arrays))
        largest: Array = stacked.max(axis=(1, 3) if self.template.is_matrix else 1)
        return largest

    def _doubts_of_gradient(self) -> Mask:
        place, count = self.template.gradient, self.template.count
        gradients = [state[place] for state in self.states[1:]]
        if not self.rules.is_bounded:
            small: Mask = self._largest(gradients) <= self.numbers["tolerance"]
            return small
        low, high = (self.template.split(self.numbers[side][None, :]) for side in ("low", "high"))
        projected = [
            tuple(
                np.clip(g, x - above, x - below)
                for g, x, below, above in zip(state[place], state[:count], low, high, strict=True)
            )
            for state in self.states[1:]
        ]
        doubts = ~(self._largest(gradients) < np.inf)
        if self.rules.has_tolerance:
            doubts |= self._largest(projected) <= self.numbers["tolerance"]
        return doubts

    def _doubts_of_moves(self) -> Mask:
        count = self.template.count
        slots = [state[:count] for state in self.states]
        moves = [
            tuple(new - old for new, old in zip(now, before, strict=True)) for before, now in pairwise(slots)
        ]
        size = np.maximum(self._largest(slots[1:]), 1.0)
        doubts: Mask = self._largest(moves) <= self.numbers["tolerance_step"] * size
        return doubts

    def _has_doubts_at_the_end(self) -> bool:
        """Tell whether elements are infinite or no longer change; both stay so to the end of a block."""
        template, state = self.template, self.states[-1]
        kept = (*state[: template.count], *state[template.moment(0).start : template.value])
        return not all(map(is_finite, kept)) or bool((self._is_idle() & self.alive).any())

    def _doubts_of_elements(self) -> Mask:
        """Tell where elements of variables or moments are infinite, or nothing is left that changes one."""
        template = self.template
        doubts = self._are_idle(1)
        for place in (slice(0, template.count), slice(template.moment(0).start, template.value)):
            if place.start != place.stop:
                doubts |= ~self._all(np.isfinite(self._stacked(place, 1)))
        return doubts

    def _is_idle(self) -> Mask:
        """Tell of each run whether nothing is left that could change a variable after the last step."""
        template, now, before = self.template, self.states[-1], self.states[-2]
        slope, slot, old = now[template.gradient.start], now[0], before[0]
        if template.is_matrix:  # most differ in their first elements already
            slope, slot, old = slope[:, 0], slot[:, 0], old[:, 0]
        found = np.asarray(slope == 0.0)
        if self.rules.is_stationary:
            found = found | (slot == old)
        return self._are_idle(self.count)[0] if found.any() else found

    def _are_idle(self, first: int) -> Mask:
        """Tell the same for every step from one on: nothing is changed again, or all that changes is zero."""
        template, rules = self.template, self.rules
        slots, names = slice(0, template.count), rules.optimizer.moments
        moving = [template.moment(names.index(name)) for name in rules.optimizer.moving]
        places = [template.gradient, *moving, *([slots] if rules.is_decayed else [])]
        idle: Mask = np.logical_and.reduce(
            [self._all(self._stacked(place, first) == 0.0) for place in places]
        )
        if rules.is_stationary:
            stacked = self._stacked(slots, first - 1)
            idle |= self._all(stacked[1:] == stacked[:-1])
        return idle

    def _stacked(self, place: slice, first: int = 0) -> Array:
        """Return parts of all steps from one on."""
        return np.array([state[place] for state in self.states[first:]])

    def _all(self, masks: Mask) -> Mask:
        """Tell of each step and run whether something holds for all its elements."""
        return np.asarray(masks.all(axis=(1, 3) if self.template.is_matrix else 1))

    @property
    def is_falling(self) -> bool:
        """Whether the value of every run falls at every step."""
        return bool((self.values[1:] < self.values[:-1]).all())

    def lowest(self, steps: Whole | None) -> tuple[Whole, Array]:
        """Return for each run the step of its lowest value among so many, from 1, and the value."""
        values = self.values[1:]
        if steps is not None:
            values = np.where(self._is_within(steps), values, np.inf)
        if self.count == 1:
            return np.ones(len(self.alive), dtype=np.int64), values[0]
        at: Whole = values.argmin(axis=0)
        return at + 1, values.min(axis=0) if steps is None else values[at, np.arange(len(at))]

    def rises(self, steps: Whole | None) -> Whole:
        """Count for each run at how many of so many steps its value did not fall."""
        rises = ~(self.values[1:] < self.values[:-1])
        if steps is not None:
            rises &= self._is_within(steps)
        return np.asarray(rises.sum(axis=0))

    def _is_within(self, steps: Whole) -> Mask:
        within: Mask = np.arange(self.count)[:, None] < steps
        return within
