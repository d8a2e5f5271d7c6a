"""``python -m benchmarks.soak``: mixed load for a long time, and the curves of memory and open files."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from benchmarks.load import CHAIN, NETWORK
from tests.server.load import call, finish
from tests.server.running import Server

MIB = 1024 * 1024
GOAL_MIB, GOAL_FILES = 50, 8
CLIENTS = 8

SQUARE = {"function": "x[0]**2 + x[1]**2", "variables": {"x": [3, 4]}}


class Look(NamedTuple):
    """What the process tree holds at a time: memory in MiB, open files and sockets."""

    seconds: float
    memory: float
    files: int


MIX: list[tuple[str, object, int]] = [
    ("/softmax", {"x": [[0.1 * k for k in range(10)]] * 10}, 20),
    ("/sigmoid", {"x": [0.1 * k for k in range(100)]}, 20),
    ("/gradient", SQUARE, 20),
    ("/gradient", SQUARE | {"method": "central", "verify": True}, 10),
    ("/loss", {"loss": "cross_entropy", "predictions": [[0.1, 0.9]] * 20, "targets": [1] * 20}, 10),
    ("/descent", SQUARE | {"optimizer": "adam", "history": 20}, 10),
    ("/descent", CHAIN | {"steps": 5_000}, 2),
    ("/descent", NETWORK | {"steps": 20}, 2),
    ("/descent/sweep", SQUARE | {"learning_rates": [0.001, 0.1, 10.0]}, 2),
    ("/softmax", {"x": [0.5 + k for k in range(100_000)]}, 4),
    ("/softmax", {"x": [0.25] * 1_000_000}, 1),
    ("/gradient", {"function": "x +", "variables": {"x": 1}}, 5),
    ("/softmax", {"x": "no array"}, 5),
    ("/gradient", {"function": "sum(x @ x)", "variables": {"x": [[0.5] * 200] * 200}}, 2),
]
"""What each client sends in turn: path, value and how often. Small and large, right and wrong."""


def main() -> int:
    """Print the curves each half minute; the exit status is 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    requests = [
        ("POST", path, json.dumps(value).encode()) for path, value, count in MIX for _ in range(count)
    ]
    requests = [requests[place] for place in np.random.default_rng(0).permutation(len(requests))]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), WEB_CONCURRENCY=str(options.workers), KOBAI_LOG_LEVEL="warning")
        clients = call(server.port, CLIENTS, requests)
        curve = watch(server, 60 * options.minutes)
        statuses, failures = finish(clients)
        server.stop()
    return 0 if print_verdict(curve, Counter(statuses), failures) else 1


def watch(server: Server, seconds: float) -> list[Look]:
    """Print and return what the process tree holds over time."""
    print("| minute | memory of the process tree, MiB | open files |\n|---|---|---|")
    start = time.monotonic()
    curve: list[Look] = []
    while (now := time.monotonic() - start) < seconds:
        curve.append(Look(now, server.memory() / MIB, open_files(server)))
        if len(curve) % 30 == 1:
            print(f"| {now / 60:.1f} | {curve[-1].memory:.0f} | {curve[-1].files} |", flush=True)
        time.sleep(1)
    return curve


def open_files(server: Server) -> int:
    """Count the open files and sockets of all processes."""
    pids = (server.process.pid, *server.workers())
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


def print_verdict(curve: list[Look], statuses: Counter[int], failures: list[str]) -> bool:
    """Print what was answered and how far memory and files grew; tell whether the goals are met."""
    end = curve[-1].seconds
    early = [look for look in curve if 0.2 * end <= look.seconds < 0.3 * end]
    late = [look for look in curve if look.seconds >= 0.9 * end]
    memory = median(look.memory for look in late) - median(look.memory for look in early)
    files = median(look.files for look in late) - median(look.files for look in early)
    broken = sum(count for status, count in statuses.items() if status >= 500)
    print(f"\n{sum(statuses.values())} answers in {end / 60:.1f} minutes: {dict(sorted(statuses.items()))}")
    print(f"5xx: {broken} (goal: 0), connections broken: {len(failures)} (goal: 0)")
    print(f"Memory, from a fifth of the time to its end: {memory:+.0f} MiB (goal: below {GOAL_MIB})")
    print(f"Open files: {files:+.0f} (goal: below {GOAL_FILES})")
    return broken == 0 and not failures and memory < GOAL_MIB and files < GOAL_FILES


if __name__ == "__main__":
    sys.exit(main())
