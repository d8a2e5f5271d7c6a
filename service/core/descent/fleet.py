"""The runs of a sweep as one program: every step is taken by all of them at once.

A block of steps is computed without a look at it, and then looked at as a table, steps by runs. A run that
may have ended in it leaves for the loop of single descents, one step before: what ends a run is decided
there alone. Where a run leaves depends on its numbers, never on the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np

from service.core.calculus.template import Array
from service.core.descent.fleet_table import Mask, Table, Whole
from service.core.descent.fleet_template import Parts
from service.core.descent.formation import Formation
from service.core.descent.judge import Verdict
from service.core.descent.layout import BLOCK_NUMBERS, BLOCK_STEPS, Iterate, Reason
from service.core.descent.path import Path
from service.core.descent.run import Run
from service.core.descent.vectors import Arrays
from service.core.exceptions import DeadlineExceeded
from service.core.limits import Deadline


class Fleet:
    """Runs that go on together.

    Parameters
    ----------
    formation : Formation
        Makes the program of so many runs.
    runs : sequence of Run
        Begun, all at the same step, of one problem; they differ in rate or start alone.
    deadline : Deadline
        When to stop.
    """

    def __init__(self, formation: Formation, runs: Sequence[Run], deadline: Deadline) -> None:
        self.formation, self.deadline = formation, deadline
        self.layout, self.vectors = runs[0].layout, Arrays(runs[0].kernel)
        self.k, self.last = runs[0].point.step, runs[0].last
        self.runs: list[Run] = []
        self._gather(runs)

    def _gather(self, runs: Sequence[Run]) -> None:
        """Lay the runs out as rows."""
        points, layout = [run.point for run in runs], self.layout
        self.runs, self.alive = [*runs], np.ones(len(runs), dtype=bool)
        self.template, self.numbers, steps = self.formation.of(len(runs), self.last - self.k)
        template = self.template
        moments = [
            self._matrix([each.moments[place] for each in points])
            for place in _groups(len(runs[0].kernel.slots), len(template.rules.optimizer.moments))
        ]
        slots = self._matrix([each.slots for each in points])
        gradient = self._matrix([each.gradient for each in points])
        columns = [[each.value for each in points]]
        columns += [[each.carried(name) for each in points] for name in template.rules.carried]
        tensors = [part for each in (slots, gradient, *moments) for part in template.split(each)]
        numbers = [template.number(np.array(column, dtype=np.float64)) for column in columns]
        self.state: Parts = (*tensors, *numbers)
        self.best: Parts = template.split(self._matrix([each.parts[layout.best_slots] for each in points]))
        self.before: Parts = template.split(self._matrix([each.before for each in points]))
        self.lowest, self.bound, rate = (
            np.array([each.parts[place] for each in points], dtype=np.float64)
            for place in (layout.best, layout.bound, layout.rate)
        )
        self.best_step, self.rises = (
            np.array([each.parts[place] for each in points], dtype=np.int64)
            for place in (layout.best_step, layout.rises)
        )
        self.steps, self.rate = steps, template.number(rate)

    def _matrix(self, rows: Sequence[Sequence[object]]) -> Array:
        return np.array([self.vectors.of(row) for row in rows])

    @property
    def is_under_way(self) -> bool:
        """Whether runs are left in it."""
        return bool(self.alive.any())

    def advance(self) -> list[Run]:
        """Take a block of steps; return the runs that are not in the fleet any more."""
        states = [self.state]
        last = min(
            self.last,
            self.k + self._block_steps(),
            self.runs[int(self.alive.argmax())].history.due(self.last),
        )
        try:
            if not self.deadline.is_over():
                self.steps(self.k, last, states.append, self.rate, *self.state)
        except DeadlineExceeded:
            del states[1:]
        if len(states) == 1:
            return self._stop()
        table = Table(self.template, self.numbers, states, self.alive)
        good = table.good_steps(self.bound)
        self._note_best(table, good)
        left = []
        if good is not None:
            leaving = self.alive & (good < table.count)
            left = [self._leave(row, states, int(good[row])) for row in np.flatnonzero(leaving).tolist()]
            self.alive &= ~leaving
        self.before, self.state, self.k = states[-2][: self.template.count], states[-1], last
        return left + self._arrive()

    def _block_steps(self) -> int:
        return max(1, min(BLOCK_STEPS, BLOCK_NUMBERS // sum(part.size for part in self.state)))

    def _note_best(self, table: Table, good: Whole | None) -> None:
        """Keep the lowest value of each run, where it was, and how often its value did not fall."""
        last, slots = table.values[-1], table.states[-1][: self.template.count]
        if good is None and table.is_falling and (last < self.lowest).all():
            self.lowest, self.best = last, slots
            self.best_step = np.full(len(last), self.k + table.count)
            return
        steps, values = table.lowest(good)
        self.rises += table.rises(good)
        improved = values < self.lowest
        if not improved.any():
            return
        self.lowest = np.where(improved, values, self.lowest)
        self.best_step = np.where(improved, self.k + steps, self.best_step)
        for step in sorted(set(steps[improved].tolist())):
            rows = improved & (steps == step)
            slots = table.states[step][: self.template.count]
            is_all = (rows | ~self.alive).all()
            self.best = slots if is_all else tuple(map(self._mixed(rows), slots, self.best))

    def _mixed(self, rows: Mask) -> Callable[[Array, Array], Array]:
        """Return what takes these rows of one array and the others of another."""
        chosen = self.template.number(rows)
        return lambda new, old: np.where(chosen, new, old)

    def _leave(self, row: int, states: Sequence[Parts], steps: int) -> Run:
        """Let a run go on alone, from a step that did not end it.

        A history of a run that ends early is recorded by a second run. That is not the same to the last bit,
        so such a run begins anew.
        """
        run = self.runs[row]
        if run.options["history"] > 1:
            run.restart()
        else:
            before = states[steps - 1] if steps else self.before
            (run.point,) = self._points([row], states[steps], before, self.k + steps)
        return run

    def _arrive(self) -> list[Run]:
        """Record what is due, and end what is at the last step; form anew when most runs have left."""
        rows = np.flatnonzero(self.alive).tolist()
        if not rows:
            return []
        runs = [self.runs[row] for row in rows]
        is_due = self.k in (self.last, runs[0].history.due(self.last))
        is_sparse = 2 * len(rows) <= len(self.runs)
        if not is_due and not is_sparse:
            return []
        for run, point in zip(runs, self._points(rows, self.state, self.before, self.k), strict=True):
            run.point = point
            if is_due:
                run.follow(Verdict(point, ""))
        if self.k < self.last and is_sparse and self.formation.is_worthwhile(len(rows), self.last - self.k):
            self._gather(runs)
        elif self.k == self.last or is_sparse:
            self.alive[:] = False
            return runs
        return []

    def _stop(self) -> list[Run]:
        """End at the deadline."""
        rows = np.flatnonzero(self.alive).tolist()
        runs = [self.runs[row] for row in rows]
        for run, point in zip(runs, self._points(rows, self.state, self.before, self.k), strict=True):
            run.point = point
            run.end_early()
        self.alive[:] = False
        return runs

    def _points(self, rows: list[int], state: Parts, before: Parts, k: int) -> list[Iterate]:
        """Return the iterates of some rows as those of single descents."""
        template, count = self.template, self.template.count
        rules = template.rules
        slots, gradient, old, best = (
            self._rows_of(parts, rows)
            for parts in (state[:count], state[template.gradient], before[:count], self.best)
        )
        moments = [
            self._rows_of(state[template.moment(each)], rows) for each in range(len(rules.optimizer.moments))
        ]
        value, *numbers = (part.reshape(-1)[rows].tolist() for part in state[template.value :])
        columns: dict[str, Sequence[object]] = {
            "slots": slots,
            "gradient": gradient,
            "moments": [tuple(chain(*each)) for each in zip(*moments, strict=True)] or [()] * len(rows),
            "before": old,
            "best_slots": best,
            "k": [k] * len(rows),
            "value": value,
            "best": self.lowest[rows].tolist(),
            "best_step": self.best_step[rows].tolist(),
            "rises": self.rises[rows].tolist(),
            **dict(zip(rules.carried, numbers, strict=True)),
        }
        places = [(self.layout.places[name], column) for name, column in columns.items()]
        points = []
        for position, row in enumerate(rows):
            parts = [*self.runs[row].point.parts]
            for place, column in places:
                parts[place] = column[position]
            points.append(Iterate(Reason.REACHED, tuple(parts), self.layout))
        return points

    def _rows_of(self, slots: Parts, rows: list[int]) -> list[tuple[object, ...]]:
        """Return the rows of a matrix as the slots of single descents."""
        return [self.vectors.slots(row) for row in self.template.join(slots, rows)]


def fleets_of(paths: Sequence[Path]) -> list[Fleet]:
    """Put those runs together that are faster so, in groups of about equal size."""
    runs = [path.run for path in paths if not path.run.status]
    if len(runs) < 2 or not Formation.takes(paths[0]):
        return []
    formation = Formation(paths[0])
    most = formation.size(len(runs), runs[0].last - runs[0].first)
    if not most:
        return []
    size = math.ceil(len(runs) / math.ceil(len(runs) / most))
    groups = (runs[start : start + size] for start in range(0, len(runs), size))
    return [Fleet(formation, group, paths[0].problem.deadline) for group in groups]


def _groups(slots: int, moments: int) -> list[slice]:
    return [slice(slots * each, slots * (each + 1)) for each in range(moments)]
