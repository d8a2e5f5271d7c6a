"""``python -m benchmarks.server_load``: small requests beside other load and under faults."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.client import request_of
from benchmarks.load import (
    CHAIN,
    NETWORK,
    SMALL,
    Figures,
    closed_loop,
    descents,
    idle,
    slow_readers,
    slow_senders,
)
from benchmarks.server import Running
from tests.server.load import call, finish
from tests.server.running import Server

GOAL_P99_MS = 15
SMALL_REQUEST = request_of("/softmax", json.dumps(SMALL).encode())
DESCENTS_PER_WORKER = 4
"""Enough that the kernel's spreading of connections leaves no worker without one."""


def main() -> int:
    """Print the tables; the exit status is 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="for each row")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--only", choices=TABLES, help="one table alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = [options.only] if options.only else TABLES
        met = [TABLES[name](Path(folder), options.workers, options.seconds) for name in names]
    return 0 if all(met) else 1


def start(folder: Path, workers: int, kind: str = "asgi") -> Server:
    """Start the service."""
    return Server(folder, WEB_CONCURRENCY=str(workers), KOBAI_WORKER_CLASS=kind)


def print_throughput(folder: Path, workers: int, seconds: float) -> bool:
    """Compare the two worker classes; tell whether asgi is the faster one."""
    print(f"\nSmall /softmax, {workers} workers\n")
    print(
        "| worker | connections | requests/s | CPU us/request | p50 ms | p99 ms |\n|---|---|---|---|---|---|"
    )
    rates: dict[tuple[str, int], float] = {}
    for kind in ("asgi", "gthread"):
        server = start(folder, workers, kind)
        for connections in (1, 16):
            seen = closed_loop(Running(server.port, server.process.pid), SMALL_REQUEST, connections, seconds)
            rates[kind, connections] = seen.per_second
            cells = f"{seen.per_second:.0f} | {seen.cpu_us:.0f} | {seen.p50_ms:.2f} | {seen.p99_ms:.2f}"
            print(f"| {kind} | {connections} | {cells} |", flush=True)
        server.stop()
    return rates["asgi", 16] > rates["gthread", 16]


def print_company(folder: Path, workers: int, seconds: float) -> bool:
    """Measure small requests on four connections beside all kinds of load; tell whether the goal is met."""
    print(f"\nSmall /softmax on 4 connections, {workers} workers\n")
    print(
        "| worker | with | requests/s | p50 ms | p99 ms | worst ms | not 200 |\n|---|---|---|---|---|---|---|"
    )
    worst = 0.0
    for kind in ("asgi", "gthread"):
        server = start(folder, workers, kind)
        for what in COMPANY if kind == "asgi" else ("nothing", "connections", "chain"):
            seen = _with_company(server, what, workers, seconds)
            if kind == "asgi":
                worst = max(worst, seen.p99_ms)
            cells = f"{seen.per_second:.0f} | {seen.p50_ms:.2f} | {seen.p99_ms:.2f} | {seen.worst_ms:.1f}"
            print(f"| {kind} | {COMPANY[what]} | {cells} | {seen.failed} |", flush=True)
        server.stop(signal.SIGINT)
    print(f"\nGoal: p99 at most {GOAL_P99_MS} ms with asgi; highest {worst:.1f} ms")
    return worst <= GOAL_P99_MS


COMPANY = {
    "nothing": "nothing else",
    "connections": "200 idle connections, 50 slow senders, 4 slow readers",
    "chain": "long descents on numbers on every worker",
    "network": "long descents on arrays on every worker",
    "all": "connections and descents on numbers",
}


def _with_company(server: Server, what: str, workers: int, seconds: float) -> Figures:
    with ExitStack() as stack:
        if what in ("connections", "all"):
            stack.enter_context(idle(server.port, 200))
            stack.enter_context(slow_senders(server.port, 50))
            stack.enter_context(slow_readers(server.port, 4))
        if what in ("chain", "network", "all"):
            value = NETWORK if what == "network" else CHAIN
            stack.enter_context(descents(server.port, DESCENTS_PER_WORKER * workers, value))
        return closed_loop(Running(server.port, server.process.pid), SMALL_REQUEST, 4, seconds)


BEFORE_A_FAULT = 2_000
"""Requests answered before something happens."""

DEADLINE_MS = 500
GOAL_OVERRUN_MS = 200

DEADLINES: dict[str, tuple[str, dict[str, object]]] = {
    "a descent on numbers": ("/descent", CHAIN | {"variables": {"x": [-1.2, 1.0] * 20}}),
    "a descent on arrays": ("/descent", NETWORK),
    "a sweep of 64 on numbers": (
        "/descent/sweep",
        {key: value for key, value in CHAIN.items() if key != "learning_rate"}
        | {"learning_rates": [1e-6] * 64},
    ),
    "products of two matrices of 360 by 360": (
        "/descent",
        {
            "function": "sum((A @ (x * B)) ** 2)",
            "variables": {"x": [1.0] * 360},
            "constants": {name: [[0.001] * 360] * 360 for name in "AB"},
            "learning_rate": 1e-9,
            "steps": 100_000,
        },
    ),
    "exponentials of a million numbers": (
        "/descent",
        {
            "function": "mean(exp(x * c))",
            "variables": {"x": 1.0},
            "constants": {"c": [0.5] * 1_000_000},
            "learning_rate": 1e-9,
            "steps": 100_000,
        },
    ),
}


def print_deadlines(folder: Path, workers: int, _: float) -> bool:
    """Let long work run into its deadline; tell whether every answer came in time."""
    print(f"\nAfter the deadline of {DEADLINE_MS} ms, worst of 5, one at a time\n")
    print("| work | answer | late by ms |\n|---|---|---|")
    server = start(folder, workers)
    worst = 0.0
    for name, (path, value) in DEADLINES.items():
        body = json.dumps(value | {"deadline_ms": DEADLINE_MS})
        answers = [_late_ms(server, path, body) for _ in range(5)]
        late = max(each for _, each in answers)
        worst = max(worst, late)
        print(f"| {name} | {answers[-1][0]} | {late:.0f} |", flush=True)
    server.stop()
    print(f"\nGoal: at most {GOAL_OVERRUN_MS} ms late; highest {worst:.0f} ms")
    return worst <= GOAL_OVERRUN_MS


def _late_ms(server: Server, path: str, body: str) -> tuple[str, float]:
    """Send a request; return its outcome and how long after the deadline the answer was there."""
    connection = server.connect()
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    sent = time.perf_counter()
    answer = json.loads(connection.getresponse().read())
    late = 1e3 * (time.perf_counter() - sent) - DEADLINE_MS
    connection.close()
    return answer.get("status") or f"{len(answer['runs'])} runs", late


def print_faults(folder: Path, workers: int, _: float) -> bool:
    """Kill, restart and stop under load; tell whether no request failed that should not have."""
    print("\nFaults, 8 clients without a pause\n")
    print("| what happened | answered | failed | allowed to fail |\n|---|---|---|---|")
    met = True
    for name, number in (
        ("SIGKILL of a worker", signal.SIGKILL),
        ("rolling restart by SIGHUP", signal.SIGHUP),
        ("stop by SIGTERM", signal.SIGTERM),
    ):
        statuses, failures, allowed = _with_fault(start(folder, workers), number)
        failed = len(failures) + sum(status != 200 for status in statuses)
        met &= failed <= allowed
        print(f"| {name} | {len(statuses)} | {failed} | {allowed} |", flush=True)
    return met


def _with_fault(server: Server, number: signal.Signals) -> tuple[list[int], list[str], int]:
    """Return the statuses, the failures, and how many requests a killed worker takes along.

    Of each client that it serves: the request in flight, and the next one, where the kernel still gives it to
    the socket that is being closed.
    """
    lost = 0
    clients = call(server.port, 8, [("POST", "/softmax", b'{"x": [1, 2, 3]}')])
    while sum(len(client.statuses) for client in clients) < BEFORE_A_FAULT:
        time.sleep(0.05)
    if number == signal.SIGKILL:
        victim = max(server.workers(), key=lambda pid: len(server.clients(pid)))
        lost = 2 * len(server.clients(victim))
        os.kill(victim, number)
    elif number == signal.SIGHUP:
        server.process.send_signal(number)
    else:
        server.stop(number)
    time.sleep(3)
    statuses, failures = finish(clients)
    server.stop()
    return statuses, failures, lost


TABLES = {
    "throughput": print_throughput,
    "company": print_company,
    "deadlines": print_deadlines,
    "faults": print_faults,
}


if __name__ == "__main__":
    sys.exit(main())
