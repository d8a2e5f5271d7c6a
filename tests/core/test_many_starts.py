"""Sweeps of 64 random starts find the lowest of very many minima, within the default deadline."""

import time

import numpy as np
import pytest

from service.core import sweep
from service.core.limits import Deadline, Limits

pytestmark = pytest.mark.untraced  # the deadline is for lines that are not traced

SCALED = {"optimizer": "rmsprop", "schedule": "cosine", "steps": 5_000}
"""Steps that are long at first and shrink to nothing: they leave all but the widest of valleys."""
RASTRIGIN = "10*len(x) + sum(x**2 - 10*cos(2*pi*x))", 5.12
ACKLEY = "-20*exp(-0.2*sqrt(mean(x**2))) - exp(mean(cos(2*pi*x))) + 20 + e", 32.768
GRIEWANK = "1 + sum(x**2)/4000 - prod(cos(x/sqrt(i)))", 600.0
LONG = {"optimizer": "gradient_descent", "schedule": "cosine", "steps": 15_000, "learning_rate": 8.0}
"""Griewank's ripples are as deep in any number of variables, its bowl is not: steps that cross them."""
CASES = [(RASTRIGIN, size, SCALED | {"learning_rate": 0.5}) for size in range(2, 11)]
CASES += [(ACKLEY, size, SCALED | {"learning_rate": 0.65}) for size in range(2, 11)]
CASES += [(GRIEWANK, size, LONG) for size in range(2, 8)]
CASES += [(GRIEWANK, size, {"optimizer": "lbfgs", "steps": 1_000}) for size in range(8, 11)]


@pytest.mark.parametrize(("problem", "size", "options"), CASES)
def test_64_random_starts_find_the_known_minimum(problem, size, options):
    function, bound = problem
    constants = {"i": np.arange(1.0, size + 1)} if problem is GRIEWANK else {}
    deadline = Deadline(1e-3 * Limits().deadline_default_ms, time.process_time)

    outcome = sweep(
        function,
        {"x": np.zeros(size)},
        constants,
        bounds={"x": {"lower": -bound, "upper": bound}},
        random_starts={"count": 64, "seed": 0},
        answers="best",
        deadline=deadline,
        **options,
    )
    best = outcome["runs"][outcome["best"]]["best"]

    assert best["value"] == pytest.approx(0.0, abs=1e-9)
    assert best["variables"]["x"] == pytest.approx(np.zeros(size), abs=1e-6)
    assert "deadline" not in {run["status"] for run in outcome["runs"]}
