"""The schedules of the learning rate: one table, as `torch.optim.lr_scheduler` defines them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Rate = Callable[[int, float, int], float]
"""From the number of updates before this one, schedule_rate and schedule_every to a factor."""


def raised(base: float, exponent: int) -> float:
    """Raise to a power; infinite instead of an error.

    >>> raised(2.0, 10_000)
    inf
    """
    try:
        return base**exponent
    except OverflowError:
        return math.inf


def cosine(k: int, rate: float, every: int) -> float:
    """Fall from 1 to 0 along half a cosine over `every` updates, and rise again.

    >>> [round(cosine(k, 1.0, 4), 3) for k in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.146]
    """
    return (1.0 + math.cos(math.pi * (k % (2 * every)) / every)) / 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """One row.

    Attributes
    ----------
    factor : callable, optional
        What the base rate is multiplied by; absent for a rate that never changes.
    needs, options : tuple of str
        Options that must be given, and all that it uses.
    """

    name: str
    meaning: str
    factor: Rate | None = None
    needs: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


SCHEDULES: dict[str, Schedule] = {
    row.name: row
    for row in (
        Schedule("constant", "the same rate for all steps"),
        Schedule(
            "step",
            "times schedule_rate every schedule_every updates (StepLR)",
            lambda k, rate, every: raised(rate, k // every),
            needs=("schedule_rate", "schedule_every"),
            options=("schedule_rate", "schedule_every"),
        ),
        Schedule(
            "exponential",
            "times schedule_rate at every update (ExponentialLR)",
            lambda k, rate, every: raised(rate, k),
            needs=("schedule_rate",),
            options=("schedule_rate",),
        ),
        Schedule(
            "cosine",
            "half a cosine from the rate to 0 over schedule_every updates, and back (CosineAnnealingLR)",
            cosine,
            options=("schedule_every",),
        ),
    )
}
"""The schedules by name; cosine runs over all steps when schedule_every is absent."""
