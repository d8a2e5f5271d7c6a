"""What a client chose of the options of a descent: read, checked, and completed by defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from service.core.descent.batches import Batch, read_batch
from service.core.descent.bounds import given_bounds
from service.core.descent.layout import Rules
from service.core.descent.optimizers import OPTIMIZERS, Optimizer
from service.core.descent.options import OPTIONS
from service.core.descent.projections import Projection, read_projections
from service.core.descent.ranges import check_range
from service.core.descent.schedules import SCHEDULES, Schedule, factor_of
from service.core.exceptions import InvalidRequest, fault, pointer_to
from service.core.limits import Limits

SCALED_TOLERANCE = 1e-8
"""The tolerance of optimizers that have one by default, times the value's magnitude where that is above 1."""

RULES = ("rule", "stochastic")
"""The ways of choosing a step that are an update rule's, with a learning rate."""

DEFAULTS = {name: row.default for name, row in OPTIONS.items()}
"""Options that are not given, where optimizer and schedule have no default of their own."""

NUMBERS = tuple(
    row.name
    for row in OPTIONS.values()
    if row.is_number and row.limit is None and row.name != "learning_rate"
)
"""Names of the options that a loop may call by name."""


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

    def at_rate(self, rate: float) -> Options:
        """Return the options with another learning rate that is within its range."""
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
