"""Beside a WSGI worker, gthread for one: it drains as the asgi worker does, and writes figures by the clock.

Gunicorn's own stop looks no more at the worker's socket, and at its end resets what waits there.
"""

from __future__ import annotations

import itertools
import math
import os
import queue
import secrets
import signal
import threading
import time
from typing import Any

from flask import Flask

from service.address import SETTLE_SECONDS, turn_away
from service.api import health
from service.api.metrics import metrics_of
from service.server.turn_to_leave import TurnToLeave

WRITE_SECONDS = 0.25
"""How often the figures are written that change without a request, and how late at most the stop begins that
the number of requests asks for."""


class Attendant(threading.Thread):
    """A thread that looks after a worker, from the end of its start to that of its drain.

    The drain stands before the worker's stop, whether a signal asks for it or the number of its requests.
    """

    def __init__(self, worker: Any, most_requests: float, drain_seconds: float) -> None:
        super().__init__(name="kobai-attendant", daemon=True)
        self._worker, self._drain_seconds = worker, drain_seconds
        self._most, self._turn = most_requests, TurnToLeave()
        self._numbers, self._answered = itertools.count(1), 0
        self._told: queue.SimpleQueue[int] = queue.SimpleQueue()  # whose `put` the next signal may interrupt
        self._has_drained = False
        self._stop_worker = signal.signal(signal.SIGTERM, self._take_stop)

    def count(self) -> None:
        """Count a request that was answered, in whatever thread."""
        self._answered = next(self._numbers)

    def _take_stop(self, number: int, frame: Any) -> None:
        """Have a stop wait for the drain; called by signals, in the worker's own thread."""
        if not self._has_drained:
            self._told.put(number)
        elif callable(self._stop_worker):
            self._stop_worker(number, frame)

    def run(self) -> None:
        """Write the figures until the stop, then drain, then let the worker stop."""
        try:
            self._write_figures()
            while not self._has_had_its_requests() and not self._is_told():
                self._write_figures()
            health.drain()
            time.sleep(self._drain_seconds)
            if self._worker.cfg.reuse_port:
                for listener in self._worker.sockets:
                    turn_away(listener.sock)
            time.sleep(SETTLE_SECONDS)
        finally:
            self._has_drained = True
            os.kill(os.getpid(), signal.SIGTERM)

    def _has_had_its_requests(self) -> bool:
        return self._answered >= self._most and self._turn.is_ours()

    def _is_told(self) -> bool:
        """Wait a little for a stop."""
        try:
            self._told.get(timeout=WRITE_SECONDS)
        except queue.Empty:
            return False
        return True

    def _write_figures(self) -> None:
        application = self._worker.app.wsgi()
        if isinstance(application, Flask):
            metrics_of(application).flush()


class Attendance:
    """Makes the attendants: in the master it knows when workers are to end, in a worker it has that one's."""

    def __init__(self, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self._most = self._jitter = 0
        self._attendant: Attendant | None = None

    def take_over(self, config: Any) -> None:
        """Take over the end of workers after so many requests: Gunicorn's is at once, without a drain."""
        self._most, self._jitter = config.max_requests, config.max_requests_jitter
        config.set("max_requests", 0)

    def most_requests(self) -> float:
        """Draw after how many requests a worker ends, as Gunicorn does."""
        return self._most + secrets.randbelow(self._jitter + 1) if self._most else math.inf

    def begin(self, worker: Any) -> None:
        """Start the attendant of a worker, in it."""
        self._attendant = Attendant(worker, self.most_requests(), self._drain_seconds)
        self._attendant.start()

    def count(self) -> None:
        """Count a request that this worker has answered."""
        if self._attendant is not None:
            self._attendant.count()
