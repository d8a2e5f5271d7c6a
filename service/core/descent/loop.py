"""The loop of a descent as one generated function: evaluate, judge, update, with nothing interpreted.

The source consists of a kernel's body, an optimizer's rules and what is written here; it holds no
character of the caller's. For programs on floats it uses local variables alone, so a step of a small
function takes a fraction of a microsecond.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.core.calculus.generated import define_text, used_names
from service.core.calculus.kernel import Kernel
from service.core.descent.optimizers import Optimizer
from service.core.descent.schedules import Schedule, raised
from service.core.exceptions import DeadlineExceeded

RUNNING, CONVERGED, DIVERGED, STALLED, RAISED, INTERRUPTED = range(6)
"""Why the loop came back: `last` is reached; the tolerance is met; the value is out of bounds; the
gradient is zero; floats raised where arrays would give an infinity; the deadline came in a body."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What shapes the source of a loop; its numbers come as names."""

    optimizer: Optimizer
    schedule: Schedule
    has_tolerance: bool
    is_clipped: bool
    is_bounded: bool
    is_counted: bool

    @property
    def is_stationary(self) -> bool:
        """Whether every update is the same function of the variables alone, so that a stall is for ever."""
        return not self.optimizer.moments and not self.schedule.formula


def total_norm(*parts: Any) -> float:
    """Return the 2-norm over several arrays or numbers, without overflow."""
    norms = []
    for part in parts:
        flat = np.ravel(part)
        largest = float(np.max(np.abs(flat), initial=0.0))
        scale = largest if 0.0 < largest < math.inf else 1.0
        norms.append(scale * math.sqrt(float(np.dot(flat / scale, flat / scale))))
    return math.hypot(*norms)


SCALAR_NAMES: dict[str, Any] = {"sqrt": math.sqrt, "norm_of": math.hypot, "cos": math.cos, "raised": raised}
ARRAY_NAMES: dict[str, Any] = {
    "sqrt": np.sqrt,
    "norm_of": total_norm,
    "cos": math.cos,
    "raised": raised,
    "largest_of": lambda part: float(np.max(np.abs(part), initial=0.0)),
    "has_any": np.count_nonzero,
    "clip": np.clip,
}


@dataclass(frozen=True, slots=True)
class Loop:
    """The generated functions and how to call them.

    Attributes
    ----------
    carried : tuple of str
        What goes in and comes back, in order: slots, moments, k, best, best_step, the best slots and,
        when the steps without descent are counted, rises and previous.
    advance : callable
        From what is carried, and the last step, to a reason and a result: what is carried, the value,
        the gradient of each slot, and the slots before the last update.
    apply : callable
        One iterate whose gradient and value are given: judged, then updated.
    """

    carried: tuple[str, ...]
    advance: Callable[..., tuple[int, tuple[Any, ...]]]
    apply: Callable[..., tuple[int, tuple[Any, ...]]]


def make_loop(kernel: Kernel, rules: Rules, numbers: dict[str, Any]) -> Loop:
    """Generate the loop of a kernel under rules.

    Parameters
    ----------
    kernel : Kernel
        Value and gradient.
    rules : Rules
        What the source consists of.
    numbers : dict
        Options by name, and the bounds of the slots as ``low_v0``, ``high_v0``.
    """
    names = SCALAR_NAMES if kernel.is_scalar else ARRAY_NAMES
    namespace = {**kernel.namespace, **names, **numbers, "Interrupted": DeadlineExceeded, "pi": math.pi}
    carried = _carried(kernel, rules)
    return Loop(
        carried,
        define_text(_text(kernel, rules, carried, namespace, False), namespace, "advance"),
        define_text(_text(kernel, rules, carried, namespace, True), namespace, "advance"),
    )


def _carried(kernel: Kernel, rules: Rules) -> tuple[str, ...]:
    moments = [f"{moment}_{slot}" for moment in rules.optimizer.moments for slot in kernel.slots]
    best = [f"best_{slot}" for slot in kernel.slots]
    counts = ["rises", "previous"] if rules.is_counted else []
    return (*kernel.slots, *moments, "k", "best", "best_step", *best, *counts)


