"""A request's body on its way in: bounded while it is read, whatever the client declares."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from service.config import Settings, variable_of
from service.server.budget import MemoryBudget

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Refusal = tuple[int, str, str]
"""Status, problem code and detail: what the application answers in place of reading the body."""

FREE_BYTES = 65_536
"""What every request may hold without being counted; it is bounded by the number of connections."""

MOST_PIECES = 4_096
"""Pieces of a body that wait to be joined: a million chunks of one byte would take fifty times their size."""

SLOWEST_BYTES_PER_SECOND = 65_536
"""A body that comes slower than this has only its first allowance of time."""

UNASKED_SECONDS = 1.0
"""How long to look for a body that was announced by ``Expect: 100-continue`` and never asked for."""


class BodyReader:
    """Reads one body, and answers for the memory it takes until `release`."""

    def __init__(
        self, headers: list[tuple[bytes, bytes]], receive: Receive, settings: Settings, budget: MemoryBudget
    ) -> None:
        self.body = b""
        self.refusal: Refusal | None = None
        self.is_complete = False
        self.is_late = False
        self.has_ended = False
        self.declared: int | None = None
        self.received_at = 0.0
        self._receive = receive
        self._settings = settings
        self._budget = budget
        self._held = 0
        self._is_lent = False
        self._is_awaited = False
        self._timeout: asyncio.Timeout | None = None
        self._read_framing(headers)

    def _read_framing(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Note how the body is framed; the parser has refused what is contradictory."""
        has_body = False
        for name, value in headers:
            if name == b"content-length":
                self.declared = int(value)
                has_body = self.declared > 0
            elif name == b"transfer-encoding":
                has_body = True
            elif name == b"expect":
                self._is_awaited = value.lower() == b"100-continue"
        self.is_complete = not has_body

    async def read(self) -> None:
        """Read the body, up to the limit and as fast as there is room for it."""
        limit = self._settings.limits.body_bytes
        if self.declared is not None and self.declared > limit:
            self.refusal = self._too_large(f"is declared with {self.declared} bytes")
        elif not self.is_complete:
            await self._within(self._settings.body_timeout_s, self._read(limit))
            if not self.is_complete and self.refusal is None:
                self._stop_short()
        self.received_at = time.monotonic()

    def end(self) -> None:
        """Stop waiting: the client sends nothing more, though it may still read."""
        self.has_ended = True
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(0)

    async def _within(self, seconds: float, reading: Awaitable[None]) -> None:
        """Read until the time is up, or the client has ended its side."""
        try:
            async with asyncio.timeout(0 if self.has_ended else seconds) as self._timeout:
                await reading
        except TimeoutError:
            pass
        finally:
            self._timeout = None

    async def _read(self, limit: int) -> None:
        pieces: list[bytes] = []
        size = 0
        started = asyncio.get_running_loop().time()
        while not self.is_complete:
            message = await self._receive()
            if message["type"] != "http.request":
                self.has_ended = True
                return
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if len(pieces) > MOST_PIECES:
                pieces = [b"".join(pieces)]
            self.is_complete = not message.get("more_body", False)
            if size > limit:
                self.refusal = self._too_large("is larger")
            elif not await self._hold(size):
                self.refusal = (503, "overloaded", "Too many large bodies are being received; try again.")
            if self.refusal:
                self.release()
                return
            if not self.is_complete and not self.has_ended and self._timeout is not None:
                self._timeout.reschedule(started + self._allowed_seconds(size))
        self._is_awaited = False
        self.body = b"".join(pieces)

    async def _hold(self, size: int) -> bool:
        """Answer for `size` bytes, waiting for room where there is none; no reading goes on meanwhile."""
        more = size - FREE_BYTES - self._held
        if more <= 0:
            return True
        patience = self._settings.limits.deadline_default_ms / 1000
        if not await self._budget.wait(more, self, patience):
            return False
        self._held += more
        return True

    def _allowed_seconds(self, size: int) -> float:
        return self._settings.body_timeout_s + size / SLOWEST_BYTES_PER_SECOND

    def _too_large(self, how: str) -> Refusal:
        limit = self._settings.limits.body_bytes
        setting = variable_of("body_bytes")
        return (
            413,
            "body-too-large",
            f"The body {how}; at most {limit} bytes are allowed (setting {setting}).",
        )

    def _stop_short(self) -> None:
        """Note why no more of the body comes: the client ended it, or was silent for too long."""
        self.release()
        if not self.has_ended:
            self.is_late = True
            return
        rest = "its last chunk" if self.declared is None else f"all of its {self.declared} bytes"
        self.refusal = (400, "malformed-json", f"The body is truncated: it ended before {rest} had come.")

    async def discard(self) -> None:
        """Read what is left of a refused body and throw it away, so that the client gets to the answer.

        Many clients send all of a body before they look for an answer, and lose it when the connection
        is closed before.
        """
        if self.is_complete or self.has_ended:
            return
        seconds = UNASKED_SECONDS if self._is_awaited else self._settings.body_timeout_s
        await self._within(seconds, self._discard(self._settings.discarded_bytes))

    async def _discard(self, left: int) -> None:
        while left > 0 and not self.is_complete:
            message = await self._receive()
            left -= len(message.get("body", b""))
            self.is_complete = not message.get("more_body", False)

    async def wait_for_end(self) -> None:
        """Wait until the client goes away; the body has been read, so nothing else can come."""
        while (await self._receive())["type"] != "http.disconnect":
            continue

    def lend(self) -> None:
        """Keep answering for the memory until `take_back`: a thread is using the body."""
        self._is_lent = True

    def take_back(self) -> None:
        """Answer for the memory no longer: the thread is done."""
        self._is_lent = False
        self.release()

    def release(self) -> None:
        """Let go of the body."""
        self.body = b""
        if not self._is_lent:
            self._budget.give(self._held, self)
            self._held = 0
