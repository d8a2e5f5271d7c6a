"""Requests over HTTP: server CPU, throughput and latency, ours beside FastAPI and Litestar.

Every server runs with two workers on 127.0.0.1; the client keeps its connections open. Server CPU is
what the operating system charges to the server's processes, so a slow client does not show in it.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
CONNECTIONS = 8
ROUNDS = 5
WORKERS = 2

SERVERS = {
    "Kobai": [sys.executable, "-m", "service"],
    "FastAPI, def": [sys.executable, "-m", "uvicorn", "benchmarks.peers.fastapi_peer:app", "--no-access-log"],
    "Litestar": [sys.executable, "-m", "uvicorn", "benchmarks.peers.litestar_peer:app", "--no-access-log"],
}
NEEDS = {"FastAPI, def": ("fastapi", "uvicorn"), "Litestar": ("litestar", "uvicorn")}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round of requests cost."""

    cpu_us: float
    per_second: float
    p50_ms: float
    p99_ms: float


def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(name: str) -> Iterator[tuple[int, int]]:
    """Run a server; yields its port and process id."""
    port = free_port()
    command = list(SERVERS[name])
    if name != "Kobai":
        command += ["--port", str(port), "--workers", str(WORKERS), "--log-level", "warning"]
    environment = {**os.environ, "PORT": str(port), "WEB_CONCURRENCY": str(WORKERS)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                time.sleep(1)  # the second worker
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")


def cpu_seconds(pid: int) -> float:
    """Sum the processor time of a process and all below it."""
    parents: dict[int, list[int]] = {}
    times: dict[int, float] = {}
    ticks = os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
            times[int(entry.name)] = (int(fields[11]) + int(fields[12])) / ticks
    waiting, total = [pid], 0.0
    while waiting:
        each = waiting.pop()
        total += times.get(each, 0.0)
        waiting += parents.get(each, [])
    return total


def send(port: int, path: str, body: bytes, count: int, times: list[float]) -> None:
    """Send requests one after the other over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Content-Type": "application/json"}
    for _ in range(count):
        start = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - start)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
    connection.close()


def measure(
    port: int, pid: int, path: str, body: bytes, count: int, connections: int = CONNECTIONS
) -> Figures:
    """Send `count` requests over several connections and return what they cost."""
    times: list[float] = []
    threads = [
        threading.Thread(target=send, args=(port, path, body, count // connections, times))
        for _ in range(connections)
    ]
    before, start = cpu_seconds(pid), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, used = time.perf_counter() - start, cpu_seconds(pid) - before
    ordered = sorted(times)
    return Figures(
        1e6 * used / len(times),
        len(times) / took,
        1e3 * ordered[len(ordered) // 2],
        1e3 * ordered[int(len(ordered) * 0.99)],
    )


def print_tables() -> bool:
    """Print the table of servers and that of sizes; tell whether the goals are met."""
    names = [name for name in SERVERS if all(importlib.util.find_spec(each) for each in NEEDS.get(name, ()))]
    small = json.dumps({"x": [0.1 * k for k in range(10)]}).encode()
    large = json.dumps({"x": np.random.default_rng(0).normal(size=100_000).tolist()}).encode()
    print("\n| /softmax | numbers | server CPU per request | requests a second | p50 | p99 |")
    print("|---|---|---|---|---|---|")
    used: dict[tuple[str, int], float] = {}
    for size, body, count in ((10, small, 2000), (100_000, large, 80)):
        for name, rows in _interleaved(names, body, count).items():
            middle = [statistics.median(getattr(row, field) for row in rows) for field in Figures.__slots__]
            used[name, size] = middle[0]
            cells = f"{middle[0]:,.0f} us | {middle[1]:,.0f} | {middle[2]:.2f} ms | {middle[3]:.2f} ms"
            print(f"| {name} | {size:,} | {cells} |", flush=True)
    _print_gradient()
    _print_sizes()
    return _print_goals(used)


def _interleaved(names: list[str], body: bytes, count: int) -> dict[str, list[Figures]]:
    """Measure all servers in turn, each round anew, so that a drift of the machine touches all."""
    rows: dict[str, list[Figures]] = {name: [] for name in names}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(running(name)) for name in names}
        for port, pid in servers.values():
            measure(port, pid, "/softmax", body, count)
        for _ in range(ROUNDS):
            for name, (port, pid) in servers.items():
                rows[name].append(measure(port, pid, "/softmax", body, count))
    return rows


def _print_gradient() -> None:
    body = json.dumps({"function": "x[0]**2 + x[1]**2", "variables": {"x": [3, 4]}}).encode()
    with running("Kobai") as (port, pid):
        measure(port, pid, "/gradient", body, 500, 1)
        p50 = statistics.median(measure(port, pid, "/gradient", body, 1000, 1).p50_ms for _ in range(ROUNDS))
    print(f"\n/gradient of the seed's function, one connection: p50 {p50:.3f} ms (goal: at most 0.55 ms)")


def _print_sizes() -> None:
    print("\n| /softmax body | server CPU per request | a byte |")
    print("|---|---|---|")
    with running("Kobai") as (port, pid):
        for size in (1_000, 10_000, 100_000, 1_000_000, 16_000_000):
            numbers = np.random.default_rng(0).normal(size=max(1, size // 21))
            body = json.dumps({"x": numbers.tolist()}).encode()
            measure(port, pid, "/softmax", body, 8)
            figures = measure(port, pid, "/softmax", body, max(16, min(2000, 40_000_000 // size)))
            cell = f"{figures.cpu_us:,.0f} us | {1e3 * figures.cpu_us / len(body):.2f} ns"
            print(f"| {len(body):,} bytes | {cell} |", flush=True)


def _print_goals(used: dict[tuple[str, int], float]) -> bool:
    goals = (("FastAPI, def", 10, 0.55), ("FastAPI, def", 100_000, 0.2), ("Litestar", 100_000, 0.5))
    met = True
    for name, size, goal in goals:
        if (name, size) in used:
            ratio = used["Kobai", size] / used[name, size]
            met &= ratio <= goal
            print(f"CPU of {size:,} numbers, ours to {name}: {ratio:.2f} (goal: at most {goal})")
    return met
