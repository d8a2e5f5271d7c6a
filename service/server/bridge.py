"""The bridge from ASGI to the WSGI application: what runs where, and how much is held in memory.

A request that is quick by its size and its quote runs at once on the event loop: handing it to
a thread would cost more than computing it. Work that may take long goes to one of two lanes,
each a thread with a bounded queue: ``long`` for descents and gradients, ``bulk`` for large arrays,
so that an array of a megabyte does not wait behind a descent of twenty seconds.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes, urlsplit

from service.api.endpoints import ENDPOINTS
from service.api.metrics import Metrics
from service.config import Settings
from service.server.body_reader import FREE_BYTES, BodyReader, Connection, Receive, Refusal
from service.server.budget import MemoryBudget
from service.server.job import Answer, Environ, Event, Job, WsgiApplication, run
from service.server.lane import Lane

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PIECE_BYTES = 262_144
"""An answer is sent in pieces of this size, each waiting until the one before is nearly out."""

ASK_SECONDS = 0.25
"""How long a caller that has stopped sending is left alone before it is asked whether it still reads."""

ALWAYS_LONG = frozenset(path for path, endpoint in ENDPOINTS.items() if endpoint.is_always_long)
"""Paths whose work is long whatever the body says."""

NAMING_DEADLINES = frozenset({"/descent", "/descent/sweep"})
"""Paths whose requests may say how long they may take."""

MANY_STEPS = re.compile(rb'"steps"\s*:\s*[0-9]{5}')
"""A descent of ten thousand steps or more: trying it on the event loop first would only hold others up."""

STREAM = "application/x-ndjson"
SERVER = (b"Server", b"kobai")

UNFORWARDED = frozenset({b"content-length", b"transfer-encoding"})
"""Headers about the framing: the application gets a whole body and its length."""

_EXPIRED = Event("expired")
_GONE = Event("gone")
_HEADER_NAMES: dict[bytes, str] = {b"content-type": "CONTENT_TYPE"}
_HEADER_NAMES_KEPT = 256
DEADLINE_KEY = b'"deadline_ms"'
MOST_QUOTES = 1_000
_DEADLINE = re.compile(rb'"deadline_ms"\s*:\s*([1-9][0-9]{0,8})(?:\.0*)?\s*[,}]')

_DEADLINE_BYTES = 64
"""How far a deadline's value is looked for: a caller may put a million blanks before it."""


class Deferred(BaseException):
    """The application found, on the event loop, that its work is long: run it again on a lane.

    Not an `Exception`, so that no error handler of the application takes it for a failure.
    """


def _defer() -> NoReturn:
    raise Deferred


