"""The worker threads: what computes longer than the event loop can wait for."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from service.core.limits import Overloaded
from service.work.memory import Keeper
from service.work.turns import Turns

T = TypeVar("T")

NO_THREAD = "The system has no thread for the computation; try again."

MOST_OPEN = 64
"""Jobs that have a thread, one of them computing; what is accepted beyond them waits for a thread."""

NICER = 2
"""How far a thread's priority is below the event loop's: little, so that other processes do not starve it."""


class WorkerThreads:
    """A pool of threads, and how many jobs it takes.

    Long jobs and others are counted apart: whoever asks for little finds room beside a full queue of
    long ones, and the turns see to it that it does not wait for them either.

    Parameters
    ----------
    queue : int
        Long jobs that may wait beside the one that computes; as many others are taken besides.
    """

    def __init__(self, queue: int) -> None:
        self.turns = Turns()
        self._most = queue + 1
        self._lock = threading.Lock()
        self._accepted = self._long = 0
        self._keeper: Keeper | None = None
        self._pool = ThreadPoolExecutor(MOST_OPEN, "kobai", _stand_back)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have a thread do `work`; `done` is to follow it.

        Raises
        ------
        Overloaded
            Too much is waiting already, or the system gives the process no more threads. The pool may come to
            the work all the same, when one of its threads is free.
        """
        if self._accepted >= 2 * self._most:
            raise Overloaded("Too many computations are waiting; try again.")
        self._keeper = self._keeper or Keeper()
        try:
            future = self._pool.submit(work)
        except RuntimeError as error:
            raise Overloaded(NO_THREAD) from error
        self._accepted += 1
        return future

    def take_long(self) -> None:
        """Count an accepted job as long; may be called from any thread.

        Raises
        ------
        Overloaded
            There are too many long ones.
        """
        with self._lock:
            if self._long >= self._most:
                raise Overloaded("Too many long computations are waiting; try again.")
            self._long += 1

    def done(self, *, is_long: bool) -> None:
        """Make room for another job."""
        with self._lock:
            self._long -= is_long
        self._accepted -= 1

    @property
    def waiting(self) -> int:
        """How many jobs wait beside the one that computes."""
        return max(0, self._accepted - 1)

    def give_back_memory(self) -> None:
        """Return to the system what a large job has left behind."""
        if self._keeper:
            self._keeper.give_back()


def _stand_back() -> None:
    """Let the event loop go first: Linux knows priorities of threads, not of processes alone.

    With equal ones, small requests wait for the end of a time slice: their p99 is twice as high.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + NICER)
