"""The server's side of WSGI (PEP 3333): running an application and taking its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import WSGIEnvironment

RawHeaders = list[tuple[bytes, bytes]]
WsgiApplication = Callable[[WSGIEnvironment, Callable[..., Any]], Iterable[bytes]]
Stream = Callable[["Answer", Iterable[bytes]], None]


@dataclass(slots=True)
class Answer:
    """What an application hands to ``start_response``, and the body when it is known as a whole."""

    status: int = 0
    headers: RawHeaders = field(default_factory=list)
    body: bytes = b""

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


def run(application: WsgiApplication, environ: WSGIEnvironment, stream: Stream | None = None) -> Answer:
    """Run an application; in the end its iterable is closed, as PEP 3333 asks, and the environment emptied.

    The application's request refers to the environment and it to the request: only the collector would free
    them, with the body. `stream` takes an answer of unknown length and its chunks; else they are joined.
    """
    answer = Answer()
    try:
        chunks = application(environ, answer.start)
        try:
            if stream and answer.is_stream:
                stream(answer, chunks)
            else:
                answer.body += b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
    finally:
        environ.clear()
    return answer
