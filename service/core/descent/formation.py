"""How the runs of a sweep go on together: by which program, and how many of them at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.core.arrays import Array
from service.core.calculus.blocks import rows_at_once
from service.core.calculus.costs import (
    CALL_MICROSECONDS,
    ELEMENT_MICROSECONDS,
    FLOAT_MICROSECONDS,
    MICROSECONDS_TO_COMPILE,
)
from service.core.calculus.inputs import array_data, float_data
from service.core.calculus.points import Points, block_for, evaluate_points
from service.core.descent.active_set import Box
from service.core.descent.fleet_template import FleetProgram, make_fleet_template
from service.core.descent.path import Path
from service.core.limits import timed_by

SHORT_CALL = 0.45
"""Part of a call's time that one on a few numbers takes."""
RULE_CALLS = 3
"""Calls for one line of an update rule."""
JUDGED_CALLS = 6
"""Calls for looking at a step of one run on arrays, or at a block, for each of its steps."""
WORTHWHILE = 0.8
"""Part of the time alone that runs together may take by the estimate: they need as many times the memory, and
their arrays leave the cache. Three runs of logistic regression, by the estimate 0.96, take 29 ms for 23."""
NEAR_NUMBERS = 1 << 15
"""Elements of all runs' variables that stay near the processor through a step."""


class Formation:
    """Programs of the runs of a sweep.

    Parameters
    ----------
    path : Path
        One of the runs; the others differ in rate or start alone.
    """

    def __init__(self, path: Path) -> None:
        self.problem, options = path.problem, path.options
        self.compiled, self.constants = path.problem.compiled, path.problem.constants
        self.rules = options.rules()
        self.numbers: dict[str, Any] = options.numbers()
        self.bounds: dict[str, Array] = {}
        if path.problem.bounds:
            box = Box.of(path.problem.bounds)
            self.bounds = {"low": box.low, "high": box.high}
        self.elements = path.problem.compiled.size
        self._lines = len(self.rules.optimizer.each_slot) + self.rules.is_bounded + self.rules.is_decayed

    @staticmethod
    def takes(path: Path) -> bool:
        """Tell whether runs can go together: by update rules, not projected, nor by differences in bounds."""
        is_rule = path.options.stepper == "rule" and not path.options["project"]
        return is_rule and not (path.problem.bounds and path.problem.noise)

    def size(self, runs: int, steps: int) -> int:
        """Return how many runs go together, 0 when each is cheaper alone."""
        return self._most() if self.is_worthwhile(min(runs, self._most()), steps) else 0

    def is_worthwhile(self, runs: int, steps: int) -> bool:
        """Tell whether so many runs are faster together."""
        template = self.problem.kernel.template
        lines = self._lines * (len(template.source.slots) if template.is_on_floats else 1)
        a_line = FLOAT_MICROSECONDS if template.is_on_floats else CALL_MICROSECONDS
        judged = 2 if template.is_on_floats else JUDGED_CALLS
        alone = template.microseconds + RULE_CALLS * a_line * (lines + judged)
        together = min(self.of_elements(runs, steps), self.of_matrix(runs, steps))
        return together < WORTHWHILE * runs * steps * alone

    def of_elements(self, runs: int, steps: int) -> float:
        """Estimate the microseconds with an array over runs for every element."""
        lowered = self.compiled.emitted.lowered
        if lowered is None:
            return math.inf
        statements = len(lowered.graph.nodes) + self.elements * RULE_CALLS * self._lines
        calls = statements + JUDGED_CALLS * 0.5
        a_call = SHORT_CALL * CALL_MICROSECONDS + ELEMENT_MICROSECONDS * runs
        return steps * calls * a_call + MICROSECONDS_TO_COMPILE * statements

    def of_matrix(self, runs: int, steps: int) -> float:
        """Estimate the microseconds with a matrix of runs by elements."""
        compiled = self.compiled
        if not compiled.gradient:
            return math.inf
        statements = len(compiled.plan.body)
        calls = statements + RULE_CALLS * self._lines + 2 * JUDGED_CALLS
        operations = compiled.plan.operations + RULE_CALLS * self._lines * self.elements
        a_step = CALL_MICROSECONDS * calls + ELEMENT_MICROSECONDS * operations * runs
        return steps * a_step + 2 * MICROSECONDS_TO_COMPILE * statements

    def _most(self) -> int:
        """Return how many runs fit the memory, and stay near the processor."""
        most = rows_at_once(self.compiled.plan, self.problem.limits)
        return max(1, min(most, NEAR_NUMBERS // self.elements))

    def evaluate(self, starts: Sequence[Mapping[str, Array]]) -> tuple[Array, Array, Array]:
        """Evaluate the function at starts: these and the gradients as matrices of runs by elements.

        Returns
        -------
        slots, values, gradient : ndarray
        """
        problem, count = self.problem, len(starts)
        variables = {name: np.array([start[name] for start in starts]) for name in problem.shapes}
        points = Points(variables, self.constants, problem.h)
        values, derivatives = evaluate_points(self.compiled, points, problem.limits, problem.deadline.check)
        slots, gradient = (
            np.concatenate([tensors[name].reshape(count, -1) for name in problem.shapes], axis=1)
            for tensors in (variables, derivatives)
        )
        return slots, values, gradient

    def carried(self, runs: int) -> list[Array]:
        """Return the numbers that so many runs carry from their start."""
        numbers = {**self.rules.optimizer.numbers, **self.rules.schedule.numbers}
        return [np.full(runs, numbers[name]) for name in self.rules.carried]

    def of(self, runs: int, steps: int) -> FleetProgram:
        """Return the program of so many runs, bound to the data."""
        problem, compiled, check = self.problem, self.compiled, self.problem.deadline.check
        values = None
        if self.of_elements(runs, steps) <= self.of_matrix(runs, steps):
            emitted, size = compiled.emitted, self.elements
            data = float_data(emitted.floats, compiled.program, self.constants, problem.h) | {"check": check}
            if self._are_values_cheaper_later(runs):
                template, values = emitted.gradient_on_rows, emitted.value_over_points(**data)
            else:
                template = emitted.on_rows
            data |= {"rows": runs, "spread": lambda value: np.tile(np.broadcast_to(value, runs), size)}
        else:
            with timed_by(check):
                block = block_for(compiled, runs)
                template, data = block.on_rows, array_data(block.program, self.constants, check)
        (slot,) = template.source.slots
        names = (*self.numbers, *(f"{side}_{slot}" for side in self.bounds))
        fleet = make_fleet_template(template, self.rules, names)
        bounds = {f"{side}_{slot}": fleet.each(numbers, runs) for side, numbers in self.bounds.items()}
        steps_of = fleet.make_steps(**data, **self.numbers, **bounds)
        return FleetProgram(fleet, self.numbers | self.bounds, steps_of, values)

    def _are_values_cheaper_later(self, runs: int) -> bool:
        """Tell whether values are cheaper for a block of steps at once, where no update needs them."""
        if self.rules.schedule.uses_value:
            return False
        emitted, an_array = self.compiled.emitted, ELEMENT_MICROSECONDS * runs
        spared = len(emitted.points_source.body) - len(emitted.gradient_on_rows.source.body)
        a_call = SHORT_CALL * CALL_MICROSECONDS + an_array
        return spared * a_call > len(emitted.value_source.body) * an_array
