"""Sweeps beside loops that a careful person writes in NumPy, over a leading axis of runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.core import ROSENBROCK, SEED
from benchmarks.table import Goal, format_seconds, print_header, print_row, verdict
from benchmarks.timing import Work, compare
from service.core import sweep

RUNS, STEPS = 64, 1_000
GOAL = Goal("at most", 1.2, "")

Slope = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _bowl(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x[:, 0] ** 2 + x[:, 1] ** 2, 2 * x


def _rosenbrock(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = x[:, 1:] - x[:, :-1] ** 2, 1 - x[:, :-1]
    gradient = np.zeros_like(x)
    gradient[:, 1:] = 200 * a
    gradient[:, :-1] -= 400 * a * x[:, :-1] + 2 * b
    return np.sum(100 * a**2 + b**2, axis=1), gradient


def by_hand(slope: Slope, starts: np.ndarray, rates: np.ndarray, steps: int) -> np.ndarray:
    """Descend with all runs at once, and return the lowest value of each."""
    x, lowest = starts, np.full(len(starts), np.inf)
    for _ in range(steps):
        value, gradient = slope(x)
        lowest = np.minimum(lowest, value)
        x = x - rates[:, None] * gradient
    return np.minimum(lowest, slope(x)[0])


def rows() -> Iterator[tuple[str, Work, Work]]:
    """List works, ours and by hand, which return the lowest values of all runs."""
    random = np.random.default_rng(0)
    for size, function, slope, rates in (
        (2, SEED, _bowl, np.geomspace(1e-4, 3e-3, RUNS)),
        (100, ROSENBROCK, _rosenbrock, np.geomspace(1e-6, 3e-4, RUNS)),
        (1_000, ROSENBROCK, _rosenbrock, np.geomspace(1e-6, 3e-4, RUNS)),
    ):
        steps = STEPS if size < 1_000 else STEPS // 5
        start = random.normal(size=size) / 10
        starts, several = np.tile(start, (RUNS, 1)), random.normal(size=(RUNS, size)) / 10
        rate = np.full(RUNS, rates[RUNS // 2])

        def of_rates(f=function, s=start, r=rates, n=steps):  # type: ignore[no-untyped-def]
            return _lowest(sweep(f, {"x": s}, learning_rates=r.tolist(), steps=n))

        def of_starts(f=function, s=several, r=rate, n=steps):  # type: ignore[no-untyped-def]
            return _lowest(sweep(f, {"x": s[0]}, starts={"x": s}, learning_rate=float(r[0]), steps=n))

        name = f"{size:,} variables, {steps:,} steps"
        yield (
            f"{RUNS} rates, {name}",
            of_rates,
            lambda p=slope, s=starts, r=rates, n=steps: by_hand(p, s, r, n),
        )
        yield (
            f"{RUNS} starts, {name}",
            of_starts,
            lambda p=slope, s=several, r=rate, n=steps: by_hand(p, s, r, n),
        )


def _lowest(outcome: dict[str, list[dict[str, dict[str, float]]]]) -> np.ndarray:
    return np.array([run["best"]["value"] for run in outcome["runs"]])


def print_table(repetitions: int) -> bool:
    """Print the whole calls beside the loops, in processor time; tell whether every goal is met."""
    print_header("work", "ours", "by hand", "ours / by hand", "goal", "met")
    answers = set()
    for name, ours, theirs in rows():
        if not np.allclose(ours(), theirs(), rtol=1e-9):
            raise RuntimeError(f"{name}: the loop computes other numbers")
        pair = compare(ours, theirs, repetitions, time.process_time)
        met = verdict([(GOAL, 1 / pair.ratio)])
        answers.add(met)
        print_row(
            name,
            format_seconds(pair.ours),
            format_seconds(pair.theirs),
            f"{1 / pair.ratio:.3g}",
            str(GOAL),
            met,
        )
    return "NO" not in answers
