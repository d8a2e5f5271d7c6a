"""A connection: uvicorn speaks HTTP on it, this adds limits of time, size and number, and saves it copies.

`Connection` stands between asyncio's transport and uvicorn's protocol and hands every call on. It uses
nothing of either but what `asyncio` documents for protocols and transports.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.config import Settings
from service.server.body_reader import MOST_HEAD_BYTES, BodyReader
from service.server.bridge import CONNECTION
from service.server.refusals import bare_response

EVICTABLE_SECONDS = 1.0
"""How long a connection must have been idle before it makes room for a new one."""

ZEROS = bytes(65_536)
"""What uvicorn gets of a body that bypassed it, behind the answer, where it only counts them."""

UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:[^\r\n]*(?=\r\n)", re.IGNORECASE)


def without_upgrade(data: bytes, size: int) -> bytes:
    """Take the field `Upgrade` out of a head, as a server may that ignores it (RFC 9110, section 7.8).

    The parser would take what follows for another protocol, a body that is there all the same included.
    """
    if data.find(b"pgrade", 0, size) < 0 and data.find(b"PGRADE", 0, size) < 0:
        return data
    return UPGRADE.sub(b"", data[:size]) + data[size:]


class Connections:
    """The open connections of a worker, at most `most` of them.

    `on_refused` is called with the status and the client's address when one is refused or ended early.
    """

    def __init__(self, settings: Settings, most: int, on_refused: Callable[[int, str], None]) -> None:
        self.settings = settings
        self.on_refused = on_refused
        self._most = most
        self.open: set[Connection] = set()

    def make(self, **given: Any) -> Connection:
        """Make the protocol of a new connection: what uvicorn calls with the arguments of its own class."""
        connection = Connection(self)
        connection.http = HttpToolsProtocol(**given)
        return connection

    def add(self, connection: Connection) -> bool:
        """Take a connection in, if need be in place of the one that is idle for longest.

        One whose last answer is still being sent comes after all others.
        """
        if len(self.open) >= self._most and not self._evict():
            return False
        self.open.add(connection)
        return True

    def check(self) -> None:
        """Hold every connection against its time limits."""
        now = time.monotonic()
        for connection in list(self.open):
            connection.check(now, self.settings)

    def _evict(self) -> bool:
        idle = [each for each in self.open if each.reader is None]
        oldest = min(idle, key=Connection.place_in_line, default=None)
        if oldest is None or time.monotonic() - oldest.quiet_since < EVICTABLE_SECONDS:
            return False
        self.open.remove(oldest)
        oldest.transport.abort()
        return True


class JoiningTransport:
    """A transport as uvicorn sees it: it sends a head with what follows, which saves a call of the system."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._head = b""
        self.is_lost = False

    def __getattr__(self, name: str) -> Any:
        """Leave all else to the transport."""
        setattr(self, name, getattr(self._transport, name))  # found without this detour from now on
        return self.__dict__[name]

    def write(self, data: bytes) -> None:
        """Hold what begins an answer back until the next write, at most for a turn of the event loop.

        Nothing is written to a client that has gone: of several requests in a pipeline, uvicorn tells only
        the last one.
        """
        if self.is_lost:
            return
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/"):
            self._head = data
            self._loop.call_soon(self.write, b"")
            return
        self._transport.write(data)

    def close(self) -> None:
        """Close the connection behind what is held back."""
        self.write(b"")
        self._transport.close()


