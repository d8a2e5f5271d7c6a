"""Requests over HTTP: server CPU, throughput and latency, ours beside FastAPI and Litestar.

Every server runs with two workers on 127.0.0.1; the client keeps its connections open. Server CPU is
what the operating system charges to the server's processes, so a slow client does not show in it.
"""

from __future__ import annotations

import json
import statistics
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields

import numpy as np

from benchmarks.client import Client, Load, request_of
from benchmarks.server import (
    FASTAPI,
    FASTAPI_SILENT,
    KOBAI,
    LITESTAR,
    TESSERACT,
    WORKERS,
    Running,
    Server,
    is_installed,
    running,
)
from benchmarks.steps import CHAIN
from benchmarks.table import Goal, print_header, print_row, verdict
from service.api.formats import CBOR, JSON

CONNECTIONS = 8
FEW_CONNECTIONS = 2
"""For bodies so large that a worker holds few of them at once."""
SIZES = {10: 2_000, 100_000: 80}
"""Numbers in a body, and how many requests of that size make a round."""

GOALS = {
    (FASTAPI_SILENT.name, 10): Goal("at most", 0.8, ""),
    (FASTAPI.name, 100_000): Goal("at most", 0.2, ""),
    (LITESTAR.name, 100_000): Goal("at most", 0.5, ""),
}
"""The most that ours may use of another's CPU."""

GRADIENT_P50 = Goal("at most", 0.55, "ms")
"""Half of the 1.1 ms that Tesseract Core's runtime takes for the Jacobian of the same function."""

CHAIN_SIZES = 100_000, 800_000
NOT_COUNTED = 3
"""Rounds at the beginning: connections fall on workers by chance, and the first large body of each takes
half as long again, as all of its memory is new."""
CHAIN_GROWTH = Goal("at most", 1.3, "times")
"""A number of the larger array may cost this many times one of the smaller."""

BESIDE_DESCENTS_P99 = Goal("at most", 25, "ms")

FORMATS = {
    100_000: (160, Goal("at most", 0.35, "of JSON")),
    1_000_000: (16, Goal("at most", 0.2, "of JSON")),
}
"""Numbers in a body, how many requests make a round, and the most that CBOR may use of the CPU of JSON."""

BODIES = (1_000, 10_000, 100_000, 1_000_000, 16_000_000)
GROWTH = Goal("at most", 2, "times")
"""A byte of the largest body may cost this many times a byte of 1 MB; below, the request itself counts."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round of requests cost: server CPU and rate, and the times of the client."""

    cpu_us: float
    per_second: float
    p50_ms: float
    p99_ms: float


def measure(server: Running, request: bytes, count: int, connections: int = CONNECTIONS) -> Figures:
    """Send requests over several connections and return what they cost."""
    load = Load(server.port, request, count, connections)
    before = server.cpu_seconds()
    took = load.run()
    used = server.cpu_seconds() - before
    sent = len(load.times)
    return Figures(1e6 * used / sent, sent / took, 1e3 * load.quantile(0.5), 1e3 * load.quantile(0.99))


def middle(rounds: Sequence[Figures]) -> Figures:
    """Return the medians of several rounds."""
    return Figures(
        *(statistics.median(getattr(row, each.name) for row in rounds) for each in fields(Figures))
    )


def print_tables(rounds: int) -> bool:
    """Print all tables; tell whether the goals are met."""
    answers = [
        _print_servers(rounds),
        _print_formats(rounds),
        _print_gradient(rounds),
        _print_chain(rounds),
        _print_beside_descents(),
        _print_bodies(),
    ]
    return "NO" not in {answer for found in answers for answer in found}


def _print_servers(rounds: int) -> list[str]:
    servers = [each for each in (KOBAI, FASTAPI, FASTAPI_SILENT, LITESTAR) if is_installed(each)]
    print_header(
        "/softmax", "server", "server CPU a request", "ours / theirs", "goal", "met", "a second", "p50", "p99"
    )
    answers = []
    for size, count in SIZES.items():
        body = json.dumps({"x": np.random.default_rng(0).normal(size=size).tolist()}).encode()
        found = _in_turn(dict.fromkeys(servers, request_of("/softmax", body)), count, CONNECTIONS, rounds)
        for name, row in found.items():
            ratio = found[KOBAI.name].cpu_us / row.cpu_us
            goals = [(GOALS[name, size], ratio)] if (name, size) in GOALS else []
            answers.append(verdict(goals))
            print_row(
                f"{size:,} numbers",
                name,
                f"{row.cpu_us:,.0f} us",
                f"{ratio:.2f}",
                *(goal for goal, _ in goals or [("", 0)]),
                verdict(goals),
                f"{row.per_second:,.0f}",
                f"{row.p50_ms:.2f} ms",
                f"{row.p99_ms:.2f} ms",
            )
    return answers


