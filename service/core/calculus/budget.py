"""Quotes: what a request would cost, and whether that is within the limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from service.core.calculus.schedule import ExecutionPlan
from service.core.exceptions import Fault, OverBudget, fault
from service.core.language.program import Program
from service.core.limits import Deadline, Limits, describe_limits

LARGEST_COUNT = 2**53 - 1
"""Largest number that a quote names: the largest whole number that every JSON reader keeps."""


class Priced(Protocol):
    """What has a price: a compiled function, or `Price` itself."""

    @property
    def program(self) -> Program:
        """The function."""

    @property
    def plan(self) -> ExecutionPlan:
        """Of one evaluation."""

    @property
    def operations(self) -> float:
        """Elementary operations of all evaluations."""

    @property
    def evaluations(self) -> int:
        """Evaluations of the function."""

    @property
    def peak_bytes(self) -> int:
        """Memory of arrays at a time."""

    @property
    def seconds(self) -> float:
        """Estimated processor time."""


class Price(NamedTuple):
    """The price of work that is not one compiled function's; attributes as `Priced` has them."""

    program: Program
    plan: ExecutionPlan
    operations: float
    evaluations: int
    peak_bytes: int
    seconds: float


def price_of(work: Priced, peak_bytes: int, times: int = 1) -> Price:
    """Return the price of doing work so many times, in so much memory."""
    operations, evaluations, seconds = work.operations * times, work.evaluations * times, work.seconds * times
    return Price(work.program, work.plan, operations, evaluations, peak_bytes, seconds)


def quote_of(work: Sequence[Priced], limits: Limits) -> dict[str, Any]:
    """Add up the compiled functions of a request."""
    quote: dict[str, Any] = {
        "shapes": work[0].program.shapes(),
        "operations": min(math.ceil(sum(each.operations for each in work)), LARGEST_COUNT),
        "peak_bytes": min(memory_of(work), LARGEST_COUNT),
        "evaluations": sum(each.evaluations for each in work),
        "within_limits": is_within(work, limits),
    }
    rewrites = work[0].program.rewrites
    if rewrites:
        quote["rewrites"] = [{"line": place.line, "column": place.column, "to": to} for place, to in rewrites]
    return quote


def check_budget(
    work: Sequence[Priced],
    limits: Limits,
    deadline: Deadline,
    hint: str = "",
) -> None:
    """Hold the quote against the limits, and announce the work to the deadline; the hint ends a refusal.

    Raises
    ------
    OverBudget
        The quote exceeds a limit.
    DeadlineExceeded
        The time was up before there was room for the work.
    """
    if not is_within(work, limits):
        raise over_budget(work, limits, hint)
    seconds = 0.0
    for each in work:
        seconds += each.seconds
    deadline.expect(seconds, memory_of(work))


def memory_of(work: Sequence[Priced]) -> int:
    """Return the planned peak memory of a request, in bytes: its functions are computed one after another."""
    return max([each.peak_bytes + each.plan.object_bytes for each in work])


def over_budget(work: Sequence[Priced], limits: Limits, hint: str = "") -> OverBudget:
    """Return the refusal of work whose quote exceeds a limit; the hint ends it."""
    return OverBudget(*(replace(found, detail=f"{found.detail}{hint}") for found in _excesses(work, limits)))


def is_within(work: Sequence[Priced], limits: Limits) -> bool:
    """Tell whether the quote is within the limits."""
    operations = 0.0
    for each in work:
        operations += each.operations
        needed = each.peak_bytes + each.plan.object_bytes
        if each.plan.largest > limits.operations_at_once or needed > limits.peak_bytes:
            return False
    return operations <= limits.operations


def _excesses(work: Sequence[Priced], limits: Limits) -> list[Fault]:
    """Return a fault for every limit that the quote exceeds, at the costliest place of the text."""
    widest = max(work, key=lambda each: each.peak_bytes)
    costliest = max(work, key=lambda each: each.plan.largest)
    rows = (
        ("operations", sum(each.operations for each in work), costliest.plan.costliest),
        ("operations_at_once", costliest.plan.largest, costliest.plan.costliest),
        ("peak_bytes", memory_of(work), widest.plan.widest),
    )
    return [
        _excess(name, min(math.ceil(asked), LARGEST_COUNT), limits, line=place.line, column=place.column)
        for name, asked, place in rows
        if asked > getattr(limits, name)
    ]


def _excess(name: str, asked: int, limits: Limits, *, line: int, column: int) -> Fault:
    row = describe_limits(limits)[name]
    return fault(
        "over-limit",
        "/function",
        line=line,
        column=column,
        what=str(row["meaning"]).capitalize(),
        asked=asked,
        unit=row["unit"],
        allowed=row["value"],
        setting=row["setting"],
    )
