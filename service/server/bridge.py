"""The bridge from ASGI to the WSGI application: what runs where, and how much is held in memory.

A request whose body is small is begun on the event loop: handing it to a thread would cost more than
computing it. When its computation says that it will take long, or takes long after all, the request goes
to a worker thread, as those with large bodies do at once. There computations take turns.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Protocol

from service.api.metrics import Metrics
from service.config import ARRAYS, Settings
from service.core.limits import Deadline, Scheduler
from service.server.body_reader import FREE_BYTES, BodyReader, Receive, Refusal
from service.server.budget import MemoryBudget
from service.server.environ import Environ, Scope, environ_of
from service.server.job import Answer, Event, Job, WsgiApplication, run
from service.server.refusals import bare_answer, note_refusal, refused_head
from service.server.threads import WorkerThreads

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PIECE_BYTES = 262_144
"""An answer is sent in pieces of this size, each waiting until the one before is nearly out."""

QUICK_SECONDS = 0.003
"""The most processor time that a computation may ask for, and with as much again the most that it may
take, on the event loop."""

SERVER = (b"Server", b"kobai")
CLOSE = (b"Connection", b"close")


EXPIRED = Event("expired")


class Connection(Protocol):
    """What Kobai's own worker tells of a connection; other servers tell nothing."""

    def begin(self, reader: BodyReader) -> None:
        """Note that a request is being served."""

    def finish(self, reader: BodyReader) -> None:
        """Note that it has been."""

    def abort(self) -> None:
        """Close the connection now."""


CURRENT: ContextVar[Connection | None] = ContextVar("connection", default=None)
"""The connection whose request is served: a server's task begins where the bytes came in."""


class Deferred(BaseException):
    """A computation on the event loop is long: it has to begin again on a worker thread.

    Not an `Exception`, so that no error handler of the application takes it for a failure.
    """


