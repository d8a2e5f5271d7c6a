"""What a client chose of the options of a descent: read, checked, and completed by defaults."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from operator import itemgetter
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

RULE_STEPPERS = ("rule", "stochastic")
"""The steppers that follow an update rule, with a learning rate."""

DEFAULTS = {name: row.default for name, row in OPTIONS.items()}
"""Defaults of all options, for optimizers and schedules without a default of their own."""

NUMBERS = tuple(
    row.name
    for row in OPTIONS.values()
    if row.is_number and row.limit is None and row.name != "learning_rate"
)
"""Names of the options that a loop may call by name."""
_numbers_of = itemgetter(*NUMBERS)

LIMITED = {row.name: row.default for row in OPTIONS.values() if row.limit and row.default != row.low}
"""Defaults that may be above their limits; the others are within their ranges."""

IGNORED = {
    row.name: row.default for row in OPTIONS.values() if row.is_of_rules and row.name != "learning_rate"
}
"""Options that update rules alone use, with the defaults that replace them where steps are searched for."""


class Options(dict[str, Any]):
    """What the client chose, by the names of the table, and defaults for the rest; never changed.

    Attributes
    ----------
    optimizer, schedule : Optimizer, Schedule
        Their rows.
    stepper : str
        The row of `STEPPERS` that chooses the steps.
    batch : Batch or None
        The batches, if updates do not see all rows.
    projections : dict of str to Projection
        The projections by variable.
    given_bounds : dict
        The bounds that bound something, which are still to be held against the variables.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.optimizer = OPTIMIZERS[values["optimizer"]]
        self.schedule = SCHEDULES[values["schedule"]]
        self.stepper = _stepper(self.optimizer, values)
        batch, project, bounds = values["batch"], values["project"], values["bounds"]
        self.batch: Batch | None = read_batch(batch) if batch is not None else None
        self.projections: dict[str, Projection] = read_projections(project) if project else {}
        self.given_bounds = given_bounds(bounds) if bounds else {}

    @property
    def is_plain(self) -> bool:
        """Whether an update rule alone moves the variables, on floats where the function is on floats."""
        return self.stepper == "rule" and not (self["bounds"] or self.projections)

    def at_rate(self, rate: float) -> Options:
        """Return the options with another learning rate that is within its range."""
        return self._with("learning_rate", rate)

    def completed(self, length: int) -> Options:
        """Return the options with the length of a schedule that has none.

        Parameters
        ----------
        length : int
            Updates of the schedule when `schedule_every` is absent.
        """
        if not self.schedule.has_length or self["schedule_every"]:
            return self
        return self._with("schedule_every", max(1, length - self["warmup"]))

    def _with(self, name: str, value: Any) -> Options:
        """Return the options with another value of one that no attribute depends on."""
        changed = Options.__new__(Options)
        changed.update(self)
        changed[name] = value
        vars(changed).update(vars(self))
        return changed

    def rules(self, *, has_noise: bool = False, carried: tuple[str, ...] = ()) -> Rules:
        """Return what shapes the loop's source.

        Parameters
        ----------
        has_noise : bool
            Whether the gradient consists of differences.
        carried : tuple of str
            What the way of choosing a step carries along.
        """
        optimizer, schedule = self.optimizer, self.schedule
        arrives = optimizer.stepper != "rule"
        is_rule = self.stepper in RULE_STEPPERS
        whole = ("whole",) if self.stepper == "stochastic" else ()
        return Rules(
            optimizer,
            schedule,
            is_scheduled=self["schedule"] != "constant" or self["warmup"] > 0,
            has_tolerance=arrives or self["tolerance"] is not None,
            is_decayed=is_rule and "weight_decay" in optimizer.options and self["weight_decay"] > 0.0,
            is_clipped=self["clip_norm"] is not None,
            is_bounded=bool(self.given_bounds),
            is_projected=bool(self["project"]),
            has_noise=has_noise,
            has_value_tolerance=self["tolerance_value"] is not None,
            has_step_tolerance=self["tolerance_step"] is not None,
            has_target=self["target"] is not None,
            has_warmup=is_rule and self["warmup"] > 0,
            is_scaled=arrives and self["tolerance"] is None,
            carried=(*optimizer.numbers, *schedule.numbers, *whole) if is_rule else carried,
        )

    def numbers(self) -> dict[str, Any]:
        """Return what the loop's names stand for; the learning rate is one of its parts."""
        numbers = dict(zip(NUMBERS, _numbers_of(self), strict=True))
        if numbers["tolerance"] is None:
            numbers["tolerance"] = SCALED_TOLERANCE
        numbers["factor"] = factor_of(self.schedule, self)
        return numbers

    def binding(self) -> dict[str, Any]:
        """Return what a state is bound to: the options that its run uses, with their values."""
        kept = {name: self[name] for name in _kept(self.optimizer, self.schedule)}
        kept["bounds"] = self.given_bounds
        if "project" in kept:
            kept["project"] = {name: each.plain for name, each in self.projections.items()}
        if self.batch:
            kept["batch"] = self.batch.plain
        return kept


@cache
def _kept(optimizer: Optimizer, schedule: Schedule) -> list[str]:
    """Name the options that a run keeps which goes on from a state."""
    is_rule = optimizer.stepper == "rule"
    names = {row.name for row in OPTIONS.values() if row.is_kept and (is_rule or not row.is_of_rules)}
    return sorted(names | {*optimizer.options, *schedule.options})


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
    chosen = {name: value for name, value in given.items() if value is not None}
    for name, value in {**LIMITED, **chosen}.items():
        check_range(OPTIONS[name], value, limits)
    optimizer = OPTIMIZERS[chosen.get("optimizer", DEFAULTS["optimizer"])]
    schedule = SCHEDULES[chosen.get("schedule", DEFAULTS["schedule"])]
    options = Options(_defaults(optimizer, schedule) | chosen)
    if options.stepper not in RULE_STEPPERS:
        _refuse_rules_alone(options)
        return Options(options | IGNORED)
    if schedule.needs:
        _refuse_missing(options)
    return options


@cache
def _defaults(optimizer: Optimizer, schedule: Schedule) -> dict[str, Any]:
    """Return the values of all options that are not given."""
    return {**DEFAULTS, **optimizer.defaults, **schedule.defaults}


def _stepper(optimizer: Optimizer, values: Mapping[str, Any]) -> str:
    has_search = values["line_search"] and "line_search" in optimizer.options
    chosen = "line_search" if has_search else optimizer.stepper
    return "stochastic" if chosen == "rule" and values["batch"] is not None else chosen


def _refuse_missing(options: Options) -> None:
    """Refuse options without what their schedule needs."""
    needed = f"schedule {options.schedule.name}"
    missing = [name for name in options.schedule.needs if options[name] is None]
    if missing:
        raise InvalidRequest(
            *(fault("missing-option", pointer_to(name), option=name, needed_by=needed) for name in missing)
        )


def _refuse_rules_alone(options: Options) -> None:
    """Refuse batches and projections where steps are searched for.

    A search compares values, and those of different rows differ; projected it would end off the line.
    """
    is_line_search = options.stepper == "line_search"
    other = "line_search" if is_line_search else f"optimizer {options.optimizer.name}"
    for name, given, takers in (
        ("batch", options.batch, "adam and the other update rules do"),
        ("project", options.projections, "gradient_descent, momentum and nesterov do"),
    ):
        if given:
            hint = f" Of the optimizers {takers}."
            raise InvalidRequest(fault("not-with", pointer_to(name), option=name, other=other, hint=hint))