def _print_formats(rounds: int) -> list[str]:
    """Print what the same array costs as CBOR and as JSON, there and back."""
    print_header("/softmax", "as JSON", "as CBOR", "CBOR / JSON", "goal", "met", "p50 JSON", "p50 CBOR")
    answers = []
    with running(KOBAI) as server:
        for size, (count, goal) in FORMATS.items():
            # of all digits, a million numbers are more text than a body may have
            document = {"x": np.random.default_rng(0).normal(size=size).round(12)}
            requests = [
                request_of("/softmax", each.dumps(document), each.media_type) for each in (JSON, CBOR)
            ]
            for request in requests:
                measure(server, request, FEW_CONNECTIONS, FEW_CONNECTIONS)
            rows = [
                [measure(server, request, count, FEW_CONNECTIONS) for request in requests]
                for _ in range(rounds)
            ]
            as_json, as_cbor = (middle(row) for row in zip(*rows, strict=True))
            goals = [(goal, statistics.median(cbor.cpu_us / text.cpu_us for text, cbor in rows))]
            answers.append(verdict(goals))
            cells = [f"{each.cpu_us:,.0f} us" for each in (as_json, as_cbor)]
            times = [f"{each.p50_ms:.1f} ms" for each in (as_json, as_cbor)]
            print_row(f"{size:,} numbers", *cells, f"{goals[0][1]:.2f}", goal, verdict(goals), *times)
    return answers


def _in_turn(requests: dict[Server, bytes], count: int, connections: int, rounds: int) -> dict[str, Figures]:
    """Measure all servers in turn, each round anew, so that a drift of the machine touches all."""
    with ExitStack() as stack:
        started = {each: stack.enter_context(running(each)) for each in requests}
        for each, server in started.items():
            measure(server, requests[each], count, connections)
        rows = [
            {
                each.name: measure(server, requests[each], count, connections)
                for each, server in started.items()
            }
            for _ in range(rounds)
        ]
    return {each.name: middle([row[each.name] for row in rows]) for each in started}


def _print_gradient(rounds: int) -> list[str]:
    """Print the gradient of the seed's function, beside the Jacobian of Tesseract Core when it is there."""
    ours = json.dumps({"function": "x[0]**2 + x[1]**2", "variables": {"x": [3, 4]}}).encode()
    theirs = json.dumps({"inputs": {"x": [3, 4]}, "jac_inputs": ["x"], "jac_outputs": ["value"]}).encode()
    requests = {KOBAI: request_of("/gradient", ours), TESSERACT: request_of("/jacobian", theirs)}
    found = _in_turn({each: requests[each] for each in requests if is_installed(each)}, 250, 1, 4 * rounds)
    p50_ms = found[KOBAI.name].p50_ms
    goals = [(GRADIENT_P50, p50_ms)]
    if TESSERACT.name in found:
        goals = [(Goal("at most", 0.5, "of Tesseract's"), p50_ms / found[TESSERACT.name].p50_ms)]
    print_header("the seed's gradient, one connection", "p50", "p99", "server CPU a request", "goal", "met")
    for name, row in found.items():
        own = goals if name == KOBAI.name else []
        cells = f"{row.p50_ms:.3f} ms", f"{row.p99_ms:.3f} ms", f"{row.cpu_us:,.0f} us"
        print_row(name, *cells, *(goal for goal, _ in own or [("", 0)]), verdict(own))
    return [verdict(goals)]


def _print_chain(rounds: int) -> list[str]:
    """Print the gradient of a chain of cheap operations on two arrays: memory costs more than numbers."""
    print_header("/gradient of a chain", "server CPU a request", "an element", "of the first", "goal", "met")
    requests = {size: _chain_request(size) for size in CHAIN_SIZES}
    found: dict[int, list[float]] = {size: [] for size in CHAIN_SIZES}
    with running(KOBAI) as server:
        for size in CHAIN_SIZES * (NOT_COUNTED + 2 * rounds + 1):
            count = 4 * max(CHAIN_SIZES) // size
            found[size].append(measure(server, requests[size], count, WORKERS).cpu_us)
    each = {size: statistics.median(times[NOT_COUNTED:]) / size for size, times in found.items()}
    first = each[CHAIN_SIZES[0]]
    for size, cpu_us in each.items():
        goals = [(CHAIN_GROWTH, cpu_us / first)] if size == CHAIN_SIZES[-1] else []
        cells = f"{cpu_us * size:,.0f} us", f"{1e3 * cpu_us:.1f} ns", f"{cpu_us / first:.2f}"
        print_row(f"{size:,} numbers", *cells, *(goal for goal, _ in goals or [("", 0)]), verdict(goals))
    return [verdict([(CHAIN_GROWTH, each[CHAIN_SIZES[-1]] / first)])]


