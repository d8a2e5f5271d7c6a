"""A thread that computes one request after the other, with a bounded queue before it."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable

from service.server.memory import Keeper

WAITING, RUNNING, WITHDRAWN = "waiting", "running", "withdrawn"

NICER = 2
"""How far a lane's priority is below the event loop's: little, so that other processes do not starve it."""


def _nothing() -> None:
    """Do what is left of withdrawn work."""


def _stand_back() -> None:
    """Let the event loop go first: Linux knows priorities of threads, not of processes alone.

    With equal ones, small requests wait for the end of a time slice: their p99 is twice as high.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + NICER)


class Ticket:
    """One piece of work and its place in the queue."""

    __slots__ = ("state", "work")

    def __init__(self, work: Callable[[], None]) -> None:
        self.work = work
        self.state = WAITING


class Lane:
    """One thread, because more would only share the interpreter's lock and slow each other down.

    Parameters
    ----------
    name : str
        For the thread and the metrics.
    length : int
        Work that may wait beside what is running.
    on_change : callable
        Called with the number waiting whenever it changes, from any thread.
    """

    def __init__(
        self, name: str, length: int, on_change: Callable[[int], None] = lambda waiting: None
    ) -> None:
        self.name = name
        self.length = length
        self._on_change = on_change
        self._tickets: queue.SimpleQueue[Ticket] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = 0
        self._waiting = 0
        self._since = 0.0
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[], None]) -> Ticket | None:
        """Queue `work`, or return None when the queue is full."""
        with self._lock:
            if self._open > self.length:
                return None
            self._open += 1
            self._waiting += 1
            ticket = Ticket(work)
            self._start()
        self._on_change(self._waiting)
        self._tickets.put(ticket)
        return ticket

    def withdraw(self, ticket: Ticket) -> bool:
        """Take work out of the queue; False when it is running or done."""
        with self._lock:
            if ticket.state != WAITING:
                return False
            ticket.state = WITHDRAWN
            ticket.work = _nothing  # let go of the request's body at once
            self._waiting -= 1
            self._open -= 1
        self._on_change(self._waiting)
        return True

    def busy_seconds(self) -> float:
        """How long the current work has been running, 0 when there is none."""
        since = self._since
        return time.monotonic() - since if since else 0.0

    def _start(self) -> None:
        """Start the thread with the first work: after the fork, and only where it is needed."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"kobai-{self.name}", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        _stand_back()
        keeper = Keeper()
        while True:
            ticket = self._tickets.get()
            with self._lock:
                if ticket.state == WITHDRAWN:
                    continue
                ticket.state = RUNNING
                self._waiting -= 1
                self._since = time.monotonic()
            self._on_change(self._waiting)
            try:
                ticket.work()
            finally:
                with self._lock:
                    self._since = 0.0
                    self._open -= 1
                del ticket  # with it the request's body, instead of keeping it until the next work
            keeper.give_back()
