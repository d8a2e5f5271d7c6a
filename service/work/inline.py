"""Computations on the event loop, where only quick ones may run."""

from __future__ import annotations

import math
import time

from service.core.limits import Deadline, Scheduler

QUICK_SECONDS = 0.003
"""The most processor time that a computation may ask for, and with as much again the most that it may
take, on the event loop."""


class Deferred(BaseException):
    """A computation on the event loop is long: it has to begin again on a worker thread.

    Not an `Exception`, so that no error handler of the application takes it for a failure.
    """


class Inline(Scheduler):
    """The scheduler of a computation on the event loop; `until` is its deadline, by `time.monotonic`."""

    until = math.inf
    _began = _used = 0.0

    def attach(self, deadline: Deadline) -> None:
        """Note the deadline; the time for reading the request is bounded by its size."""
        self._began = time.monotonic()
        self.until = self._began + deadline.remaining()

    def give_way(self) -> None:
        """Give the event loop back when the computation takes longer than it said.

        The processor's clock costs a call of the system, so it is looked at only when the other one says
        that the time may be up; then the computation has as much again.
        """
        if time.monotonic() - self._began < QUICK_SECONDS:
            return
        self._used = self._used or time.thread_time()
        if time.thread_time() - self._used > QUICK_SECONDS:
            raise Deferred

    def expect(self, seconds: float, peak_bytes: float, ends_early: bool = False) -> bool:
        """Refuse what will take long; the deadline may stop it before.

        Infinite are the seconds of what waits for another thread: no deadline makes that quick.
        """
        if seconds == math.inf or min(seconds, self.until - time.monotonic()) > QUICK_SECONDS:
            raise Deferred
        return True
