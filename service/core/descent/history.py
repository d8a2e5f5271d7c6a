"""The history of a descent: which steps are recorded, and their records, evenly spaced."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]


def grid(steps: int, count: int) -> list[int]:
    """Return the steps of `count` records over steps 0 to `steps`.

    Their gaps are equal within one step; there are fewer when there are not so many steps, and one
    record is that of the last step.

    >>> grid(10, 3), grid(3, 10), grid(7, 1), grid(7, 0)
    ([0, 5, 10], [0, 1, 2, 3], [7], [])
    """
    if count <= 1:
        return [steps] * count
    if steps + 1 <= count:
        return list(range(steps + 1))
    return [position * steps // (count - 1) for position in range(count)]


def thinned(known: list[int], last: int) -> list[int]:
    """Choose among recorded steps, 0 and `last` among them, the most whose gaps are equal within one.

    >>> thinned([0, 2, 4, 6, 7], 7), thinned([0, 3, 6, 9, 12], 12), thinned([0, 5, 10, 13], 13)
    ([0, 2, 4, 6, 7], [0, 3, 6, 9, 12], [0, 13])
    """
    there = set(known)
    for parts in range(len(known) - 1, 0, -1):
        gap, longer = divmod(last, parts)
        chosen = _walk(there, last, gap, bool(longer))
        if chosen:
            return chosen
    return [last]


def _walk(there: set[int], last: int, gap: int, has_longer: bool) -> list[int]:
    """Step from `last` to 0 by `gap` or `gap` + 1 over steps that are there.

    Backwards, since what is uneven is the end: where there is no way, that shows at once.
    """
    chosen = [last]
    while chosen[-1] > 0:
        options = (gap, gap + 1) if has_longer else (gap,)
        following = [chosen[-1] - each for each in options if chosen[-1] - each in there]
        if not following:
            return []
        chosen.append(following[0])
    return chosen[::-1]


class History:
    """The records of one run.

    Parameters
    ----------
    count : int
        How many records are wanted.
    first, last : int
        The run's first step, and the last one planned.
    """

    def __init__(self, count: int, first: int, last: int) -> None:
        self.count, self.first = count, first
        self.records: dict[int, Record] = {}
        self._waiting = [first + step for step in reversed(grid(last - first, count))] if count else []

    def due(self, last: int) -> int:
        """Return the next step to be recorded, `last` when there is none before."""
        return self._waiting[-1] if self._waiting else last

    def is_due(self, step: int) -> bool:
        """Tell whether a step is to be recorded; it is not due any more from now on."""
        if not self._waiting or self._waiting[-1] != step:
            return False
        self._waiting.pop()
        return True

    def wanted(self, end: int) -> list[int]:
        """Return the steps of an even history of a run that ended at `end`."""
        return [self.first + step for step in grid(end - self.first, self.count)]

    def has_all(self, steps: list[int]) -> bool:
        """Tell whether all these steps are recorded."""
        return all(step in self.records for step in steps)

    def even(self, end: int) -> list[Record]:
        """Return the records of those steps or, where some are missing, the most that are even."""
        wanted = self.wanted(end)
        if not self.has_all(wanted):
            known = sorted(step - self.first for step in self.records)
            wanted = [self.first + step for step in thinned(known, end - self.first)][-self.count :]
        return [self.records[step] for step in wanted]
