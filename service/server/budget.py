"""How many bytes a worker holds for its clients, and how many it may."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


class MemoryBudget:
    """Bytes held, up to a limit. Belongs to the event loop; other threads may only `take`.

    Many that grow at the same time could fill it together, and then all wait for each other.
    So a reserve is left to one of them at a time, which can always go on to its end.

    Parameters
    ----------
    limit : int
        Most bytes held at a time.
    reserve : int
        Part of the limit that only the first in line may use: as much as one can ever need.
    on_change : callable
        Called with the bytes held whenever they change.
    """

    def __init__(
        self, limit: int, reserve: int = 0, on_change: Callable[[int], None] = lambda held: None
    ) -> None:
        self.limit = limit
        self.held = 0
        self._reserve = reserve
        self._lock = threading.Lock()
        self._on_change = on_change
        self._first: object = None
        self._waiting: dict[asyncio.Future[None], None] = {}

    def take(self, count: int, owner: object = None) -> bool:
        """Hold `count` more bytes, or return False when there is no room for them."""
        if not count:
            return True
        is_first = owner is not None and owner is self._first
        with self._lock:
            if self.held + count > self.limit - (0 if is_first else self._reserve):
                return False
            self.held += count
        self._on_change(self.held)
        return True

    def give(self, count: int, owner: object = None) -> None:
        """Give back all that `owner` took, and wake up who waits for room, in order."""
        if owner is not None and owner is self._first:
            self._first = None
        elif not count:
            return
        with self._lock:
            self.held -= count
        self._on_change(self.held)
        for room in self._waiting:
            if not room.done():
                room.set_result(None)

    async def wait(self, count: int, owner: object, seconds: float) -> bool:
        """Hold `count` more bytes as soon as there is room; False when there was none in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not self.take(count, owner):
            if self._first is None:
                self._first = owner
                continue
            if not await self._sleep(end - loop.time()):
                return False
        return True

    async def _sleep(self, seconds: float) -> bool:
        """Wait until something is given back; False when nothing was in time."""
        room = asyncio.get_running_loop().create_future()
        self._waiting[room] = None
        try:
            await asyncio.wait_for(room, seconds)
        except TimeoutError:
            return False
        finally:
            del self._waiting[room]
        return True
