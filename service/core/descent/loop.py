"""The loop of a descent as one generated function: update, evaluate, judge, with nothing interpreted.

The source consists of a kernel's body, an optimizer's rules and what `LoopWriter` writes; it holds no
character of the client's. For programs on floats it uses local variables alone, so a step of a small
function takes a fraction of a microsecond.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from service.core.arrays import is_finite
from service.core.calculus.generated import Function, Maker, make_functions, words_of
from service.core.calculus.kernel import Kernel
from service.core.calculus.template import Template
from service.core.descent.choice import NUMBERS
from service.core.descent.layout import Iterate, Layout, Parts, Reason, Rules
from service.core.descent.loop_source import LoopWriter
from service.core.exceptions import DeadlineExceeded

SLOT_NAMES = ("low", "high", "project", "residual")
"""Names of what a slot is bounded by and projected with, each followed by the slot's."""
OTHER_NAMES = ("factor", "noise", "rows_of")
"""Names of numbers that are no options."""

REASONS = tuple(Reason)
"""The reasons by their codes: to call the class takes twenty times as long."""

Memory = Mapping[str, Mapping[str, Any]]
"""What a stepper keeps of the past: ``moments``, tensors by name and variable, and ``numbers`` by name."""

LOOP_FLOAT_NAMES: dict[str, Any] = {
    "root_of": math.sqrt,
    "is_finite": math.isfinite,
    "clamp": lambda x, low, high: min(max(x, low), high),
    "larger_of": max,
    "sign_of": lambda x: (x > 0.0) - (x < 0.0),
    "choose": lambda condition, x, y: x if condition else y,
}


def _moved(x: Any, rate: Any, direction: Any) -> Any:
    """Compute x - rate * direction, where that is an array in the memory of the product."""
    step = rate * direction
    if type(step) is not np.ndarray or step.shape != x.shape:
        return x - step
    return np.subtract(x, step, out=step)


LOOP_ARRAY_NAMES: dict[str, Any] = {
    "moved": _moved,
    "larger_of": np.maximum,
    "sign_of": np.sign,
    "choose": LOOP_FLOAT_NAMES["choose"],
    "root_of": np.sqrt,
    "is_finite": is_finite,
    "largest_of": lambda part: float(np.max(np.abs(part), initial=0.0)),
    "has_any": np.count_nonzero,
    "clamp": np.clip,
}
"""What the loop's own source calls; none of the names is one of a kernel's."""


@dataclass(slots=True, eq=False)
class Loop:
    """The generated functions: the stepper of all update rules.

    Attributes
    ----------
    kernel : Kernel
        Value and gradient.
    layout : Layout
        What stands where in their parts.
    moments, numbers : tuple of str
        Names of the optimizer's moments, and of the numbers that optimizer and schedule carry.
    is_stationary : bool
        Whether a step that changes nothing is the end.
    advance : callable
        From the parts, the last step, and whether that is the start's, still to be evaluated, to a reason,
        the step that was judged last, and parts. Between that step and the end there is a streak.
    judge : callable
        From parts, value and gradient of an iterate among them, which is only judged, to a reason and parts.
    """

    kernel: Kernel
    layout: Layout
    moments: tuple[str, ...]
    numbers: tuple[str, ...]
    is_stationary: bool
    advance: Callable[..., tuple[int, int, Parts]]
    judge: Callable[..., tuple[int, Parts]]

    def run(self, start: Parts, last: int, *, is_fresh: bool) -> Iterate:
        """Run `advance`, and write down what is known of a streak in which it ended."""
        code, judged, parts = self.advance(*start, last, is_fresh)
        reason, layout = REASONS[code], self.layout
        k = parts[layout.k]
        if reason is Reason.REACHED and judged != k:
            parts = layout.with_best(parts, k, layout.slots)
            reason = Reason.REACHED if layout.can_move(parts) else Reason.STALLED
        elif reason is Reason.RAISED and judged != k - 1:
            parts = layout.with_best(parts, k - 1, layout.before)
        else:
            return Iterate(reason, parts, layout)
        if parts[layout.best] < -parts[layout.bound]:
            reason = Reason.OVERSHOT
        return Iterate(reason, parts, layout)

    def carry(self, memory: Memory) -> dict[str, Any]:
        """Return what the parts carry of a state's memory."""
        packed: Parts = ()
        for name in self.moments:
            packed += self.kernel.pack(memory["moments"][name])
        return {"moments": packed, **memory["numbers"]}

    def remember(self, point: Iterate) -> Memory:
        """Return the memory that a state keeps."""
        parts, count, moments = point.moments, len(self.kernel.slots), {}
        for each, name in enumerate(self.moments):
            moments[name] = self.kernel.unpack(parts[count * each : count * (each + 1)])
        return {"moments": moments, "numbers": {name: point.carried(name) for name in self.numbers}}

    def conclude(self, point: Iterate) -> Iterate:
        """Judge the end of a run, as every iterate was."""
        return point

    def evaluations(self, point: Iterate, first: int) -> int:
        """Count the evaluations of value and gradient from the first step on: one for each iterate."""
        return point.step - first + 1


