"""The runs of a sweep as one program: every step is taken by all of them at once.

A block of steps is computed without a look at it, and then looked at as a table, steps by runs. A run that
may have ended in it leaves for the loop of single descents, from the start of the block: what ends a run is
decided there alone. Where a run leaves depends on its numbers, never on the clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Array, Mask
from service.core.descent.fleet_table import Table
from service.core.descent.fleet_template import FleetParts
from service.core.descent.formation import Formation
from service.core.descent.layout import BLOCK_NUMBERS, BLOCK_STEPS, Iterate, Reason
from service.core.descent.path import Path, bound_of
from service.core.descent.vectors import Arrays
from service.core.exceptions import DeadlineExceeded


class Fleet:
    """Runs that go on together.

    Parameters
    ----------
    formation : Formation
        Makes the program of so many runs.
    paths : sequence of Path
        Of one problem, still to begin; they differ in rate or start alone.
    """

    def __init__(self, formation: Formation, paths: Sequence[Path]) -> None:
        first = paths[0]
        self.formation, self.deadline = formation, first.problem.deadline
        self.layout, self.vectors = first.run.layout, Arrays(first.problem.kernel)
        self.k, self.last = first.run.first, first.run.last
        self.paths: list[Path] = []
        self.columns: dict[str, NDArray[Any]] = {}
        self._take(paths)

    def _take(self, paths: Sequence[Path]) -> None:
        self.paths, self.alive = [*paths], np.ones(len(paths), dtype=bool)
        self.program = self.formation.of(len(paths), self.last - self.k)
        self.template = self.program.template

    def begin(self) -> list[Path]:
        """Evaluate the starts; return the paths that may end there, or fail: these begin alone."""
        count, optimizer = len(self.paths), self.formation.rules.optimizer
        slots, values, gradient = self.formation.evaluate([path.first_variables() for path in self.paths])
        moments = [np.zeros_like(slots) for _ in optimizer.moments]
        self._lay_out([slots, gradient, *moments], [values, *self.formation.carried(count)])
        self.best = self.before = self.state[0]
        self.columns = {
            "best": values,
            "best_step": np.full(count, self.k),
            "rises": np.zeros(count, dtype=np.int64),
            "bound": np.array([bound_of(value) for value in values.tolist()]),
            "rate": np.array([path.options["learning_rate"] for path in self.paths], dtype=np.float64),
        }
        self.alive = self._good_starts()
        for path, value, is_alive in zip(self.paths, values.tolist(), self.alive.tolist(), strict=True):
            if is_alive:
                path.content = {"start_value": value}
            else:
                path.begin()
        alone = [self.paths[row] for row in np.flatnonzero(~self.alive).tolist()]
        return alone + self._arrive()

    def _good_starts(self) -> Mask:
        """Tell which runs certainly do not end at their start.

        The step before it is all NaN, so that no tolerance of a step is met.
        """
        before = tuple([np.full_like(part, np.nan) for part in self.state])
        doubts = Table(self.program, before, [self.state], self.state, self.k).doubts(self.columns["bound"])
        good: Mask = np.isfinite(self.template.join(self.state[1])).all(axis=1) & ~doubts
        return good

    def _lay_out(self, tensors: Sequence[Array], numbers: Sequence[Array]) -> None:
        """Make the state of matrices of runs by elements, and of numbers of the runs."""
        template = self.template
        self.state: FleetParts = (*map(template.split, tensors), *map(template.number, numbers))

    def _close_up(self, rows: list[int]) -> None:
        """Keep some of the runs, in smaller arrays."""
        old, runs = self.template, len(self.paths)
        best, before, *tensors = (
            old.join(each)[rows] for each in (self.best, self.before, *self.state[: old.value])
        )
        numbers = [part.reshape(-1)[:runs][rows] for part in self.state[old.value :]]
        self.columns = {name: column[rows] for name, column in self.columns.items()}
        self._take([self.paths[row] for row in rows])
        self._lay_out(tensors, numbers)
        self.best, self.before = self.template.split(best), self.template.split(before)

    @property
    def is_under_way(self) -> bool:
        """Whether runs are left in it."""
        return bool(self.alive.any())

    def advance(self) -> list[Path]:
        """Take a block of steps; return the runs that are not in the fleet any more."""
        kept: list[FleetParts] = []
        last = min(
            self.last,
            self.k + self._block_steps(),
            self.paths[int(self.alive.argmax())].run.history.due(self.last),
        )
        rate = self.template.number(self.columns["rate"])
        try:
            if self.deadline.is_over():
                return self._stop()
            end = self.program.advance(self.k, last, kept.append, rate, *self.state)
        except DeadlineExceeded:
            return self._stop()
        table = Table(self.program, self.state, kept, end, self.k)
        left = self._leave(np.flatnonzero(self.alive & table.doubts(self.columns["bound"])).tolist())
        self._note_best(table)
        self.before, self.state, self.k = table.slots(table.count - 1), table.last, last
        return left + self._arrive()

    def _block_steps(self) -> int:
        numbers = sum(part.size for part in self.state)
        return max(1, min(BLOCK_STEPS, BLOCK_NUMBERS // int(numbers)))

    def _note_best(self, table: Table) -> None:
        """Keep the lowest value of each run, where it was, and how often its value did not fall."""
        known = self.columns
        last = table.values[-1]
        if table.is_falling and (last < known["best"]).all():
            known["best"], self.best = last, table.slots(table.count)
            known["best_step"] = np.full(len(last), self.k + table.count)
            return
        steps, values = table.lowest()
        known["rises"] = known["rises"] + table.rises()
        improved = self.alive & (values < known["best"])
        if not improved.any():
            return
        known["best"] = np.where(improved, values, known["best"])
        known["best_step"] = np.where(improved, self.k + steps, known["best_step"])
        for step in sorted(set(steps[improved].tolist())):
            rows = improved & (steps == step)
            slots, is_all = table.slots(step), (rows | ~self.alive).all()
            self.best = slots if is_all else np.where(self.template.number(rows), slots, self.best)

    def _leave(self, rows: list[int]) -> list[Path]:
        """Let runs go on alone, from the start of a block in which they may have ended."""
        if not rows:
            return []
        self.alive[rows] = False
        return _alone(self._placed(rows))

    def _arrive(self) -> list[Path]:
        """Record what is due, and end what is at the last step; close up when most runs have left."""
        rows = np.flatnonzero(self.alive).tolist()
        if not rows:
            return []
        is_due = self.k in (self.last, self.paths[rows[0]].run.history.due(self.last))
        is_sparse = self.k < self.last and 2 * len(rows) <= len(self.paths)
        is_over = self.k == self.last or (
            is_sparse and not self.formation.is_worthwhile(len(rows), self.last - self.k)
        )
        paths = self._placed(rows) if is_due or is_over else []
        if is_due:
            for path in paths:
                path.run.follow(path.run.point)
        if is_over:
            self.alive[:] = False
            return paths if self.k == self.last else _alone(paths)
        if is_sparse:
            self._close_up(rows)
        return []

    def _stop(self) -> list[Path]:
        """End at the deadline."""
        paths = self._placed(np.flatnonzero(self.alive).tolist())
        for path in paths:
            path.run.end_early()
        self.alive[:] = False
        return paths

    def _placed(self, rows: list[int]) -> list[Path]:
        """Return some of the paths, their runs where their rows are, as iterates of single descents."""
        template, state, count = self.template, self.state, len(rows)
        runs, paths = len(self.paths), [self.paths[row] for row in rows]
        value, *numbers = (part.reshape(-1)[:runs][rows].tolist() for part in state[template.value :])
        columns: dict[str, list[Sequence[object]]] = {
            "slots": self._columns_of(state[0], rows),
            "gradient": self._columns_of(state[1], rows),
            "moments": [each for part in state[2 : template.value] for each in self._columns_of(part, rows)],
            "before": self._columns_of(self.before, rows),
            "best_slots": self._columns_of(self.best, rows),
            "k": [[self.k] * count],
            "value": [value],
            "previous": [[math.inf] * count],
            **{name: [column[rows].tolist()] for name, column in self.columns.items()},
            **{name: [column] for name, column in zip(template.rules.carried, numbers, strict=True)},
        }
        for path, parts in zip(paths, self.layout.rows(columns), strict=True):
            path.run.point = Iterate(Reason.REACHED, parts, self.layout)
        return paths

    def _columns_of(self, slot: Array, rows: list[int]) -> list[Sequence[object]]:
        """Return for each slot of a single descent those of some runs."""
        return self.vectors.columns(self.template.join(slot)[rows])


def _alone(paths: list[Path]) -> list[Path]:
    """Let runs go on alone that have not arrived.

    A history of a run that ends early is recorded by a second run. That is not the same to the last bit, so
    such a run begins anew, as does one that is at its start, whose value is not to rise or fall by rounding.
    """
    for path in paths:
        if path.options["history"] > 1 or path.run.point.step == path.run.first:
            path.begin_anew()
    return paths


def fleets_of(paths: Sequence[Path]) -> list[Fleet]:
    """Put all runs together, in groups of about equal size; none when they are faster alone."""
    if len(paths) < 2 or not Formation.takes(paths[0]):
        return []
    formation = Formation(paths[0])
    most = formation.size(len(paths), paths[0].options["steps"])
    if not most:
        return []
    size = math.ceil(len(paths) / math.ceil(len(paths) / most))
    return [Fleet(formation, paths[start : start + size]) for start in range(0, len(paths), size)]
