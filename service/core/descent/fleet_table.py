"""A block of steps of many runs as a table, steps by runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Array, Mask, is_finite
from service.core.descent.fleet_template import FleetParts, FleetProgram

Integers = NDArray[np.int64]

NEAR = 12_000
"""Most numbers to compute values from at a time: they stay near the processor, and in memory that the
allocator keeps."""


class Table:
    """The iterates of a block.

    Parameters
    ----------
    program : FleetProgram
        What computed them.
    start, end : tuple
        The state before the block, and that after it but for a value that is not computed there.
    kept : sequence of tuple
        What was kept of each step.
    k : int
        The number of the step before the block.
    """

    def __init__(
        self, program: FleetProgram, start: FleetParts, kept: Sequence[FleetParts], end: FleetParts, k: int
    ) -> None:
        self.program, self.template, self.numbers = program, program.template, program.numbers
        self.rules, self.kept, self.count = program.template.rules, kept, len(kept)
        self.start, self.end = start, end
        self.settling = slice(max(0, self.numbers["warmup"] - k), None)
        self.runs = len(start[self.template.value].reshape(-1)) // self.template.repeats
        self.values = self._values()

    def _values(self) -> Array:
        """Return the values from the start on, steps by runs."""
        at, values_of, runs = self.template.value, self.program.values, self.runs
        start = self.start[at].reshape(-1)[None, :runs]
        if values_of is None:
            return np.concatenate([start, [each[at].reshape(-1)[:runs] for each in self.kept]])
        found, few = [start], max(1, NEAR // (self.template.size * runs))
        for first in range(0, self.count, few):
            slots = self._joined([each[0] for each in self.kept[first : first + few]])
            elements = np.ascontiguousarray(slots.swapaxes(0, 1))
            found.append(np.broadcast_to(values_of(*elements), (len(slots), runs)))
        return np.concatenate(found)

    def _joined(self, slots: Sequence[Any]) -> Array:
        """Join slots that are flat or bytes: steps, elements, runs."""
        flat = np.frombuffer(b"".join(slots))  # in half the time of `numpy.concatenate`
        return flat.reshape(len(slots), self.template.size, self.runs)

    def slots(self, step: int) -> Array:
        """Return the slots of a step."""
        if step in (0, self.count):
            slots: Array = (self.end if step else self.start)[0]
            return slots
        slots = self.kept[step - 1][0]
        return slots if self.template.is_matrix else np.frombuffer(slots)

    @property
    def last(self) -> FleetParts:
        """The state after the block."""
        if self.program.values is None:
            return self.end
        at = self.template.value
        return (*self.end[:at], self.template.number(self.values[-1]), *self.end[at + 1 :])

    def doubts(self, bound: Array) -> Mask:
        """Tell of each run whether one of the steps may have ended it.

        Parameters
        ----------
        bound : ndarray
            The magnitude beyond which the value of a run has diverged.
        """
        now, before = self.values[1:], self.values[:-1]
        rules, numbers = self.rules, self.numbers
        extremes = now[-1:] if self.is_falling else now
        doubts: Mask = ~(np.abs(extremes).max(axis=0) <= bound)
        if rules.has_target:
            doubts |= (now <= numbers["target"]).any(axis=0)
        if rules.has_value_tolerance:
            magnitude = np.maximum(np.maximum(np.abs(before), np.abs(now)), 1.0)
            falls = (now <= before) & (before - now <= numbers["tolerance_value"] * magnitude)
            doubts |= falls[self.settling].any(axis=0)
        if rules.sees_gradients:
            doubts |= self._doubts_of_gradient()
        if rules.has_step_tolerance:
            size = np.maximum(_largest(self._slots[1:]), 1.0)
            moves = _largest(np.diff(self._slots, axis=0))
            doubts |= (moves <= numbers["tolerance_step"] * size)[self.settling].any(axis=0)
        return doubts | self._doubts_at_the_end()

    @cached_property
    def _slots(self) -> Array:
        """The slots from the start on: steps, runs, elements."""
        return self._all_steps(0)

    def _all_steps(self, at: int) -> Array:
        """Return slots or gradients from the start on: steps, runs, elements."""
        found = [self.start[at], *(each[at] for each in self.kept)]
        return np.array(found) if self.template.is_matrix else self._joined(found).swapaxes(1, 2)

    def _doubts_of_gradient(self) -> Mask:
        gradients = self._all_steps(1)[1:]
        doubts = np.zeros(self.runs, dtype=bool)
        if self.rules.is_bounded:  # which hides what is infinite
            doubts |= ~(_largest(gradients) < np.inf).all(axis=0)
            slots, low, high = self._slots[1:], self.numbers["low"], self.numbers["high"]
            gradients = np.clip(gradients, slots - high, slots - low)
        if self.rules.has_tolerance:
            doubts |= (_largest(gradients) <= self.numbers["tolerance"]).any(axis=0)
        return doubts

    def _doubts_at_the_end(self) -> Mask:
        """Tell whether elements are infinite or no longer change; both stay so to the end of a block."""
        template, doubts = self.template, np.zeros(self.runs, dtype=bool)
        for part in (self.end[0], *self.end[2 : template.value]):
            if not is_finite(part):
                doubts |= ~np.isfinite(template.join(part)).all(axis=1)
        return doubts | self._is_idle()

    def _is_idle(self) -> Mask:
        """Tell of each run whether nothing is left that could change a variable after the last step."""
        join, rules, now, before = self.template.join, self.rules, self.end, self.slots(self.count - 1)
        slots, derivatives = join(now[0]), join(now[1])
        found: Mask = derivatives[:, 0] == 0.0  # most differ in their first elements already
        if rules.is_stationary:
            found = found | (slots[:, 0] == join(before)[:, 0])
        if not found.any():
            return found
        moving = [join(now[self.template.moment(name)]) for name in rules.optimizer.moving]
        tensors = [derivatives, *moving, *([slots] if rules.is_decayed else [])]
        idle: Mask = np.logical_and.reduce([(each == 0.0).all(axis=1) for each in tensors])
        return idle | (slots == join(before)).all(axis=1) if rules.is_stationary else idle

    @cached_property
    def is_falling(self) -> bool:
        """Whether the value of every run falls at every step."""
        return bool((self.values[1:] < self.values[:-1]).all())

    def lowest(self) -> tuple[Integers, Array]:
        """Return for each run the step of its lowest value, from 1, and the value."""
        values = self.values[1:]
        at: Integers = values.argmin(axis=0)
        return at + 1, values.min(axis=0)

    def rises(self) -> Integers:
        """Count for each run at how many steps its value did not fall."""
        return np.asarray((~(self.values[1:] < self.values[:-1])).sum(axis=0))


def _largest(tensors: Array) -> Array:
    """Return the largest magnitude of each run's elements, for every step."""
    largest: Array = np.abs(tensors).max(axis=2)
    return largest
