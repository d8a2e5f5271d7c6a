"""The schedules of the learning rate: one table, as `torch.optim.lr_scheduler` defines them.

In a formula `k` is the number of updates before this one, `learning_rate` the base.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """One row.

    Attributes
    ----------
    formula : str
        Source of the rate; empty for one that never changes.
    needs : tuple of str
        Options that must be given.
    """

    name: str
    meaning: str
    formula: str = ""
    needs: tuple[str, ...] = ()


SCHEDULES: dict[str, Schedule] = {
    row.name: row
    for row in (
        Schedule("constant", "the same rate for all steps"),
        Schedule(
            "step",
            "times schedule_rate every schedule_every updates (StepLR)",
            "learning_rate * raised(schedule_rate, k // schedule_every)",
            ("schedule_rate", "schedule_every"),
        ),
        Schedule(
            "exponential",
            "times schedule_rate at every update (ExponentialLR)",
            "learning_rate * raised(schedule_rate, k)",
            ("schedule_rate",),
        ),
        Schedule(
            "cosine",
            "half a cosine from the rate to 0 over schedule_every updates, and back (CosineAnnealingLR)",
            "learning_rate * (1.0 + cos(pi * (k % (2 * schedule_every)) / schedule_every)) / 2.0",
        ),
    )
}
"""The schedules by name; cosine runs over all steps when schedule_every is absent."""


def raised(base: float, exponent: int) -> float:
    """Raise to a power; infinite instead of an error.

    >>> raised(2.0, 10_000)
    inf
    """
    try:
        return base**exponent
    except OverflowError:
        return float("inf")