class Bridge:
    """An ASGI application that runs a WSGI application.

    Parameters
    ----------
    application : callable
        The WSGI application.
    settings : Settings
        Limits of bodies, answers and queues.
    metrics : Metrics, optional
        Where queues and held bytes are shown.
    on_drain : callable
        Called once when the worker begins to stop.
    """

    def __init__(
        self,
        application: WsgiApplication,
        settings: Settings,
        metrics: Metrics | None = None,
        on_drain: Callable[[], None] = lambda: None,
    ) -> None:
        self.application = application
        self.settings = settings
        self.drain = on_drain
        reserve = settings.limits.body_bytes
        self.bodies = MemoryBudget(settings.held_body_bytes, reserve, _shown(metrics, "held", "bodies"))
        self.answers = MemoryBudget(settings.held_answer_bytes, 0, _shown(metrics, "held", "answers"))
        self.lanes = {
            name: Lane(name, settings.queue, _shown(metrics, "queued", name)) for name in ("long", "bulk")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        connection: Connection | None = scope.get("kobai.connection")
        reader = BodyReader(scope["headers"], receive, self.settings, self.bodies, connection)
        try:
            await reader.read()
            if connection is not None and not reader.is_complete:
                if connection.is_lost:
                    return
                connection.close_after_answer()
            await _Exchange(self, scope, reader, send, connection).serve()
            await reader.discard()
        finally:
            reader.release()

    def busy_seconds(self) -> float:
        """How long the longest computation has been running."""
        return max(lane.busy_seconds() for lane in self.lanes.values())


def _shown(metrics: Metrics | None, gauge: str, label: str) -> Callable[[int], None]:
    """Make what shows a number in the metrics."""
    if metrics is None:
        return lambda number: None
    child = getattr(metrics, gauge).labels(label)
    return lambda number: child.set(number)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, bridge: Bridge, scope: Scope, reader: BodyReader, send: Send, connection: Connection | None
    ) -> None:
        self._bridge = bridge
        self._connection = connection
        self._scope = scope
        self._reader = reader
        self._send = send
        self._has_begun = False

    async def serve(self) -> None:
        """Answer: inline where the work is quick, else from a lane."""
        if self._reader.is_late:
            await self._send_whole(_request_timeout())
            return
        if self._reader.refusal:
            await self._refuse(self._reader.refusal)
            return
        environ = self._environ()
        lane = self._lane(environ)
        if lane is None:
            environ["kobai.defer"] = _defer
            try:
                answer = run(self._bridge.application, environ)
            except Deferred:
                environ = self._environ()
                lane = self._bridge.lanes[_thread_name(environ)]
            else:
                await self._send_whole(answer)
                return
        await self._serve_from(lane, environ)

    def _lane(self, environ: Environ) -> Lane | None:
        """Choose the lane by what is known before the body is understood; None is inline."""
        if environ["REQUEST_METHOD"] != "POST":
            return None
        is_long = (
            len(self._reader.body) > self._bridge.settings.inline_body_bytes
            or environ["PATH_INFO"] in ALWAYS_LONG
            or (environ["PATH_INFO"] == "/descent" and MANY_STEPS.search(self._reader.body) is not None)
            or STREAM in environ.get("HTTP_ACCEPT", "").lower()
        )
        return self._bridge.lanes[_thread_name(environ)] if is_long else None

    async def _serve_from(self, lane: Lane, environ: Environ) -> None:
        """Queue the request on a lane and send what comes back, unless it must wait too long."""
        reader = self._reader
        job = Job(self._bridge.application, environ, self._bridge.settings.send_timeout_s, reader.take_back)
        ticket = lane.submit(job.run)
        if ticket is None:
            await self._refuse((503, "overloaded", "Too many long computations are waiting; try again."))
            return
        reader.lend()

        def withdraw(event: Event) -> None:
            if lane.withdraw(ticket):
                reader.take_back()
                job.events.put_nowait(event)

        def leave() -> None:
            job.leave()
            withdraw(_GONE)

        timer = asyncio.get_running_loop().call_later(self._patience(), withdraw, _EXPIRED)
        watch = asyncio.create_task(self._watch(job, leave))
        try:
            await self._relay(job)
        finally:
            timer.cancel()
            watch.cancel()
            leave()

    async def _watch(self, job: Job, leave: Callable[[], None]) -> None:
        """Notice when the caller goes away.

        A closed connection and one whose caller has only stopped sending look the same from here, so the
        caller is asked, unless an answer that has begun will tell.
        """
        connection = self._connection
        if connection is None or not connection.has_ended:
            await self._reader.wait_for_end()
        while connection is not None and not connection.is_lost:
            await asyncio.sleep(ASK_SECONDS)
            if self._has_begun or job.is_streaming:
                return
            connection.ask()
        leave()

    def _patience(self) -> float:
        """Seconds that this request may wait for its turn: its deadline, as far as it can be told.

        Understanding the body is the lane's work. A wrong guess here only decides how early
        a request that would come too late anyway is told so.
        """
        limits = self._bridge.settings.limits
        body = self._reader.body if _path(self._scope["raw_path"]) in NAMING_DEADLINES else b""
        at = _place_of(DEADLINE_KEY, body)
        found = _DEADLINE.match(body, at, at + _DEADLINE_BYTES) if at >= 0 else None
        wanted = min(int(found[1]), limits.deadline_ms) if found else limits.deadline_default_ms
        return self._reader.received_at + wanted / 1000 - time.monotonic()

    async def _relay(self, job: Job) -> None:
        """Send what comes back from the lane."""
        kind = ""
        while kind in ("", "start", "chunk"):
            kind, value = await job.events.get()
            if kind == "whole" and not job.is_gone:
                await self._send_whole(value)
            elif kind == "start":
                await self._send_start(value)
            elif kind == "chunk":
                await self._send_chunk(job, value)
            elif kind == "end":
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            elif kind == "expired":
                await self._refuse((503, "overloaded", "The deadline passed before the computation began."))
            elif kind == "failed" and not job.is_gone:
                raise value
            elif self._connection is not None:
                self._connection.give_up()

    async def _send_chunk(self, job: Job, chunk: bytes) -> None:
        """Send a piece of a stream; where no room is left for it, the stream is given up."""
        counted = _counted(chunk)
        if self._connection is not None and self._connection.is_lost:
            job.leave()
        elif not self._bridge.answers.take(counted):
            raise BufferError("no room is left for unsent answers; a stream was given up")
        else:
            try:
                await self._send_pieces(chunk, more=True)
            finally:
                self._bridge.answers.give(counted)
        job.sent(len(chunk))

    async def _refuse(self, refusal: Refusal) -> None:
        """Let the application put a refusal into words, in place of reading the body."""
        environ = self._environ()
        environ["wsgi.input"] = io.BytesIO()
        environ["kobai.body_error"] = refusal
        answer = run(self._bridge.application, environ)
        await self._send_start(answer)
        await self._send_pieces(answer.body, more=False)

    async def _send_whole(self, answer: Answer) -> None:
        """Send an answer whose length is known; the body it answers is not needed any more."""
        self._reader.release()
        counted = _counted(answer.body)
        if not self._bridge.answers.take(counted):
            await self._refuse((503, "overloaded", "Too many answers wait for their readers; try again."))
            return
        try:
            await self._send_start(answer)
            await self._send_pieces(answer.body, more=False)
        finally:
            self._bridge.answers.give(counted)

    async def _send_start(self, answer: Answer) -> None:
        self._has_begun = True
        headers = [SERVER, *answer.headers]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def _send_pieces(self, body: bytes, *, more: bool) -> None:
        if self._scope["method"] == "HEAD":
            body = b""
        if len(body) <= PIECE_BYTES:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
            return
        for start in range(0, len(body), PIECE_BYTES):
            piece = body[start : start + PIECE_BYTES]
            more_body = more or start + PIECE_BYTES < len(body)
            await self._send({"type": "http.response.body", "body": piece, "more_body": more_body})

    def _environ(self) -> Environ:
        """Make the WSGI environment (PEP 3333) of this request."""
        scope, reader = self._scope, self._reader
        client = scope["client"] or ("", 0)
        server = scope["server"] or ("", 0)
        length = reader.declared if reader.refusal else len(reader.body)
        environ: Environ = {
            "REQUEST_METHOD": scope["method"],
            "SCRIPT_NAME": "",
            "PATH_INFO": _path(scope["raw_path"]),
            "QUERY_STRING": scope["query_string"].decode("latin-1"),
            "CONTENT_LENGTH": str(length or 0),
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
            "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
            "REMOTE_ADDR": client[0],
            "REMOTE_PORT": str(client[1]),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope["scheme"],
            "wsgi.input": io.BytesIO(reader.body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "kobai.received_at": reader.received_at,
        }
        for name, value in scope["headers"]:
            if name in UNFORWARDED:
                continue
            key = _HEADER_NAMES.get(name) or _header_name(name)
            text = value.decode("latin-1")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
        return environ


def _place_of(key: bytes, body: bytes) -> int:
    """Find a key as `bytes.find` does, by its quotes: a body of numbers has few, found ten times faster."""
    at = body.find(key[:1])
    for _ in range(MOST_QUOTES):
        if at < 0 or body.startswith(key, at):
            return at
        at = body.find(key[:1], at + 1)
    return body.find(key, at) if at >= 0 else at


def _counted(body: bytes) -> int:
    """Bytes that a body adds to the memory budget of its kind; small ones are bounded by the connections."""
    return len(body) if len(body) > FREE_BYTES else 0


def _thread_name(environ: Environ) -> str:
    endpoint = ENDPOINTS.get(environ["PATH_INFO"])
    return endpoint.thread if endpoint else "bulk"


def _header_name(name: bytes) -> str:
    """Name a header as CGI does, and remember the first few names: callers invent others."""
    key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    if len(_HEADER_NAMES) < _HEADER_NAMES_KEPT:
        _HEADER_NAMES[name] = key
    return key


def _path(raw: bytes) -> str:
    """Decode a path as WSGI wants it: bytes as latin-1. Of an absolute URL, its path alone counts."""
    if not raw.startswith(b"/") and b"://" in raw:
        raw = urlsplit(raw).path or b"/"
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    return raw.decode("latin-1")


def _request_timeout() -> Answer:
    """Answer a body that came too slowly: below the application, as Gunicorn answers what it refuses."""
    answer = Answer()
    answer.status = 408
    answer.body = b"Request Timeout"
    length = str(len(answer.body)).encode()
    answer.headers = [(b"Content-Type", b"text/plain"), (b"Content-Length", length)]
    return answer