class EventLoop(Scheduler):
    """The scheduler of computations on the event loop, where only quick ones may run."""

    until: float | None = None
    _began = _used = 0.0

    def attach(self, deadline: Deadline) -> None:
        """Note the deadline, by `time.monotonic`; the time for reading the request is bounded by its size."""
        self._began = time.monotonic()
        self.until = self._began + deadline.remaining()

    def give_way(self) -> None:
        """Give the event loop back when the computation takes longer than it said.

        The processor's clock costs a call of the system, so it is looked at only when the other one says
        that the time may be up; then the computation has as much again.
        """
        if time.monotonic() - self._began < QUICK_SECONDS:
            return
        self._used = self._used or time.thread_time()
        if time.thread_time() - self._used > QUICK_SECONDS:
            raise Deferred

    def expect(self, seconds: float, peak_bytes: float) -> bool:
        """Refuse what will take long; the deadline may stop it before."""
        if seconds > QUICK_SECONDS and (self.until or math.inf) - time.monotonic() > QUICK_SECONDS:
            raise Deferred
        return True


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
        self.metrics = metrics
        self.is_draining = False
        self._on_drain = on_drain
        limits = settings.limits
        self.bodies = MemoryBudget(
            settings.held_body_bytes, limits.body_bytes, _shown(metrics, "held", "bodies")
        )
        self.answers = MemoryBudget(settings.held_answer_bytes, 0, _shown(metrics, "held", "answers"))
        self.arrays = MemoryBudget(
            ARRAYS * limits.peak_bytes, limits.peak_bytes, _shown(metrics, "held", "arrays")
        )
        self.threads = WorkerThreads(settings.queue, _shown(metrics, "queued"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        connection = CURRENT.get()
        reader = BodyReader(scope["headers"], receive, self.settings, self.bodies)
        if connection is not None:
            connection.begin(reader)
        try:
            await _Exchange(self, scope, reader, send, connection).serve()
        finally:
            reader.release()
            if connection is not None:
                connection.finish(reader)

    def drain(self) -> None:
        """Close every connection with its answer from now on: the worker is about to stop."""
        self.is_draining = True
        self._on_drain()

    def note_refusal(self, status: int, client: str) -> None:
        """Log and count what was refused below the application."""
        note_refusal(self.metrics, status, client)

    def tick(self) -> None:
        """Write the metrics; called by the clock, every fraction of a second."""
        if self.metrics is not None:
            self.metrics.flush_later()

    def busy_seconds(self) -> float:
        """Tell for how long the computation that is running has not looked at the clock."""
        return self.threads.turns.stuck_seconds()


def _shown(metrics: Metrics | None, gauge: str, *labels: str) -> Callable[[int], None]:
    """Make what shows a number in the metrics."""
    if metrics is None:
        return lambda number: None
    found = getattr(metrics, gauge)
    child = found.labels(*labels) if labels else found
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

    async def serve(self) -> None:
        """Answer: from the event loop where the work is quick, else from a worker thread."""
        status = refused_head(self._scope)
        if status:
            await self._refuse_bare(status)
            return
        await self._reader.read()
        if self._reader.is_late:
            await self._refuse_bare(HTTPStatus.REQUEST_TIMEOUT)
            return
        if self._reader.refusal:
            await self._refuse(self._reader.refusal)
            return
        scheduler = EventLoop()
        if len(self._reader.body) <= self._bridge.settings.inline_body_bytes:
            try:
                answer = run(self._bridge.application, self._environ() | {"kobai.scheduler": scheduler})
            except Deferred:
                pass
            else:
                await self._send_whole(answer)
                return
        await self._serve_from_thread(scheduler.until)

    async def _serve_from_thread(self, until: float | None) -> None:
        """Queue the request and send what comes back, unless it must wait too long."""
        bridge, reader = self._bridge, self._reader
        job = Job(
            bridge.application,
            self._environ(),
            until,
            bridge.threads,
            bridge.arrays,
            bridge.settings.send_timeout_s,
            reader.take_back,
        )
        future = bridge.threads.submit(job.run)
        if future is None:
            await self._refuse((503, "overloaded", "Too many computations are waiting; try again."))
            return
        reader.lend()

        def expire() -> None:
            if future.cancel():
                job.end(EXPIRED)
            elif job.withdraw():
                job.events.put_nowait(EXPIRED)

        longest = bridge.settings.limits.deadline_ms / 1000  # of a body that nobody has looked at yet
        patience = until - time.monotonic() if until else longest
        timer = asyncio.get_running_loop().call_later(patience, expire)
        watch = asyncio.create_task(self._watch(job))
        try:
            await self._relay(job)
        finally:
            timer.cancel()
            watch.cancel()
            job.leave()

    async def _watch(self, job: Job) -> None:
        """Notice when the client goes away."""
        await self._reader.wait_for_end()
        job.leave()

    async def _relay(self, job: Job) -> None:
        """Send what comes back from the thread, as long as there is somebody to take it."""
        kind = ""
        while kind in ("", "start", "chunk"):
            kind, value = await job.events.get()
            if job.is_gone:
                continue
            if kind == "whole":
                await self._send_whole(value)
            elif kind == "start":
                await self._send_start(value)
            elif kind == "chunk":
                await self._send_chunk(job, value)
            elif kind == "end":
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            elif kind == "expired":
                await self._refuse((503, "overloaded", "The deadline passed before the computation began."))
            elif kind == "failed":
                raise value
        if job.is_gone and self._connection is not None:
            self._connection.abort()

    async def _send_chunk(self, job: Job, chunk: bytes) -> None:
        """Send a piece of a stream; where no room is left for it, the stream is given up."""
        counted = _counted(chunk)
        if not self._bridge.answers.take(counted):
            raise BufferError("no room is left for unsent answers; a stream was given up")
        try:
            await self._send_pieces(chunk, more=True)
        finally:
            self._bridge.answers.give(counted)
        job.sent(len(chunk))

    async def _refuse(self, refusal: Refusal) -> None:
        """Let the application put a refusal into words, in place of reading the body."""
        answer = run(self._bridge.application, self._environ() | {"kobai.body_error": refusal})
        await self._send_early(answer)

    async def _refuse_bare(self, status: int) -> None:
        """Refuse what the application need not know of."""
        self._bridge.note_refusal(status, (self._scope["client"] or ("",))[0])
        await self._send_early(bare_answer(status))

    async def _send_early(self, answer: Answer) -> None:
        """Send an answer to a request that may not have been read whole.

        Its end is held back until the rest has come: a client that is still sending would lose the answer
        when the connection is closed (RFC 9112, section 9.6).
        """
        await self._send_start(answer)
        await self._send_pieces(answer.body, more=True)
        await self._reader.discard()
        await self._send_pieces(b"", more=False)

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
        headers = [SERVER, *answer.headers]
        if self._bridge.is_draining or not self._reader.is_complete:
            headers.append(CLOSE)  # what comes behind half a body cannot be told from its rest
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def _send_pieces(self, body: bytes, *, more: bool) -> None:
        if self._scope["method"] == "HEAD":
            body = b""
        for start in range(0, len(body) or 1, PIECE_BYTES):
            piece = body[start : start + PIECE_BYTES]
            more_body = more or start + PIECE_BYTES < len(body)
            await self._send({"type": "http.response.body", "body": piece, "more_body": more_body})

    def _environ(self) -> Environ:
        """Make the WSGI environment of this request; of a refused body only the length is told."""
        reader = self._reader
        body = b"" if reader.refusal else reader.body
        length = reader.declared or 0 if reader.refusal else len(body)
        return environ_of(self._scope, body, length, reader.received_at)


def _counted(body: bytes) -> int:
    """Bytes that a body adds to the memory budget of its kind; small ones are bounded by the connections."""
    return len(body) if len(body) > FREE_BYTES else 0
