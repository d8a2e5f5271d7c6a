"""A request's body on its way in: bounded while it is read, whatever the client declares."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from http import HTTPStatus
from typing import Any

from service.api.messages import too_large, truncated
from service.config import Settings
from service.work.budget import MemoryBudget

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

Refusal = int | tuple[str, str]
"""What is answered in place of reading a request: a status, or a code and a detail for the application."""

MOST_HEAD_BYTES = 65_536
"""Bytes that may come in without making up a request, or a piece of a body. What uvicorn has parsed of a
head is not bounded."""

MOST_PIECES = 4_096
"""Pieces of a body that wait to be joined: a million of one byte each would take fifty times their size."""

SLOWEST_BYTES_PER_SECOND = 65_536
"""A body that comes slower than this has only its first allowance of time."""

UNASKED_SECONDS = 1.0
"""How long to look for a body that was announced by ``Expect: 100-continue`` and never asked for."""


class BodyReader:
    """Reads one body, and answers for the memory it takes until `release`.

    `is_complete` says whether all of it came, kept or thrown away; `came` counts what arrived with the head.

    Of a body of known length that comes over a `transport`, all but the first piece bypasses the parser, as
    uvicorn would copy it three times: `take` brings these `unparsed` bytes, and what is `behind` the body.
    """

    def __init__(
        self, headers: list[tuple[bytes, bytes]], receive: Receive, settings: Settings, budget: MemoryBudget
    ) -> None:
        self.body, self.is_complete, self.received_at = b"", True, 0.0
        self.transport: asyncio.Transport | None = None
        self.unparsed, self.behind, self._left, self.came = 0, b"", 0, 0
        self._pieces: asyncio.Queue[bytes] | None = None
        self._declared: int | None = None
        self._has_ended = self._is_unasked = self._is_waiting = self._is_flooded = False
        self._idle_bytes = 0
        self._timeout: asyncio.Timeout | None = None
        self._receive, self._settings, self._budget = receive, settings, budget
        for name, value in headers:  # the parser has refused what is contradictory
            if name == b"content-length":
                self._declared = int(value)
                self.is_complete = self._declared == 0
            elif name == b"transfer-encoding":
                self.is_complete = False
            elif name == b"expect":
                self._is_unasked = value.strip().lower() == b"100-continue"

    async def read(self) -> Refusal | None:
        """Read the body, up to the limit and as fast as there is room for it."""
        refusal: Refusal | None = None
        limit = self._settings.limits.body_bytes
        if self._declared is not None and self._declared > limit:
            refusal = too_large(limit)
        elif not self.is_complete:
            with suppress(TimeoutError):
                async with self._allow(self._settings.body_timeout_s):
                    refusal = await self._read(limit)
            if not self.is_complete and refusal is None:
                refusal = self._cut_short()
        if refusal:
            self.release()
        self.received_at = time.monotonic()
        return refusal

    def take(self, data: bytes) -> bool:
        """Take what came in, if it is of the body; reading pauses while nobody waits for a piece."""
        if self._pieces is None or self.transport is None:
            return False
        piece = data[: self._left]
        self._left -= len(piece)
        self.unparsed += len(piece)
        self.behind += data[len(piece) :]
        if self.behind or not self._is_waiting:
            self.transport.pause_reading()
        if piece:
            self._pieces.put_nowait(piece)
            self._is_waiting = False
        return True

    def expects(self, size: int) -> bool:
        """Tell whether the parser may have these bytes too; what is beside the body is bounded as heads are.

        It keeps trailers, a hundred bytes for each eight that come, and extensions of chunks would never end.
        Reading pauses while nobody waits for a piece.
        """
        if not self._is_waiting and self.transport:
            self._idle_bytes = 0
            self.transport.pause_reading()
        self._is_flooded = self._is_flooded or self._idle_bytes > MOST_HEAD_BYTES
        self._idle_bytes += size
        if self._is_flooded:
            self.end()
        return not self._is_flooded

    def end(self) -> None:
        """Stop waiting: the client sends nothing more, though it may still read."""
        self._has_ended = True
        if self._timeout is not None:
            with suppress(RuntimeError):  # it is over
                self._timeout.reschedule(0)

    def _allow(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Bound the time of reading; none is needed where all came, or left where the client has ended."""
        if self._declared is not None and self._declared <= self.came:
            return nullcontext()
        self._timeout = asyncio.timeout(0 if self._has_ended else seconds)
        return self._timeout

    async def _read(self, limit: int) -> Refusal | None:
        settings, started = self._settings, asyncio.get_running_loop().time()
        pieces, size = [b""], 0
        while not self.is_complete:
            piece = await self._next()
            if piece is None:
                return None
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                return too_large(limit)
            if not await self._budget.wait(self, size, settings.limits.deadline_default_ms / 1000):
                return "overloaded", "Too many large bodies are being received; try again."
            if len(pieces) > MOST_PIECES:
                pieces = [b"".join(pieces)]
            if not self.is_complete and self._timeout and not (self._has_ended or self._timeout.expired()):
                self._timeout.reschedule(started + settings.body_timeout_s + size / SLOWEST_BYTES_PER_SECOND)
        self.body = b"".join(pieces)
        return None

    async def _next(self) -> bytes | None:
        """Wait for a piece; there is none when the client has gone."""
        if self._pieces is not None:
            self._is_waiting = True
            piece = await self._pieces.get()
            self.is_complete = self._left == 0 and self._pieces.empty()
        else:
            self._is_waiting = True
            if self.transport:
                self.transport.resume_reading()
            message = await self._receive()
            self._is_waiting = False
            if message["type"] != "http.request":
                self._has_ended = True
                return None
            piece = message.get("body", b"")
            self._idle_bytes = 0
            self.is_complete = not message.get("more_body", False)
            if self.transport and self._declared and not self.is_complete:
                self._left = self._declared - len(piece)
                self._pieces = asyncio.Queue()
        if self.transport and self._pieces is not None:
            self.transport.resume_reading()  # uvicorn may have stopped it too
        return piece

    def _cut_short(self) -> Refusal:
        """Say why no more of the body comes: the client ended it, sends something else, or was silent."""
        if self._is_flooded:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if not self._has_ended:
            return HTTPStatus.REQUEST_TIMEOUT
        rest = "its last chunk" if self._declared is None else f"all of its {self._declared} bytes"
        return "malformed-json", truncated(rest)

    async def discard(self) -> None:
        """Read on and throw it away: many clients look for an answer only when all of a body is sent."""
        left = self._settings.discarded_bytes
        with suppress(TimeoutError):
            async with self._allow(UNASKED_SECONDS if self._is_unasked else self._settings.body_timeout_s):
                while left > 0 and not (self.is_complete or self._has_ended):
                    left -= len(await self._next() or b"")

    async def wait_for_end(self) -> None:
        """Wait until the client goes away; the body has been read, so nothing else can come."""
        while (await self._receive())["type"] != "http.disconnect":
            continue

    def release(self) -> None:
        """Let go of the body."""
        self.body = b""
        self._budget.give(self)
