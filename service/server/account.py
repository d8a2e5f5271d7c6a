"""How many bytes a worker holds for its callers, and how many it may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Account:
    """Bytes held, up to a limit. Belongs to the event loop: not for other threads.

    Parameters
    ----------
    limit : int
        Most bytes held at a time.
    on_change : callable
        Called with the bytes held whenever they change.
    """

    def __init__(self, limit: int, on_change: Callable[[int], None] = lambda held: None) -> None:
        self.limit = limit
        self.held = 0
        self._on_change = on_change
        self._waiting: set[asyncio.Future[None]] = set()

    def take(self, count: int) -> bool:
        """Hold `count` more bytes, or return False when there is no room for them."""
        if not count:
            return True
        if self.held + count > self.limit:
            return False
        self.held += count
        self._on_change(self.held)
        return True

    def give(self, count: int) -> None:
        """Give back what was taken, and wake up who waits for room."""
        if not count:
            return
        self.held -= count
        self._on_change(self.held)
        for room in self._waiting:
            if not room.done():
                room.set_result(None)

    async def wait(self, count: int, seconds: float) -> bool:
        """Hold `count` more bytes as soon as there is room; False when there was none in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not self.take(count):
            room = loop.create_future()
            self._waiting.add(room)
            try:
                await asyncio.wait_for(room, end - loop.time())
            except TimeoutError:
                return False
            finally:
                self._waiting.discard(room)
        return True
