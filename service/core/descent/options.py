"""The options of a descent: one table that reads, checks, documents and seals them.

A row says all of an option. The optimizers and schedules that use it name it in their own rows; an
option that none of them names is one of every descent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from service.core.descent.batches import Batch, read_batch
from service.core.descent.bounds import given_bounds
from service.core.descent.layout import Rules
from service.core.descent.optimizers import OPTIMIZERS, Optimizer
from service.core.descent.projections import Projection, read_projections
from service.core.descent.ranges import check_range
from service.core.descent.schedules import SCHEDULES, Schedule, factor_of
from service.core.exceptions import InvalidRequest, fault, pointer_to
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


SCALED_TOLERANCE = 1e-8
"""The tolerance of optimizers that have one by default, times the value's magnitude where that is above 1."""

RULES = ("rule", "stochastic")
"""The ways of choosing a step that are an update rule's, with a learning rate."""

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


DEFAULTS = {name: row.default for name, row in OPTIONS.items()}
"""Options that are not given, where optimizer and schedule have no default of their own."""

NUMBERS = tuple(
    row.name
    for row in OPTIONS.values()
    if row.is_number and row.limit is None and row.name != "learning_rate"
)
"""Names of the options that a loop may call by name."""


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


@dataclass(frozen=True)
class Options:
    """What the client chose, by the names of the table, and defaults for the rest."""

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return the value of an option."""
        return self.values[name]

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer's row."""
        return OPTIMIZERS[self["optimizer"]]

    @property
    def schedule(self) -> Schedule:
        """The schedule's row."""
        return SCHEDULES[self["schedule"]]

    @cached_property
    def stepper(self) -> str:
        """The row of `STEPPERS` that chooses the steps."""
        return _stepper(self.optimizer, self.values)

    @cached_property
    def batch(self) -> Batch | None:
        """The batches, if updates do not see all rows."""
        return read_batch(self["batch"]) if self["batch"] is not None else None

    @cached_property
    def projections(self) -> dict[str, Projection]:
        """The projections by variable."""
        return read_projections(self["project"] or {})

    @cached_property
    def given_bounds(self) -> dict[str, dict[str, Any]]:
        """The bounds that bound something."""
        return given_bounds(self["bounds"] or {})

    def at_rate(self, rate: float, limits: Limits) -> Options:
        """Return the options with another learning rate.

        Raises
        ------
        InvalidRequest
            It is out of range.
        """
        check_range(OPTIONS["learning_rate"], rate, limits)
        return Options({**self.values, "learning_rate": rate})

    def completed(self, length: int) -> Options:
        """Return the options with the length of a schedule that has none.

        Parameters
        ----------
        length : int
            Updates of the schedule when `schedule_every` is absent.
        """
        if not self.schedule.has_length or self["schedule_every"]:
            return self
        return Options({**self.values, "schedule_every": max(1, length - self["warmup"])})

    def rules(self, *, has_noise: bool = False, carried: tuple[str, ...] = ()) -> Rules:
        """Return what shapes the loop's source.

        Parameters
        ----------
        has_noise : bool
            Whether the gradient consists of differences.
        carried : tuple of str
            What the way of choosing a step carries along.
        """
        optimizer, schedule, values = self.optimizer, self.schedule, self.values
        arrives = optimizer.stepper != "rule"
        is_rule = self.stepper in RULES
        whole = ("whole",) if self.stepper == "stochastic" else ()
        return Rules(
            optimizer,
            schedule,
            is_scheduled=values["schedule"] != "constant" or values["warmup"] > 0,
            has_tolerance=arrives or values["tolerance"] is not None,
            is_decayed=is_rule and "weight_decay" in optimizer.options and values["weight_decay"] > 0.0,
            is_clipped=values["clip_norm"] is not None,
            is_bounded=bool(self.given_bounds),
            is_projected=bool(values["project"]),
            has_noise=has_noise,
            has_value_tolerance=values["tolerance_value"] is not None,
            has_step_tolerance=values["tolerance_step"] is not None,
            has_target=values["target"] is not None,
            is_scaled=arrives and values["tolerance"] is None,
            carried=(*optimizer.numbers, *schedule.numbers, *whole) if is_rule else carried,
        )

    def numbers(self) -> dict[str, Any]:
        """Return what the loop's names stand for; the learning rate is one of its parts."""
        numbers = {name: self.values[name] for name in NUMBERS}
        if numbers["tolerance"] is None:
            numbers["tolerance"] = SCALED_TOLERANCE
        return numbers | {"factor": factor_of(self.schedule, self.values)}

    def binding(self) -> dict[str, Any]:
        """Return what a state is bound to: the options that its run uses, with their values."""
        plain = {
            "bounds": self.given_bounds,
            "project": {name: each.plain for name, each in self.projections.items()},
            "batch": self.batch.plain if self.batch else None,
        }
        kept = _kept(self["optimizer"], self["schedule"])
        return {name: plain[name] if name in plain else self[name] for name in kept}


