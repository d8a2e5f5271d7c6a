"""Clients for the load commands: a closed loop over bare sockets, and the kinds of load beside them."""

from __future__ import annotations

import contextlib
import http.client
import json
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.client import request_of
from benchmarks.server import Running

SMALL = {"x": [0.1 * k for k in range(10)]}
CHAIN = {
    "function": "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)",
    "variables": {"x": [-1.2, 1.0] * 8},
    "learning_rate": 1e-4,
    "steps": 100_000,
    "deadline_ms": 25_000,
}
"""A descent in straight-line Python on numbers: it holds the GIL as much as anything can."""

NETWORK = {
    "function": "mean(cross_entropy(softmax(sigmoid(X @ W1 + b1) @ W2 + b2), t))",
    "variables": {
        "W1": [[0.01 * ((i * j) % 7 - 3) for j in range(50)] for i in range(64)],
        "b1": [0.0] * 50,
        "W2": [[0.01 * ((i + j) % 5 - 2) for j in range(10)] for i in range(50)],
        "b2": [0.0] * 10,
    },
    "constants": {
        "X": [[((i * j) % 17) / 17 for j in range(64)] for i in range(500)],
        "t": [[float(j == i % 10) for j in range(10)] for i in range(500)],
    },
    "learning_rate": 0.1,
    "steps": 100_000,
    "deadline_ms": 25_000,
    "history_variables": False,
}
"""A descent in NumPy on arrays."""


PATIENCE_SECONDS = 5
"""How long to wait for answers when the time is over; what has not come then counts as failed."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a closed loop saw."""

    count: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    cpu_us: float

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.count / self.seconds


class _Connection:
    """One client: sends the next request when it has the whole answer to the last."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.received = b""
        self.started = 0.0

    def send(self, data: bytes) -> None:
        self.received = b""
        self.started = time.perf_counter()
        self.socket.sendall(data)

    def read(self) -> int:
        """Read what there is; the status when the answer is whole, else 0."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("closed")
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return 0
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(head[9:12]) if len(body) >= length else 0


def closed_loop(server: Running, data: bytes, connections: int, seconds: float) -> Figures:
    """Keep `connections` busy with the same request for some time, after a short warm-up."""
    clients = [_Connection(server.port) for _ in range(connections)]
    with contextlib.ExitStack() as stack:
        for client in clients:
            stack.enter_context(client.socket)
        _run(clients, data, min(0.5, seconds / 4))
        before = server.cpu_seconds()
        times, failed, took = _run(clients, data, seconds)
        used = server.cpu_seconds() - before
    times.sort()
    return Figures(
        len(times),
        failed,
        took,
        1e3 * times[len(times) // 2],
        1e3 * times[int(len(times) * 0.99)],
        1e3 * times[-1],
        1e6 * used / len(times),
    )


def _run(clients: list[_Connection], data: bytes, seconds: float) -> tuple[list[float], int, float]:
    """Return the times of all requests, how many were not answered with 200, and how long it took."""
    times: list[float] = []
    failed = 0
    start = time.perf_counter()
    end = start + seconds
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.send(data)
        waiting = set(clients)
        while waiting and time.perf_counter() < end + PATIENCE_SECONDS:
            for key, _ in selector.select(1):
                status = key.data.read()
                if not status:
                    continue
                now = time.perf_counter()
                times.append(now - key.data.started)
                failed += status != 200
                if now < end:
                    key.data.send(data)
                else:
                    waiting.discard(key.data)
    took = time.perf_counter() - start
    unanswered = [start + took - client.started for client in waiting]
    return times + unanswered, failed + len(unanswered), took


@contextlib.contextmanager
def idle(port: int, count: int) -> Iterator[None]:
    """Hold connections open that send nothing."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
        yield


@contextlib.contextmanager
def slow_senders(port: int, count: int) -> Iterator[None]:
    """Send bodies a byte at a time, and start again when the server has had enough."""
    body = (
        b"POST /softmax HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    )
    with _company() as stop, contextlib.ExitStack() as stack:
        clients = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(count)]

        def trickle() -> None:
            for client in clients:
                client.sendall(body)
            while not stop.wait(0.5):
                for index, client in enumerate(clients):
                    try:
                        client.sendall(b" ")
                    except OSError:
                        client.close()
                        clients[index] = socket.create_connection(("127.0.0.1", port), 30)
                        clients[index].sendall(body)

        stack.callback(lambda: [client.close() for client in clients])
        stack.enter_context(_thread(trickle, stop))
        yield


@contextlib.contextmanager
def slow_readers(port: int, count: int) -> Iterator[None]:
    """Ask for large answers and take a kilobyte at a time."""
    data = request_of("/softmax", json.dumps({"x": [0.5] * 100_000}).encode())
    with _company() as stop, contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(data)
            clients.append(client)

        def sip() -> None:
            while not stop.wait(0.2):
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.recv(1024)

        stack.enter_context(_thread(sip, stop))
        yield


@contextlib.contextmanager
def descents(port: int, count: int, value: object) -> Iterator[list[int]]:
    """Keep long descents running; yields the statuses of those that ended."""
    statuses: list[int] = []
    body = json.dumps(value)
    with _company() as stop, contextlib.ExitStack() as stack:

        def descend() -> None:
            while not stop.is_set():
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                with contextlib.suppress(OSError, http.client.HTTPException):
                    connection.connect()
                    held.append(connection)
                    connection.request("POST", "/descent", body, {"Content-Type": "application/json"})
                    statuses.append(connection.getresponse().status)
                connection.close()

        held: list[http.client.HTTPConnection] = []
        for _ in range(count):
            stack.enter_context(_thread(descend, stop))
        stack.callback(lambda: [_cut(connection) for connection in held])
        stack.callback(stop.set)
        time.sleep(1)
        yield statuses


def _cut(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _company() -> Iterator[threading.Event]:
    stop = threading.Event()
    try:
        yield stop
    finally:
        stop.set()


@contextlib.contextmanager
def _thread(target: object, stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=target, daemon=True)  # type: ignore[arg-type]
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
