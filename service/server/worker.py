"""Gunicorn's asgi worker, with what it leaves open: slow, idle and half-closed connections, and the stop.

The classes of `gunicorn` that this extends are not its public interface: the version is pinned, and
`tests/server` holds every behaviour described here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import sys
import time
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers.gasgi import ASGIWorker

from service.config import Settings
from service.server.bridge import Bridge
from service.server.listener import is_held_by, take_waiting, turn_away
from service.server.parser import Parser

READ_BYTES = 65_536
"""Bytes read at a time, and held for an application that is not asking for them."""

LARGE_READ_BYTES = 262_144
"""The same for a body that has more than `READ_BYTES`: every piece costs a round of the event loop."""

CHUNKED_READ_BYTES = 4_096
"""The same for a chunked body: thousands of tiny chunks must not hold up other connections together."""

SWITCH_SECONDS = 0.00025
"""How long a computation keeps the interpreter's lock from the event loop, which wakes up as often to ask."""

LINGER_SECONDS, LINGER_BYTES = 2.0, 4_194_304
"""How long a connection stays for what its caller is still sending, so that it gets to the answer."""

HANDSHAKE_SECONDS = 0.2
"""How long connections that have begun may take to be complete, before listening ends."""

SETTLE_SECONDS = 0.02
"""Before a server of asyncio is closed: it drops connections that it accepted in the same moment."""

LOOK_SECONDS = 0.25
"""How often a worker looks for what waits at the socket of another, which is dead or stuck.

Several times what a dead worker's successor needs to start: it shall have its share of the callers.
"""

IDLE_SECONDS = 2.0
"""At a stop, a connection is idle when it was so long without a request: one may be on its way."""

SPARE_FILES = 64
"""Open files beside the connections."""

INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"

FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class HttpConnection(ASGIProtocol):  # type: ignore[misc]  # gunicorn ships no types
    """One connection."""

    _closed: bool

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker)
        self._max_buffer_size = READ_BYTES
        self._is_half_closed = False
        self._is_last = False
        self._has_asked = False
        self._thrown_away = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.idle_since = 0.0

    # What `service.server.body_reader.Connection` asks for.

    @property
    def is_lost(self) -> bool:
        """Tell whether the connection is closed, or being closed."""
        return self._closed

    @property
    def has_ended(self) -> bool:
        """Tell whether the caller sends nothing any more, though it may still read."""
        return self._is_half_closed or self._closed

    def close_after_answer(self) -> None:
        """Close the connection when the answer is out, and say so in it."""
        self._is_last = True

    def give_up(self) -> None:
        """Close the connection now."""
        self._close_transport()

    def ask(self) -> None:
        """Find out whether a caller that has stopped sending still reads; call again for the answer.

        A closed socket answers an interim response with a reset. HTTP/1.0 knows none, and its callers
        close when they have lost interest.
        """
        if self._current_request.version < (1, 1) or (self._has_asked and self._is_reset()):
            self.give_up()
        elif not self._has_asked:
            self._has_asked = True
            self._safe_write(INTERIM)

    def _is_reset(self) -> bool:
        """Ask the kernel, since a transport at its end of file does not look any more."""
        own: socket.socket | None = self.transport.get_extra_info("socket")
        return own is None or own.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    # What Gunicorn calls.

    def connection_made(self, transport: Any) -> None:
        """Start reading; an open connection that sends nothing has as long as one kept alive."""
        if not self.worker.has_room():
            self._conn_lost_handled = True
            transport.write(FULL)
            transport.close()
            return
        transport.max_size = READ_BYTES
        super().connection_made(transport)
        self._arm_keepalive_timer()

    def data_received(self, data: bytes) -> None:
        """Parse what came in; after the last answer it is only thrown away."""
        if not self._closed and not self._conn_lost_handled:
            super().data_received(data)
            return
        self._thrown_away += len(data)
        if self._thrown_away > LINGER_BYTES:
            self.transport.abort()

    def _setup_callback_parser(self) -> None:
        self._callback_parser = Parser(
            on_headers_complete=self._on_headers_complete,
            on_body=self._on_body,
            on_message_complete=self._on_message_complete,
            limit_request_line=self.cfg.limit_request_line,
            limit_request_fields=self.cfg.limit_request_fields,
            limit_request_field_size=self.cfg.limit_request_field_size,
        )

    def _http1_buffered(self) -> int:
        """Count what has come in and is not taken yet: body, and the request behind it."""
        receiver = self._body_receiver
        return self._callback_parser.held() + (0 if receiver is None else int(receiver.buffered))

    async def _serve_http_request(self, request: Any, sockname: Any, peername: Any) -> bool:
        """Answer in the connection's own task: the bridge leaves nothing to do behind an answer."""
        return bool(await self._handle_http_request(request, sockname, peername))

    def _on_headers_complete(self) -> bool:
        parser = self._callback_parser
        is_large = (parser.content_length or 0) > READ_BYTES
        self._max_buffer_size = LARGE_READ_BYTES if is_large else READ_BYTES
        self.transport.max_size = CHUNKED_READ_BYTES if parser.is_chunked else self._max_buffer_size
        return bool(super()._on_headers_complete())

    def eof_received(self) -> bool:
        """Keep a connection whose caller sends nothing more, while there is a request to answer."""
        if self._closed or self._current_request is None:
            return False
        self._is_half_closed = True
        self._note_end()
        return True

    def _feed_callback_parser(self, data: bytes) -> bool:
        """Parse; after the end, what is not whole in the pipeline will never be."""
        is_good = bool(super()._feed_callback_parser(data))
        if self._is_half_closed:
            self._note_end()
        return is_good

    def _note_end(self) -> None:
        """Wake up who waits for a body that ends short, or for the caller to leave.

        A whole body that is not read yet stays readable: Gunicorn would hide it behind the end.
        """
        receiver = self._body_receiver
        if receiver is not None and (not receiver._complete or receiver._body_finished):
            receiver.signal_disconnect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the timers with the connection."""
        for name in list(self._timers):
            self._disarm(name)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the caller some time to take its answer."""
        super().pause_writing()
        self._arm("stalled", self.worker.settings.send_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the caller took enough of its answer."""
        super().resume_writing()
        self._disarm("stalled")

    def _arm_keepalive_timer(self) -> None:
        """Wait for a request, but not for ever, and not when the caller has ended."""
        if self._is_half_closed:
            self._close_transport()
            self._request_ready.set()
            return
        self.idle_since = time.monotonic()
        self.worker.idle[self] = None
        if "idle" not in self._timers:
            self._arm("idle", self._keepalive, self._keepalive_timeout)

    def _cancel_keepalive_timer(self) -> None:
        """Note a request; the timer goes on, and looks when it rings, instead of being set anew each time."""
        self.worker.idle.pop(self, None)

    def _keepalive_timeout(self) -> None:
        """Close an idle connection; one with half a request is told why."""
        self._disarm("idle")
        if self not in self.worker.idle:
            return
        left = self.idle_since + self._keepalive - time.monotonic()
        if left > 0:
            self._arm("idle", left, self._keepalive_timeout)
            return
        if self._has_unread():
            self._send_error_response(408, "Request Timeout")
        super()._keepalive_timeout()

    def _will_close(self, request: Any, response_requires_close: bool) -> bool:
        is_last = self._is_last or self.worker.is_stopping
        return is_last or bool(super()._will_close(request, response_requires_close))

    def _is_websocket_upgrade(self, request: Any) -> bool:
        """Leave an upgrade to the application, which refuses it in the service's own words."""
        return False

    def _build_http_scope(self, request: Any, sockname: Any, peername: Any) -> dict[str, Any]:
        scope: dict[str, Any] = super()._build_http_scope(request, sockname, peername)
        scope["kobai.connection"] = self
        return scope

    def _close_transport(self) -> None:
        """Close; where the caller is still sending, end the answer first and read on for a while.

        Closing a socket with unread bytes resets the connection, and the caller loses the answer
        (RFC 9112, section 9.6).
        """
        if self.transport is None or self._closed:
            return
        self._arm("closing", self.worker.settings.send_timeout_s, self.transport.abort)
        if self._is_half_closed or not self._has_unread():
            super()._close_transport()
            self.transport.close()  # Gunicorn does not get to it when the caller is gone already
            return
        self._closed = True
        with contextlib.suppress(OSError, RuntimeError):
            self.transport.write_eof()
        self._resume_reading()
        self._arm("lingering", LINGER_SECONDS, self.transport.close)

    def _has_unread(self) -> bool:
        """Tell whether part of a request has come in that is not answered, or not even whole."""
        parser = self._callback_parser
        if parser.is_complete:
            return bool(parser.remaining())
        return parser._state != "request_line" or bool(parser._buffer)

    def _arm(self, name: str, seconds: float, callback: Any) -> None:
        self._disarm(name)
        self._timers[name] = self.worker.loop.call_later(seconds, callback)

    def _disarm(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


class Worker(ASGIWorker):  # type: ignore[misc]  # gunicorn ships no types
    """One process: its connections, its heartbeat and its stop."""

    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings = Settings.from_environment()
        self.idle: dict[HttpConnection, None] = {}
        self.is_stopping = False
        self.number = 0
        self._stop = asyncio.Event()

    def init_process(self) -> None:
        """Prepare the process for many connections, and for answering while it computes."""
        sys.setswitchinterval(SWITCH_SECONDS)
        _allow_files(self.worker_connections + SPARE_FILES)
        super().init_process()

    def handle_exit_signal(self) -> None:
        """Start to drain: from now on `/readyz` says so, and every answer closes its connection.

        The worker stays alive in Gunicorn's eyes: else a connection whose last answer did not say
        that it closes would be closed all the same, perhaps with the next request on its way.
        """
        if isinstance(self.asgi, Bridge):
            self.asgi.drain()
        self.is_stopping = True
        self._stop.set()

    def handle_quit_signal(self) -> None:
        """Stop at once."""
        super().handle_quit_signal()
        self._stop.set()

    def has_room(self) -> bool:
        """Make room for one more connection, at the cost of the one that is idle for longest."""
        if self.nr_conns < self.worker_connections:
            return True
        oldest = next(iter(self.idle), None)
        if oldest is None or time.monotonic() - oldest.idle_since < 1:
            return False
        oldest.transport.abort()
        return True

    async def _serve(self) -> None:
        """Take connections until the stop, and beat the heart."""
        own, backlog = self.sockets[self.number].sock, self.cfg.backlog
        server = await self.loop.create_server(lambda: HttpConnection(self), sock=own, backlog=backlog)
        self.servers.append(server)
        while self.alive and not self.is_stopping and self.ppid == os.getppid():
            self._beat()
            if self.nr_conns < self.worker_connections:
                await self._take_waiting()
            await self._pause(LOOK_SECONDS)
        self.is_stopping = True
        if not self._quick_shutdown:
            await self._drain()

    def _beat(self) -> None:
        """Tell the master that all is well, unless a computation is stuck that no deadline stops."""
        if not isinstance(self.asgi, Bridge) or self.asgi.busy_seconds() < self.settings.worker_timeout_s:
            self.notify()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _drain(self) -> None:
        """Finish what was accepted: first the connections on their way, then the requests."""
        end = time.monotonic() + self.cfg.graceful_timeout
        listening_end = time.monotonic() + self.settings.drain_s
        while time.monotonic() < listening_end and not self._quick_shutdown:
            self._beat()
            await asyncio.sleep(0.05)
        await self._close_listeners()
        while self.nr_conns and time.monotonic() < end and not self._quick_shutdown:
            self._beat()
            self._close_idle()
            await asyncio.sleep(0.02)
        self.alive = False

    async def _take_waiting(self) -> None:
        """Take the connections that wait at any socket; at its own none does for long."""
        for listener in self.sockets:
            for connection in take_waiting(listener.sock):
                await self.loop.connect_accepted_socket(lambda: HttpConnection(self), connection)

    async def _close_listeners(self) -> None:
        """Stop listening. While the master goes on, other workers take what waits at its sockets.

        Else they close with the last worker, and connections that have begun are taken, not reset.
        """
        is_end = self.ppid != os.getppid() or not is_held_by(self.ppid, self.sockets[0].sock)
        if is_end:
            for listener in self.sockets:
                turn_away(listener.sock)
            await asyncio.sleep(HANDSHAKE_SECONDS)
        self.loop.remove_reader(self.sockets[self.number].fileno())
        await asyncio.sleep(SETTLE_SECONDS)
        if is_end:
            await self._take_waiting()
        for each in (*self.servers, *self.sockets):
            each.close()

    def _close_idle(self) -> None:
        """Close the connections on which no request has come for a while."""
        until = time.monotonic() - IDLE_SECONDS
        for connection in [each for each in self.idle if each.idle_since <= until]:
            connection.give_up()


def _allow_files(wanted: int) -> None:
    """Raise the limit of open files as far as is needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
