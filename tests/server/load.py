"""Callers that send one request after the other, and work of the small application that is seen to begin."""

import http.client
import json
import threading
from dataclasses import dataclass, field

from tests.server.running import wait_until


@dataclass
class Caller(threading.Thread):
    """One connection, opened again when the server says that it closes it.

    `lost` are our own ports of the connections on which a request failed.
    """

    port: int
    requests: list[tuple[str, str, bytes | None]]
    statuses: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    bodies: set[bytes] = field(default_factory=set)
    is_refused: bool = False
    must_stop: bool = False

    def __post_init__(self):
        super().__init__()

    __hash__ = threading.Thread.__hash__

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        number = 0
        while not self.must_stop and not self.is_refused:
            method, path, body = self.requests[number % len(self.requests)]
            number += 1
            self.send(connection, method, path, body)
        connection.close()

    def send(self, connection, method, path, body):
        """Send one request. A new connection may be refused; whatever was sent must be answered."""
        try:
            if connection.sock is None:
                connection.connect()
        except OSError:
            self.is_refused = True
            return
        port = connection.sock.getsockname()[1]
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            self.bodies.add(response.read())
            self.statuses.append(response.status)
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
            self.lost.append(port)
            connection.close()


def call(port, count, requests):
    """Start `count` callers."""
    callers = [Caller(port, requests) for _ in range(count)]
    for caller in callers:
        caller.start()
    return callers


def finish(callers):
    """Tell callers to stop; return all statuses and all failures."""
    for caller in callers:
        caller.must_stop = True
    for caller in callers:
        caller.join(60)
    return [s for each in callers for s in each.statuses], [f for each in callers for f in each.failures]


def told(server, what):
    """List what the application has told of its work: what was `begun`, `worked`, `over` or `streamed`."""
    whole, _, _ = server.out.read_text().rpartition("\n")
    lines = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
    return [line[what] for line in lines if what in line]


def begin(server, wanted):
    """Ask for work, and wait until it has begun."""
    before = len(told(server, "begun"))
    connection = server.connect()
    connection.request("POST", "/descent", json.dumps(wanted))
    wait_until(lambda: len(told(server, "begun")) > before)
    return connection
