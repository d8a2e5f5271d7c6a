"""The source of a descent's loop, written around the body of a kernel.

For ``x**2`` by gradient descent with a tolerance the loop reads, `v0` being the variable::

    reason = 0
    judged = k - is_fresh
    if not is_fresh:
        previous = value
    try:
        for k in range(judged + 1, last + 1):
            old_v0 = v0
            v0 = v0 - rate * g_v0
            value = v0 * v0
            g_v0 = k0 * v0
            if value < best and not (-tolerance <= (g_v0) <= tolerance):
                best = value
                continue
            if judged != k - 1:
                previous = best
                best_step = k - 1
                best_v0 = old_v0
                if best < -bound:
                    reason = 7
                    break
            if value < best:
                best = value
                best_step = k
                best_v0 = v0
            if not value < previous:
                rises = rises + 1
            if is_finite(value) and -tolerance <= (g_v0) <= tolerance:
                reason = 2
                break
            if not -bound <= value <= bound:
                reason = 3
                break
            judged = k
            previous = value
    except (ArithmeticError, ValueError):
        reason = 5
    return reason, judged, (v0, g_v0, best_v0, old_v0, k, value, best, best_step, previous, rises, bound, rate)
"""  # noqa: E501 - as it comes out

from __future__ import annotations

import re

from service.core.calculus.generated import indented, renamed
from service.core.calculus.template import Template
from service.core.descent.layout import GROWTH, Reason, Rules

SCALE = f"max(1.0, min(abs(value), bound / {GROWTH!r}))"
"""Factor that makes a tolerance relative to the value, but at most to the start's: where the value falls
without end, the tolerance would otherwise grow until any gradient is within it."""
SHRINK = 2.0**-64
"""Factor of a gradient whose norm overflows; a power of two, so that it rounds nothing."""


_MOVE, _MOVED = re.compile(r"^(\w+) = \1 - (\w+) \* (\w+)$"), r"\1 = moved(\1, \2, \3)"
"""A step along an array, and the same with one new array in place of two."""


