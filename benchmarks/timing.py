"""Paired timing: two callables in turn, so that a drift of the machine touches both alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]
Clock = Callable[[], float]

BATCH_SECONDS = 0.02
"""A batch of calls takes about this long: enough for the clock, little enough to interleave often."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians of one call in seconds, and of the ratios theirs to ours of interleaved repetitions."""

    ours: float
    theirs: float
    ratio: float
    low: float
    high: float


def calls_for(function: Work) -> int:
    """Return how many calls fill a batch."""
    function()
    start = time.perf_counter()
    function()
    return max(1, int(BATCH_SECONDS / max(time.perf_counter() - start, 1e-7)))


def seconds(function: Work, calls: int, clock: Clock = time.perf_counter) -> float:
    """Time a batch and return the seconds of one call."""
    start = clock()
    for _ in range(calls):
        function()
    return (clock() - start) / calls


def median_seconds(function: Work, repetitions: int) -> float:
    """Return the median of several batches, in seconds of one call."""
    calls = calls_for(function)
    return statistics.median(seconds(function, calls) for _ in range(repetitions))


def compare(ours: Work, theirs: Work, repetitions: int, clock: Clock = time.perf_counter) -> Pair:
    """Time two callables in turn, batch after batch; `time.process_time` counts what other work does not."""
    counts = calls_for(ours), calls_for(theirs)
    gc.collect()
    gc.disable()
    try:
        rows = [
            (seconds(ours, counts[0], clock), seconds(theirs, counts[1], clock)) for _ in range(repetitions)
        ]
    finally:
        gc.enable()
    ratios = sorted(theirs_took / ours_took for ours_took, theirs_took in rows)
    return Pair(
        statistics.median(row[0] for row in rows),
        statistics.median(row[1] for row in rows),
        statistics.median(ratios),
        ratios[len(ratios) // 10],
        ratios[-1 - len(ratios) // 10],
    )