def _text(
    kernel: Kernel, rules: Rules, carried: tuple[str, ...], namespace: dict[str, Any], is_given: bool
) -> str:
    """Write the definition of `advance`, or with `is_given` that of the single step."""
    slots = kernel.slots
    gradient = tuple(f"g_{slot}" for slot in slots) if is_given else kernel.gradient
    old = tuple(f"old_{slot}" for slot in slots)
    result = _tuple((*carried, "value", *gradient, *old))
    without = _tuple((*carried, *("None" for _ in ("value", *slots)), *old))
    keep = [f"{before} = {slot}" for before, slot in zip(old, slots, strict=True)]
    # Counted on leaving an iterate: the last of a chunk is judged again as the first of the next.
    count = (
        ["if not value < previous:", "    rises = rises + 1", "previous = value"] if rules.is_counted else []
    )
    step = [
        *_judgement(kernel, rules, gradient, result),
        *count,
        *keep,
        *_update(kernel, rules, gradient),
        "k = k + 1",
    ]
    if is_given:
        lines = [*step, f"return {RAISED}, {without}"]
    else:
        evaluated = [*kernel.body, f"value = {kernel.value}", *step]
        lines = ["while True:", *_indented(evaluated)]
    given = ("value", *gradient) if is_given else ()
    own = {*carried, *given, "last"}
    used = [name for name in used_names([*lines, "Interrupted"], namespace) if name not in own]
    parameters = ", ".join((*carried, "last", *given, *(f"{name}={name}" for name in used)))
    guarded = [
        *keep,
        "try:",
        *_indented(lines),
        "except Interrupted:",
        f"    return {INTERRUPTED}, {without}",
        "except (ArithmeticError, ValueError):",
        f"    return {RAISED}, {without}",
    ]
    return "\n".join([f"def advance({parameters}):", *_indented(guarded)])


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _tuple(parts: tuple[str, ...]) -> str:
    return f"({', '.join(parts)},)"


def _judgement(kernel: Kernel, rules: Rules, gradient: tuple[str, ...], result: str) -> list[str]:
    """Write the tests of one iterate, in the order of their precedence."""
    improve = ["best = value", "best_step = k", *(f"best_{slot} = {slot}" for slot in kernel.slots)]
    lines = []
    if rules.has_tolerance:
        pairs = zip(kernel.slots, gradient, strict=True)
        small = " and ".join(_is_small(kernel, rules, slot, part) for slot, part in pairs)
        lines += [
            f"if value - value == 0.0 and {small}:",
            "    if value < best:",
            *_indented(_indented(improve)),
            f"    return {CONVERGED}, {result}",
        ]
    lines += [
        "if value < best:",
        *_indented(improve),
        "    if value < -bound:",
        f"        return {DIVERGED}, {result}",
        "elif not value <= bound:",
        f"    return {DIVERGED}, {result}",
    ]
    if not rules.has_tolerance:
        lines += [f"if not ({_any(kernel, gradient)}):", f"    return {STALLED}, {result}"]
    return [*lines, "if k == last:", f"    return {RUNNING}, {result}"]


def _any(kernel: Kernel, gradient: tuple[str, ...]) -> str:
    if kernel.is_scalar:
        return " or ".join(gradient)
    return " or ".join(f"has_any({part})" for part in gradient)


def _is_small(kernel: Kernel, rules: Rules, slot: str, part: str) -> str:
    """Write whether a slot's gradient, or with bounds its projected one, is within the tolerance."""
    if rules.is_bounded:
        moved = f"({slot} - {part})"
        part = f"({slot} - {_projected(kernel, slot, moved)})"
    return f"-tolerance <= {part} <= tolerance" if kernel.is_scalar else f"largest_of({part}) <= tolerance"


def _projected(kernel: Kernel, slot: str, source: str) -> str:
    low, high = f"low_{slot}", f"high_{slot}"
    if not kernel.is_scalar:
        return f"clip({source}, {low}, {high})"
    return f"({low} if {source} < {low} else {high} if {source} > {high} else {source})"


def _update(kernel: Kernel, rules: Rules, gradient: tuple[str, ...]) -> list[str]:
    """Write one update of all slots."""
    optimizer, lines = rules.optimizer, []
    if rules.schedule.formula:
        lines.append(f"rate = {rules.schedule.formula}")
    if optimizer.each_step:
        lines += ["t = k + 1", *optimizer.each_step]
    if rules.is_clipped:
        lines.append(f"scale = clip_norm / (norm_of({', '.join(gradient)}) + 1e-6)")
        clipped = tuple(f"h_{slot}" for slot in kernel.slots)
        lines += [
            f"{name} = {part} * scale if scale < 1.0 else {part}"
            for name, part in zip(clipped, gradient, strict=True)
        ]
        gradient = clipped
    for slot, part in zip(kernel.slots, gradient, strict=True):
        names = {moment: f"{moment}_{slot}" for moment in optimizer.moments}
        lines += [rule.format(x=slot, g=part, **names) for rule in optimizer.each_slot]
        if rules.is_bounded:
            lines.append(f"{slot} = {_projected(kernel, slot, slot)}")
    return lines