def make_loop(kernel: Kernel, rules: Rules, numbers: Callable[[], Mapping[str, Any]]) -> Loop:
    """Bind the loop of a kernel under rules, generated when it is not known yet.

    Parameters
    ----------
    kernel : Kernel
        Value and gradient.
    rules : Rules
        What the source consists of.
    numbers : callable
        Returns options by name, and what is of a slot as `SLOT_NAMES` names it; called when they are needed.
    """
    known = _known(kernel, rules)
    return Loop(
        kernel,
        known.layout,
        rules.optimizer.moments,
        rules.carried,
        rules.is_stationary,
        known.common or known.advance(**kernel.data, **numbers()),
        lambda *parts: known.judge(**kernel.data, **numbers())(*parts),
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """The judge of iterates alone, for steppers that are not generated: as in `Loop`."""

    layout: Layout
    judge: Callable[..., tuple[int, Parts]]


def make_judgement(kernel: Kernel, rules: Rules, numbers: Mapping[str, Any]) -> Judgement:
    """Bind the judge of a kernel's iterates under rules to numbers by name."""
    known = _known(kernel, rules)
    return Judgement(known.layout, known.judge(**kernel.data, **numbers))


def make_row_loop(kernel: Kernel, whole: Kernel, rules: Rules, numbers: Mapping[str, Any]) -> Loop:
    """Bind the loop over batches of rows, as `make_loop` does.

    Parameters
    ----------
    kernel, whole : Kernel
        Value and gradient by the rows of a batch, bound to any, and by all rows; both on arrays.
    rules : Rules
        What the source consists of.
    numbers : mapping
        By name, and ``rows_of``: from an update's number, from 0, to the kernel's data for it, ``check``
        excepted.
    """
    known, judgement = _known(kernel, rules), make_judgement(whole, rules, numbers)
    advance = known.advance_rows(**kernel.data, **numbers)
    own = (rules.optimizer.moments, rules.carried[:-1], rules.is_stationary)
    return Loop(whole, judgement.layout, *own, advance, judgement.judge)


def _known(kernel: Kernel, rules: Rules) -> LoopTemplate:
    template = kernel.template
    known: LoopTemplate = template.loops.get_or_make(rules, LoopTemplate, template, rules)
    return known


class LoopTemplate:
    """The loop of a kernel's template under rules, before any data; its functions are made when needed.

    Attributes
    ----------
    layout : Layout
        What stands where in the parts.
    """

    def __init__(self, template: Template, rules: Rules) -> None:
        self.layout = Layout(template, rules)
        self._template = template
        self._writer = LoopWriter(template, rules, self.layout.names)
        own = (f"{name}_{slot}" for name in SLOT_NAMES for slot in template.source.slots)
        self._numbers = (*NUMBERS, *OTHER_NAMES, *own)

    @cached_property
    def advance(self) -> Maker:
        """Makes `Loop.advance`."""
        return self._made("advance", ("last", "is_fresh"), self._lines)

    @cached_property
    def common(self) -> Callable[..., tuple[int, int, Parts]] | None:
        """`Loop.advance` for all requests, when it keeps no memory and uses nothing of theirs but parts."""
        source = self._template.source
        words = words_of((*source.setup, *self._lines))
        if source.places or not words.isdisjoint({*source.data, *self._numbers}):
            return None
        function: Callable[..., tuple[int, int, Parts]] = self.advance()
        return function

    @cached_property
    def _lines(self) -> list[str]:
        return self._writer.advance()

    @cached_property
    def advance_rows(self) -> Maker:
        """Makes `Loop.advance` over batches."""
        return self._made("advance", ("last", "is_fresh"), self._writer.advance_rows())

    @cached_property
    def judge(self) -> Maker:
        """Makes `Loop.judge`, which few descents need."""
        return self._made("judge", (), self._writer.judge())

    def _made(self, name: str, more: tuple[str, ...], lines: list[str]) -> Maker:
        own = LOOP_FLOAT_NAMES if self._template.is_on_floats else LOOP_ARRAY_NAMES
        own = {
            **own,
            "norm_of": self.layout.norm_of,
            "abs": abs,
            "max": max,
            "min": min,
            "infinity": math.inf,
            "largest": sys.float_info.max,
            "Interrupted": DeadlineExceeded,
        }
        function = Function((*self.layout.names, *more), lines)
        return make_functions(self._template.source, {name: function}, own, self._numbers)
