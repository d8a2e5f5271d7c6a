"""The core side by side with the seed's loop and hand-written NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import seed
from benchmarks.timing import Pair, compare
from service.core import descent, gradient
from service.core.calculus.generated import code_cache
from service.core.calculus.plan import plan_cache

SEED = "x[0]**2 + x[1]**2"
ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
REGRESSION = "mean(cross_entropy(softmax(X @ W + b), t))"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: what is timed, against what, and what the goal asks of the ratio."""

    work: str
    against: str
    goal: str
    is_met: Callable[[Pair], bool]
    pair: Pair


def rows() -> Iterator[Row]:
    """Time everything that needs no other library."""
    start = np.array([-3.0, 4.0])

    def loop() -> object:
        return seed.grad_descent(seed.func_2, start, 0.1, 100)

    def seeds_descent(method: str) -> object:
        return descent(SEED, {"x": start}, method=method, learning_rate=0.1, steps=100)

    def never_seen() -> object:
        plan_cache().clear()
        code_cache().clear()
        return seeds_descent("exact")

    pair = compare(lambda: seeds_descent("exact"), loop)
    yield Row(
        "seed's descent, 100 steps, exact", "seed's loop", ">= 40 x", lambda pair: pair.ratio >= 40, pair
    )
    pair = compare(lambda: seeds_descent("central"), loop)
    yield Row(
        "seed's descent, 100 steps, central", "seed's loop", ">= 6 x", lambda pair: pair.ratio >= 6, pair
    )
    pair = compare(never_seen, loop)
    yield Row("the same, exact, never seen", "2 ms", "<= 2 ms", lambda pair: pair.ours <= 2e-3, pair)
    x = np.random.default_rng(0).normal(size=1000)
    pair = compare(lambda: gradient(ROSENBROCK, {"x": x}), lambda: seed.rosenbrock_gradient(x))
    yield Row(
        "Rosenbrock's gradient, n = 1,000",
        "hand-written NumPy",
        ">= 0.5 x",
        lambda pair: pair.ratio >= 0.5,
        pair,
    )
    yield _regression()


def _regression() -> Row:
    random = np.random.default_rng(0)
    X, t = random.normal(size=(1797, 64)), np.eye(10)[random.integers(0, 10, 1797)]
    W, b = np.zeros((64, 10)), np.zeros(10)
    pair = compare(
        lambda: descent(REGRESSION, {"W": W, "b": b}, {"X": X, "t": t}, learning_rate=0.5, steps=100),
        lambda: seed.regression_descent(X, t, W, b, 0.5, 100),
    )
    return Row(
        "softmax regression 1797x64 to 10, 100 steps",
        "hand-written NumPy",
        ">= 0.83 x",
        lambda pair: pair.ratio >= 1 / 1.2,
        pair,
    )
