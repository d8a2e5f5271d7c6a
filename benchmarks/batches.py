"""Digits learnt by batches of rows beside all rows at every update: processor time to the same accuracy."""

from __future__ import annotations

import importlib.util
import math
import statistics
import time
from typing import Any

import numpy as np

from benchmarks.table import Goal, format_seconds, print_header, print_row, verdict
from service.core import descent

FUNCTION = "h = sigmoid(X @ W1 + b1); mean(cross_entropy(softmax(h @ W2 + b2), t))"
ACCURACY = 0.97
LONGEST = 200
EVERY = 5
"""Steps between two looks at the accuracy, which are not timed."""
RATES = (0.02, 0.05, 0.1, 0.2)
BATCH = {"size": 100, "of": ["X", "t"], "seed": 0}


def seconds_to_accuracy(pixels: Any, digits: Any, rate: float, **more: Any) -> float:
    """Train from one start until enough digits are right; processor time, infinite when they never are."""
    random = np.random.default_rng(0)
    start = {
        "W1": random.normal(size=(64, 32)) / 8,
        "b1": np.zeros(32),
        "W2": random.normal(size=(32, 10)) / 6,
        "b2": np.zeros(10),
    }
    data, state, spent = {"X": pixels, "t": digits.astype(float)}, None, 0.0
    options = {"optimizer": "adam", "learning_rate": rate, "steps": EVERY} | more
    for _ in range(0, LONGEST, EVERY):
        began = time.process_time()
        answer = descent(FUNCTION, start, data, state=state, **options)
        spent += time.process_time() - began
        state, (W1, b1, W2, b2) = answer["state"], answer["variables"].values()
        hidden = 1.0 / (1.0 + np.exp(-(pixels @ W1 + b1)))
        if np.mean(np.argmax(hidden @ W2 + b2, axis=1) == digits) >= ACCURACY:
            return spent
    return math.inf


def print_table(repetitions: int) -> bool:
    """Print the table; tell whether the goal is met."""
    if importlib.util.find_spec("sklearn") is None:
        print("\nDigits by batches: left out, since scikit-learn is not installed.")
        return True
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    pixels = pixels / 16.0
    seconds_to_accuracy(pixels, digits, RATES[1], batch=BATCH)
    taken, goal = [], Goal("at most", 1, "of theirs")
    for _ in range(repetitions):
        whole = min(seconds_to_accuracy(pixels, digits, rate) for rate in RATES)
        taken.append((seconds_to_accuracy(pixels, digits, RATES[1], batch=BATCH), whole))
    ours, theirs = (statistics.median(each[side] for each in taken) for side in (0, 1))
    ratio = statistics.median(batch / whole for batch, whole in taken)
    answer = verdict([(goal, ratio)])
    print_header(
        "digits to 0.97 by Adam", "batches of 100", "all rows, best of four rates", "ratio", "goal", "met"
    )
    print_row("processor time", format_seconds(ours), format_seconds(theirs), f"{ratio:.2f}", goal, answer)
    return answer == "yes"
