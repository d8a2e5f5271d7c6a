"""The options of a descent: one table that reads, checks, documents and seals them.

A row says all of an option. The optimizers and schedules that use it name it in their own rows; an
option that none of them names is one of every descent. What a client chose of them stands in
`service.core.descent.choice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.core.descent.optimizers import OPTIMIZERS, Optimizer
from service.core.descent.schedules import SCHEDULES, Schedule
from service.core.limits import Limits


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One row.

    Attributes
    ----------
    kind : {"number", "integer", "integers", "flag", "choice", "bounds", "project", "batch"}
        What its value is.
    default : object
        Its value when absent; an optimizer's row may have another for itself.
    low, high : float, optional
        Its range; `is_open` when `low` itself is outside it, `is_below` when `high` is.
    limit : str, optional
        The limit that is its highest value.
    choices : mapping, optional
        The table whose names it takes.
    most : int
        How many numbers a list may have.
    is_kept : bool
        Whether a run that goes on from a state must have the same, though no row names it.
    is_of_rules : bool
        Whether update rules alone use it, not optimizers that find the length of a step themselves.
    """

    name: str
    kind: str
    meaning: str
    default: Any = None
    low: float | None = None
    high: float | None = None
    is_open: bool = False
    is_below: bool = False
    limit: str | None = None
    choices: Mapping[str, Any] | None = None
    most: int = 0
    is_kept: bool = False
    is_of_rules: bool = False

    @property
    def is_number(self) -> bool:
        """Whether its value is one number."""
        return self.kind in ("number", "integer")

    @property
    def used_by(self) -> tuple[str, ...]:
        """Names of the optimizers and schedules that use it; none when every descent does."""
        if self.is_of_rules:
            return tuple(row.name for row in OPTIMIZERS.values() if row.stepper == "rule")
        rows: list[Optimizer | Schedule] = [*OPTIMIZERS.values(), *SCHEDULES.values()]
        return tuple(row.name for row in rows if self.name in row.options)

    @property
    def varies(self) -> bool:
        """Whether an optimizer has a default of its own."""
        return any(self.name in row.defaults for row in OPTIMIZERS.values())

    def highest(self, limits: Limits) -> float | None:
        """Return its highest value under limits."""
        return getattr(limits, self.limit) if self.limit else self.high


def _positive(name: str, meaning: str, default: float | None = None, **more: Any) -> Option:
    return Option(name, "number", meaning, default, low=0, is_open=True, **more)


def _tolerance(name: str, meaning: str) -> Option:
    return Option(name, "number", meaning, low=0)


def _fraction(name: str, meaning: str, default: float) -> Option:
    """Make the row of a number of at least 0 and below 1."""
    return Option(name, "number", meaning, default, low=0, high=1, is_below=True)


MOST_MILESTONES = 100
"""Numbers in `schedule_at`."""

TICKS = {
    "value": "step, value and gradient norm",
    "variables": "the variables too",
}
"""What a report of progress may hold."""

OPTIONS: dict[str, Option] = {
    row.name: row
    for row in (
        Option(
            "optimizer", "choice", "the update rule", "gradient_descent", choices=OPTIMIZERS, is_kept=True
        ),
        _positive("learning_rate", "the step size of the first update", 0.01, is_kept=True, is_of_rules=True),
        Option("steps", "integer", "updates of this request", 100, low=1, limit="steps"),
        _fraction("momentum", "the share of the last update in the next", 0.9),
        _fraction("decay", "the smoothing constant of the squared gradients", 0.99),
        _fraction("beta1", "the decay of the first moment", 0.9),
        _fraction("beta2", "the decay of the second moment", 0.999),
        _positive("epsilon", "added to the denominator", 1e-8),
        Option("weight_decay", "number", "how much variables shrink at every update", 0.0, low=0),
        Option("line_search", "flag", "whether the length of every step is searched", False),
        Option("memory", "integer", "how many of the latest steps are kept", 10, low=1, high=100),
        Option(
            "schedule",
            "choice",
            "how the rate changes",
            "constant",
            choices=SCHEDULES,
            is_kept=True,
            is_of_rules=True,
        ),
        _positive("schedule_rate", "the factor of the schedule"),
        Option("schedule_every", "integer", "updates between two changes, or of a whole schedule", low=1),
        _positive("schedule_power", "the power of the polynomial schedule", 1.0),
        Option(
            "schedule_at", "integers", "updates after which the rate changes", low=1, most=MOST_MILESTONES
        ),
        Option(
            "warmup",
            "integer",
            "updates over which the rate rises from 0 before the schedule begins",
            0,
            low=0,
            is_kept=True,
            is_of_rules=True,
        ),
        _positive("clip_norm", "the gradient's 2-norm is clipped to it", is_kept=True, is_of_rules=True),
        Option("bounds", "bounds", "start and steps are projected into them", is_kept=True),
        Option(
            "project",
            "project",
            "start and steps are projected onto sets",
            is_kept=True,
            is_of_rules=True,
        ),
        Option(
            "batch",
            "batch",
            "each update sees so many rows of the constants",
            is_kept=True,
            is_of_rules=True,
        ),
        _positive("tolerance", "converged when no element of the gradient is larger"),
        _tolerance("tolerance_value", "converged when a step lowers the value by no more, relative to it"),
        _tolerance(
            "tolerance_step", "converged when a step moves no variable by more, relative to the largest"
        ),
        Option("target", "number", "converged as soon as a value is at most this"),
        Option("gradient", "flag", "whether the answer holds the last iterate's gradient", False),
        Option("history", "integer", "number of evenly spaced records", 0, low=0, limit="history"),
        Option("history_variables", "flag", "whether the records hold the variables", True),
        Option("ticks", "choice", "what a line of progress holds", "value", choices=TICKS),
    )
}
"""The options by name, in the order of the document."""


def describe_options() -> dict[str, list[dict[str, Any]]]:
    """List optimizers, schedules and options for clients that offer them to people.

    >>> describe_options()["optimizers"][3]["defaults"]
    {'epsilon': 1e-10, 'weight_decay': 0.0}
    """
    return {
        "optimizers": [
            {
                "name": row.name,
                "meaning": row.meaning,
                "options": list(row.options),
                "defaults": {name: _default(name, row) for name in row.options if OPTIONS[name].is_number},
            }
            for row in OPTIMIZERS.values()
        ],
        "schedules": [
            {"name": row.name, "meaning": row.meaning, "options": list(row.options), "needs": list(row.needs)}
            for row in SCHEDULES.values()
        ],
        "options": [
            {
                "name": row.name,
                "kind": row.kind,
                "meaning": row.meaning,
                "default": row.default if row.is_number and not row.varies else None,
                "used_by": list(row.used_by),
            }
            for row in OPTIONS.values()
        ],
    }


def _default(name: str, optimizer: Optimizer) -> Any:
    return optimizer.defaults.get(name, OPTIONS[name].default)
