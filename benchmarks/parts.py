"""Where the time of a request goes: stacks of a worker under load, sampled, and shared out by their code.

py-spy looks at the running worker from outside, so nothing in it is changed. A sample counts for the
innermost frame that a part of the table names: what NumPy, simdjson or the standard library do counts for
who called them. It needs py-spy, and the right to look into another process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.client import Load, request_of
from benchmarks.core import RATE, SEED, START, STEPS
from benchmarks.server import KOBAI, Running, running
from benchmarks.table import print_header, print_row

SECONDS, PER_SECOND = 4, 500
CONNECTIONS = 8

SPY = shutil.which("py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
"""The program, where `benchmarks/requirements.txt` is installed."""

PARTS = {
    "the steps, compiled": r"<generated>",
    "state and seal": r"descent/state\.py",
    "options, start, judging, the answer": r"core/descent/",
    "plan, cache, kernel around the steps": r"core/(calculus|language)/",
    "the computation, its checks": r"service/core/",
    "writing JSON": r"\b(dumps|check_finite|write_bytes|_plain) \(service/api/",
    "reading JSON": r"service/api/(jsonio|brackets|body|arrays)\.py",
    "Marshmallow, fields": r"marshmallow|service/api/(schemas|fields)\.py",
    "log line, Server-Timing": r"service/api/(logs|line_writer)\.py",
    "metrics": r"prometheus_client|service/api/metrics\.py",
    "request id, Host, headers": r"service/api/(protocol|exchange|middleware)\.py",
    "Flask and Werkzeug, the view": r"flask|werkzeug|blinker|service/(app|api/\w+)\.py",
    "HTTP: uvicorn, the event loop, the kernel": r"uvicorn|httptools|asyncio|server/(worker|connection)\.py",
    "the bridge, worker threads, the body reader": r"service/(server|work)/",
}
"""What a frame of each part looks like; the first that fits counts."""

WAITING = r"_worker \(concurrent/futures/thread|LineWriter\._run \(|Condition\.wait \(threading"
"""Innermost frames of threads that wait for work or sleep, and may look busy from outside."""


def print_tables(rounds: int) -> bool:
    """Print a table for each request; there is no goal here but to know."""
    if SPY is None:
        print("\nWhere the time of a request goes: left out, py-spy is not installed.")
        return True
    numbers = np.random.default_rng(0).normal(size=100_000)
    descent = {"function": SEED, "variables": {"x": START.tolist()}, "learning_rate": RATE, "steps": STEPS}
    for name, path, body, count in (
        ("/softmax of 10 numbers", "/softmax", {"x": numbers[:10].tolist()}, 2_000),
        ("/descent of the seed, 100 steps", "/descent", descent, 1_000),
        ("/softmax of 100,000 numbers", "/softmax", {"x": numbers.tolist()}, 40),
    ):
        _print_parts(name, request_of(path, json.dumps(body).encode()), count, rounds * SECONDS)
    return True


def _print_parts(name: str, request: bytes, count: int, seconds: int) -> None:
    with running(KOBAI) as server:
        Load(server.port, request, count, CONNECTIONS).run()
        stacks, cpu_us = _sampled(server, request, count, seconds)
    if not stacks:
        print(f"\n{name}: left out, py-spy may not look into another process here.")
        return
    found: Counter[str] = Counter()
    for stack, times in stacks.items():
        found[_part_of(stack)] += times
    print_header(name, "server CPU", "share")
    for part, times in found.most_common():
        share = times / found.total()
        print_row(part, f"{share * cpu_us:,.0f} us", f"{share:.1%}")
    print_row("all", f"{cpu_us:,.0f} us", "")


def _part_of(stack: str) -> str:
    """Find the part that the innermost frame with a part is in."""
    for frame in reversed(stack.split(";")):
        for part, pattern in PARTS.items():
            if re.search(pattern, frame):
                return part
    return "the rest"


def _sampled(server: Running, request: bytes, count: int, seconds: int) -> tuple[dict[str, int], float]:
    """Sample one worker while all answer; return how often each stack was seen, and the CPU of a request."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii")
    sent, before = 0, server.cpu_seconds()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "stacks"
        command = [str(SPY), "record", "--pid", children.split()[0], "--duration", str(seconds)]
        command += ["--rate", str(PER_SECOND), "--format", "raw", "--output", str(output)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as spy:
            while spy.poll() is None:
                load = Load(server.port, request, count, CONNECTIONS)
                load.run()
                sent += len(load.times)
        lines = output.read_text(encoding="utf-8").splitlines() if spy.returncode == 0 else []
    rows = [line.rpartition(" ") for line in lines]
    stacks = {
        stack: int(times) for stack, _, times in rows if not re.search(WAITING, stack.rpartition(";")[2])
    }
    return stacks, 1e6 * (server.cpu_seconds() - before) / max(1, sent)
