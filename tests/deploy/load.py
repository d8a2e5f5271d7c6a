"""Clients that send requests while something happens to the replicas; every request must be answered."""

import http.client
import itertools
import json
import threading
import time
from collections import Counter

SQUARE = {"function": "x[0]**2 + x[1]**2", "variables": {"x": [3, 4]}}

REQUESTS = tuple(
    (path, json.dumps(value).encode())
    for path, value in (
        ("/softmax", {"x": [0.3, 2.9, 4.0]}),
        ("/gradient", SQUARE),
        ("/descent", SQUARE | {"learning_rate": 0.1, "steps": 100}),
        ("/loss", {"loss": "cross_entropy", "predictions": [0.1, 0.05, 0.85], "targets": [2]}),
        # long enough to be under way when a replica dies
        ("/descent", SQUARE | {"learning_rate": 1e-6, "steps": 20_000, "method": "central"}),
    )
)

HEADERS = {"Content-Type": "application/json"}

TWO_SECONDS = {
    "function": "sum(sin(x)**2)",
    "variables": {"x": list(range(300))},
    "learning_rate": 1e-9,
    "steps": 100_000,
    "method": "central",
    "deadline_ms": 2_000,
}
"""A descent that only its deadline ends."""


def follow(port, run):
    """Send a descent and read its stream; return the first line, the last, and the seconds between them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/descent", json.dumps(run), HEADERS | {"Accept": "application/x-ndjson"})
        response = connection.getresponse()
        assert response.headers["Content-Type"] == "application/x-ndjson"
        first, begun = json.loads(response.readline()), time.monotonic()
        last = json.loads(response.read().splitlines()[-1])
        return first, last, time.monotonic() - begun
    finally:
        connection.close()


class Load:
    """Clients at one port, from entering the context to leaving it, and until enough requests were sent.

    Anything but a 200 with the bytes of the first answer to the same request is a failure.
    """

    def __init__(self, port, at_least=2_000, clients=8):
        self.port, self.at_least = port, at_least
        self.sent, self.failures, self.slowest = 0, [], 0.0
        self.answers = Counter()
        self._numbers = itertools.count()
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._clients = [threading.Thread(target=self._call, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        self.wait_for(100)
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.wait_for(self.at_least)
        self._is_over.set()
        for client in self._clients:
            client.join(90)

    def wait_for(self, count, seconds=120):
        """Wait until so many requests were sent in all."""
        end = time.monotonic() + seconds
        while self.sent < count:
            assert time.monotonic() < end, f"{self.sent} requests in {seconds} s; failed: {self.failures[:5]}"
            time.sleep(0.01)

    def _call(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=80)
        while not self._is_over.is_set():
            path, body = REQUESTS[next(self._numbers) % len(REQUESTS)]
            begun = time.monotonic()
            failure = self._send(connection, path, body)
            with self._lock:
                self.sent += 1
                self.slowest = max(self.slowest, time.monotonic() - begun)
                if failure:
                    self.failures.append(failure)
        connection.close()

    def _send(self, connection, path, body):
        """Send one request; return what was wrong with the answer."""
        try:
            connection.request("POST", path, body, HEADERS)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return f"{path}: {type(error).__name__}: {error}"
        self.answers[path, body, answer] += 1
        return "" if response.status == 200 else f"{path}: {response.status} {answer[:300]!r}"

    def assert_all_answered(self):
        """Fail when a request failed, or two answers to the same request differ."""
        print(f"{self.sent} requests, {len(self.failures)} failed, the slowest took {self.slowest:.2f} s")
        assert self.failures == [], self.failures[:5]
        assert self.sent >= self.at_least
        assert len(self.answers) == len(REQUESTS)
