"""Lines for standard output and error, written by a thread: no reader of the log holds up a request."""

from __future__ import annotations

import atexit
import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TextIO

MOST_LINES = 10_000
"""Lines that wait while nobody reads; further ones are dropped and counted."""

PAUSE_SECONDS = 0.02
"""Between two looks for lines: under load one wake-up of the thread serves many of them."""

ATOMIC_BYTES = 4_096
"""Written together at most: a pipe takes as much in one piece, whatever other processes write (POSIX)."""

Line = tuple[TextIO, str]


class LineWriter:
    """A bounded queue of lines, and the thread that writes them.

    The queue is a `SimpleQueue`, whose `put` may interrupt itself: the master logs in signal handlers.

    Attributes
    ----------
    dropped : int
        Lines that were not written, because the queue was full or the stream took none.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """Begin anew: a child has neither the thread nor, half written, the parent's lines."""
        self._lines: queue.SimpleQueue[Line | threading.Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def put(self, stream: TextIO | None, line: str) -> None:
        """Have a line written soon. A stream that was closed before the start is None."""
        if stream is None or self.waiting >= MOST_LINES:
            self.dropped += 1
            return
        self._lines.put((stream, line))
        if self._thread is None and self._starting.acquire(blocking=False):  # else it is being started
            try:
                self._start()
            finally:
                self._starting.release()

    def _start(self) -> None:
        """Start the one thread that writes, unless there is one by now."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="kobai-log", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the system has no thread to give: the next line tries again
                self._thread = None

    @property
    def waiting(self) -> int:
        """How many lines wait."""
        return self._lines.qsize()

    def flush(self, seconds: float = 1.0) -> bool:
        """Wait until what was put is written; False when it was not in time, since nobody reads."""
        if self._thread is None:
            return not self.waiting
        reached = threading.Event()
        self._lines.put(reached)
        return reached.wait(seconds)

    def _run(self) -> None:
        while True:
            batch = [self._lines.get()]
            while not self._lines.empty():
                batch.append(self._lines.get())
            for stream, text in _joined(item for item in batch if not isinstance(item, threading.Event)):
                self._write(stream, text)
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()
            time.sleep(PAUSE_SECONDS)

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except (OSError, ValueError):  # a broken pipe, a closed stream
            lost = text.count("\n")
            self.dropped += lost  # with no call between reading and writing it: `put` counts too


def _joined(lines: Iterable[Line]) -> Iterator[Line]:
    """Join lines of one stream to texts that a pipe takes in one piece."""
    for stream, group in groupby(lines, itemgetter(0)):
        text = ""
        for _, line in group:
            if len(text) + len(line) > ATOMIC_BYTES and text:
                yield stream, text
                text = ""
            text += line
        yield stream, text


LINES = LineWriter()
"""The process's own."""
atexit.register(LINES.flush)
