"""The schedules of the learning rate: one table, as `torch.optim.lr_scheduler` defines them."""

from __future__ import annotations

import math
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Factor = Callable[[int], float]
"""From the number of updates before this one to what the learning rate is multiplied by."""
Chosen = Mapping[str, Any]
"""Options by name, completed."""


def raised(base: float, exponent: int) -> float:
    """Raise to a power; infinite instead of an error.

    >>> raised(2.0, 10_000)
    inf
    """
    try:
        return base**exponent
    except OverflowError:
        return math.inf


def cosine(part: float) -> float:
    """Fall from 1 to 0 along half a cosine while `part` goes from 0 to 1, and rise again.

    >>> [round(cosine(k / 4), 3) for k in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.146]
    """
    return (1.0 + math.cos(math.pi * part)) / 2.0


def one_cycle(k: int, length: int) -> float:
    """Rise from 1/25 to 1 over three tenths of a length, and fall to 1/250,000, both along half a cosine.

    >>> [round(one_cycle(k, 10), 3) for k in (0, 1, 2, 9, 20)]
    [0.04, 0.52, 1.0, 0.0, 0.0]
    """
    first, last = 1 / 25, 1 / 250_000
    top = 0.3 * length - 1.0  # below 0, before the first update, for lengths up to 3
    if k <= top:
        return 1.0 + (first - 1.0) * cosine(k / top)
    part = min(1.0, (k - top) / (length - 1.0 - top))
    return last + (1.0 - last) * cosine(part)


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """One row.

    Attributes
    ----------
    make : callable
        From the options to the factor of the learning rate.
    needs, options : tuple of str
        Options that must be given, and all that it uses.
    lines : tuple of str
        Source of the rate of an update, from `learning_rate` and `factor`; `value` is that before the update.
    numbers : mapping of str to float
        Numbers that it carries from step to step, and what they are at the start.
    defaults : mapping of str to float
        Defaults of its own for options.
    has_length : bool
        Whether `schedule_every` is its length, all steps when absent.
    """

    name: str
    meaning: str
    make: Callable[[Chosen], Factor]
    needs: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    lines: tuple[str, ...] = ("rate = learning_rate * factor(k - 1)",)
    numbers: Mapping[str, float] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)
    has_length: bool = False

    @property
    def uses_value(self) -> bool:
        """Whether the rate of an update depends on the value before it."""
        return any(re.search(r"\bvalue\b", line) for line in self.lines)


def steady(chosen: Chosen) -> Factor:
    """Make the factor that stays 1."""
    return lambda k: 1.0


def _make_step(chosen: Chosen) -> Factor:
    rate, every = chosen["schedule_rate"], chosen["schedule_every"]
    return lambda k: raised(rate, k // every)


def _make_exponential(chosen: Chosen) -> Factor:
    rate = chosen["schedule_rate"]
    return lambda k: raised(rate, k)


def _make_cosine(chosen: Chosen) -> Factor:
    every = chosen["schedule_every"]
    return lambda k: cosine(k % (2 * every) / every)


def _make_restarts(chosen: Chosen) -> Factor:
    every = chosen["schedule_every"]
    return lambda k: cosine(k % every / every)


def _make_linear(chosen: Chosen) -> Factor:
    rate, every = chosen["schedule_rate"], chosen["schedule_every"]
    return lambda k: rate + (1.0 - rate) * min(k, every) / every


def _make_polynomial(chosen: Chosen) -> Factor:
    every, power = chosen["schedule_every"], chosen["schedule_power"]
    return lambda k: (1.0 - min(k, every) / every) ** power


def _make_milestones(chosen: Chosen) -> Factor:
    rate, at = chosen["schedule_rate"], sorted(chosen["schedule_at"])
    return lambda k: raised(rate, bisect_right(at, k))


def _make_one_cycle(chosen: Chosen) -> Factor:
    every = chosen["schedule_every"]
    return lambda k: one_cycle(k, every)


def factor_of(schedule: Schedule, chosen: Chosen) -> Factor:
    """Make the factor of a schedule that begins when the warm-up is over."""
    factor, warmup = schedule.make(chosen), chosen["warmup"]
    return (lambda k: k / warmup if k < warmup else factor(k - warmup)) if warmup else factor


SCHEDULES: dict[str, Schedule] = {
    row.name: row
    for row in (
        Schedule("constant", "the same rate for all steps", steady),
        Schedule(
            "step",
            "times schedule_rate every schedule_every updates (StepLR)",
            _make_step,
            needs=("schedule_rate", "schedule_every"),
            options=("schedule_rate", "schedule_every"),
        ),
        Schedule(
            "exponential",
            "times schedule_rate at every update (ExponentialLR)",
            _make_exponential,
            needs=("schedule_rate",),
            options=("schedule_rate",),
        ),
        Schedule(
            "cosine",
            "half a cosine from the rate to 0 over schedule_every updates, and back (CosineAnnealingLR)",
            _make_cosine,
            options=("schedule_every",),
            has_length=True,
        ),
        Schedule(
            "cosine_restarts",
            "half a cosine to 0 over schedule_every updates, again and again (CosineAnnealingWarmRestarts)",
            _make_restarts,
            needs=("schedule_every",),
            options=("schedule_every",),
        ),
        Schedule(
            "linear",
            "from schedule_rate to 1 times the rate over schedule_every updates (LinearLR)",
            _make_linear,
            needs=("schedule_rate", "schedule_every"),
            options=("schedule_rate", "schedule_every"),
        ),
        Schedule(
            "polynomial",
            "to 0 over schedule_every updates, as a power of what is left (PolynomialLR)",
            _make_polynomial,
            options=("schedule_every", "schedule_power"),
            has_length=True,
        ),
        Schedule(
            "milestones",
            "times schedule_rate at each of schedule_at (MultiStepLR)",
            _make_milestones,
            needs=("schedule_rate", "schedule_at"),
            options=("schedule_rate", "schedule_at"),
        ),
        Schedule(
            "one_cycle",
            "up from 1/25 of the rate and down to 1/250,000 of it over schedule_every updates (OneCycleLR)",
            _make_one_cycle,
            options=("schedule_every",),
            has_length=True,
        ),
        Schedule(
            "plateau",
            "times schedule_rate after schedule_every updates without a lower value (ReduceLROnPlateau)",
            steady,
            options=("schedule_rate", "schedule_every"),
            defaults={"schedule_rate": 0.1, "schedule_every": 10},
            lines=(
                "rate = learning_rate * factor(k - 1) * reduction",
                "is_lower = (value < lowest * (1.0 - 1e-4)) | (k <= warmup + 1)",
                "lowest = choose(is_lower, value, lowest)",
                "waited = choose(is_lower, 0.0, waited + 1.0)",
                "is_due = waited > schedule_every",
                "waited = choose(is_due, 0.0, waited)",
                "is_worth = learning_rate * reduction * (1.0 - schedule_rate) > 1e-8",
                "reduction = choose(is_due & is_worth, reduction * schedule_rate, reduction)",
            ),
            numbers={"lowest": sys.float_info.max, "waited": 0.0, "reduction": 1.0},
        ),
    )
}
"""The schedules by name."""
