"""The options of a descent: checked, and turned into what the loop needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.core.calculus.kernel import Array, Kernel, Shape
from service.core.descent.loop import Rules
from service.core.descent.optimizers import OPTIMIZERS
from service.core.descent.schedules import SCHEDULES
from service.core.exceptions import InvalidRequest, fault, pointer_to, quote_text
from service.core.limits import Limits

Bounds = Mapping[str, Mapping[str, Any]]

GROWTH = 1e12
"""A value this many times the start's, in magnitude, has diverged."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller chose; see `descent` for each."""

    optimizer: str
    learning_rate: float
    steps: int
    momentum: float
    decay: float
    beta1: float
    beta2: float
    epsilon: float | None
    schedule: str
    schedule_rate: float | None
    schedule_every: int | None
    clip_norm: float | None
    bounds: Bounds | None
    tolerance: float | None

    def rules(self, is_counted: bool) -> Rules:
        """Return what shapes the loop's source."""
        return Rules(
            OPTIMIZERS[self.optimizer],
            SCHEDULES[self.schedule],
            self.tolerance is not None,
            self.clip_norm is not None,
            bool(self.bounds),
            is_counted,
        )

    def numbers(self, length: int) -> dict[str, Any]:
        """Return the numbers that the loop's names stand for; `length` is the schedule's."""
        optimizer = OPTIMIZERS[self.optimizer]
        epsilon = optimizer.epsilon if self.epsilon is None else self.epsilon
        return {
            "rate": self.learning_rate,
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
            "decay": self.decay,
            "beta1": self.beta1,
            "beta2": self.beta2,
            "epsilon": epsilon,
            "schedule_rate": self.schedule_rate,
            "schedule_every": length,
            "clip_norm": self.clip_norm,
            "tolerance": self.tolerance,
        }

    @property
    def schedule_length(self) -> int:
        """Updates of a period of the schedule, 0 for one that has none."""
        if self.schedule == "cosine":
            return self.schedule_every or self.steps
        return self.schedule_every or 0

    def fingerprint(self) -> dict[str, Any]:
        """Return what a state is bound to: the options that this run uses, with their values."""
        row, schedule = OPTIMIZERS[self.optimizer], SCHEDULES[self.schedule]
        used = {"optimizer": self.optimizer, "learning_rate": self.learning_rate, "schedule": self.schedule}
        used |= {name: getattr(self, name) for name in row.options}
        used |= {name: getattr(self, name) for name in schedule.needs}
        used["epsilon"] = self.epsilon if "epsilon" in row.options else None
        bounds = {
            name: {side: np.asarray(tensor, dtype=np.float64).tolist() for side, tensor in pair.items()}
            for name, pair in (self.bounds or {}).items()
        }
        return used | {"clip_norm": self.clip_norm, "bounds": bounds}


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


def check_options(options: Options, shapes: Mapping[str, Shape], limits: Limits) -> None:
    """Refuse options that are out of range, missing, or about no variable.

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
    if not 1 <= options.steps <= limits.steps:
        rule = f"at least 1 and at most {limits.steps:,}"
        raise InvalidRequest(fault("out-of-range", "/steps", rule=rule, got=options.steps))
    for name in SCHEDULES[options.schedule].needs:
        if getattr(options, name) is None:
            needed = f"schedule {options.schedule}"
            raise InvalidRequest(fault("missing-option", pointer_to(name), option=name, needed_by=needed))
    for name in options.bounds or {}:
        if name not in shapes:
            known = ", ".join(shapes)
            raise InvalidRequest(fault("unknown-name-here", pointer_to("bounds", name), known=known))


def bounds_of(options: Options, shapes: Mapping[str, Shape]) -> dict[str, tuple[Array, Array]]:
    """Return lower and upper bounds of every variable, in its shape.

    Raises
    ------
    InvalidRequest
        A bound has another shape, or lower is above upper.
    """
    found = {}
    for name, shape in shapes.items():
        pair = (options.bounds or {}).get(name, {})
        sides = []
        for side, absent in (("lower", -np.inf), ("upper", np.inf)):
            tensor = np.asarray(absent if pair.get(side) is None else pair[side], dtype=np.float64)
            if tensor.shape not in ((), shape):
                raise InvalidRequest(
                    fault(
                        "shape-mismatch",
                        pointer_to("bounds", name, side),
                        first=f"the bound {side}",
                        first_shape=tensor.shape,
                        second=name,
                        second_shape=shape,
                        rule="a bound has its variable's shape, or is a number",
                    )
                )
            sides.append(np.broadcast_to(tensor, shape))
        if np.any(sides[0] > sides[1]):
            at = int(np.argmax(np.ravel(sides[0] > sides[1])))
            lower, upper = (float(np.ravel(side)[at]) for side in sides)
            raise InvalidRequest(fault("empty-bounds", pointer_to("bounds", name), lower=lower, upper=upper))
        found[name] = (sides[0], sides[1])
    return found


def bound_numbers(kernel: Kernel, bounds: Mapping[str, tuple[Array, Array]]) -> dict[str, Any]:
    """Name the bounds of every slot."""
    numbers: dict[str, Any] = {}
    for side, name in ((0, "low"), (1, "high")):
        packed = kernel.pack({variable: pair[side] for variable, pair in bounds.items()})
        numbers |= {f"{name}_{slot}": value for slot, value in zip(kernel.slots, packed, strict=True)}
    return numbers
