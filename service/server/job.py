"""A request on a lane: the application runs on the lane's thread, its answer comes back to the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Environ = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

AHEAD_BYTES = 1_048_576
"""How far a stream may run ahead of its reader before it waits."""


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
    """Run an application to its end and join its body; its iterable is closed whatever happens."""
    answer = Answer()
    chunks = application(environ, answer.start)
    try:
        answer.body += b"".join(chunks)
    finally:
        close(chunks)
    return answer


def close(chunks: Iterable[bytes]) -> None:
    """Close a WSGI iterable, as PEP 3333 asks of the server."""
    end = getattr(chunks, "close", None)
    if end is not None:
        end()


class Event(NamedTuple):
    """What happened to a job, for the event loop."""

    kind: str
    value: Any = None


class Job:
    """One request on a lane.

    Parameters
    ----------
    application : callable
        The WSGI application.
    environ : dict
        Its request; ``kobai.on_disconnect`` is added.
    patience : float
        Seconds that a stream waits for a reader that takes nothing.
    on_done : callable
        Called on the event loop when the thread has nothing of the request any more.
    """

    def __init__(
        self, application: WsgiApplication, environ: Environ, patience: float, on_done: Callable[[], None]
    ) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.is_gone = False
        self.is_streaming = False
        self._application = application
        self._environ = environ
        self._patience = patience
        self._on_done = on_done
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Condition()
        self._ahead = 0
        self._callbacks: list[Callable[[], None]] = []
        environ["kobai.on_disconnect"] = self.on_disconnect

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        """Call back when the caller goes away, at once when that has happened. For any thread."""
        with self._lock:
            if not self.is_gone:
                self._callbacks.append(callback)
                return
        callback()

    def leave(self) -> None:
        """Note that the caller went away, and tell the computation to stop."""
        with self._lock:
            self.is_gone = True
            callbacks, self._callbacks = self._callbacks, []
            self._lock.notify_all()
        for callback in callbacks:
            callback()

    def sent(self, size: int) -> None:
        """Note that the reader took `size` bytes of a stream."""
        with self._lock:
            self._ahead -= size
            self._lock.notify_all()

    def run(self) -> None:
        """Compute, on the lane's thread. Every outcome becomes an event, failures too."""
        last = None
        try:
            if not self.is_gone:
                last = self._run()
        except BaseException as error:  # noqa: BLE001 - raised again on the event loop
            last = Event("failed", error)
        self._environ = {}
        self._callbacks = []
        self._call_soon(self._finish, last)

    def _finish(self, last: Event | None) -> None:
        """Hand over the last event, on the event loop; the thread has nothing of the request any more."""
        if last is not None:
            self.events.put_nowait(last)
        self._on_done()

    def _run(self) -> Event:
        """Run the application; return what is to be told when the thread is done."""
        answer = Answer()
        chunks = self._application(self._environ, answer.start)
        try:
            if answer.is_stream:
                self.is_streaming = True
                self._post("start", answer)
                for chunk in chunks:
                    self._run_ahead(chunk)
                return Event("end")
            answer.body += b"".join(chunks)
            return Event("whole", answer)
        finally:
            close(chunks)

    def _run_ahead(self, chunk: bytes) -> None:
        """Hand over a chunk; wait first while the reader is far behind."""
        with self._lock:
            if not self._lock.wait_for(lambda: self._ahead < AHEAD_BYTES or self.is_gone, self._patience):
                raise TimeoutError("the reader of a stream takes nothing")
            self._ahead += len(chunk)
        self._post("chunk", chunk)

    def _post(self, kind: str, value: Any = None) -> None:
        self._call_soon(self.events.put_nowait, Event(kind, value))

    def _call_soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        """Call on the event loop; when that is closed the worker is stopping, and nobody waits."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)
