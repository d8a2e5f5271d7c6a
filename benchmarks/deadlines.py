"""``python -m benchmarks.deadlines``: whether the most expensive bodies that are accepted keep a deadline.

Each body is sent 100 times with ``deadline_ms`` 200; the time is from its last byte to the last byte of
the answer. Then the longest descent: 100,000 steps of the seed's function with 1,000 records.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.server.running import Server

DEADLINE_MS, GOAL_MS = 200, 400
LONGEST_SECONDS = 2.0
SQUARE = "x[0]**2 + x[1]**2"
SINES = "+".join(f"sin(x*{count})" for count in range(220))
LOOP = "s = 0.5*x\nfor k in range(1, 4900): s = s + sin(k*x)\nsum(s)"
RATES = [1e-9 * (count + 1) for count in range(64)]


def body(
    function: str, variables: dict[str, str], constants: dict[str, str] | None = None, **more: object
) -> bytes:
    """Write a request; tensors come as text, since most are too large to make anew each time."""
    options = {"function": function, "steps": 100_000, "deadline_ms": DEADLINE_MS} | more
    members = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in options.items()]
    for field, tensors in (("variables", variables), ("constants", constants or {})):
        members.append(
            f'"{field}": {{' + ", ".join(f'"{name}": {text}' for name, text in tensors.items()) + "}"
        )
    return f"{{{', '.join(members)}}}".encode()


def vector(size: int, number: str = "0.5") -> str:
    return f"[{','.join([number] * size)}]"


def matrix(rows: int, columns: int) -> str:
    return f"[{','.join([vector(columns)] * rows)}]"


HUGE = "1e300"
BODIES = {
    "the largest product of matrices": body(
        "sum((X @ W)**2)", {"W": matrix(1000, 99)}, {"X": matrix(1000, 1000)}, learning_rate=1e-12
    ),
    "products of constants alone": body(
        "sum((X @ Y)[0]*w)", {"w": vector(99)}, {"X": matrix(1000, 1000), "Y": matrix(1000, 99)}
    ),
    "slow functions of a million numbers": body(
        "mean(X**w) + mean(tan(Y*w)) + mean(arcsin(tanh(X*w)))",
        {"w": "0.5"},
        {"X": vector(1_000_000, "1e-310"), "Y": vector(1_000_000, HUGE)},
    ),
    "the largest model that can be answered": body(
        "mean((x - 1)**2)", {"x": vector(400_000)}, learning_rate=0.1
    ),
    "the same, of a slow function": body("mean(sin(1e300*x))", {"x": vector(400_000)}, learning_rate=1e-320),
    "the same with Adam": body(
        "mean((x - 1)**2)", {"x": vector(270_000)}, optimizer="adam", learning_rate=0.001
    ),
    "the largest history": body("mean((x - 1)**2)", {"x": vector(2_000)}, learning_rate=0.1, history=1000),
    "a long text on numbers": body(SINES, {"x": "0.5"}, learning_rate=1e-9),
    "a long text on arrays": body(f"sum({SINES})", {"x": vector(100_000)}, learning_rate=1e-9),
    "a long text, central": body(f"sum({SINES})", {"x": vector(100)}, method="central", learning_rate=1e-9),
    "a loop of 4,900 rounds": body(LOOP, {"x": vector(30)}, learning_rate=1e-9),
    "the same on larger arrays": body(LOOP, {"x": vector(600)}, learning_rate=1e-9),
    "central, a large variable": body("sum(x**2)", {"x": vector(30_000)}, method="central"),
    "floats that raise at every step": body(
        "x + where(x > -600, exp(-x), 0)", {"x": "-700"}, learning_rate=1e-6
    ),
}
SWEEPS = {
    "64 runs with 1,000 records": body(SQUARE, {"x": "[-3,4]"}, history=1000, learning_rates=RATES),
    "64 runs, the largest answer": body(
        "sum(x**2)", {"x": vector(5_000)}, optimizer="adam", learning_rates=RATES
    ),
    "64 runs of a slow function": body(
        "sum((X @ W)**2)", {"W": matrix(300, 10)}, {"X": matrix(1000, 300)}, learning_rates=RATES
    ),
}

PATHS = {"/descent": BODIES, "/descent/sweep": SWEEPS}


def main() -> int:
    """Print the tables; the exit status is 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100, help="for each body")
    parser.add_argument("--only", choices=PATHS, help="one endpoint's bodies alone")
    options = parser.parse_args()
    paths = {options.only: PATHS[options.only]} if options.only else PATHS
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            met = print_deadlines(server, paths, options.requests)
            met &= print_longest(server)
        finally:
            server.stop()
    return 0 if met else 1


def print_deadlines(server: Server, paths: dict[str, dict[str, bytes]], count: int) -> bool:
    """Print how long each body takes; tell whether the 99th percentile of all is within the goal."""
    print(f"\ndeadline_ms {DEADLINE_MS}, {count} requests for each body\n")
    print("| body | MB in | MB out | answers | p50 ms | p99 ms | goal |\n|---|---|---|---|---|---|---|")
    worst = 0.0
    for path, bodies in paths.items():
        for name, data in bodies.items():
            answers = [timed(server, path, data) for _ in range(count)]
            times = sorted(1000 * took for took, _, _ in answers)
            seen = Counter(word for _, word, _ in answers)
            words = ", ".join(f"{number} {word}" for word, number in seen.most_common())
            sizes = f"{len(data) / 1e6:.1f} | {max(size for _, _, size in answers) / 1e6:.1f}"
            p99 = times[min(len(times) - 1, int(0.99 * len(times)))]
            worst = max(worst, p99)
            print(
                f"| {name} | {sizes} | {words} | {times[len(times) // 2]:.0f} | {p99:.0f} | {GOAL_MS} |",
                flush=True,
            )
    return worst <= GOAL_MS


def timed(server: Server, path: str, data: bytes) -> tuple[float, str, int]:
    """Send a body; return the seconds from its last byte, what the answer is, and its bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(data))}
    connection.putrequest("POST", path)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(data[:-1])
    connection.send(data[-1:])
    began = time.perf_counter()
    response = connection.getresponse()
    answer = response.read()
    took = time.perf_counter() - began
    connection.close()
    return took, str(response.status), len(answer)


def print_longest(server: Server) -> bool:
    """Print the longest descent; tell whether it is within the goal."""
    data = body(SQUARE, {"x": "[-3,4]"}, history=1000, learning_rate=1e-9, deadline_ms=25_000)
    times = sorted(timed(server, "/descent", data)[0] for _ in range(11))
    print("\n| descent | median | slowest | goal |\n|---|---|---|---|")
    print(f"| 100,000 steps, 1,000 records | {times[5]:.3f} s | {times[-1]:.3f} s | {LONGEST_SECONDS} s |")
    return times[-1] <= LONGEST_SECONDS


if __name__ == "__main__":
    sys.exit(main())
