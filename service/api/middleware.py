"""Around the Flask application: what every request and every answer has, whatever becomes of them.

Identity, log line and metrics stand here and not in Flask's hooks, so that a failure of Flask itself, or of
what is installed in it, has them too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any
from wsgiref.types import WSGIEnvironment

from flask import Flask
from werkzeug.exceptions import HTTPException

from service.api import clients, problems, protocol
from service.api.cors import Cors, Headers
from service.api.exchange import UNMATCHED, Exchange, begin
from service.api.logs import log_failure
from service.api.metrics import InFlight
from service.config import Settings

Recorder = Callable[[Exchange], None]


class Middleware:
    """A WSGI application around another.

    Parameters
    ----------
    app : Flask
        The application, with all its routes.
    recorders : sequence of callable
        Called with every exchange that is complete, those of the warm-up excepted.
    in_flight : InFlight
        Counts the requests that are being worked on, without those of monitors.
    settings : Settings
        Whether answers carry `Server-Timing`, who may call from other origins, and the prefix of the path
        that a proxy has stripped.
    """

    def __init__(
        self,
        app: Flask,
        recorders: Sequence[Recorder],
        in_flight: InFlight,
        settings: Settings,
    ) -> None:
        self._app = app
        self._application = app.wsgi_app
        self._routes = app.url_map.bind("")
        self._fixed = frozenset(rule.rule for rule in app.url_map.iter_rules() if not rule.arguments)
        self._recorders = recorders
        self._in_flight = in_flight
        self._tells_timings = settings.server_timing
        self._root_path = settings.root_path
        self._cors = Cors(settings.cors_origins)
        self._client_of = clients.finder(settings.trusted_proxies)

    def __call__(self, environ: WSGIEnvironment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        environ["SCRIPT_NAME"] = self._root_path
        environ["PATH_INFO"] = environ["PATH_INFO"] or "/"  # they are the same (RFC 9110, 4.2.3)
        exchange = begin(environ, self._endpoint(environ["PATH_INFO"]), self._client_of(environ))
        cross_origin = self._cors.headers(environ)
        start = partial(self._start, exchange, cross_origin, start_response)
        if "kobai.warming" in environ:
            return self._application(environ, start)
        if not exchange.is_probe:
            self._in_flight.inc()
        is_streaming = False
        try:
            chunks = self._answer(environ, exchange, start)
            is_streaming = exchange.is_stream
        finally:  # a request that is put off to a worker thread ends here without an answer
            if not is_streaming:
                self._leave(exchange)
        if is_streaming:
            return _Stream(chunks, exchange, partial(self._end_stream, exchange))
        self._record(exchange)
        return chunks

    def _endpoint(self, path: str) -> str:
        """Name the route that takes a path."""
        if path in self._fixed:
            return path
        try:
            rule, _ = self._routes.match(path, return_rule=True)
        except HTTPException:
            return UNMATCHED
        return rule.rule

    def _answer(
        self, environ: WSGIEnvironment, exchange: Exchange, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        try:
            protocol.refuse(environ, exchange)
            if exchange.method == "OPTIONS" and exchange.endpoint != UNMATCHED:
                return self._tell_methods(environ, exchange, start_response)
            return self._application(environ, start_response)
        except problems.HttpProblem as problem:
            with self._app.request_context(environ):
                refusal = problems.respond(problem.code, problem.detail)
            return refusal(environ, start_response)
        except Exception as error:  # noqa: BLE001 - nobody is above but the server, which says less
            return problems.respond_to_bug(error, exchange)(environ, start_response)

    def _tell_methods(
        self, environ: WSGIEnvironment, exchange: Exchange, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer an OPTIONS request, a browser's preflight among them."""
        methods = ", ".join(sorted(self._routes.allowed_methods(exchange.path)))
        start_response(
            "204 No Content", [("Allow", methods), *self._cors.preflight_headers(environ, methods)]
        )
        return ()

    def _start(
        self,
        exchange: Exchange,
        cross_origin: Headers,
        start_response: Callable[..., Any],
        status: str,
        headers: Headers,
        *more: Any,
    ) -> Any:
        """Note what is answered, and add what every answer carries."""
        lengths = [int(value) for name, value in headers if name == "Content-Length"]
        exchange.status = int(status[:3])
        exchange.is_stream = not lengths and exchange.status != 204
        exchange.bytes_out = 0 if exchange.method == "HEAD" else sum(lengths)
        headers.append(("X-Request-ID", exchange.request_id))
        headers.append(("Cache-Control", "no-store"))
        headers.extend(cross_origin)
        if self._tells_timings and exchange.timings:
            parts = [f"{name};dur={spent:.3f}" for name, spent in exchange.timings.items()]
            headers.append(("Server-Timing", ", ".join(parts)))
        return start_response(status, headers, *more)

    def _end_stream(self, exchange: Exchange) -> None:
        self._leave(exchange)
        self._record(exchange)

    def _leave(self, exchange: Exchange) -> None:
        if not exchange.is_probe:
            self._in_flight.dec()

    def _record(self, exchange: Exchange) -> None:
        """Tell the recorders; what fails in one neither fails the answer nor stops the others."""
        exchange.seconds = time.monotonic() - exchange.started
        for record in self._recorders:
            try:
                record(exchange)
            except Exception as error:  # noqa: BLE001 - as above
                log_failure(error, exchange)


class _Stream:
    """The chunks of a stream, counted; `close`, which WSGI promises, ends it."""

    def __init__(self, chunks: Iterable[bytes], exchange: Exchange, on_close: Callable[[], None]) -> None:
        self._chunks = chunks
        self._exchange = exchange
        self._on_close = on_close

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._exchange.bytes_out += len(chunk)
            yield chunk

    def close(self) -> None:
        """Close what the chunks come from."""
        try:
            getattr(self._chunks, "close", lambda: None)()
        finally:
            self._on_close()