def _chain_request(size: int) -> bytes:
    numbers = np.random.default_rng(0).normal(size=size).tolist()
    return request_of("/gradient", json.dumps({"function": CHAIN, "variables": {"x": numbers}}).encode())


def _print_beside_descents() -> list[str]:
    """Small requests alone, and while every worker computes a descent."""
    small = request_of("/softmax", b'{"x": [0.3, 2.9, 4.0]}')
    descent = {
        "function": "x[0]**2 + x[1]**2",
        "variables": {"x": [3, 4]},
        "learning_rate": 1e-9,
        "steps": 100_000,
        "optimizer": "adam",
        "history": 2,
    }
    long = request_of("/descent", json.dumps(descent).encode())
    with running(KOBAI) as server:
        measure(server, small, 500, 4)
        alone = measure(server, small, 2_000, 4)
        with _descents(server, long, 2 * WORKERS):
            beside = measure(server, small, 2_000, 4)
    goals = [(BESIDE_DESCENTS_P99, beside.p99_ms)]
    print_header("small /softmax, 4 connections", "p50", "p99", "goal", "met")
    print_row("alone", f"{alone.p50_ms:.2f} ms", f"{alone.p99_ms:.2f} ms", "", "")
    cells = f"{beside.p50_ms:.2f} ms", f"{beside.p99_ms:.2f} ms", BESIDE_DESCENTS_P99, verdict(goals)
    print_row("while long descents run on every worker", *cells)
    return [verdict(goals)]


def _descents(server: Running, request: bytes, connections: int) -> ExitStack:
    """Keep descents running until the block ends."""
    is_over = threading.Event()

    def repeat() -> None:
        client = Client(server.port)
        while not is_over.is_set():
            client.send(request)
        client.close()

    threads = [threading.Thread(target=repeat) for _ in range(connections)]
    for thread in threads:
        thread.start()
    stack = ExitStack()
    for thread in threads:
        stack.callback(thread.join)
    stack.callback(is_over.set)
    return stack


def _print_bodies() -> list[str]:
    """Print how cost grows with the body, and what the parts of it are by the server's own clock."""
    print_header(
        "/softmax body", "server CPU a request", "a byte", "parse", "compute", "write", "largest part", "met"
    )
    rows = {}
    with running(KOBAI) as server:
        for size in BODIES:
            numbers = np.random.default_rng(0).normal(size=max(1, size // 21))
            body = json.dumps({"x": numbers.tolist()}).encode()
            request = request_of("/softmax", body)
            measure(server, request, CONNECTIONS)
            row = measure(server, request, max(16, min(2_000, 40_000_000 // size)))
            rows[len(body)] = row.cpu_us / len(body), row.cpu_us, _parts(server, request)
    of_a_megabyte = rows[sorted(rows)[-2]][0]
    answers = []
    for size, (per_byte, cpu_us, parts) in rows.items():
        goals = [(GROWTH, per_byte / of_a_megabyte)] if size == max(rows) else []
        answers.append(verdict(goals))
        cells = [f"{1e3 * parts[name]:,.0f} us" for name in ("parse", "compute", "dump")]
        part = max(parts, key=lambda name: parts[name])
        print_row(
            f"{size:,} bytes", f"{cpu_us:,.0f} us", f"{1e3 * per_byte:.2f} ns", *cells, part, verdict(goals)
        )
    return answers


def _parts(server: Running, request: bytes) -> dict[str, float]:
    """Return the medians of the server's own timings, in milliseconds."""
    client = Client(server.port)
    found: dict[str, list[float]] = {}
    for _ in range(15):
        for part in client.send(request).header("Server-Timing").split(", "):
            name, _, duration = part.partition(";dur=")
            found.setdefault(name, []).append(float(duration))
    client.close()
    return {name: statistics.median(values) for name, values in found.items()}
