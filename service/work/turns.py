"""Who computes: one job of a worker at a time, and the one that has used the least processor time first.

Two computations at once would only share the GIL and slow each other down, and one after the other lets
a small request wait behind a long one. So a computation that comes to a yield point (`Scheduler.give_way`)
goes on only if no other has used clearly less; else its thread sleeps until it is its turn again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LEAD_SECONDS = 0.002, 0.05
"""The least and the most that a job may be ahead of another before it gives way: every change costs a
switch of threads and a cold cache."""

LEAD = 0.25
"""The same between them, as a part of what the job has used: long jobs change seldom."""

LOOK_SECONDS = 0.001
"""Between two looks at who waits: a computation may come to a yield point every few microseconds."""


class Turns:
    """The jobs of a worker that want to compute, and the one that does.

    Attributes
    ----------
    lock : Lock
        Held while any of this changes.
    waiting : list of Turn
        Jobs that want to compute; `holder` is the one that does.
    look_at : float
        When the holder is to look next at who waits.
    passed : int
        Yield points that were passed.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: list[Turn] = []
        self.holder: Turn | None = None
        self.look_at = 0.0
        self.passed = 0
        self._seen = 0, 0.0

    def stuck_seconds(self) -> float:
        """Tell for how long the job that computes has not passed a yield point, as far as was looked."""
        now = time.monotonic()
        if self.holder is None or self.passed != self._seen[0]:
            self._seen = self.passed, now
        return now - self._seen[1]

    def pass_on(self) -> None:
        """Give the turn to whoever is first in line; called with the lock held."""
        self.holder = min(self.waiting, key=Turn.rank, default=None)
        if self.holder:
            self.waiting.remove(self.holder)
            self.holder.is_mine.notify()
        self.passed += 1
        self.look_at = 0.0


class Turn:
    """One job's place among the others.

    Attributes
    ----------
    used : float
        Processor seconds that the job has computed for, as known at its last change.
    waited : float
        Seconds for which it wanted to compute and could not.
    is_urgent : bool
        Whether its deadline has passed: what is left to do, the answer, comes before all else.
    """

    def __init__(self, turns: Turns) -> None:
        self.used = self.waited = 0.0
        self.is_urgent = False
        self.is_mine = threading.Condition(turns.lock)
        self._turns = turns
        self._thread = 0
        self._clock = 0.0

    def rank(self) -> tuple[bool, float]:
        """Order the jobs: the urgent ones, then by the time that they have used."""
        return not self.is_urgent, self.used

    def take(self, seconds: float) -> bool:
        """Wait for the first turn; False when it does not come in time, or the client leaves before."""
        with self._turns.lock:
            self._wait(seconds, is_first=True)
            return self._turns.holder is self

    def give(self) -> None:
        """Let others compute: this job does not want to for now."""
        turns = self._turns
        with turns.lock:
            if turns.holder is self:
                self._charge()
                turns.pass_on()

    def give_way(self, remaining: Callable[[], float]) -> None:
        """Let another job go first that has used less processor time, and wait for the next turn.

        Parameters
        ----------
        remaining : callable
            Returns the seconds that are left until the deadline.
        """
        turns = self._turns
        turns.passed += 1
        if turns.holder is self and (not turns.waiting or time.monotonic() < turns.look_at):
            return
        with turns.lock:
            if turns.holder is self:
                turns.look_at = time.monotonic() + LOOK_SECONDS
                self._charge()
                if not self._is_behind(min(turns.waiting, key=Turn.rank, default=self)):
                    return
                turns.pass_on()
            self._wait(remaining())

    def hurry(self) -> None:
        """Finish as soon as possible: the client has gone away."""
        with self._turns.lock:
            self.is_urgent = True
            self._turns.look_at = 0.0
            self.is_mine.notify()

    def _is_behind(self, other: Turn) -> bool:
        """Tell whether another job is to go before this one, which computes."""
        if self.is_urgent or other is self:
            return False
        least, most = LEAD_SECONDS
        return other.is_urgent or other.used + min(max(least, LEAD * self.used), most) < self.used

    def _wait(self, seconds: float, *, is_first: bool = False) -> None:
        """Wait for the turn, with the lock held; a yield point may come from another thread of the job.

        A job whose time is up becomes urgent; one that has not begun gives up.
        """
        turns, began = self._turns, time.monotonic()
        if turns.holder is not self:
            turns.waiting.append(self)
            if turns.holder is None:
                turns.pass_on()
        while turns.holder is not self:
            left = began + seconds - time.monotonic()
            if left <= 0 and not self.is_urgent:
                self.is_urgent = True
                turns.look_at = 0.0
            if self.is_urgent and is_first:
                turns.waiting.remove(self)
                break
            self.is_mine.wait(None if self.is_urgent else min(left, threading.TIMEOUT_MAX))
        self.waited += time.monotonic() - began
        self._thread, self._clock = threading.get_ident(), time.thread_time()

    def _charge(self) -> None:
        """Count the processor time since the last change; of a thread new to this job, from now on."""
        thread, now = threading.get_ident(), time.thread_time()
        if thread == self._thread:
            self.used += now - self._clock
        self._thread, self._clock = thread, now
