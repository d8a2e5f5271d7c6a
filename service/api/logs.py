"""One JSON line per request on standard output; never the payload.

Standard error is left to what needs a person: warnings, and the traceback behind a 500.
"""

from __future__ import annotations

import os
import re
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import orjson

from service.api.exchange import UNMATCHED, Exchange
from service.api.line_writer import LINES
from service.config import Settings

LONGEST_PATH = 200

PLAIN_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST"})
"""Those of nearly all requests. Request ids, routes, codes and trace ids need no escape either."""

_LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?"
)
"""W3C Trace Context, section 3.2: no version ff, no ids of zeros, nothing after version 00's four fields."""


def recorder(settings: Settings) -> Callable[[Exchange], None]:
    """Make what writes a line for every request that is to be logged."""

    def write(exchange: Exchange) -> None:
        level = _level(exchange.status)
        if exchange.is_probe or not is_logged(level, settings):
            return
        if exchange.method in PLAIN_METHODS and exchange.endpoint != UNMATCHED:
            LINES.put(sys.stdout, plain_line(level, exchange))
        else:
            write_line(sys.stdout, level, "request", **fields_of(exchange))

    return write


def is_logged(level: str, settings: Settings) -> bool:
    """Tell whether lines of this level are wanted."""
    return _LEVELS[level] >= _LEVELS[settings.log_level]


def write_line(stream: TextIO | None, level: str, event: str, **values: Any) -> None:
    """Write one JSON object as one line, soon; nothing that is wrong with it or the stream raises."""
    line = {"time": _moment(time.time()), "level": level, "event": event, "pid": os.getpid(), **values}
    try:
        text = orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # integers beyond 64 bits, halves of surrogate pairs
        plain = {name: _as_text(value) for name, value in line.items()}
        text = orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE)
    LINES.put(stream, text.decode())


def plain_line(level: str, exchange: Exchange) -> str:
    """Write the line of a request in which nothing needs an escape, in a third of the time."""
    trace_id = exchange.trace_id or trace_id_of(exchange.traceparent)
    timings = "".join([f',"{name}_ms":{spent:.3f}' for name, spent in exchange.timings.items()])
    waited = "" if "waited" in exchange.timings else f',"waited_ms":{1000 * exchange.waited:.3f}'
    return (
        f'{{"time":"{_moment(time.time())}","level":"{level}","event":"request","pid":{os.getpid()},'
        f'"request_id":"{exchange.request_id}","trace_id":{_quoted(trace_id)},'
        f'"client":{_quoted(exchange.client.address)},"client_name":{_quoted(exchange.client.name)},'
        f'"method":"{exchange.method}","route":"{exchange.endpoint}","status":{exchange.status},"code":{_quoted(exchange.code)},'
        f'"bytes_in":{exchange.bytes_in},"bytes_out":{exchange.bytes_out},'
        f'"duration_ms":{1000 * exchange.seconds:.3f}{waited}{timings}}}\n'
    )


def _quoted(text: str) -> str:
    return f'"{text}"' if text else "null"


def _as_text(value: object) -> str:
    try:
        return ascii(value)
    except ValueError:  # an integer of more digits than Python writes
        return f"<{type(value).__name__}>"


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


def log_failure(error: BaseException, exchange: Exchange) -> None:
    """Write the traceback behind a 500 to standard error, with the request's id."""
    write_line(
        sys.stderr,
        "error",
        "internal-error",
        request_id=exchange.request_id,
        route=exchange.endpoint,
        traceback="".join(traceback.format_exception(error)),
    )


def trace_id_of(traceparent: str) -> str:
    """Read the trace id out of a W3C `traceparent`, empty when it is not one.

    >>> trace_id_of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    '4bf92f3577b34da6a3ce929d0e0e4736'
    """
    match = _TRACEPARENT.fullmatch(traceparent) if 0 < len(traceparent) <= LONGEST_PATH else None
    if match is None or (match["version"] == "00" and match["more"]):
        return ""
    return match["trace"]


def fields_of(exchange: Exchange) -> dict[str, object]:
    """List what the line of a request says beside time, level, event and process."""
    fields: dict[str, object] = {
        "request_id": exchange.request_id,
        "trace_id": exchange.trace_id or trace_id_of(exchange.traceparent) or None,
        "client": exchange.client.address or None,
        "client_name": exchange.client.name or None,
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
