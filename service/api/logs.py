"""One JSON line per request on standard output; never the payload.

Standard error is left to what needs a person: warnings, and the traceback behind a 500.
"""

from __future__ import annotations

import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, TextIO

import orjson
from flask import Flask, Request, Response, g

from service.api.context import application, asked, notes
from service.config import Settings

PROBES = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
"""Routes that are asked every few seconds: not logged, and left out of the latencies."""

UNMATCHED = "unmatched"
"""The endpoint of a request that no route takes: whatever paths callers invent, they share one name."""

LONGEST_PATH = 200

EXTENSION = "kobai.observers"

_LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


@dataclass(slots=True)
class Exchange:
    """What is known of a request and its answer, for the log line and for the metrics."""

    endpoint: str
    method: str
    path: str
    status: int
    code: str
    request_id: str
    trace_id: str
    bytes_in: int
    bytes_out: int
    started: float
    waited: float
    timings: dict[str, float]
    seconds: float = 0.0
    """Between the last byte of the body and the end of the answer."""

    @property
    def is_probe(self) -> bool:
        """Tell whether a monitor asked, not a caller."""
        return self.endpoint in PROBES


Observer = Callable[[Exchange], None]


def install(app: Flask, settings: Settings) -> None:
    """Write a line for every request, and `Server-Timing` into its answer."""
    threshold = _LEVELS[settings.log_level]

    def write(exchange: Exchange) -> None:
        if not exchange.is_probe and _LEVELS[_level(exchange.status)] >= threshold:
            write_line(sys.stdout, _level(exchange.status), "request", **_fields(exchange))

    observe(app, write)
    if settings.server_timing:
        app.after_request(_tell_timings)


def observe(app: Flask, observer: Observer) -> None:
    """Call `observer` about every request when its answer is complete."""
    if EXTENSION not in app.extensions:
        app.extensions[EXTENSION] = []
        app.before_request(_start)
        app.after_request(_report)
    app.extensions[EXTENSION].append(observer)


def _start() -> None:
    """Remember when the request came in."""
    own, now = notes(), time.monotonic()
    own.started = asked().environ.get("kobai.received_at") or now
    own.waited = now - own.started


def _tell_timings(response: Response) -> Response:
    timings = vars(notes()).get("timings")
    if timings:
        parts = [f"{name};dur={spent:.3f}" for name, spent in timings.items()]
        response.headers.add("Server-Timing", ", ".join(parts))
    return response


def _report(response: Response) -> Response:
    """Tell the observers of a complete answer: at once, or of a stream when its last byte is out."""
    request = asked()
    if "kobai.warming" in request.environ:
        return response
    exchange, observers = _exchange(request, response), application().extensions[EXTENSION]
    if response.is_streamed:
        chunks = response.response
        response.response = _counted(chunks, exchange)
        response.call_on_close(getattr(chunks, "close", lambda: None))
        response.call_on_close(partial(_tell, observers, exchange))
    else:
        exchange.bytes_out = response.calculate_content_length() or 0
        _tell(observers, exchange)
    return response


def _tell(observers: list[Observer], exchange: Exchange) -> None:
    exchange.seconds = time.monotonic() - exchange.started
    for observer in observers:
        observer(exchange)


def write_line(stream: TextIO, level: str, event: str, **values: Any) -> None:
    """Write one JSON object as one line; a closed pipe must not fail a request."""
    line = {"time": _moment(time.time()), "level": level, "event": event, "pid": os.getpid(), **values}
    try:
        stream.write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE).decode())
        stream.flush()
    except OSError:
        return


def _moment(now: float) -> str:
    """Write a time in UTC, to the millisecond.

    >>> _moment(1.0625)
    '1970-01-01T00:00:01.062+00:00'
    """
    second = int(now)
    return f"{_second(second)}.{int(1000 * (now - second)):03d}+00:00"


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    """Write a second: thousands of lines share it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def log_failure(error: BaseException) -> None:
    """Write the traceback behind a 500 to standard error, with the request's id."""
    write_line(
        sys.stderr,
        "error",
        "internal-error",
        request_id=g.get("request_id", ""),
        route=_endpoint(asked()),
        traceback="".join(traceback.format_exception(error)),
    )


def _exchange(request: Request, response: Response) -> Exchange:
    own, environ = vars(notes()), request.environ
    if "started" not in own:  # refused before anybody looked at the clock
        _start()
    return Exchange(
        endpoint=_endpoint(request),
        method=request.method,
        path=request.path,
        status=response.status_code,
        code=own.get("problem_code") or "",
        request_id=own.get("request_id", ""),
        trace_id=trace_id_of(environ.get("HTTP_TRACEPARENT", "")),
        bytes_in=int(environ.get("CONTENT_LENGTH") or 0),
        bytes_out=0,
        started=own["started"],
        waited=own["waited"],
        timings=own.get("timings", {}),
    )


def _endpoint(request: Request) -> str:
    rule = request.url_rule
    return rule.rule if rule else UNMATCHED


def trace_id_of(traceparent: str) -> str:
    """Read the trace id out of a W3C `traceparent`, empty when it is not one.

    >>> trace_id_of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    '4bf92f3577b34da6a3ce929d0e0e4736'
    """
    match = _TRACEPARENT.fullmatch(traceparent) if 0 < len(traceparent) <= LONGEST_PATH else None
    return match[1] if match and match[1].strip("0") else ""


def _fields(exchange: Exchange) -> dict[str, object]:
    fields: dict[str, object] = {
        "request_id": exchange.request_id,
        "trace_id": exchange.trace_id or None,
        "method": exchange.method,
        "route": exchange.endpoint,
        "status": exchange.status,
        "code": exchange.code or None,
        "bytes_in": exchange.bytes_in,
        "bytes_out": exchange.bytes_out,
        "duration_ms": round(exchange.seconds * 1000, 3),
        "waited_ms": round(exchange.waited * 1000, 3),
    }
    fields |= {f"{name}_ms": round(spent, 3) for name, spent in exchange.timings.items()}
    if exchange.endpoint == UNMATCHED:
        fields["path"] = ascii(exchange.path[:LONGEST_PATH])[1:-1]
    return fields


def _level(status: int) -> str:
    return "error" if status == 500 else "warning" if status > 500 else "info"


def _counted(chunks: Iterable[Any], exchange: Exchange) -> Iterator[Any]:
    """Pass a stream on and count its bytes."""
    for chunk in chunks:
        exchange.bytes_out += len(chunk)
        yield chunk
