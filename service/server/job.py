"""A request on a worker thread: the application runs there, its answer comes back to the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from typing import Any, NamedTuple

from service.api.problems import Problem
from service.core.limits import Deadline, Scheduler
from service.server.budget import MemoryBudget
from service.server.environ import Environ
from service.server.threads import WorkerThreads
from service.server.turns import Turn

Headers = list[tuple[bytes, bytes]]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

AHEAD_BYTES = 1_048_576
"""How far a stream may run ahead of its reader before it waits."""

LONG_SECONDS = 0.25
"""Estimated processor time from which a job is a long one: `WorkerThreads` bounds them."""

FREE_BYTES = 1_048_576
"""Memory that every job may take without being counted; it is bounded by the number of jobs."""

LARGE_BYTES = 16_777_216
"""Memory of a job after which it is worth while to look for what can be given back."""

BYTES_FOR_ONE = 8
"""Memory that a large body takes at most, times its own size: its numbers, the result, and the answer."""


class Answer:
    """What an application hands to ``start_response``, and the body when it is known as a whole."""

    __slots__ = ("body", "headers", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], None]:
        """Take status and headers: the ``start_response`` of PEP 3333."""
        self.status = int(status[:3])
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self._write

    def _write(self, data: bytes) -> None:
        self.body += data

    @property
    def is_stream(self) -> bool:
        """Tell whether the length is unknown while the body is being made."""
        return all(name.lower() != b"content-length" for name, _ in self.headers)


def run(application: WsgiApplication, environ: Environ) -> Answer:
    """Run an application to its end and join its body; its iterable is closed whatever happens.

    The environment is emptied: the application's request refers to it and it to the request, and only the
    collector would free them, with the body.
    """
    answer = Answer()
    try:
        with closing(application(environ, answer.start)) as chunks:
            answer.body += b"".join(chunks)
    finally:
        environ.clear()
    return answer


@contextlib.contextmanager
def closing(chunks: Iterable[bytes]) -> Iterator[Iterable[bytes]]:
    """Close a WSGI iterable at the end, as PEP 3333 asks of the server."""
    try:
        yield chunks
    finally:
        end = getattr(chunks, "close", None)
        if end is not None:
            end()


class Event(NamedTuple):
    """What happened to a job, for the event loop."""

    kind: str
    value: Any = None


class Job(Scheduler):
    """One request on a worker thread, and the scheduler of its computation.

    Parameters
    ----------
    application : callable
        The WSGI application.
    environ : dict
        Its request; ``kobai.scheduler`` is added.
    until : float, optional
        Until when it may wait for its first turn, by `time.monotonic`, where that is known already.
    threads : WorkerThreads
        Whose turns it waits for.
    memory : MemoryBudget
        What all jobs may hold together.
    patience : float
        Seconds that a stream waits for a reader that takes nothing.
    on_done : callable
        Called on the event loop when the thread has nothing of the request any more.
    """

    def __init__(
        self,
        application: WsgiApplication,
        environ: Environ,
        until: float | None,
        threads: WorkerThreads,
        memory: MemoryBudget,
        patience: float,
        on_done: Callable[[], None],
    ) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.is_gone = False
        self._application, self._environ = application, environ
        self._threads, self._memory = threads, memory
        self._patience, self._on_done = patience, on_done
        self._loop = asyncio.get_running_loop()
        self._turn = Turn(threads.turns)
        self._until = until
        self._deadline: Deadline | None = None
        self._room: Future[bool] | None = None
        self._reader = threading.Condition()
        self._ahead = self._held = 0
        self._size = BYTES_FOR_ONE * int(environ["CONTENT_LENGTH"])
        self._is_long = self._has_begun = self._is_withdrawn = False
        environ["kobai.scheduler"] = self

    # What the event loop calls.

    def leave(self) -> None:
        """Note that the client went away, and tell the computation to stop."""
        with self._reader:
            self.is_gone = True
            self._reader.notify_all()
        if self._deadline:
            self._deadline.cancel()
        if self._room:
            self._room.cancel()
        self._turn.hurry()

    def withdraw(self) -> bool:
        """Give up a job that still waits for its first turn; False when it computes or has ended."""
        with self._reader:
            self._is_withdrawn = not self._has_begun
        if self._is_withdrawn:
            self._turn.hurry()
        return self._is_withdrawn

    def sent(self, size: int) -> None:
        """Note that the reader took `size` bytes of a stream."""
        with self._reader:
            self._ahead -= size
            self._reader.notify_all()

    def end(self, last: Event) -> None:
        """Hand over the last event; nothing of the request is needed any more."""
        self._environ = {}
        self._deadline = None
        self._memory.give(self._held, self)
        self._threads.done(is_long=self._is_long)
        self.events.put_nowait(last)
        self._on_done()

    # What the computation calls, on whichever thread it runs.

    @property
    def waited(self) -> float:
        """Seconds for which the computation was held up so far."""
        return self._turn.waited

    def attach(self, deadline: Deadline) -> None:
        """Learn the deadline of the computation."""
        self._deadline = deadline
        if self.is_gone:
            deadline.cancel()

    def give_way(self) -> None:
        """Wait for the next turn, if another job goes first."""
        deadline = self._deadline
        if deadline:
            self._turn.give_way(deadline.remaining)

    def expect(self, seconds: float, peak_bytes: float) -> bool:
        """Wait for room in memory; a long job needs a place among the long ones.

        Raises
        ------
        Problem
            There are too many long jobs.
        """
        if seconds >= LONG_SECONDS and not self._is_long:
            self._is_long = self._threads.take_long()
            if not self._is_long:
                raise Problem("overloaded", "Too many long computations are waiting; try again.")
        self._size = max(self._size, int(peak_bytes))
        more = int(peak_bytes) - FREE_BYTES - self._held
        if more <= 0:
            return True
        has_room = self._memory.take(more, self) or self._wait_for_memory(more)
        self._held += more if has_room else 0
        return has_room

    def finish(self) -> None:
        """Let others compute."""
        self._turn.give()

    def _wait_for_memory(self, count: int) -> bool:
        """Wait until others give memory back; no longer than until the deadline."""
        self._turn.give()
        began = time.monotonic()
        waiting = self._memory.wait(count, self, self._deadline.remaining() if self._deadline else 0.0)
        self._room = asyncio.run_coroutine_threadsafe(waiting, self._loop)
        try:
            return self._room.result()
        except CancelledError:  # the client went away
            return False
        finally:
            self._turn.waited += time.monotonic() - began

    # What the thread runs.

    def run(self) -> None:
        """Compute. Every outcome becomes an event, failures too."""
        last = Event("gone")
        try:
            self._turn.take(self._until and self._until - time.monotonic())
            with self._reader:
                self._has_begun = not (self.is_gone or self._is_withdrawn)
            if self._has_begun:
                last = self._run()
        except BaseException as error:  # noqa: BLE001 - raised again on the event loop
            last = Event("failed", error)
        finally:
            self._turn.give()
        self._environ.clear()
        if self._size > LARGE_BYTES:
            self._threads.give_back_memory()
        self._call_soon(self.end, last)

    def _run(self) -> Event:
        """Run the application; return what is to be told when the thread is done."""
        answer = Answer()
        with closing(self._application(self._environ, answer.start)) as chunks:
            if answer.is_stream:
                self._post("start", answer)
                for chunk in chunks:
                    self._run_ahead(chunk)
                return Event("end")
            answer.body += b"".join(chunks)
            return Event("whole", answer)

    def _run_ahead(self, chunk: bytes) -> None:
        """Hand over a chunk; wait first while the reader is far behind."""
        with self._reader:
            if not self._reader.wait_for(lambda: self._ahead < AHEAD_BYTES or self.is_gone, self._patience):
                raise TimeoutError("the reader of a stream takes nothing")
            self._ahead += len(chunk)
        self._post("chunk", chunk)

    def _post(self, kind: str, value: Any = None) -> None:
        self._call_soon(self.events.put_nowait, Event(kind, value))

    def _call_soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        """Call on the event loop; when that is closed the worker is stopping, and nobody waits."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)
