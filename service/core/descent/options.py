"""The options of a descent: checked, and turned into what the loop needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from service.core.descent.bounds import Bounds, given_bounds
from service.core.descent.loop import Rules
from service.core.descent.optimizers import OPTIMIZERS, Optimizer
from service.core.descent.schedules import SCHEDULES, Schedule
from service.core.exceptions import InvalidRequest, fault, pointer_to, quote_text
from service.core.limits import Limits


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller chose; see `descent` for each."""

    optimizer: str = "gradient_descent"
    learning_rate: float = 0.01
    steps: int = 100
    momentum: float = 0.9
    decay: float = 0.99
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float | None = None
    schedule: str = "constant"
    schedule_rate: float | None = None
    schedule_every: int | None = None
    clip_norm: float | None = None
    bounds: Bounds | None = None
    tolerance: float | None = None
    history: int = 0
    history_variables: bool = True

    @property
    def optimizer_row(self) -> Optimizer:
        """The optimizer's row."""
        return OPTIMIZERS[self.optimizer]

    @property
    def schedule_row(self) -> Schedule:
        """The schedule's row."""
        return SCHEDULES[self.schedule]

    @property
    def given_bounds(self) -> dict[str, dict[str, Any]]:
        """The bounds that bound something."""
        return given_bounds(self.bounds or {})

    def completed(self, length: int) -> Options:
        """Return the options with the defaults that depend on others.

        Parameters
        ----------
        length : int
            Updates of the schedule when `schedule_every` is absent.
        """
        epsilon = self.optimizer_row.epsilon if self.epsilon is None else self.epsilon
        return replace(self, epsilon=epsilon, schedule_every=self.schedule_every or length)

    def rules(self) -> Rules:
        """Return what shapes the loop's source."""
        return Rules(
            self.optimizer_row,
            self.schedule_row,
            has_tolerance=self.tolerance is not None,
            is_clipped=self.clip_norm is not None,
            is_bounded=bool(self.given_bounds),
        )

    def numbers(self) -> dict[str, Any]:
        """Return what the loop's names stand for; the learning rate is one of its parts."""
        numbers = {name: getattr(self, name) for name in RANGES if name != "learning_rate"}
        return numbers | {"factor": self.schedule_row.factor}

    def binding(self) -> dict[str, Any]:
        """Return what a state is bound to: the options that its run uses, with their values."""
        names = {"optimizer", "learning_rate", "schedule", "clip_norm"}
        names |= {*self.optimizer_row.options, *self.schedule_row.options}
        return {name: getattr(self, name) for name in sorted(names)} | {"bounds": self.given_bounds}


RANGES: dict[str, tuple[float, bool, float]] = {
    "learning_rate": (0.0, True, np.inf),
    "momentum": (0.0, False, 1.0),
    "decay": (0.0, False, 1.0),
    "beta1": (0.0, False, 1.0),
    "beta2": (0.0, False, 1.0),
    "epsilon": (0.0, True, np.inf),
    "schedule_rate": (0.0, True, np.inf),
    "schedule_every": (1.0, False, np.inf),
    "clip_norm": (0.0, True, np.inf),
    "tolerance": (0.0, True, np.inf),
}
"""For each number the lowest value, whether that itself is outside, and what it stays below."""


def check_options(options: Options, limits: Limits) -> None:
    """Refuse options that are out of range or missing.

    Raises
    ------
    InvalidRequest
        With the option's pointer.
    """
    for name, (low, is_open, high) in RANGES.items():
        value = getattr(options, name)
        if value is not None and not ((value > low if is_open else value >= low) and value < high):
            rule = f"{'above' if is_open else 'at least'} {low:g}"
            rule += f" and below {high:g}" if np.isfinite(high) else ""
            raise InvalidRequest(fault("out-of-range", pointer_to(name), rule=rule, got=value))
    for name, table in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        chosen = getattr(options, name)
        if chosen not in table:
            rule = f"one of {', '.join(table)}"
            raise InvalidRequest(
                fault("out-of-range", pointer_to(name), rule=rule, got=quote_text(str(chosen)))
            )
    for name, least, most in (("steps", 1, limits.steps), ("history", 0, limits.history)):
        count = getattr(options, name)
        if not least <= count <= most:
            rule = f"at least {least} and at most {most:,}"
            raise InvalidRequest(fault("out-of-range", pointer_to(name), rule=rule, got=count))
    for name in options.schedule_row.needs:
        if getattr(options, name) is None:
            needed = f"schedule {options.schedule}"
            raise InvalidRequest(fault("missing-option", pointer_to(name), option=name, needed_by=needed))
