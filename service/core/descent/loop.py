"""The loop of a descent as one generated function: update, evaluate, judge, with nothing interpreted.

The source consists of a kernel's body, an optimizer's rules and what is written here; it holds no
character of the caller's. For programs on floats it uses local variables alone, so a step of a small
function takes a fraction of a microsecond.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from service.core.arrays import is_finite
from service.core.calculus.generated import Function, Maker, indented, make_functions, renamed
from service.core.calculus.kernel import Kernel
from service.core.calculus.template import Template
from service.core.descent.optimizers import Optimizer
from service.core.descent.schedules import Schedule
from service.core.exceptions import DeadlineExceeded

REACHED, JUDGED, CONVERGED, DIVERGED, STALLED, RAISED, INTERRUPTED, OVERSHOT = range(8)
"""Why the loop came back: at the last step asked for; an iterate is judged and the run goes on; the
tolerance is met; value or gradient is out of bounds; the gradient is zero; floats raised where arrays
would give an infinity; the deadline came inside the function; the value fell below the bound on the way."""

Parts = tuple[Any, ...]
"""All that the loop carries from one step to the next; `Layout` says what stands where."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What shapes the source of a loop; its numbers come as names."""

    optimizer: Optimizer
    schedule: Schedule
    has_tolerance: bool
    is_clipped: bool
    is_bounded: bool

    @property
    def is_stationary(self) -> bool:
        """Whether every update is the same function of the variables alone, so that a stall is for ever."""
        return not self.optimizer.moments and self.schedule.factor is None


class Layout:
    """What stands where in the loop's parts.

    Attributes
    ----------
    slots, moments, gradient, best_slots, before : slice
        The variables, the optimizer's moments (by moment, then by slot), the gradient, the variables of
        the best iterate, and the variables before the last update.
    k, value, best, best_step, previous, rises, bound, rate : int
        Step number, value, lowest value and its step, value before the last update, at how many steps the
        value did not fall, the magnitude beyond which it has diverged, and the learning rate.
    names : tuple of str
        The names of all parts in the source.
    norm_of, has_slope : callable
        From the gradient's slots to its 2-norm, and from their tuple to whether one has an element that is
        not zero.
    """

    def __init__(self, template: Template, rules: Rules) -> None:
        slots, moments = template.source.slots, rules.optimizer.moments
        self.names: tuple[str, ...] = ()
        self.norm_of: Callable[..., float] = math.hypot if template.is_on_floats else total_norm
        self.has_slope: Callable[[Parts], bool] = any if template.is_on_floats else has_element
        self.slots = self._add(*slots)
        self.moments = self._add(*(f"{moment}_{slot}" for moment in moments for slot in slots))
        self.gradient = self._add(*(f"g_{slot}" for slot in slots))
        self.best_slots = self._add(*(f"best_{slot}" for slot in slots))
        self.before = self._add(*(f"old_{slot}" for slot in slots))
        self.k = self._add("k").start
        self.value = self._add("value").start
        self.best = self._add("best").start
        self.best_step = self._add("best_step").start
        self.previous = self._add("previous").start
        self.rises = self._add("rises").start
        self.bound = self._add("bound").start
        self.rate = self._add("learning_rate" if rules.schedule.factor else "rate").start

    def fill(self, **values: Any) -> Parts:
        """Lay values out as parts; what is not named is None until the loop computes it."""
        parts: list[Any] = [None] * len(self.names)
        for name, value in values.items():
            parts[getattr(self, name)] = value
        return tuple(parts)

    def with_best(self, parts: Parts, step: int, slots: slice) -> Parts:
        """Write down the end of a streak: the best iterate is that of a step, and where it is."""
        changed = list(parts)
        changed[self.previous] = changed[self.best]
        changed[self.best_step], changed[self.best_slots] = step, changed[slots]
        return tuple(changed)

    def _add(self, *names: str) -> slice:
        start = len(self.names)
        self.names += names
        return slice(start, len(self.names))


def total_norm(*parts: Any) -> float:
    """Return the 2-norm over several arrays or numbers, without overflow on the way."""
    norms = []
    for part in parts:
        flat = np.ravel(part)
        largest = float(np.max(np.abs(flat), initial=0.0))
        scale = largest if 0.0 < largest < math.inf else 1.0
        norms.append(scale * math.sqrt(float(np.dot(flat / scale, flat / scale))))
    return math.hypot(*norms)


def has_element(parts: Parts) -> bool:
    """Tell whether one of the arrays has an element that is not zero."""
    return any(map(np.count_nonzero, parts))


SCALAR_NAMES: dict[str, Any] = {"root_of": math.sqrt, "is_finite": math.isfinite}
ARRAY_NAMES: dict[str, Any] = {
    "root_of": np.sqrt,
    "is_finite": is_finite,
    "largest_of": lambda part: float(np.max(np.abs(part), initial=0.0)),
    "has_any": np.count_nonzero,
    "clamp": np.clip,
}
"""What the loop's own source calls; none of the names is one of a kernel's."""