@cache
def _kept(optimizer: str, schedule: str) -> list[str]:
    """Name the options that a run keeps which goes on from a state."""
    chosen = OPTIMIZERS[optimizer]
    is_rule = chosen.stepper == "rule"
    names = {row.name for row in OPTIONS.values() if row.is_kept and (is_rule or not row.is_of_rules)}
    return sorted(names | {*chosen.options, *SCHEDULES[schedule].options})


def read_options(given: Mapping[str, Any], limits: Limits) -> Options:
    """Complete options with their defaults, and refuse what is out of range or missing.

    Parameters
    ----------
    given : mapping of str to object
        Options by name; None means absent.

    Raises
    ------
    InvalidRequest
        With the option's pointer.
    TypeError
        There is no option of a name.
    """
    for name in given:
        if name not in OPTIONS:
            raise TypeError(f"descent has no option {name!r}; its options are {', '.join(OPTIONS)}")
    values = DEFAULTS | {name: value for name, value in given.items() if value is not None}
    for name, row in OPTIONS.items():
        if name in given or row.limit is not None:  # other defaults are within their range
            check_range(row, values[name], limits)
    optimizer, schedule = OPTIMIZERS[values["optimizer"]], SCHEDULES[values["schedule"]]
    own = {**optimizer.defaults, **schedule.defaults}
    values |= {name: default for name, default in own.items() if given.get(name) is None}
    _check_rules_alone(optimizer, values)
    if _stepper(optimizer, values) not in RULES:
        rows = (row for row in OPTIONS.values() if row.is_of_rules)
        ignored = {row.name: row.default for row in rows if row.name != "learning_rate"}
        return Options(values | ignored)
    for name in schedule.needs:
        if values[name] is None:
            needed = f"schedule {schedule.name}"
            raise InvalidRequest(fault("missing-option", pointer_to(name), option=name, needed_by=needed))
    return Options(values)


def _stepper(optimizer: Optimizer, values: Mapping[str, Any]) -> str:
    has_search = values["line_search"] and "line_search" in optimizer.options
    chosen = "line_search" if has_search else optimizer.stepper
    return "stochastic" if chosen == "rule" and values["batch"] is not None else chosen


def _check_rules_alone(optimizer: Optimizer, values: Mapping[str, Any]) -> None:
    """Check batches and projections, and refuse them where steps are searched for.

    A search compares values, and those of different rows differ; projected it would end off the line.
    """
    stepper = _stepper(optimizer, values)
    for name, read in (("batch", read_batch), ("project", read_projections)):
        is_given = values[name] is not None and read(values[name])
        if is_given and stepper not in RULES:
            other = "line_search" if stepper == "line_search" else f"optimizer {optimizer.name}"
            raise InvalidRequest(fault("not-with", pointer_to(name), option=name, other=other))
