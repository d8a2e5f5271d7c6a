"""An HTTP client that costs little beside what it measures: one kept connection, bytes prepared before."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field


def request_of(path: str, body: bytes, media_type: str = "application/json") -> bytes:
    """Write a request once for all times that it is sent; the answer comes in the same format."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\n"
        f"Accept: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True, slots=True)
class Answer:
    """The head and body of an answer."""

    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """Return a header, empty when it is absent."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return ""


class Client:
    """One connection, kept open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> Answer:
        """Send a request and wait for its whole answer, which must be 200."""
        self._socket.sendall(request)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            self._receive(received)
        answer = Answer(bytes(received[:end]), b"")
        if not answer.head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the server answered {answer.head[:60]!r}")
        total = end + 4 + int(answer.header("Content-Length"))
        while len(received) < total:
            self._receive(received)
        return Answer(answer.head, bytes(received[end + 4 :]))

    def _receive(self, into: bytearray) -> None:
        # a server that writes head and body apart, without TCP_NODELAY, would wait for a late acknowledgement
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        piece = self._socket.recv(1 << 18)
        if not piece:
            raise RuntimeError("the server closed the connection")
        into += piece

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


@dataclass(slots=True)
class Load:
    """Requests sent over several connections at once, one after the other on each.

    Attributes
    ----------
    times : list of float
        Seconds of every request.
    answers : list of Answer
        The last answer of every connection.
    """

    port: int
    request: bytes
    count: int
    connections: int
    times: list[float] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def run(self) -> float:
        """Send all requests; return the seconds from first to last."""
        threads = [threading.Thread(target=self._send) for _ in range(self.connections)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(self.answers) < self.connections:
            raise RuntimeError("a connection failed")
        return time.perf_counter() - start

    def _send(self) -> None:
        client = Client(self.port)
        for _ in range(self.count // self.connections):
            start = time.perf_counter()
            answer = client.send(self.request)
            self.times.append(time.perf_counter() - start)
        client.close()
        self.answers.append(answer)

    def quantile(self, part: float) -> float:
        """Return the time that this part of the requests stayed below."""
        return sorted(self.times)[min(int(part * len(self.times)), len(self.times) - 1)]