@dataclass(frozen=True, slots=True)
class Loop:
    """The generated functions.

    Attributes
    ----------
    layout : Layout
        What stands where in their parts.
    is_stationary : bool
        Whether a step that changes nothing is the end.
    advance : callable
        From the parts, the last step, and whether that is the start's, still to be evaluated, to a reason,
        the step that was judged last, and parts. Between that step and the end there is a streak.
    judge : callable
        From parts, value and gradient of an iterate among them, which is only judged, to a reason and parts.
    """

    layout: Layout
    is_stationary: bool
    advance: Callable[..., tuple[int, int, Parts]]
    judge: Callable[..., tuple[int, Parts]]

    def run(self, start: Parts, last: int, *, is_fresh: bool) -> tuple[int, Parts]:
        """Run `advance`, and write down what is known of a streak in which it ended."""
        reason, judged, parts = self.advance(*start, last, is_fresh)
        layout, k = self.layout, parts[self.layout.k]
        if reason == REACHED and judged != k:
            parts = layout.with_best(parts, k, layout.slots)
            reason = REACHED if layout.has_slope(parts[layout.gradient]) else STALLED
        elif reason == RAISED and judged != k - 1:
            parts = layout.with_best(parts, k - 1, layout.before)
        else:
            return reason, parts
        return OVERSHOT if parts[layout.best] < -parts[layout.bound] else reason, parts


def make_loop(kernel: Kernel, rules: Rules, numbers: dict[str, Any]) -> Loop:
    """Bind the loop of a kernel under rules, generated when it is not known yet.

    Parameters
    ----------
    kernel : Kernel
        Value and gradient.
    rules : Rules
        What the source consists of.
    numbers : dict
        Options by name, and the bounds of the slots as ``low_v0``, ``high_v0``.
    """
    template = kernel.template
    known: LoopTemplate = template.loops.get_or_make(
        (rules, *numbers), lambda: LoopTemplate(template, rules, tuple(numbers))
    )
    data = {**kernel.data, **numbers}
    return Loop(
        known.layout,
        rules.is_stationary,
        known.advance(**data),
        lambda *parts: known.judge(**data)(*parts),
    )


class LoopTemplate:
    """The loop of a kernel's template under rules, before any data; its functions are made when needed.

    Attributes
    ----------
    layout : Layout
        What stands where in the parts.
    """

    def __init__(self, template: Template, rules: Rules, numbers: tuple[str, ...]) -> None:
        self.layout = Layout(template, rules)
        self._template, self._numbers = template, numbers
        self._source = _Source(template, rules, self.layout.names)

    @cached_property
    def advance(self) -> Maker:
        """Makes `Loop.advance`."""
        return self._made("advance", ("last", "is_fresh"), self._source.advance())

    @cached_property
    def judge(self) -> Maker:
        """Makes `Loop.judge`, which few descents need."""
        return self._made("judge", (), self._source.judge())

    def _made(self, name: str, more: tuple[str, ...], lines: list[str]) -> Maker:
        own = SCALAR_NAMES if self._template.is_on_floats else ARRAY_NAMES
        own = {**own, "norm_of": self.layout.norm_of, "Interrupted": DeadlineExceeded}
        function = Function((*self.layout.names, *more), lines)
        return make_functions(self._template.source, {name: function}, own, self._numbers)


