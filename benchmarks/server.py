"""Servers under measurement: Kobai and its peers as processes, and the processor time they use."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORKERS = 2
START_SECONDS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """How a server is started.

    Attributes
    ----------
    name : str
        How the tables call it.
    command : tuple of str
        ``{port}`` and ``{workers}`` stand for what they say.
    needs : tuple of str
        Modules that must be installed.
    environment : dict
        Further environment variables, with the same placeholders.
    """

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def _uvicorn(name: str, module: str, *needs: str, options: tuple[str, ...] = ()) -> Server:
    """Describe a peer on uvicorn as it comes: like ours, it writes a line for every request."""
    command = (sys.executable, "-m", "uvicorn", module, "--port", "{port}", "--workers", "{workers}")
    return Server(name, (*command, *options), ("uvicorn", *needs))


KOBAI = Server(
    "Kobai",
    (sys.executable, "-m", "service"),
    environment={"PORT": "{port}", "WEB_CONCURRENCY": "{workers}"},
)
FASTAPI = _uvicorn("FastAPI, def", "benchmarks.peers.fastapi_peer:app", "fastapi")
FASTAPI_SILENT = _uvicorn(
    "FastAPI, def, no access log",
    "benchmarks.peers.fastapi_peer:app",
    "fastapi",
    options=("--no-access-log",),
)
LITESTAR = _uvicorn("Litestar, msgspec", "benchmarks.peers.litestar_peer:app", "litestar", "msgspec")

TESSERACT = Server(
    "Tesseract Core, /jacobian",
    (shutil.which("tesseract-runtime") or "", "serve", "--port", "{port}", "--num-workers", "{workers}"),
    environment={"TESSERACT_API_PATH": str(ROOT / "benchmarks/peers/tesseract_api.py")},
)
"""Its requirements do not go with the other peers': it is found where it is installed for itself."""


def is_installed(server: Server) -> bool:
    """Tell whether a server can be started here."""
    return bool(server.command[0]) and all(map(importlib.util.find_spec, server.needs))


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers: its port and its first process."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Sum the processor time of the process and of all below it."""
        parents: dict[int, list[int]] = {}
        times: dict[int, float] = {}
        ticks = os.sysconf("SC_CLK_TCK")
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                    parents.setdefault(int(fields[1]), []).append(int(entry.name))
                    times[int(entry.name)] = (int(fields[11]) + int(fields[12])) / ticks
        waiting, total = [self.pid], 0.0
        while waiting:
            each = waiting.pop()
            total += times.get(each, 0.0)
            waiting += parents.get(each, [])
        return total


@contextlib.contextmanager
def running(server: Server, workers: int = WORKERS) -> Iterator[Running]:
    """Run a server until the block ends."""
    port = _free_port()
    words = {"{port}": str(port), "{workers}": str(workers)}
    command = [words.get(word, word) for word in server.command]
    own = {name: words.get(value, value) for name, value in server.environment.items()}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **own}
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _wait(port, process)
            yield Running(port, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server takes connections."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")