class Connection(asyncio.Protocol):
    """One connection, on which `reader` reads the request that is being served, if there is one.

    Since `quiet_since` there is none; `early_bytes` came in since then, or behind the body of the request.
    Of these, `came` counts what arrived together with a head: a body no longer than that is here already.
    """

    transport: asyncio.Transport
    http: asyncio.Protocol

    def __init__(self, connections: Connections) -> None:
        self.reader: BodyReader | None = None
        self.quiet_since = time.monotonic()
        self._connections = connections
        self._early_bytes = self._came = 0
        self._is_flooded = False
        self._blocked_since: float | None = None

    # What the bridge and `Connections` call.

    def begin(self, reader: BodyReader) -> None:
        """Note that a request is being served."""
        self.reader, reader.transport, reader.came = reader, self.transport, self._came
        self._early_bytes = self._came = 0

    def finish(self, reader: BodyReader) -> None:
        """Note that it has been; the next one in the pipeline may have begun already."""
        if self.reader is reader:
            self.reader = None
            self.quiet_since = time.monotonic()
            if self._is_flooded:  # once the next request, if there is one, has begun
                asyncio.get_running_loop().call_soon(self._refuse_flood)
        if reader.unparsed and not self.transport.is_closing():
            for start in range(0, reader.unparsed, len(ZEROS)):
                self.http.data_received(ZEROS[: reader.unparsed - start])
            self.transport.resume_reading()
            if reader.behind:
                self.data_received(reader.behind)

    def place_in_line(self) -> tuple[bool, float]:
        """Order idle connections: who can go first comes first."""
        return self.transport.get_write_buffer_size() > 0, self.quiet_since

    def check(self, now: float, settings: Settings) -> None:
        """Close the connection when the client takes no answer, or sends no whole head."""
        if self._blocked_since is None and self.transport.is_closing():
            self._blocked_since = now
        if self._blocked_since is not None:
            if now - self._blocked_since > settings.send_timeout_s:
                self.transport.abort()
        elif self.reader is None and now - self.quiet_since > settings.keepalive_s:
            if self._early_bytes:
                self._refuse(408)
            else:
                self.transport.close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hand the connection to uvicorn, or refuse it when there are too many."""
        self.transport = transport
        self._writer = JoiningTransport(transport)
        if self._connections.add(self):
            self.http.connection_made(self._writer)  # type: ignore[arg-type]
        else:
            self._refuse(503)
            self.http = asyncio.Protocol()

    def data_received(self, data: bytes) -> None:
        """Let uvicorn parse what came in, unless it belongs to a large body, or is too much for a head."""
        CONNECTION.set(self)
        if self.reader is not None and self.reader.take(data):
            return
        if self.reader is None or self.reader.is_complete:
            if self._early_bytes > MOST_HEAD_BYTES:
                if self.reader is None:
                    self._refuse(431)
                else:
                    self._is_flooded = True  # the request before it is answered first
                    self.transport.pause_reading()
                return
            end = data.find(b"\r\n\r\n")
            if not self._early_bytes and end > 0 and data[0] > ord(" "):  # not an empty line before a head
                self._came = len(data) - end - 4
            self._early_bytes += len(data)
            data = without_upgrade(data, end + 2 if end >= 0 else len(data))
        elif not self.reader.expects(len(data)):
            self.transport.pause_reading()
            return
        self.http.data_received(data)
        if self.transport.is_closing():  # uvicorn does so here after its 400 alone
            self._note_refusal(400)

    def eof_received(self) -> bool:
        """Keep a connection whose body ended short until that is answered; else the client is gone.

        Over TLS there is no sending after the client's end (`asyncio` warns of who wants it), so it is gone.
        """
        if self.reader is None or self.reader.is_complete:
            return False
        self.reader.end()
        return self.transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell uvicorn, which tells the application."""
        self.eof_received()
        self._writer.is_lost = True
        self._connections.open.discard(self)
        self.http.connection_lost(exc)
        self.http = asyncio.Protocol()  # it knows this object

    def pause_writing(self) -> None:
        """Give the client some time to take its answer."""
        self._blocked_since = time.monotonic()
        self.http.pause_writing()

    def resume_writing(self) -> None:
        """Go on: the client took enough of its answer."""
        self._blocked_since = None
        self.http.resume_writing()

    def _refuse_flood(self) -> None:
        if self.reader is None and not self.transport.is_closing():
            self._refuse(431)

    def _refuse(self, status: int) -> None:
        self.transport.write(bare_response(status))
        self.transport.close()
        self._note_refusal(status)

    def _note_refusal(self, status: int) -> None:
        peer = self.transport.get_extra_info("peername")
        self._connections.on_refused(status, str(peer[0]) if isinstance(peer, tuple) else "")
