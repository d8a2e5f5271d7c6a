"""The bridge from ASGI to the WSGI application: what runs where, and how much is held in memory.

A request whose body is small is begun on the event loop: handing it to a thread would cost more than
computing it. When its computation says that it will take long, or takes long after all, the request goes
to a worker thread, as those with large bodies do at once. There computations take turns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIEnvironment

from service.api.metrics import Metrics
from service.config import ARRAYS, Settings
from service.core.limits import Overloaded, Scheduler
from service.server.answer import Answer, WsgiApplication, run
from service.server.body_reader import BodyReader, Receive, Refusal
from service.server.environ import Scope, environ_of
from service.server.refusals import CLOSE, bare_answer, note, refused_head
from service.work.budget import MemoryBudget
from service.work.inline import Deferred, Inline
from service.work.job import Job
from service.work.threads import WorkerThreads

if TYPE_CHECKING:  # other ASGI servers do without uvicorn
    from service.server.connection import Connection

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONNECTION: ContextVar[Connection | None] = ContextVar("connection", default=None)
"""Which connection a request came on: of Kobai's own worker, whose connections set it before uvicorn makes a
task of what they give it.
"""

PIECE_BYTES = 262_144
"""An answer is sent in pieces of this size, each waiting until the one before is nearly out."""

FREE_BYTES, FREE_ARRAY_BYTES = 65_536, 1_048_576
"""What of a body or an answer, and of a computation, is not counted: connections and jobs are bounded."""

BYTES_FOR_ONE = 8
"""Memory that a large body takes at most, times its own size: its numbers, the result, and the answer."""


class GivenUp(Exception):
    """A stream cannot go on: its reader is too slow, or too many are."""


class Bridge:
    """An ASGI application that runs a WSGI application; `on_drain` is called when a worker begins to stop."""

    def __init__(
        self,
        application: WsgiApplication,
        settings: Settings,
        metrics: Metrics | None = None,
        on_drain: Callable[[], None] = lambda: None,
    ) -> None:
        self.application = application
        self.settings = settings
        self.metrics = metrics or Metrics()
        self.is_draining = False
        self._on_drain = on_drain
        body, peak = settings.limits.body_bytes, settings.limits.peak_bytes
        self.bodies = MemoryBudget(settings.held_body_bytes, FREE_BYTES, body)
        self.answers = MemoryBudget(settings.held_answer_bytes, FREE_BYTES)
        self.arrays = MemoryBudget(ARRAYS * peak, FREE_ARRAY_BYTES, peak)
        self.threads = WorkerThreads(settings.queue)
        watch, held = self.metrics.watch, self.metrics.held.labels
        watch(held("bodies"), lambda: self.bodies.held)
        watch(held("answers"), lambda: self.answers.held)
        watch(held("arrays"), lambda: self.arrays.held)
        watch(self.metrics.queued, lambda: self.threads.waiting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        reader = BodyReader(scope["headers"], receive, self.settings, self.bodies)
        connection = CONNECTION.get()
        if connection is not None:
            connection.begin(reader)
        try:
            await _Exchange(self, scope, reader, send).serve()
        finally:
            reader.release()
            if connection is not None:
                connection.finish(reader)

    def drain(self) -> None:
        """Close every connection with its answer from now on: the worker is about to stop."""
        self.is_draining = True
        self._on_drain()


class _Exchange:
    """One request and its answer."""

    def __init__(self, bridge: Bridge, scope: Scope, reader: BodyReader, send: Send) -> None:
        self._bridge, self._scope, self._reader, self._send = bridge, scope, reader, send

    async def serve(self) -> None:
        """Answer: from the event loop where the work is quick, else from a worker thread."""
        refusal = refused_head(self._scope) or await self._reader.read()
        if refusal:
            await self._refuse(refusal)
            return
        settings, scheduler = self._bridge.settings, Inline()
        if len(self._reader.body) <= settings.inline_body_bytes:
            with suppress(Deferred):
                await self._send_whole(run(self._bridge.application, self._environ(scheduler)))
                return
        longest = settings.limits.deadline_ms / 1000  # of a body that nobody has looked at yet
        await self._serve_from_thread(min(scheduler.until, time.monotonic() + longest))

    async def _serve_from_thread(self, until: float) -> None:
        """Have a worker thread compute, unless that must wait too long, and send what comes back."""
        bridge = self._bridge
        job = Job(bridge.threads, bridge.arrays, until, BYTES_FOR_ONE * len(self._reader.body))
        watch = asyncio.create_task(self._reader.wait_for_end())  # done when the client has gone
        watch.add_done_callback(lambda _: job.abandon())
        try:
            answer = await job.run(self._compute)
        except Overloaded as error:
            if not watch.done():
                await self._refuse(("overloaded", str(error)))
        except Exception as error:
            connection = CONNECTION.get()
            if isinstance(error, GivenUp) and connection is not None:  # other servers close by the error
                connection.transport.abort()
                await asyncio.wait([watch])
            elif not watch.done():
                raise
        else:
            if not (answer.is_stream or watch.done()):
                await self._send_whole(answer)
        finally:
            watch.cancel()

    def _compute(self, job: Job) -> Answer:
        """Run the application on a worker thread."""
        environ = self._environ(job)
        self._reader.body = b""  # the environment has it
        answer = run(self._bridge.application, environ, partial(self._stream, job))
        if answer.is_stream:
            job.tell(self._send_pieces)
        return answer

    def _stream(self, job: Job, answer: Answer, chunks: Iterable[bytes]) -> None:
        """Send a stream from the thread that makes it, piece by piece; its end follows when it is closed."""
        job.tell(self._send_start, answer)
        for chunk in chunks:
            job.tell(self._send_chunk, chunk)

    async def _refuse(self, refusal: Refusal) -> None:
        """Answer a request that may not have been read whole, by a word of the application's where it knows.

        The end of the answer is held back until the rest has come: a client that is still sending would lose
        it when the connection is closed (RFC 9112, section 9.6).
        """
        if isinstance(refusal, int):
            client = (self._scope["client"] or ("",))[0]
            note(self._bridge.metrics, self._bridge.settings, refusal, client)
            answer = bare_answer(refusal)
        else:
            answer = run(self._bridge.application, self._environ() | {"kobai.body_error": refusal})
        await self._send_start(answer)
        await self._send_pieces(answer.body, more=True)
        await self._reader.discard()
        await self._send_pieces()

    async def _send_whole(self, answer: Answer) -> None:
        """Send an answer whose length is known; the body it answers is not needed any more."""
        self._reader.release()
        if not self._bridge.answers.take(self, len(answer.body)):
            await self._refuse(("overloaded", "Too many answers wait for their readers; try again."))
            return
        try:
            await self._send_start(answer)
            await self._send_pieces(answer.body)
        finally:
            self._bridge.answers.give(self)

    async def _send_chunk(self, chunk: bytes) -> None:
        """Send a piece of a stream; where no room is left for it, the stream is given up."""
        if not self._bridge.answers.take(self, len(chunk)):
            raise GivenUp
        try:
            async with asyncio.timeout(self._bridge.settings.send_timeout_s):
                await self._send_pieces(chunk, more=True)
        except TimeoutError as error:
            raise GivenUp from error
        finally:
            self._bridge.answers.give(self)

    async def _send_start(self, answer: Answer) -> None:
        headers = [(b"Server", b"kobai"), *answer.headers]
        closes = self._bridge.is_draining or not self._reader.is_complete
        if closes and CLOSE not in headers:
            headers.append(CLOSE)  # what comes behind half a body cannot be told from its rest
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def _send_pieces(self, body: bytes = b"", *, more: bool = False) -> None:
        for start in range(0, len(body) or 1, PIECE_BYTES):
            piece = body[start : start + PIECE_BYTES]
            more_body = more or start + PIECE_BYTES < len(body)
            if start:  # else the server would not hear in between that the client has gone
                await asyncio.sleep(0)
            await self._send({"type": "http.response.body", "body": piece, "more_body": more_body})

    def _environ(self, scheduler: Scheduler | None = None) -> WSGIEnvironment:
        environ = environ_of(self._scope, self._reader.body, self._reader.received_at)
        environ["kobai.scheduler"] = scheduler
        return environ
