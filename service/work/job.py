"""A computation on a worker thread: its turns, its memory, and its place among the long ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from functools import partial
from operator import methodcaller
from typing import Any, TypeVar

from service.core.limits import Deadline, Overloaded, Scheduler
from service.work.budget import MemoryBudget
from service.work.threads import WorkerThreads
from service.work.turns import Turn

T = TypeVar("T")

LONG_SECONDS = 0.25
"""Estimated processor time from which a job is a long one: `WorkerThreads` bounds them."""

LARGE_BYTES = 16_777_216
"""Memory of a job after which it is worth while to look for what can be given back."""

CERTAIN = 0.25
"""Part of its estimated time that a computation takes in any case, however fast the machine."""

LATE = "The deadline passed before the computation began."
FULL = "The memory that it needs will not be free before its deadline; try again."


class Job(Scheduler):
    """One computation on a worker thread, and its scheduler.

    Parameters
    ----------
    threads : WorkerThreads
        Whose turns it waits for.
    memory : MemoryBudget
        What all jobs may hold together.
    until : float
        Until when it may wait for its first turn, by `time.monotonic`.
    size : int
        Bytes that it takes at least.
    """

    def __init__(self, threads: WorkerThreads, memory: MemoryBudget, until: float, size: int = 0) -> None:
        self.is_abandoned = False
        self._threads, self._memory = threads, memory
        self._until, self._size = until, size
        self._loop = asyncio.get_running_loop()
        self._turn = Turn(threads.turns)
        self._is_long = False
        self._busy_until = 0.0
        self._deadline: Deadline | None = None
        self._awaited: list[Future[Any]] = []  # a thread, room in memory

    # What the event loop calls.

    async def run(self, work: Callable[[Job], T]) -> T:
        """Have a thread do `work`, and return what comes of it; nothing of it goes on after that.

        Raises
        ------
        Overloaded
            Too many jobs are waiting already, or the time was up, or the job abandoned, before it began.
        """
        try:
            future = self._threads.submit(partial(self._run, work))
        except Overloaded:
            self.abandon()  # the pool may have kept it
            raise
        self._awaited.append(future)
        timer = self._loop.call_later(
            self._until - time.monotonic(), future.cancel
        )  # if it has no thread yet
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if future.cancelled():
                raise Overloaded(LATE) from None
            raise
        finally:
            timer.cancel()
            self._memory.give(self)
            self._threads.done(is_long=self._is_long)

    def abandon(self) -> None:
        """Tell the computation to stop: nobody waits for it any more."""
        self.is_abandoned = True
        if deadline := self._deadline:
            deadline.cancel()
        for future in self._awaited:  # of the thread, once it runs, this changes nothing
            future.cancel()
        self._turn.hurry()

    # What the computation calls, on whichever thread it runs.

    @property
    def waited(self) -> float:
        """Seconds for which the computation was held up so far."""
        return self._turn.waited

    def attach(self, deadline: Deadline) -> None:
        """Learn the deadline of the computation."""
        self._deadline = deadline
        if self.is_abandoned:
            deadline.cancel()

    def give_way(self) -> None:
        """Wait for the next turn, if another job goes first."""
        if deadline := self._deadline:
            self._turn.give_way(deadline.remaining)

    def expect(self, seconds: float, peak_bytes: float, ends_early: bool = False) -> bool:
        """Wait for room in memory, no longer than until the deadline; a long job needs a place among them.

        Raises
        ------
        Overloaded
            There are too many long jobs, or those that compute will hold the memory beyond the deadline.
        """
        if seconds >= LONG_SECONDS and not self._is_long:
            self._threads.take_long()
            self._is_long = True
        self._size = max(self._size, int(peak_bytes))
        began = time.monotonic()
        self._busy_until = began if ends_early else began + CERTAIN * seconds
        if self._memory.take(self, int(peak_bytes)):
            return True
        self._turn.give()
        left = deadline.remaining() if (deadline := self._deadline) else 0.0
        if self._memory.soonest(self, int(peak_bytes), methodcaller("soonest_end")) > began + left:
            raise Overloaded(FULL)
        room = self._call(self._memory.wait(self, int(peak_bytes), left))
        self._awaited.append(room)
        if self.is_abandoned:  # perhaps just before it could be cancelled
            room.cancel()
        try:
            return room.result()
        except CancelledError:  # the job was abandoned
            return False
        finally:
            self._turn.waited += time.monotonic() - began

    def soonest_end(self) -> float:
        """Tell until when the job computes at least, by `time.monotonic`."""
        deadline = self._deadline
        return min(self._busy_until, time.monotonic() + deadline.remaining()) if deadline else 0.0

    def finish(self) -> None:
        """Let others compute."""
        self._turn.give()

    def tell(self, telling: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        """Call a coroutine function on the event loop and wait for its end, if somebody still waits."""
        if not self.is_abandoned:
            self._call(telling(*arguments)).result()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _run(self, work: Callable[[Job], T]) -> T:
        """Do the work on the thread, when it is the job's turn."""
        try:
            if self.is_abandoned or not self._turn.take(self._until - time.monotonic()):
                raise Overloaded(LATE)
            return work(self)
        finally:
            self._turn.give()
            self._deadline = None  # a cycle: only the collector would free the answer that hangs on it
            if self._size > LARGE_BYTES:
                self._threads.give_back_memory()
