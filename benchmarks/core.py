"""The core side by side with the seed's loop, hand-written NumPy, and the libraries that are installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from benchmarks import seed
from benchmarks.table import Goal, format_seconds, print_header, print_row, verdict
from benchmarks.timing import Work, compare
from service.core import descent, gradient
from service.core.calculus.compiler import function_cache
from service.core.calculus.generated import code_cache
from service.core.descent.choice import read_options
from service.core.descent.path import Path
from service.core.descent.problem import Problem
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE

SEED = "x[0]**2 + x[1]**2"
ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
REGRESSION = "mean(cross_entropy(softmax(X @ W + b), t))"

LIBRARIES = {"JAX": "jax", "PyTorch": "torch", "autograd": "autograd", "SciPy": "scipy"}
"""By name the package; each has a module of the same works in `benchmarks.peers`."""

START, RATE, STEPS = np.array([-3.0, 4.0]), 0.1, 100
POINT = np.random.default_rng(0).normal(size=1_000)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two ways to do the same work.

    Attributes
    ----------
    work, against : str
        What is done, and who else does it.
    ours, theirs : callable
        Do it, and return the same numbers.
    ratio, time : Goal, optional
        How many times faster ours is to be; how long it may take, in milliseconds.
    tolerance : float
        How much the numbers may differ, relative to the largest.
    """

    work: str
    ours: Work
    against: str
    theirs: Work
    ratio: Goal | None = None
    time: Goal | None = None
    tolerance: float = 1e-6


def comparisons() -> Iterator[Comparison]:
    """List what is compared: first what the goals name, then the libraries."""

    def seeds_loop() -> object:
        return seed.grad_descent(seed.func_2, START, RATE, STEPS)

    work = "seed's descent, 100 steps"
    for method, bound in (("exact", 30), ("central", 6)):
        goal = Goal("at least", bound, "x")
        yield Comparison(f"{work}, {method}, compiled", compiled(method), "the seed's loop", seeds_loop, goal)
    whole = Goal("at least", 5.0, "x")
    yield Comparison(f"{work}, exact, the whole call", exact, "the seed's loop", seeds_loop, whole)
    yield Comparison(f"{work}, central, the whole call", central, "the seed's loop", seeds_loop)
    yield Comparison(
        f"{work}, exact, never seen", never_seen, "the seed's loop", seeds_loop, time=Goal("at most", 2, "ms")
    )
    yield Comparison(
        "Rosenbrock's gradient, n = 1,000",
        rosenbrock,
        "hand-written NumPy",
        lambda: seed.rosenbrock_gradient(POINT)[1],
        Goal("at least", 0.5, "x"),
    )
    yield Comparison(
        "softmax regression, 1797x64 to 10, 100 steps",
        regression,
        "hand-written NumPy",
        lambda: seed.regression_descent(*REGRESSION_DATA, 0.5, STEPS)[0],
        Goal("at least", 1 / 1.2, "x"),
    )
    for name, package in LIBRARIES.items():
        if importlib.util.find_spec(package):
            yield from _of_library(name, importlib.import_module(f"benchmarks.peers.{package}_peer"))


def _of_library(name: str, peer: ModuleType) -> Iterator[Comparison]:
    """List what a library can do of the same works."""
    works = (
        ("fresh_descent", "seed's descent, exact, never seen", never_seen, Goal("at least", 15, "x")),
        ("seeds_descent", "seed's descent, 100 steps, exact", exact, None),
        ("rosenbrock", "Rosenbrock's gradient, n = 1,000", rosenbrock, None),
        ("regression", "softmax regression, 100 steps", regression, None),
    )
    arguments = {"rosenbrock": (POINT,), "regression": (*REGRESSION_DATA, 0.5, STEPS)}
    for function, work, ours, goal in works:
        make = getattr(peer, function, None)
        if make is not None:
            how, theirs = make(*arguments.get(function, (START, RATE, STEPS)))
            yield Comparison(work, ours, f"{name}, {how}", theirs, goal, tolerance=1e-4)


def _regression_data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    X, t = random.normal(size=(1797, 64)), np.eye(10)[random.integers(0, 10, 1797)]
    return X, t, np.zeros((64, 10)), np.zeros(10)


REGRESSION_DATA = _regression_data()


def _descend(method: str) -> ArrayLike:
    path = descent(SEED, {"x": START}, method=method, learning_rate=RATE, steps=STEPS)
    x: ArrayLike = path["variables"]["x"]
    return x


def compiled(method: str) -> Work:
    """Make the loop that a descent compiles and keeps, run from the evaluated start to the last step."""
    problem = Problem(SEED, {"x": START}, {}, method, None, DEFAULT_LIMITS, NO_DEADLINE)
    options = read_options({"learning_rate": RATE, "steps": STEPS}, DEFAULT_LIMITS)
    path = Path(problem, options)
    path.begin()
    slots, advance = path.stepper.layout.slots, path.stepper.advance
    arguments = (*path.run.point.parts, STEPS, False)
    return lambda: advance(*arguments)[2][slots]


def exact() -> object:
    """Run the seed's descent, the whole call: arguments checked, answer written."""
    return _descend("exact")


def central() -> object:
    """Run the same with central differences."""
    return _descend("central")


def never_seen() -> object:
    """Run the same without anything known of the function."""
    function_cache().clear()
    code_cache().clear()
    return _descend("exact")


def rosenbrock() -> object:
    """Differentiate Rosenbrock's function."""
    return gradient(ROSENBROCK, {"x": POINT})["gradient"]["x"]


def regression() -> object:
    """Fit a softmax regression."""
    X, t, W, b = REGRESSION_DATA
    path = descent(REGRESSION, {"W": W, "b": b}, {"X": X, "t": t}, learning_rate=0.5, steps=STEPS)
    return path["variables"]["W"]


def print_table(repetitions: int) -> bool:
    """Print ours against others; tell whether every goal is met."""
    print_header("work", "ours", "against", "theirs", "theirs / ours (middle 80 %)", "goal", "met")
    answers = set()
    for row in comparisons():
        check_agreement(row)
        pair = compare(row.ours, row.theirs, repetitions)
        goals = [(goal, pair.ratio) for goal in [row.ratio] if goal]
        goals += [(goal, 1e3 * pair.ours) for goal in [row.time] if goal]
        answers.add(verdict(goals))
        print_row(
            row.work,
            format_seconds(pair.ours),
            row.against,
            format_seconds(pair.theirs),
            f"{pair.ratio:.3g} ({pair.low:.3g} to {pair.high:.3g})",
            ", ".join(str(goal) for goal, _ in goals),
            verdict(goals),
        )
    return "NO" not in answers


def check_agreement(row: Comparison) -> None:
    """Refuse to compare what does not compute the same numbers."""
    ours, theirs = np.asarray(row.ours()), np.asarray(row.theirs())
    largest = max(1.0, float(np.max(np.abs(theirs))))
    if not np.allclose(ours, theirs, rtol=0, atol=row.tolerance * largest):
        raise RuntimeError(f"{row.work}: {row.against} computes other numbers")
