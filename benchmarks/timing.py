"""Paired timing: two callables in turn, so that a drift of the machine touches both alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

REPETITIONS = 15
BATCH_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians of one call in seconds, and of the ratios of interleaved repetitions."""

    ours: float
    theirs: float
    ratio: float
    low: float
    high: float


def calls_for(function: Callable[[], object]) -> int:
    """Return how many calls fill a batch."""
    function()
    start = time.perf_counter()
    function()
    return max(1, int(BATCH_SECONDS / max(time.perf_counter() - start, 1e-7)))


def seconds(function: Callable[[], object], calls: int) -> float:
    """Time a batch and return the seconds of one call."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def compare(ours: Callable[[], object], theirs: Callable[[], object], repetitions: int = REPETITIONS) -> Pair:
    """Time two callables in turn; the ratio is theirs to ours."""
    counts = calls_for(ours), calls_for(theirs)
    gc.collect()
    gc.disable()
    try:
        rows = [(seconds(ours, counts[0]), seconds(theirs, counts[1])) for _ in range(repetitions)]
    finally:
        gc.enable()
    ratios = sorted(theirs_took / ours_took for ours_took, theirs_took in rows)
    return Pair(
        statistics.median(row[0] for row in rows),
        statistics.median(row[1] for row in rows),
        statistics.median(ratios),
        ratios[0],
        ratios[-1],
    )


def format_seconds(value: float) -> str:
    """Write a time with a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
