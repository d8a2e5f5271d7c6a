"""``python -m benchmarks.turns``: whether what takes little waits behind what takes long.

Beside four descents of 25 seconds on two workers: functions that the service has never seen, of several
lengths, and descents of 0.05 seconds of work. Then what the turns cost: four descents on one worker,
against one.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.load import CHAIN, NETWORK
from benchmarks.server import Running
from tests.server.running import Server

GOAL_NEW_MS, GOAL_SHORT_MS, GOAL_LOST = 50, 500, 0.05
CHARACTERS = (20, 80, 215, 1_000)
DEADLINE_MS = 25_000

CENTRAL = {
    "function": "sum((A @ x - b)**2) + sum(exp(-x**2))",
    "variables": {"x": [0.01 * k for k in range(200)]},
    "constants": {
        "A": [[((i * j) % 11 - 5) / 50 for j in range(200)] for i in range(300)],
        "b": [0.1 * (k % 7) for k in range(300)],
    },
    "method": "central",
    "learning_rate": 1e-4,
    "steps": 100_000,
    "history_variables": False,
}
"""Every step evaluates the function 401 times on arrays."""

LONG = {"central differences on arrays": CENTRAL, "on numbers": CHAIN, "a network": NETWORK}

SHORT = {
    "function": "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)",
    "variables": {"x": [-1.2, 1.0] * 50},
    "learning_rate": 1e-5,
    "steps": 1_500,
}
"""About 0.05 seconds of work."""

_numbers = itertools.count(1_000)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back: seconds of each request, and how many were not answered with 200."""

    seconds: list[float]
    failed: int

    def percentile(self, part: float) -> float:
        """Return a percentile in milliseconds."""
        ordered = sorted(self.seconds)
        return 1e3 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Descent(threading.Thread):
    """One long descent; `answer` is what came back."""

    def __init__(self, port: int, value: dict[str, object], seconds: float) -> None:
        super().__init__()
        self.answer: dict[str, object] = {}
        self._port = port
        self._body = json.dumps(value | {"deadline_ms": int(1000 * seconds)})

    def run(self) -> None:
        """Send it and wait."""
        _, self.answer = post(self._port, "/descent", self._body)


def post(port: int, path: str, body: str) -> tuple[int, dict[str, object]]:
    """Send a request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def new_function(characters: int) -> str:
    """Write a gradient of a function that nobody has sent before, of about so many characters."""
    text = f"(x[0] - {next(_numbers)})**2"
    while len(text) < characters:
        text += f" + exp(-x[1]**2)*{next(_numbers)}"
    if len(text) > characters + 10:
        text = text[: text.rindex(" + ")]
    return json.dumps({"function": text, "variables": {"x": [1.0, 2.0]}})


def short_descent() -> str:
    """Write a short descent, of a learning rate of its own."""
    return json.dumps(SHORT | {"learning_rate": 1e-5 + 1e-10 * next(_numbers)})


def seen_within(port: int, path: str, bodies: Callable[[], str], seconds: float) -> Seen:
    """Send one request after the other for some time, each on a connection of its own."""
    end = time.perf_counter() + seconds
    times: list[float] = []
    failed = 0
    while (began := time.perf_counter()) < end:
        status, _ = post(port, path, bodies())
        times.append(time.perf_counter() - began)
        failed += status != 200
    return Seen(times, failed)


def print_company(server: Server, name: str, value: dict[str, object], seconds: float) -> bool:
    """Measure what takes little beside four long descents; tell whether the goals are met."""
    company = [Descent(server.port, value, DEADLINE_MS / 1000) for _ in range(4)]
    for each in company:
        each.start()
    time.sleep(1)
    met = True
    for characters in CHARACTERS:
        seen = seen_within(server.port, "/gradient", partial(new_function, characters), seconds)
        met &= print_row(name, f"new functions of {characters} characters", seen, GOAL_NEW_MS)
    seen = seen_within(server.port, "/descent", short_descent, 2 * seconds)
    met &= print_row(name, "descents of 0.05 s of work", seen, GOAL_SHORT_MS)
    for each in company:
        each.join()
    return met and all(each.answer.get("status") == "deadline" for each in company)


def print_row(name: str, what: str, seen: Seen, goal_ms: float) -> bool:
    """Print a row; tell whether its goal is met."""
    p50, p99 = seen.percentile(0.5), seen.percentile(0.99)
    cells = f"{len(seen.seconds)} | {p50:.1f} | {p99:.1f} | {goal_ms} | {seen.failed}"
    print(f"| {name} | {what} | {cells} |", flush=True)
    return p99 <= goal_ms and not seen.failed


def steps_per_second(server: Server, company: list[Descent], used: float) -> float:
    """Return the steps of descents in a second of the processor time that the server has used since then."""
    for each in company:
        each.join()
    steps = sum(int(str(each.answer["steps"])) for each in company)
    return steps / (Running(server.port, server.process.pid).cpu_seconds() - used)


def print_lost(servers: list[Server], name: str, value: dict[str, object]) -> bool:
    """Let one descent and four run at the same time, each on a worker; tell whether the goal is met."""
    before = [Running(each.port, each.process.pid).cpu_seconds() for each in servers]
    companies = [
        [Descent(server.port, value, DEADLINE_MS / 1000) for _ in range(count)]
        for server, count in zip(servers, (1, 4), strict=True)
    ]
    for each in itertools.chain(*companies):
        each.start()
    one, four = map(steps_per_second, servers, companies, before)
    lost = 1 - four / one
    print(f"| {name} | {one:.0f} | {four:.0f} | {100 * lost:.1f} % | {100 * GOAL_LOST:.0f} % |", flush=True)
    return lost <= GOAL_LOST


def main() -> int:
    """Print the tables; the exit status is 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="for each row")
    parser.add_argument("--only", choices=LONG, help="one kind of long descent alone")
    options = parser.parse_args()
    kinds = {options.only: LONG[options.only]} if options.only else LONG
    met = True
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), WEB_CONCURRENCY="2")
        print("\nBeside four descents of 25 s on two workers, one request after the other\n")
        print("| descents | beside them | count | p50 ms | p99 ms | goal | not 200 |")
        print("|---|---|---|---|---|---|---|")
        for name, value in kinds.items():
            met &= print_company(server, name, value, options.seconds)
        server.stop()
        servers = [Server(Path(folder), WEB_CONCURRENCY="1") for _ in range(2)]
        print(f"\nSteps in a second of processor time, both at the same time for {DEADLINE_MS / 1000:g} s\n")
        print("| descents | one | four that take turns | lost | goal |\n|---|---|---|---|---|")
        for name, value in kinds.items():
            met &= print_lost(servers, name, value)
        for server in servers:
            server.stop()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
