"""``python -m benchmarks capacity``: what one core answers, for planning replicas."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from benchmarks.client import request_of
from benchmarks.http import CONNECTIONS, measure, middle
from benchmarks.server import KOBAI, running
from benchmarks.table import print_header, print_row

RATE, BUSY = 1_000, 0.7
"""Requests a second to plan for, and the share of a core that replicas are to use."""


def _numbers(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).tolist()


SQUARE = {"function": "x[0]**2 + x[1]**2", "variables": {"x": [3.0, 4.0]}}
REGRESSION = {
    "function": "mean(cross_entropy(softmax(X @ W), t))",
    "variables": {"W": _numbers(20, 5)},
    "constants": {"X": _numbers(200, 20), "t": [row % 5 for row in range(200)]},
}
KINDS: dict[str, tuple[str, dict[str, Any], int]] = {
    "`/softmax`, 10 numbers": ("/softmax", {"x": _numbers(10)}, 2_000),
    "`/gradient`, 2 variables": ("/gradient", SQUARE, 2_000),
    "`/descent`, 2 variables, 100 steps": ("/descent", SQUARE | {"learning_rate": 0.1, "steps": 100}, 1_000),
    "`/gradient`, softmax regression, 200 rows of 20": ("/gradient", REGRESSION, 400),
    "`/descent`, the same, 100 steps": ("/descent", REGRESSION | {"steps": 100}, 40),
    "`/softmax`, 100,000 numbers": ("/softmax", {"x": _numbers(100_000)}, 80),
}
"""By what a request does: its path, its body, and how many make a round."""


def print_table(rounds: int) -> bool:
    """Print processor time and requests a second of a core; there is nothing to meet."""
    print_header("request", "CPU each", "a core's requests/s", f"cores for {RATE:,}/s")
    with running(KOBAI) as server:
        for name, (path, body, count) in KINDS.items():
            request = request_of(path, json.dumps(body).encode())
            measure(server, request, count, CONNECTIONS)
            row = middle([measure(server, request, count, CONNECTIONS) for _ in range(rounds)])
            of_core = 1e6 / row.cpu_us
            print_row(
                name, f"{row.cpu_us / 1e3:.2f} ms", f"{of_core:,.0f}", str(math.ceil(RATE / (BUSY * of_core)))
            )
    return True
