"""How freed memory gets back to the system: by themselves glibc and Python's collector keep much of it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os

from service.core.limits import MIB

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
"""Numbers of `mallopt` (malloc.h)."""

MALLOC_OPTIONS = ((ARENA_MAX, 1), (MMAP_THRESHOLD, 32 * MIB), (TRIM_THRESHOLD, 256 * MIB))
"""One heap for all threads, since what one frees in its own no other uses; the largest arrays there can be
within it, since memory that is found anew costs as much time as several operations on it (a gradient of
800,000 numbers takes a third longer with a tenth of these), and `Keeper` gives back what is too much.
"""

KEPT_BYTES = 128 * MIB
"""How far a process may grow before it looks for what it could give back: two requests with 800,000 numbers
at once leave 110 MiB, and cost a tenth less where the next ones find it.
"""

STATM = "/proc/self/statm"


def keep_little() -> None:
    """Tell the allocator, before there are threads. Where it is not glibc nothing changes."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        for option, value in MALLOC_OPTIONS:
            libc.mallopt(option, value)


class Keeper:
    """Gives memory back after work that took much; starts from what the process has now."""

    def __init__(self) -> None:
        self._statm = None
        with contextlib.suppress(OSError):
            self._statm = os.open(STATM, os.O_RDONLY | os.O_CLOEXEC)
        self._start = self.resident_bytes()

    def resident_bytes(self) -> int:
        """Measure the memory of this process; 0 where the system does not tell.

        In one call of the system: at each, the event loop takes the interpreter's lock for a while.
        """
        if self._statm is None:
            return 0
        return int(os.pread(self._statm, 100, 0).split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def give_back(self) -> None:
        """Collect what only cycles hold, as a traceback holds the arrays of its frames, and return it."""
        if self.resident_bytes() - self._start < KEPT_BYTES:
            return
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
