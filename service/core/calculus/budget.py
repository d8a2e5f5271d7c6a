"""Quotes: what a request would cost, and whether that is within the limits."""

from __future__ import annotations

import math
from typing import Any

from service.core.calculus.compiler import Compiled
from service.core.exceptions import Fault, OverBudget, fault
from service.core.limits import NO_DEADLINE, Deadline, Limits, setting_of

LARGEST_COUNT = 2**53 - 1
"""Largest number that a quote names: the largest whole number that every JSON reader keeps."""


def quote_of(work: list[Compiled], limits: Limits, points: int = 1) -> dict[str, Any]:
    """Add up the compiled functions of a request."""
    return {
        "shapes": work[0].program.shapes(),
        "operations": min(math.ceil(points * sum(each.operations for each in work)), LARGEST_COUNT),
        "peak_bytes": min(max(each.plan.peak_bytes for each in work), LARGEST_COUNT),
        "evaluations": points * sum(each.evaluations for each in work),
        "within_limits": is_within(work, limits, points),
    }


def check_budget(
    work: list[Compiled],
    limits: Limits,
    points: int = 1,
    deadline: Deadline = NO_DEADLINE,
) -> None:
    """Hold the quote against the limits, and announce the work to the deadline.

    Raises
    ------
    OverBudget
        The quote exceeds a limit.
    DeadlineExceeded
        The time was up before there was room for the work.
    """
    if not is_within(work, limits, points):
        raise OverBudget(*_excesses(work, limits, points))
    seconds = points * sum(each.seconds for each in work)
    deadline.expect(seconds, max(each.plan.peak_bytes for each in work))


def is_within(work: list[Compiled], limits: Limits, points: int = 1) -> bool:
    """Tell whether the quote is within the limits."""
    operations = 0.0
    for each in work:
        operations += points * each.operations
        needed = each.plan
        if needed.largest > limits.operations_at_once or needed.peak_bytes > limits.peak_bytes:
            return False
    return operations <= limits.operations


def _excesses(work: list[Compiled], limits: Limits, points: int) -> list[Fault]:
    """Return a fault for every limit that the quote exceeds, at the costliest place of the text."""
    widest = max(work, key=lambda each: each.plan.peak_bytes)
    costliest = max(work, key=lambda each: each.plan.largest)
    rows = (
        ("operations", points * sum(each.operations for each in work), costliest.plan.costliest),
        ("operations_at_once", costliest.plan.largest, costliest.plan.costliest),
        ("peak_bytes", widest.plan.peak_bytes, widest.plan.widest),
    )
    return [
        _excess(name, min(math.ceil(asked), LARGEST_COUNT), limits, line=place.line, column=place.column)
        for name, asked, place in rows
        if asked > getattr(limits, name)
    ]


def _excess(name: str, asked: int, limits: Limits, *, line: int, column: int) -> Fault:
    row = Limits.__dataclass_fields__[name].metadata
    return fault(
        "over-limit",
        "/function",
        line=line,
        column=column,
        what=row["meaning"].capitalize(),
        asked=asked,
        unit=row["unit"],
        allowed=getattr(limits, name),
        setting=setting_of(name),
    )