class _Source:
    """Writes the statements of a loop."""

    def __init__(self, template: Template, rules: Rules, carried: tuple[str, ...]) -> None:
        self.template, self.rules = template, rules
        self.slots = template.source.slots
        self.gradient = tuple(f"g_{slot}" for slot in self.slots)
        self.old = tuple(f"old_{slot}" for slot in self.slots)
        self.parts = f"({', '.join(carried)})"

    def advance(self) -> list[str]:
        """Write the loop: update unless the start alone is to be evaluated, evaluate, judge.

        As long as every iterate is the best so far, a streak, nothing else is looked at: a smaller value
        means that the variables changed. Where the best stands is written down when the streak ends, which
        is known from the step that was judged last; after the loop, by `Loop.run`.
        """
        step = [
            *self._update_if_due(),
            *self._evaluation(),
            f"if {' and '.join(self._improvement())}:",
            "    best = value",
            "    continue",
            "if judged != k - 1:",
            "    previous = best",
            *indented(self._best_at("k - 1", self.old)),
            "    if best < -bound:",
            *indented(indented(self._leave(OVERSHOT))),
            *(self._best_if_lowest() if len(self._improvement()) > 1 else []),
            *self._judgement(),
            "judged = k",
            "previous = value",
        ]
        return [
            f"reason = {REACHED}",
            "judged = k - is_fresh",
            "if not is_fresh:",
            "    previous = value",
            "try:",
            "    for k in range(judged + 1, last + 1):",
            *indented(indented(step)),
            *([] if self.template.is_on_floats else ["except Interrupted:", f"    reason = {INTERRUPTED}"]),
            "except (ArithmeticError, ValueError):",
            f"    reason = {RAISED}",
            f"return reason, judged, {self.parts}",
        ]

    def _evaluation(self) -> list[str]:
        """Write the kernel's body, its results under the names that the loop has for them."""
        template = self.template
        results = dict(zip(("value", *self.gradient), (template.value, *template.gradient), strict=True))
        made = template.source.made
        own = {part: name for name, part in results.items() if part in made}
        rest = [f"{name} = {own.get(part, part)}" for name, part in results.items() if own.get(part) != name]
        return [*renamed(template.source.body, own), *rest]

    def _improvement(self) -> list[str]:
        """Write the tests of an iterate that starts a streak or goes on with it."""
        tests = ["value < best"]
        if self.rules.is_bounded:
            tests.append(self._has_finite_slope())
        if self.rules.has_tolerance:
            tests.append(f"not ({self._is_small_everywhere()})")
        elif not self.rules.is_stationary:  # which goes on from a gradient of zero, and must not
            tests.append(f"({self._has_slope()})")
        return tests

    def _best_at(self, step: str, slots: tuple[str, ...]) -> list[str]:
        """Write down where the best iterate is."""
        pairs = zip(self.slots, slots, strict=True)
        return [f"best_step = {step}", *(f"best_{slot} = {source}" for slot, source in pairs)]

    def _best_if_lowest(self) -> list[str]:
        """Write down where the best iterate is, when the one to judge may be the best."""
        return ["if value < best:", "    best = value", *indented(self._best_at("k", self.slots))]

    def judge(self) -> list[str]:
        """Write the judgement alone, in a loop of one turn, since it leaves by `break`."""
        lines = [*self._best_if_lowest(), *self._judgement(), *self._leave(JUDGED)]
        return ["while True:", *indented(lines), f"return reason, {self.parts}"]

    def _leave(self, reason: int) -> list[str]:
        """Leave the loop; there is one `return` only, since its many names take long to compile."""
        return [f"reason = {reason}", "break"]

    def _judgement(self) -> list[str]:
        """Write the tests of one iterate, in the order of their precedence."""
        lines = ["if not value < previous:", "    rises = rises + 1"]
        if self.rules.has_tolerance:
            lines += [f"if {self._is_converged()}:", *indented(self._leave(CONVERGED))]
        lines += ["if not -bound <= value <= bound:", *indented(self._leave(DIVERGED))]
        if self.rules.is_bounded:  # the projection would hide that a gradient is infinite
            lines += [f"if not ({self._has_finite_slope()}):", *indented(self._leave(DIVERGED))]
        if not self.rules.has_tolerance:
            lines += [f"if not ({self._has_slope()}):", *indented(self._leave(STALLED))]
        return lines

    def _has_finite_slope(self) -> str:
        return " and ".join(f"is_finite({part})" for part in self.gradient)

    def _has_slope(self) -> str:
        if self.template.is_on_floats:
            return " or ".join(self.gradient)
        return " or ".join(f"has_any({part})" for part in self.gradient)

    def _is_converged(self) -> str:
        return f"is_finite(value) and {self._is_small_everywhere()}"

    def _is_small_everywhere(self) -> str:
        pairs = zip(self.slots, self.gradient, strict=True)
        return " and ".join(self._is_small(slot, part) for slot, part in pairs)

    def _is_small(self, slot: str, slope: str) -> str:
        """Write whether a slot's gradient, or with bounds its projected one, is within the tolerance.

        The projected gradient x - P(x - g) is g between x - upper and x - lower: written so, no digit
        of a small g is lost beside a large x.
        """
        if self.rules.is_bounded:
            slope = self._clamped(slope, f"{slot} - high_{slot}", f"{slot} - low_{slot}")
        if self.template.is_on_floats:
            return f"-tolerance <= ({slope}) <= tolerance"
        return f"largest_of({slope}) <= tolerance"

    def _clamped(self, source: str, low: str, high: str) -> str:
        if not self.template.is_on_floats:
            return f"clamp({source}, {low}, {high})"
        return f"({low} if {source} < {low} else {high} if {source} > {high} else {source})"

    def _update_if_due(self) -> list[str]:
        """Write the update of all steps but a fresh start's, whose gradient of zero changes nothing alone."""
        if self.rules.is_stationary:
            return self._update()
        return ["if not is_fresh:", *indented(self._update())]

    def _update(self) -> list[str]:
        """Write one update of all slots."""
        optimizer, gradient = self.rules.optimizer, self.gradient
        lines = [f"old_{slot} = {slot}" for slot in self.slots]
        if self.rules.schedule.factor:
            lines.append("rate = learning_rate * factor(k - 1, schedule_rate, schedule_every)")
        lines += optimizer.each_step
        if self.rules.is_clipped:
            lines.append(f"scale = clip_norm / (norm_of({', '.join(gradient)}) + 1e-6)")
            lines += [f"h_{part} = {part} * scale if scale < 1.0 else {part}" for part in gradient]
            gradient = tuple(f"h_{part}" for part in gradient)
        for slot, part in zip(self.slots, gradient, strict=True):
            names = {moment: f"{moment}_{slot}" for moment in optimizer.moments}
            lines += [rule.format(x=slot, g=part, **names) for rule in optimizer.each_slot]
            if self.rules.is_bounded:
                lines.append(f"{slot} = {self._clamped(slot, f'low_{slot}', f'high_{slot}')}")
        return lines
