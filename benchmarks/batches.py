"""Digits learnt by batches of rows beside all rows at every update: processor time to the same accuracy."""

from __future__ import annotations

import importlib.util
import math
import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.table import Goal, format_seconds, print_header, print_row, verdict
from service.core import descent

FUNCTION = "h = sigmoid(X @ W1 + b1); mean(cross_entropy(softmax(h @ W2 + b2), t))"
ACCURACY = 0.97
LONGEST = 200
EVERY = 5
"""Updates between two looks at the accuracy, which are not timed."""
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Both ways of training are timed at the rate of these that is the best for them."""
BATCH = {"size": 100, "of": ["X", "t"], "seed": 0}


@dataclass(frozen=True, slots=True)
class Training:
    """Training from one start, by batches or by all rows.

    Attributes
    ----------
    pixels, digits : ndarray
        What is learnt.
    more : dict
        Options of the descent beside optimizer, rate and steps.
    """

    pixels: Any
    digits: Any
    more: dict[str, Any]

    def descend(self, rate: float, steps: int, state: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do so many updates, from the start or from a state."""
        random = np.random.default_rng(0)
        start = {
            "W1": random.normal(size=(64, 32)) / 8,
            "b1": np.zeros(32),
            "W2": random.normal(size=(32, 10)) / 6,
            "b2": np.zeros(10),
        }
        data = {"X": self.pixels, "t": self.digits.astype(float)}
        options = {"optimizer": "adam", "learning_rate": rate, "steps": steps, "state": state}
        return descent(FUNCTION, start, data, **options, **self.more)

    def steps(self, rate: float) -> int:
        """Count the updates until enough digits are right; 0 when they are not within the longest."""
        state = None
        for steps in range(EVERY, LONGEST + 1, EVERY):
            answer = self.descend(rate, EVERY, state)
            state, (W1, b1, W2, b2) = answer["state"], answer["variables"].values()
            hidden = 1.0 / (1.0 + np.exp(-(self.pixels @ W1 + b1)))
            if np.mean(np.argmax(hidden @ W2 + b2, axis=1) == self.digits) >= ACCURACY:
                return steps
        return 0

    def seconds(self, rate: float, steps: int) -> float:
        """Time the whole call that does so many updates, in processor time."""
        began = time.process_time()
        self.descend(rate, steps)
        return time.process_time() - began


def print_table(repetitions: int) -> bool:
    """Print the table; tell whether the goal is met."""
    if importlib.util.find_spec("sklearn") is None:
        print("\nDigits by batches: left out, since scikit-learn is not installed.")
        return True
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    both = [Training(pixels / 16.0, digits, more) for more in ({"batch": BATCH}, {})]
    print_header("digits to 0.97 by Adam", "batches of 100", "all rows", "ratio", "goal", "met")
    best, goal = [math.inf, math.inf], Goal("at most", 1, "of theirs")
    for rate in RATES:
        steps = [training.steps(rate) for training in both]
        taken = [_seconds(training, rate, n, repetitions) for training, n in zip(both, steps, strict=True)]
        best = [min(pair) for pair in zip(best, taken, strict=True)]
        cells = [
            f"{format_seconds(s)}, {n} updates" if n else f"not within {LONGEST}"
            for s, n in zip(taken, steps, strict=True)
        ]
        print_row(f"learning_rate {rate:g}", *cells, "", "", "")
    answer = verdict([(goal, best[0] / best[1])])
    print_row("each at its best", *map(format_seconds, best), f"{best[0] / best[1]:.2f}", goal, answer)
    return answer == "yes"


def _seconds(training: Training, rate: float, steps: int, repetitions: int) -> float:
    """Return the median time; infinite when the accuracy is out of reach."""
    if not steps:
        return math.inf
    return statistics.median(training.seconds(rate, steps) for _ in range(repetitions))
