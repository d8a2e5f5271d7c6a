"""A real Gunicorn on a free port of 127.0.0.1, and how the tests talk to it."""

import contextlib
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEMORY = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir())  # noqa: S108
START_SECONDS, STOP_SECONDS = 90, 40

QUICK = {"KOBAI_DRAIN_S": "0", "WEB_CONCURRENCY": "1"}
"""What the tests' servers are started with unless they say otherwise."""

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))

PORTS = range(20_000 + WORKER % 4 * 3_000, 23_000 + WORKER % 4 * 3_000)
"""Below the ports that the kernel gives out by itself; each process of a parallel run has its own, since
a port that was found free is taken only a second later.
"""

_ports = itertools.cycle(sorted(PORTS, key=lambda port: (port - os.getpid() * 10) % len(PORTS)))


def free_port():
    """Find a port that nobody listens at."""
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable: the ports never end")


def wait_until(condition, seconds=90):
    """Wait for something that takes its time, and return what it gave."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)
    return found


def children(pid):
    """List the process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Server:
    """One running server. Its output goes to files, so that it never waits for a reader."""

    def __init__(self, folder, application=None, through=None, *, unix=None, is_tls=False, **environment):
        self.port = int(environment.get("PORT") or free_port())
        self.unix, self.is_tls = unix, is_tls
        self.out, self.err = folder / f"{self.port}.out", folder / f"{self.port}.err"
        program = [sys.executable, "-m", "service"]
        if application:
            program = [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_conf", application]
        if through:  # a line that ends in `exec "$@"`, with redirections
            program = ["sh", "-c", through, "sh", *program]
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                program,
                cwd=ROOT,
                env=_clean_environment() | QUICK | {"PORT": str(self.port)} | environment,
                stdout=out,
                stderr=err,
            )
        self.expected = int((QUICK | environment)["WEB_CONCURRENCY"])
        self._wait_until_ready()

    def _wait_until_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if len(self.workers()) == self.expected and self._answers():
                    return
            time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        raise AssertionError(f"no start: {self.out.read_text()}{self.err.read_text()}")

    def _answers(self):
        if self.unix:
            with socket.socket(socket.AF_UNIX) as client:
                return client.connect_ex(str(self.unix)) == 0
        if self.is_tls:
            return not self.socket().close()
        return self.get("/livez")[0] == 200

    def workers(self):
        """List the process ids of the workers."""
        return children(self.process.pid)

    def replace_workers(self):
        """Have all workers replaced, and wait until they are."""
        before = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.workers()) == self.expected and before.isdisjoint(self.workers()))

    def clients(self, pid):
        """Find the ports of the clients whose connections a worker has accepted."""
        files = Path(f"/proc/{pid}/fd").iterdir()
        sockets = {str(file.readlink()) for file in files if file.is_socket()}
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {
            int(row[2].partition(":")[2], 16)
            for row in rows
            if row[1].endswith(f":{self.port:04X}")
            and row[2] != "00000000:0000"
            and f"socket:[{row[9]}]" in sockets
        }

    def unread(self):
        """Count what clients have sent and connections they have opened that the server has not taken yet."""
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(int(row[4].partition(":")[2], 16) for row in rows if row[1].endswith(f":{self.port:04X}"))

    def memory(self):
        """Add up the bytes that the processes hold; what they share is parted among them."""
        total = 0
        for pid in (self.process.pid, *self.workers()):
            rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(row.split()[1]) for row in rows if row.startswith("Pss:")) * 1024
        return total

    def lines(self, event, count=1, **fields):
        """List what was logged about an event, with these fields, when at least `count` lines are there.

        The threads that write are a moment behind.
        """
        wanted = {"event": event} | fields

        def found():
            whole, _, _ = self.out.read_text().rpartition("\n")
            lines = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
            return [line for line in lines if wanted.items() <= line.items()]

        wait_until(lambda: len(found()) >= count, 20)
        size = -1
        while size != (size := self.out.stat().st_size):
            time.sleep(0.1)
        return found()

    def stop(self, number=signal.SIGTERM):
        """Stop by process id, and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode

    def connect(self, timeout=20):
        """Open a connection of http.client."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None):
        """Send one request on a new connection; return status, headers and body."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def get(self, path):
        """Send a GET."""
        return self.request("GET", path)

    def is_ready(self):
        """Tell whether there is a worker that listens and takes requests."""
        with contextlib.suppress(OSError):  # nobody listens yet
            return self.get("/readyz")[0] == 200
        return False

    def post(self, path, value, **headers):
        """Send a value as JSON; return the status and the value of the answer."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        kind = {"Content-Type": "application/json"}
        status, _, answer = self.request("POST", path, body, kind | headers)
        return status, json.loads(answer)

    def socket(self, timeout=20):
        """Open a bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def exchange(self, sent, *, end=False, timeout=20):
        """Send bytes as they are and read until the server closes; `end` closes our side first."""
        with self.socket(timeout) as client:
            client.sendall(sent)
            if end:
                client.shutdown(socket.SHUT_WR)
            return read_all(client)


def _clean_environment():
    """Leave out what this process was told about servers and coverage of its own."""
    ours = ("KOBAI_", "OTEL_", "HOST", "PORT", "WEB_CONCURRENCY", "GUNICORN", "PROMETHEUS")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def read_all(client):
    """Read until the other side closes."""
    received = bytearray()
    while data := client.recv(65_536):
        received += data
    return bytes(received)


def responses(received):
    """Take apart the responses in what a connection gave: status, headers and body of each."""
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)
        }
        length = int(headers.get("content-length", 0))
        found.append((int(status.split()[1]), headers, received[:length]))
        received = received[length:]
    return found


def live_at(path):
    """Ask at a socket in the file system whether the service lives; return the statuses of all answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return [status for status, _, _ in responses(read_all(client))]
