"""Second derivatives and many points beside what they are made of: gradients and products, one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.core import REGRESSION, ROSENBROCK, SEED
from benchmarks.table import Goal, format_seconds, print_header, print_row, verdict
from benchmarks.timing import Work, compare
from service.core import gradient, gradient_field, hessian, hvp
from service.core.calculus.gradient import Tensors

NETWORK = "h = tanh(X @ W + b); mean((h @ V + c - y)**2)"
TWO_LAYERS = "h = sigmoid(X @ W1 + b1); mean(cross_entropy(softmax(h @ W2 + b2), t))"

PRODUCT, HESSIAN, FIELD = Goal("at most", 3, ""), Goal("at most", 0.2, ""), Goal("at most", 0.3, "")
POINTS = 100

Row = tuple[str, Work, str, Work, Goal]


def _functions() -> Iterator[tuple[str, str, Tensors, Tensors]]:
    """List functions with points and data, as an optimizer meets them."""
    draw = np.random.default_rng(0).normal
    X, t = draw(size=(1797, 64)), np.eye(10)[np.random.default_rng(1).integers(0, 10, 1797)]
    yield "the seed's function", SEED, {"x": np.array([3.0, 4.0])}, {}
    for n in (100, 1_000, 10_000):
        yield f"Rosenbrock, n = {n:,}", ROSENBROCK, {"x": draw(size=n)}, {}
    yield "softmax regression", REGRESSION, {"W": draw(size=(64, 10)), "b": np.zeros(10)}, {"X": X, "t": t}
    layers = {"W1": draw(size=(64, 32)), "b1": np.zeros(32), "W2": draw(size=(32, 10)), "b2": np.zeros(10)}
    yield "two layers, 64-32-10", TWO_LAYERS, layers, {"X": X, "t": t}
    yield (
        "matrix factorisation",
        "sum((A @ B - C)**2)",
        {"A": draw(size=(100, 10)), "B": draw(size=(10, 80))},
        {"C": draw(size=(100, 80))},
    )
    yield "Rosenbrock, n = 100,000", ROSENBROCK, {"x": draw(size=100_000)}, {}
    yield (
        "matrix factorisation, 500x400 rank 10",
        "sum((A @ B - C)**2)",
        {"A": draw(size=(500, 10)), "B": draw(size=(10, 400))},
        {"C": draw(size=(500, 400))},
    )
    yield "sum of logsumexp", "sum(logsumexp(A, axis=1))", {"A": draw(size=(100, 100))}, {}


def rows() -> Iterator[Row]:
    """List what is compared, with the goals."""
    draw = np.random.default_rng(2).normal
    for name, function, point, data in _functions():
        vectors = {key: draw(size=np.shape(array)) for key, array in point.items()}
        yield (
            f"H·v, {name}",
            lambda f=function, p=point, v=vectors, d=data: hvp(f, p, v, d),
            "its gradient",
            lambda f=function, p=point, d=data: gradient(f, p, d),
            PRODUCT,
        )
    x = draw(size=100)
    yield (
        "Hessian of Rosenbrock, n = 100",
        lambda: hessian(ROSENBROCK, {"x": x}),
        "100 products",
        lambda: [hvp(ROSENBROCK, {"x": x}, {"x": unit}) for unit in np.eye(100)],
        HESSIAN,
    )
    shapes = {"W": (2, 4), "b": (4,), "V": (4,), "c": ()}
    points = {name: draw(size=(POINTS, *shape)) for name, shape in shapes.items()}
    data = {"X": draw(size=(20, 2)), "y": draw(size=20)}
    yield (
        "field of a 2-4-1 network, 20 rows",
        lambda: gradient_field(NETWORK, points, data),
        f"{POINTS} gradients",
        lambda: [
            gradient(NETWORK, {name: array[row] for name, array in points.items()}, data)
            for row in range(POINTS)
        ],
        FIELD,
    )


def print_table(repetitions: int) -> bool:
    """Print ours against its parts; tell whether every goal is met."""
    print_header("work", "time", "against", "time of that", "ours / theirs", "goal", "met")
    answers = set()
    for name, ours, against, theirs, goal in rows():
        pair = compare(ours, theirs, repetitions, time.process_time)
        met = verdict([(goal, 1 / pair.ratio)])
        answers.add(met)
        print_row(
            name,
            format_seconds(pair.ours),
            against,
            format_seconds(pair.theirs),
            f"{1 / pair.ratio:.3g}",
            str(goal),
            met,
        )
    return "NO" not in answers
