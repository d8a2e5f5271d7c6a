"""How many bytes a worker holds for its clients, and how many it may."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Callable
from typing import Any


class MemoryBudget:
    """Bytes held, up to a limit. Belongs to the event loop; other threads may only `take`.

    Many that grow at the same time could fill it together, and then all wait for each other.
    So a reserve is left to one of them at a time, which can always go on to its end.

    Parameters
    ----------
    limit : int
        Most bytes held at a time.
    free : int
        What every owner may hold without being counted; their number is bounded elsewhere.
    reserve : int
        Part of the limit that only the first in line may use: as much as one can ever need.
    """

    def __init__(self, limit: int, free: int = 0, reserve: int = 0) -> None:
        self.held = 0
        self._limit, self._free, self._reserve = limit, free, reserve
        self._lock = threading.Lock()
        self._owners: dict[object, int] = {}
        self._first: object = None
        self._given = asyncio.Event()

    def take(self, owner: object, size: int) -> bool:
        """Let `owner` hold `size` bytes in all, or return False when there is no room for them."""
        with self._lock:
            more = size - self._free - self._owners.get(owner, 0)
            if more <= 0:
                return True
            if self.held + more > self._limit - (0 if owner is self._first else self._reserve):
                return False
            self._owners[owner] = self._owners.get(owner, 0) + more
            self.held += more
        return True

    def soonest(self, owner: object, size: int, end_of: Callable[[Any], float]) -> float:
        """Tell when `owner` may have room at the soonest, if others hold what they do to their ends."""
        with self._lock:
            given = {each: held for each, held in self._owners.items() if each is not owner}
            missing = self.held + size - self._free - self._owners.get(owner, 0) - self._limit
            if self._first in given:
                given[self._first] += self._reserve
                missing += self._reserve
        when = -math.inf
        for each in sorted(given, key=end_of):
            if missing <= 0:
                break
            when, missing = end_of(each), missing - given[each]
        return when

    def give(self, owner: object) -> None:
        """Give back all that `owner` holds, and wake up who waits for room, in order."""
        is_first = owner is self._first
        if owner not in self._owners and not is_first:
            return
        with self._lock:
            self.held -= self._owners.pop(owner, 0)
            self._first = None if is_first else self._first
        self._given.set()  # wakes up those who wait now
        self._given.clear()

    async def wait(self, owner: object, size: int, seconds: float) -> bool:
        """Let `owner` hold `size` bytes as soon as there is room; False when there was none in time."""
        if self.take(owner, size):
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.take(owner, size):
                    if self._first is None:
                        self._first = owner
                    else:
                        await self._given.wait()
                return True
        return False
