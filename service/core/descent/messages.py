"""What a status means for this run, and what to do about it, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from service.core.descent.choice import SCALED_TOLERANCE, Options
from service.core.descent.layout import LARGE, Reason
from service.core.descent.run import Run
from service.core.limits import WORTH_TELLING_SECONDS


class Outcome(NamedTuple):
    """How a run ended.

    Attributes
    ----------
    run, options : Run, Options
        The run and what the client chose.
    start_value : float
        The value at the first step of all.
    gradient_norm : float
        That of the last iterate.
    noise : float
        That of the problem.
    has_kinks : bool
        Whether the function may have some.
    """

    run: Run
    options: Options
    start_value: float
    gradient_norm: float
    noise: float
    has_kinks: bool

    @property
    def is_hidden(self) -> bool:
        """Whether differences that would exceed the tolerance vanish beside the value."""
        return self.noise * abs(self.run.point.value) > self.tolerance and not self.is_far

    @property
    def is_far(self) -> bool:
        """Whether the gradient has not arrived, whatever the tolerance."""
        return self.gradient_norm > LARGE * max(1.0, abs(self.run.point.value))

    @property
    def tolerance(self) -> float:
        """The tolerance of the gradient; infinite where there is none."""
        given: float | None = self.options["tolerance"]
        if given is not None or self.is_rule:
            return math.inf if given is None else given
        return SCALED_TOLERANCE * max(1.0, min(abs(self.run.point.value), abs(self.start_value)))

    @property
    def is_rule(self) -> bool:
        """Whether the optimizer needs a learning rate."""
        return self.options.optimizer.stepper == "rule"

    @property
    def has_remedy(self) -> bool:
        """Whether optimizer lbfgs could take the place of a rule, over all rows."""
        return self.is_rule and self.options["batch"] is None and not self.options["project"]

    def message(self) -> str:
        """Put it into a sentence, after one that says so when the value rose."""
        point = self.run.point
        value, sentence = point.value, SENTENCES[self.run.status](self)
        if value > self.start_value and not point.is_beyond_bound:
            return f"The value rose from {self.start_value:.4g} to {value:.4g}. {sentence}"
        return sentence


def _max_steps(end: Outcome) -> str:
    point = end.run.point
    is_told = end.is_far and end.has_remedy and not end.has_kinks  # at a kink every gradient is large
    remedy = "; optimizer lbfgs needs no learning_rate" if is_told else ""
    if end.is_far and end.options["project"] and not end.options.optimizer.is_euclidean:
        remedy = "; projected, rules that scale elements end elsewhere: gradient_descent and momentum do not"
    count = point.step - end.run.first
    steps = "The only step was" if count == 1 else f"All {count} steps were"
    return (
        f"{steps} run; the value went from {end.start_value:.4g} to "
        f"{point.value:.4g}, the gradient's norm is {end.gradient_norm:.3g}{remedy}."
    )


def _convergence(end: Outcome) -> str:
    return f"Converged at step {end.run.point.step}: {CONVERGENCES[end.run.point.reason](end)}."


def _small_gradient(end: Outcome) -> str:
    tolerance = end.options["tolerance"]
    limit = f"{SCALED_TOLERANCE!r}·max(1, |value|)" if tolerance is None else f"{tolerance!r}"
    kind = "projected gradient" if end.options.given_bounds or end.options["project"] else "gradient"
    return f"no element of the {kind} is larger than the tolerance {limit}"


CONVERGENCES: dict[Reason, Callable[[Outcome], str]] = {
    Reason.CONVERGED: _small_gradient,
    Reason.SETTLED_VALUE: lambda end: (
        f"the last step lowered the value within tolerance_value {end.options['tolerance_value']!r}"
    ),
    Reason.SETTLED_STEP: lambda end: (
        f"the last step moved every variable within tolerance_step {end.options['tolerance_step']!r}"
    ),
    Reason.ON_TARGET: lambda end: (
        f"the value {end.run.point.value:.4g} is at most the target {end.options['target']!r}"
    ),
    Reason.EXHAUSTED: lambda end: (
        f"any further decrease {'within the bounds ' if end.options.given_bounds else ''}is lost in the "
        f"rounding of the value; the gradient's norm is {end.gradient_norm:.3g}"
    ),
}
"""What to say of each reason to have converged."""


def _deadline(end: Outcome) -> str:
    waited, why = end.run.deadline.waited, ""
    if waited >= WORTH_TELLING_SECONDS:
        why = f", {waited:.2f} s of the time spent waiting for other computations"
    return f"The deadline came after step {end.run.point.step}{why}; send the state to go on from there."


def _divergence(end: Outcome) -> str:
    point = end.run.point
    if point.is_beyond_bound:
        verb = "grew" if point.value > 0.0 else "fell"
        what = f"the value {verb} from {end.start_value:.4g} to {point.value:.4g}"
    else:
        what = f"after the value {point.value:.4g} something was not finite: value, gradient or variables"
    if not end.is_rule or (point.is_beyond_bound and point.value < 0.0):
        return f"Diverged at step {point.step}: {what}; the function seems to have no minimum."
    remedy = f"try a learning_rate below {end.options['learning_rate']:g}"
    remedy += ", or optimizer lbfgs" if end.has_remedy else ""
    return f"Diverged at step {point.step}: {what}; {remedy}."


def _stall(end: Outcome) -> str:
    return f"Stalled at step {end.run.point.step}: {_reason_of_stall(end)}."


def _reason_of_stall(end: Outcome) -> str:
    point = end.run.point
    if end.is_hidden:
        return (
            f"beside the value {point.value:.4g} differences of the tolerance's size are lost in rounding; "
            "use method exact, or a larger h"
        )
    if point.reason is Reason.BLOCKED:
        where = "at the edge of where the function is finite"
        if end.has_kinks:
            where = "at a kink, from where optimizer adam with schedule cosine goes on"
        return (
            "no step along the directions searched lowers the value, though the gradient's norm is "
            f"{end.gradient_norm:.3g}: {where}, or where the value is mostly rounding"
        )
    if not point.has_gradient:
        return "the gradient is exactly zero, at a stationary point or on a plateau"
    if end.options.given_bounds or end.options["project"]:
        where = "bounds" if end.options.given_bounds else "set that it is projected onto"
        return f"an update changes no variable: it is too small, or leads out of the {where}"
    return (
        "an update is too small to change any variable; a larger learning_rate or optimizer lbfgs may go on"
    )


SENTENCES: dict[str, Callable[[Outcome], str]] = {
    "max_steps": _max_steps,
    "converged": _convergence,
    "deadline": _deadline,
    "diverged": _divergence,
    "stalled": _stall,
}
"""What to say of each status."""
