"""The ways of choosing a step: one table, by the names that optimizers have them under."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from service.core.calculus.kernel import Kernel
from service.core.descent.active_set import Box
from service.core.descent.backtracking import Backtracking
from service.core.descent.lbfgs import Lbfgs
from service.core.descent.loop import make_judgement, make_loop
from service.core.descent.options import Options
from service.core.descent.steps import Stepper


def _make_rule(kernel: Kernel, options: Options, numbers: dict[str, Any], has_noise: bool) -> Stepper:
    return make_loop(kernel, options.rules(has_noise=has_noise), numbers)


def _make_lbfgs(kernel: Kernel, options: Options, numbers: dict[str, Any], has_noise: bool) -> Stepper:
    rules = options.rules(has_noise=has_noise, carried=Lbfgs.carried)
    return Lbfgs(kernel, make_judgement(kernel, rules, numbers), options["memory"], _box(kernel, numbers))


def _make_line_search(kernel: Kernel, options: Options, numbers: dict[str, Any], has_noise: bool) -> Stepper:
    rules = options.rules(has_noise=has_noise, carried=Backtracking.carried)
    judgement = make_judgement(kernel, rules, numbers)
    return Backtracking(kernel, judgement, options["learning_rate"], _box(kernel, numbers))


def _box(kernel: Kernel, numbers: dict[str, Any]) -> Box | None:
    """Lay the bounds of all slots out as flat arrays, if there are any."""
    if f"low_{kernel.slots[0]}" not in numbers:
        return None
    sides = [[numbers[f"{side}_{slot}"] for slot in kernel.slots] for side in ("low", "high")]
    low, high = (np.concatenate([np.ravel(part) for part in side]) for side in sides)
    return Box(low, high)


STEPPERS: dict[str, Callable[[Kernel, Options, dict[str, Any], bool], Stepper]] = {
    "rule": _make_rule,
    "lbfgs": _make_lbfgs,
    "line_search": _make_line_search,
}
"""From kernel, options, numbers and whether the gradient consists of differences to a stepper."""
