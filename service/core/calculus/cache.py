"""A cache bounded by number and by bytes, safe under threads, the oldest use dropped first."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class BoundedCache(Generic[T]):
    """Keeps what was made, least recently used first out.

    Parameters
    ----------
    entries, size : int, float
        The most entries, and the most bytes of them all together.
    size_of : callable
        Estimates an entry's bytes from its value; they do not count when absent.

    Notes
    -----
    Two threads that miss at the same time make the value twice; either one is right, since a
    value is a function of its key alone. Making is never done under the lock.
    """

    def __init__(
        self, entries: int, size: float = math.inf, size_of: Callable[[T], int] = lambda value: 0
    ) -> None:
        self.hits = 0
        self.misses = 0
        self._entries = entries
        self._size = size
        self._size_of = size_of
        self._held = 0
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get_or_make(self, key: Hashable, make: Callable[..., T], *arguments: Any) -> T:
        """Return the value of a key, made of arguments when it is not there."""
        with self._lock:
            known = self._values.get(key)
            if known is not None:
                self._values.move_to_end(key)
                self.hits += 1
                return known[0]
            self.misses += 1
        value = make(*arguments)
        size = self._size_of(value)
        with self._lock:
            if key not in self._values and size <= self._size:
                self._values[key] = (value, size)
                self._held += size
            while len(self._values) > self._entries or self._held > self._size:
                _, (_, dropped) = self._values.popitem(last=False)
                self._held -= dropped
        return value

    @property
    def held_bytes(self) -> int:
        """Estimated bytes of all entries."""
        return self._held

    def __len__(self) -> int:
        return len(self._values)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._values.clear()
            self._held = 0
