"""Steps of a descent on arrays beside hand-written NumPy, JAX, and what the memory's bandwidth allows."""

from __future__ import annotations

import importlib
import importlib.util
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import by_hand
from benchmarks.core import REGRESSION, ROSENBROCK
from benchmarks.derivatives import TWO_LAYERS
from benchmarks.table import Goal, format_seconds, print_header, print_row, verdict
from benchmarks.timing import Work, compare, median_seconds
from service.core import descent
from service.core.calculus.buffers import limit_buffers
from service.core.descent.choice import read_options
from service.core.descent.path import Path
from service.core.descent.problem import Problem
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE

Arrays = dict[str, NDArray[np.float64]]

STEPS = 10
"""Steps of a run that is timed; every run begins at the start."""
CHEAP, COSTLY = 2.0, 1.3
"""How many times JAX's step may be ours, where cheap operations and where products, exp or sin dominate."""
FAST, LARGE, COMPARED = 0.8, 100_000, 10_000
"""Goal beside hand-written NumPy from so many elements on, and elements from which JAX has a goal."""
TOLERANCE = 1e-5
"""By how much the steps may differ, relative to the longest: by hand, the slope does without the epsilon."""
WAVES = "sum(sin(x)*exp(-x**2))"
CHAIN = "a = 0.5*x + 1; b = a*a + x; c = b/(1 + b*b); d = c - 0.1*x; sum(sqrt(d*d + 1))"
LOGSUMEXP = "sum(logsumexp(x, axis=1))"
GROWTH = (100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Row:
    """One function that is minimised.

    Attributes
    ----------
    work, text : str
        What it is, and as a request has it.
    hand : str
        The function of `benchmarks.by_hand`, and of the peers, that computes the same.
    variables, constants : dict
        The start and the data.
    rate : float
        The learning rate.
    goal_of_jax : float
        How many times JAX's step may be ours.
    """

    work: str
    text: str
    hand: str
    variables: Arrays
    constants: Arrays
    rate: float
    goal_of_jax: float = COSTLY

    @property
    def elements(self) -> int:
        """Elements of the largest array of variables, data and what lies between."""
        sizes = [array.size for array in (*self.variables.values(), *self.constants.values())]
        return max(sizes)

    @property
    def least_bytes(self) -> int:
        """Bytes that have to move: data are read, variables read and written."""
        read = sum(array.nbytes for array in self.constants.values())
        return read + 2 * sum(array.nbytes for array in self.variables.values())


def rows() -> Iterator[Row]:
    """List the rows of the contract."""
    draw, random = np.random.default_rng(0).normal, np.random.default_rng(1)

    def classes(count: int) -> Arrays:
        return {"t": np.eye(10)[random.integers(0, 10, count)]}

    def layers(inputs: int, hidden: int) -> Arrays:
        return {
            "W1": draw(size=(inputs, hidden)) / np.sqrt(inputs),
            "b1": np.zeros(hidden),
            "W2": draw(size=(hidden, 10)) / np.sqrt(hidden),
            "b2": np.zeros(10),
        }

    for n in (100, 1_000, 100_000):
        yield Row(f"Rosenbrock, n = {n:,}", ROSENBROCK, "rosenbrock", {"x": draw(size=n)}, {}, 1e-5, CHEAP)
    X = draw(size=(1_000, 20))
    data = {"X": X, "y": X @ draw(size=20)}
    yield Row("linear regression, 1,000x20", "mean((X @ w - y)**2)", "least_squares", _w(20), data, 0.01)
    X = draw(size=(10_000, 50))
    data, start = {"X": X, "y": (X[:, 0] > 0) + 0.0}, _w(50) | {"b": np.zeros(())}
    text = "mean(binary_cross_entropy(sigmoid(X @ w + b), y))"
    yield Row("logistic regression, 10,000x50", text, "logistic", start, data, 0.1)
    text = "z = X @ w + b; mean(softplus(z) - y*z)"
    yield Row("the same, of scores", text, "logistic_of_logits", start, data, 0.1)
    data, start = {"X": draw(size=(1797, 64))} | classes(1797), {"W": np.zeros((64, 10)), "b": np.zeros(10)}
    yield Row("softmax regression, 1,797x64 to 10", REGRESSION, "softmax_regression", start, data, 0.1)
    for inputs, hidden, count in ((784, 50, 100), (64, 32, 1797)):
        data = {"X": draw(size=(count, inputs))} | classes(count)
        work = f"network {inputs}-{hidden}-10, {count:,} rows"
        yield Row(work, TWO_LAYERS, "network", layers(inputs, hidden), data, 0.1)
    start, data = {"A": draw(size=(500, 10)), "B": draw(size=(10, 400))}, {"C": draw(size=(500, 400))}
    text = "sum((A @ B - C)**2)"
    yield Row("matrix factorisation, 500x400, rank 10", text, "factorisation", start, data, 1e-5)
    for n in (100, 10_000, 300_000):
        yield Row(f"sum of sin(x) exp(-x**2), n = {n:,}", WAVES, "waves", {"x": draw(size=n)}, {}, 0.1)
    yield Row(
        "chain of 12 operations, n = 100,000", CHAIN, "chain", {"x": draw(size=100_000)}, {}, 0.1, CHEAP
    )
    yield Row("sum of logsumexp, 300x1,000", LOGSUMEXP, "logsumexp", {"x": draw(size=(300, 1_000))}, {}, 0.1)


def _w(count: int) -> Arrays:
    return {"w": np.zeros(count)}


def ours(row: Row) -> Callable[[], Arrays]:
    """Make the loop that a descent compiles and keeps, from the evaluated start to the last step."""
    problem = Problem(row.text, row.variables, row.constants, "exact", None, DEFAULT_LIMITS, NO_DEADLINE)
    path = Path(problem, read_options({"learning_rate": row.rate, "steps": STEPS}, DEFAULT_LIMITS))
    path.begin()
    start, run, unpack = path.run.point.parts, path.stepper.run, problem.kernel.unpack

    def descend() -> Arrays:
        with np.errstate(all="ignore"):
            limit_buffers()
            return unpack(run(start, STEPS, is_fresh=False).slots)

    return descend


def peak_bytes(row: Row) -> int:
    """Trace the most memory that a descent takes beside its start and data."""
    options = {"learning_rate": row.rate, "steps": STEPS}
    descent(row.text, row.variables, row.constants, **options)
    tracemalloc.start()
    descent(row.text, row.variables, row.constants, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def by_numpy(row: Row) -> Callable[[], Arrays]:
    """Make the same loop around what a person writes."""
    function = getattr(by_hand, row.hand)

    def descend() -> Arrays:
        now, lowest = dict(row.variables), np.inf
        _, slopes = function(**now, **row.constants)
        for _ in range(STEPS):
            now = {name: array - row.rate * slopes[name] for name, array in now.items()}
            value, slopes = function(**now, **row.constants)
            lowest = min(lowest, value)
        return now

    return descend


def check_agreement(work: str, found: Arrays, wanted: Arrays, start: Arrays) -> None:
    """Refuse to compare what does not compute the same steps."""
    for name, array in wanted.items():
        moved = np.max(np.abs(array - start[name]))
        if not moved or np.max(np.abs(found[name] - array)) > TOLERANCE * moved + 1e-13:
            raise RuntimeError(f"{work}: the steps differ")


def copy_bandwidth() -> float:
    """Measure the bytes a second that an array beyond every cache is read and written with."""
    source = np.zeros(8_000_000)
    target = np.zeros_like(source)
    return 2 * source.nbytes / median_seconds(lambda: np.copyto(target, source), 5)


def _jax() -> Any:
    """Return the peer where it is installed."""
    return importlib.import_module("benchmarks.peers.jax_peer") if importlib.util.find_spec("jax") else None


def print_tables(repetitions: int) -> bool:
    """Print the rows of the contract, and how two of them grow; tell whether every goal is met."""
    answers = _print(rows(), repetitions)
    draw = np.random.default_rng(3).normal
    chains = (Row(f"chain, n = {n:,}", CHAIN, "chain", {"x": draw(size=n)}, {}, 0.1, CHEAP) for n in GROWTH)
    waves = (Row(f"waves, n = {n:,}", WAVES, "waves", {"x": draw(size=n)}, {}, 0.1) for n in GROWTH)
    _print((*chains, *waves), repetitions, has_goals=False)
    return "NO" not in answers


def _print(listed: Any, repetitions: int, *, has_goals: bool = True) -> set[str]:
    bandwidth, peer, answers = copy_bandwidth(), _jax(), set()
    print_header(
        "a step of", "ours", "by hand", "ours / by hand", "JAX", "ours / JAX", "floor", "peak", "goals", "met"
    )
    for row in listed:
        step, by_person = ours(row), by_numpy(row)
        check_agreement(row.work, step(), by_person(), row.variables)
        pair = compare(step, by_person, repetitions, time.process_time)
        goal = Goal("at most", FAST if row.elements >= LARGE else 1.0, "")
        goals, cells = [(goal, 1 / pair.ratio)], ["", ""]
        if peer is not None:
            jitted: Work = peer.descend(row.hand, row.variables, row.constants, row.rate, STEPS)
            check_agreement(row.work, jitted(), by_person(), row.variables)  # type: ignore[arg-type]
            beside = compare(step, jitted, repetitions, time.process_time)
            cells = [format_seconds(beside.theirs / STEPS), f"{1 / beside.ratio:.2f}"]
            if row.elements >= COMPARED:
                goals.append((Goal("at most", row.goal_of_jax, "of JAX"), 1 / beside.ratio))
        answer = verdict(goals) if has_goals else ""
        answers.add(answer)
        print_row(
            row.work,
            format_seconds(pair.ours / STEPS),
            format_seconds(pair.theirs / STEPS),
            f"{1 / pair.ratio:.2f}",
            *cells,
            format_seconds(row.least_bytes / bandwidth),
            f"{peak_bytes(row) / 1e6:.2f} MB",
            ", ".join(str(goal) for goal, _ in goals) if has_goals else "",
            answer,
        )
    return answers
