"""How cost grows: with the number of variables, and with the number of steps."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.core import ROSENBROCK, SEED
from benchmarks.timing import calls_for, format_seconds, seconds
from service.core import descent, gradient
from service.core.calculus.differences import METHODS
from service.core.calculus.plan import make_plan
from service.core.exceptions import OverBudget
from service.core.limits import DEFAULT_LIMITS

VARIABLES = (10, 100, 1_000, 10_000, 100_000)
STEPS = (10, 100, 1_000, 10_000, 100_000)


def print_tables() -> None:
    """Print both tables."""
    print("\n| Rosenbrock, n variables | value alone | exact gradient | evaluations' worth | central |")
    print("|---|---|---|---|---|")
    for n in VARIABLES:
        print(f"| {n:,} | {' | '.join(_gradient_cells(n))} |", flush=True)
    print("\n| seed's descent, steps | time | a step |")
    print("|---|---|---|")
    for steps in STEPS:
        took = _once(lambda steps=steps: descent(SEED, {"x": [-3.0, 4.0]}, learning_rate=1e-9, steps=steps))
        print(f"| {steps:,} | {format_seconds(took)} | {format_seconds(took / steps)} |", flush=True)


def _gradient_cells(n: int) -> list[str]:
    x = np.random.default_rng(0).normal(size=n)
    plan = make_plan(ROSENBROCK, {"x": (n,)}, {}, METHODS["exact"], False, DEFAULT_LIMITS)
    value_of = plan.value_program(check=lambda: None)
    kernel = plan.kernel({}, None, lambda: None)
    slots = kernel.pack({"x": x})
    value, exact = (seconds(f, calls_for(f)) for f in (lambda: value_of(x), lambda: kernel.run(slots)))
    try:
        central = format_seconds(_once(lambda: gradient(ROSENBROCK, {"x": x}, method="central")))
    except OverBudget:
        central = "over budget"
    return [format_seconds(value), format_seconds(exact), f"{exact / value:.1f}", central]


def _once(function: object) -> float:
    start = time.perf_counter()
    function()  # type: ignore[operator]
    return time.perf_counter() - start