class LoopWriter:
    """Writes the statements of a loop; the names it carries are those of a `Layout`."""

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
            *self._forgotten(),
            *self.evaluation(),
            f"if {' and '.join(self._improvement())}:",
            "    best = value",
            "    continue",
            "if judged != k - 1:",
            "    previous = best",
            *indented(self._best_at("k - 1", self.old)),
            "    if best < -bound:",
            *indented(indented(self._leave(Reason.OVERSHOT))),
            *(self._best_if_lowest() if len(self._improvement()) > 1 else []),
            *self._judgement(),
            "judged = k",
            "previous = value",
        ]
        return [
            f"reason = {Reason.REACHED:d}",
            "judged = k - is_fresh",
            "if not is_fresh:",
            "    previous = value",
            "try:",
            "    for k in range(judged + 1, last + 1):",
            *indented(indented(step)),
            *(
                []
                if self.template.is_on_floats
                else ["except Interrupted:", f"    reason = {Reason.INTERRUPTED:d}"]
            ),
            "except (ArithmeticError, ValueError):",
            f"    reason = {Reason.RAISED:d}",
            f"return reason, judged, {self.parts}",
        ]

    def advance_rows(self) -> list[str]:
        """Write the loop over batches: it evaluates at the rows of the next update, and judges little.

        Whether the run has converged and which iterate is the best is for the function of all rows to say.
        """
        data = [name for name in self.template.source.data if name != "check"]
        step = [
            *self._update_if_due(),
            *self._forgotten(),
            *([f"({', '.join(data)},) = rows_of(k)"] if data else []),
            *self.template.source.setup,
            *self.evaluation(),
            "if not -bound <= value <= bound:",
            *indented(self._leave(Reason.DIVERGED)),
            *(self._refuse_infinite_gradient() if self.rules.is_confined else []),
        ]
        return [
            f"reason = {Reason.REACHED:d}",
            "judged = k - is_fresh",
            "try:",
            "    for k in range(judged + 1, last + 1):",
            *indented(indented(step)),
            "except Interrupted:",
            f"    reason = {Reason.INTERRUPTED:d}",
            f"return reason, judged, {self.parts}",
        ]

    def evaluation(self) -> list[str]:
        """Write the kernel's body, its results under the names that the loop has for them."""
        template = self.template
        results = dict(zip(("value", *self.gradient), (template.value, *template.gradient), strict=True))
        if not template.value:
            del results["value"]
        made = template.source.made
        own = {part: name for name, part in results.items() if part in made}
        rest = [f"{name} = {own.get(part, part)}" for name, part in results.items() if own.get(part) != name]
        return [*renamed(template.source.body, own), *rest]

    def _improvement(self) -> list[str]:
        """Write the tests of an iterate that starts a streak or goes on with it."""
        tests = ["value < best", *(f"not ({test})" for test in self._settlements("best").values())]
        if self.rules.is_confined:
            tests.append(self._has_finite_gradient())
        if self.rules.has_tolerance:
            tests.append(f"not ({self._is_small_everywhere()})")
        elif not self.rules.is_stationary:  # else a streak would go on from a gradient of zero
            tests.append(f"({self._can_move()})")
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
        lines = [*self._best_if_lowest(), *self._judgement(), *self._leave(Reason.JUDGED)]
        return ["while True:", *indented(lines), f"return reason, {self.parts}"]

    def _leave(self, reason: Reason) -> list[str]:
        """Leave the loop; there is one `return` only, since its many names take long to compile."""
        return [f"reason = {reason:d}", "break"]

    def _judgement(self) -> list[str]:
        """Write the tests of one iterate, in the order of their precedence."""
        lines = ["if not value < previous:", "    rises = rises + 1"]
        beyond = ["if not -bound <= value <= bound:", *indented(self._leave(Reason.DIVERGED))]
        if self.rules.is_scaled:  # a value that falls without end would meet such a tolerance
            lines += beyond
        if self.rules.has_tolerance:
            lines += [f"if {self._is_converged()}:", *indented(self._leave(Reason.CONVERGED))]
        for reason, test in self._settlements("previous").items():
            lines += [f"if {test}:", *indented(self._leave(reason))]
        if not self.rules.is_scaled:
            lines += beyond
        if self.rules.is_confined:
            lines += self._refuse_infinite_gradient()
        if not self.rules.has_tolerance or self.rules.has_noise:
            lines += [f"if not ({self._can_move()}):", *indented(self._leave(Reason.STALLED))]
        return lines

    def _refuse_infinite_gradient(self) -> list[str]:
        """Write the test of a gradient which the projection would hide to be infinite."""
        return [f"if not ({self._has_finite_gradient()}):", *indented(self._leave(Reason.DIVERGED))]

    def _has_finite_gradient(self) -> str:
        return " and ".join(f"is_finite({part})" for part in self.gradient)

    def _can_move(self) -> str:
        """Write whether gradient or moments can still change a variable."""
        moments = (f"{moment}_{slot}" for moment in self.rules.optimizer.moving for slot in self.slots)
        parts = (*self.gradient, *moments, *(self.slots if self.rules.is_decayed else ()))
        return " or ".join(parts if self.template.is_on_floats else map("has_any({})".format, parts))

    def _settlements(self, previous: str) -> dict[Reason, str]:
        """Write the tests by which a run has converged, whatever its gradient.

        The updates of a warm-up are short because of their rates alone: none of them settles anything.
        """
        rules, tests = self.rules, {}
        settles = f"{'warmup < k and ' if rules.has_warmup else ''}{previous} < infinity"
        if rules.has_target:
            tests[Reason.ON_TARGET] = "value <= target"
        if rules.has_value_tolerance:
            magnitude = f"max(abs({previous}), abs(value), 1.0)"
            tests[Reason.SETTLED_VALUE] = (
                f"{settles} and value <= {previous} and {previous} - value <= tolerance_value * {magnitude}"
            )
        if rules.has_step_tolerance:
            sizes = ", ".join(self._largest(slot) for slot in self.slots)
            moves = ", ".join(self._largest(f"({slot} - old_{slot})") for slot in self.slots)
            tests[Reason.SETTLED_STEP] = (
                f"{settles} and max({moves}, 0.0) <= tolerance_step * max({sizes}, 1.0)"
            )
        return tests

    def _largest(self, source: str) -> str:
        return f"abs({source})" if self.template.is_on_floats else f"largest_of({source})"

    def _is_converged(self) -> str:
        """Write the test of the tolerance; differences of 0 prove nothing beside a value that hides them."""
        is_seen = f" and noise * abs(value) <= {self._tolerance}" if self.rules.has_noise else ""
        return f"is_finite(value){is_seen} and {self._is_small_everywhere()}"

    @property
    def _tolerance(self) -> str:
        return f"tolerance * {SCALE}" if self.rules.is_scaled else "tolerance"

    def _is_small_everywhere(self) -> str:
        pairs = zip(self.slots, self.gradient, strict=True)
        return " and ".join(self._is_small(slot, part) for slot, part in pairs)

    def _is_small(self, slot: str, derivative: str) -> str:
        """Write whether a slot's gradient, or with bounds its projected one, is within the tolerance.

        The projected gradient x - P(x - g) is g between x - upper and x - lower: written so, no digit
        of a small g is lost beside a large x.
        """
        tolerance, low, high = self._tolerance, f"{slot} - high_{slot}", f"{slot} - low_{slot}"
        if self.rules.is_scaled:  # the distances too: else a large tolerance would be met by any gradient
            low, high = f"({low}) * {SCALE}", f"({high}) * {SCALE}"
        if self.rules.is_bounded:
            derivative = self._clamped(derivative, low, high)
        if self.rules.is_projected:
            derivative = f"residual_{slot}({slot}, {derivative})"
        if self.template.is_on_floats:
            return f"-{tolerance} <= ({derivative}) <= {tolerance}"
        return f"largest_of({derivative}) <= {tolerance}"

    def _clamped(self, source: str, low: str, high: str) -> str:
        if not self.template.is_on_floats:
            return f"clamp({source}, {low}, {high})"
        return f"({low} if {source} < {low} else {high} if {source} > {high} else {source})"

    def _update_if_due(self) -> list[str]:
        """Write the update, skipped before the first evaluation.

        The gradient is zero there, which by itself changes no variable: a test is needed where moments, a
        schedule or weight decay would, or where projecting twice may change the last bit.
        """
        if self.rules.is_stationary and not self.rules.is_decayed and not self.rules.is_projected:
            return self.update()
        return ["if not is_fresh:", *indented(self.update())]

    def _forgotten(self) -> list[str]:
        """Free the gradient, and the clipped one, before the next is computed."""
        kinds = ("", "h_") if self.rules.is_clipped else ("",)
        names = [f"{kind}{part}" for kind in kinds for part in self.gradient]
        return [] if self.template.is_on_floats else [f"{' = '.join(names)} = None"]

    def update(self) -> list[str]:
        """Write one update of all slots."""
        optimizer, gradient = self.rules.optimizer, self.gradient
        lines = [f"old_{slot} = {slot}" for slot in self.slots]
        if self.rules.is_scheduled:
            lines += self.rules.schedule.lines
        lines += optimizer.each_step
        if self.rules.is_clipped:
            lines += self.clipping()
            gradient = tuple(f"h_{part}" for part in gradient)
        if self.rules.is_decayed and optimizer.is_coupled:
            pairs = zip(self.slots, gradient, strict=True)
            lines += [f"decayed_{slot} = {part} + weight_decay * {slot}" for slot, part in pairs]
            gradient = tuple(f"decayed_{slot}" for slot in self.slots)
        for slot, part in zip(self.slots, gradient, strict=True):
            names = {moment: f"{moment}_{slot}" for moment in optimizer.moments}
            lines += [self.rule(rule.format(x=slot, g=part, **names)) for rule in optimizer.each_slot]
            if self.rules.is_bounded:
                clamped = self._clamped(slot, f"low_{slot}", f"high_{slot}")
                lines.append(self.rule(f"{slot} = {clamped}"))
            if self.rules.is_projected:
                lines.append(f"{slot} = project_{slot}({slot})")
        return lines

    def rule(self, line: str) -> str:
        """Write a line of the update rule."""
        return line if self.template.is_on_floats else _MOVE.sub(_MOVED, line)

    def clipping(self) -> list[str]:
        """Write the clipping of the gradient, whose norm may overflow though its elements do not."""
        gradient = self.gradient
        shrunk = [f"h_{part} = {part} * {SHRINK!r}" for part in gradient]
        norm = f"norm_of({', '.join(f'h_{part}' for part in gradient)})"
        return [
            f"norm = norm_of({', '.join(gradient)})",
            "if norm > largest:",
            *indented([*shrunk, f"norm = {norm}"]),
            *indented([f"h_{part} = h_{part} / norm * clip_norm" for part in gradient]),
            "else:",
            "    scale = clip_norm / (norm + 1e-6)",
            *indented([f"h_{part} = {part} * scale if scale < 1.0 else {part}" for part in gradient]),
        ]
