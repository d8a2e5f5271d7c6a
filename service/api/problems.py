"""Every failure as `application/problem+json` (RFC 9457): one table of codes, one shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from service.api import logs, pages
from service.api.exchange import Exchange, current
from service.core import exceptions as core
from service.core.exceptions import shorten
from service.core.limits import Overloaded

RETRY_AFTER_SECONDS = 1

LONGEST_PATH = 200
"""Characters of a path that a problem repeats."""

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One row: what a code means, and what to do about it."""

    code: str
    status: int
    title: str
    explanation: str


PROBLEM_TYPES: dict[str, ProblemType] = {
    row.code: row
    for row in (
        ProblemType(
            "malformed-json",
            400,
            "The body is not JSON",
            "The body must be one JSON document in UTF-8, complete, without duplicate keys, without NaN and "
            "Infinity, with numbers that float64 can hold, nested no deeper than GET /limits says.",
        ),
        ProblemType(
            "malformed-cbor",
            400,
            "The body is not CBOR that this service takes",
            "The body must be one CBOR map with text keys, complete, of definite lengths, without duplicate "
            "keys, without NaN and infinity, and with no tags but 40 and 64 to 87, those of arrays of "
            "numbers. detail says at which byte it is not.",
        ),
        ProblemType(
            "bad-request",
            400,
            "The request is not one this service takes",
            "The request is valid HTTP that this service does not speak, such as a bad Host or an Upgrade.",
        ),
        ProblemType(
            "unauthorized",
            401,
            "An API key is needed",
            "The proxy in front of the service asks for Authorization: Bearer and a key that it knows.",
        ),
        ProblemType("not-found", 404, "There is no such page", "GET /openapi.json lists every path."),
        ProblemType(
            "method-not-allowed",
            405,
            "The path does not take this method",
            "The Allow header lists the methods. What computes takes POST with a JSON body.",
        ),
        ProblemType(
            "body-too-large",
            413,
            "The body is too large",
            "GET /limits tells how many bytes a body may have; the operator can raise KOBAI_BODY_BYTES.",
        ),
        ProblemType(
            "unsupported-media-type",
            415,
            "The body is declared neither as JSON nor as CBOR",
            "Send Content-Type: application/json, or application/cbor, and no Content-Encoding. curl's -d "
            "alone declares a form.",
        ),
        ProblemType(
            "invalid-request",
            422,
            "A field is missing or wrong",
            "The JSON is fine, its content is not: errors lists every field with its pointer.",
        ),
        ProblemType(
            "invalid-function",
            422,
            "The function cannot be understood",
            "errors has line and column of the first fault in the function's text, or the pointer of a name. "
            "GET /functions lists every operator and function.",
        ),
        ProblemType(
            "non-finite-result",
            422,
            "A result is infinite or not a number",
            "float64 cannot hold the result at this point; errors says which output, and where in the "
            "function it first became infinite or NaN.",
        ),
        ProblemType(
            "over-budget",
            422,
            "The request would cost too much",
            "The quote exceeds a limit, before anything was computed: errors says which, how much was asked "
            "and how much is allowed. dry_run on /gradient gives the quote.",
        ),
        ProblemType(
            "too-many-requests",
            429,
            "Too many requests from this client",
            "The proxy in front of the service bounds what one client may send, and how much at once. Try "
            "again after the seconds in Retry-After.",
        ),
        ProblemType(
            "internal-error",
            500,
            "The service failed",
            "This is a fault of the service's. Its log has the details under the request id.",
        ),
        ProblemType(
            "unreachable",
            502,
            "The service cannot be reached",
            "The proxy in front of the service found no replica that answers. Try again after the seconds in "
            "Retry-After.",
        ),
        ProblemType(
            "overloaded",
            503,
            "The service has too much to do",
            "Try again after the seconds in Retry-After, or ask for less or with a longer deadline_ms.",
        ),
        ProblemType(
            "timed-out",
            504,
            "The service did not answer in time",
            "A replica had the request for longer than any deadline; the proxy in front of the service does "
            "not give it to another one.",
        ),
    )
}
"""Every code, in the order of its status."""

CORE_CODES: dict[type[core.KobaiError], str] = {
    core.InvalidRequest: "invalid-request",
    core.InvalidFunction: "invalid-function",
    core.NonFiniteResult: "non-finite-result",
    core.OverBudget: "over-budget",
    core.DeadlineExceeded: "overloaded",
}
"""The code of each exception of the core."""

HTTP_CODES = {
    404: "not-found",
    405: "method-not-allowed",
}
"""The code of each status that the routing gives; any other is `bad-request`."""

NO_MEMORY = "The system has no memory for the computation; try again."
"""Said where it allows less than the service's own limits, by `ulimit -v` for one."""

_UNSAFE = {b"<": b"\\u003c", b">": b"\\u003e", b"&": b"\\u0026"}


class HttpProblem(Exception):
    """A failure found by the HTTP layer itself."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def install(app: Flask) -> None:
    """Answer every failure of an application as a problem."""
    app.register_error_handler(HttpProblem, lambda problem: respond(problem.code, problem.detail))
    app.register_error_handler(core.KobaiError, _respond_to_core)
    app.register_error_handler(Overloaded, lambda error: respond("overloaded", str(error)))
    app.register_error_handler(MemoryError, lambda _: respond("overloaded", NO_MEMORY))
    app.register_error_handler(HTTPException, _respond_to_http)
    app.register_error_handler(Exception, _respond_to_bug)


def _respond_to_core(error: core.KobaiError) -> Response:
    """Answer what the core raised; its faults become the errors."""
    return respond(CORE_CODES[type(error)], error.faults[0].detail, error.faults)


def _respond_to_http(error: HTTPException) -> Response:
    code = HTTP_CODES.get(error.code or 400, "bad-request")
    if (error.code or 500) >= 500:
        return _respond_to_bug(error)
    exchange = current()
    method = ascii(exchange.method[:20])[1:-1]
    details = {
        "not-found": nothing_at(exchange.path),
        "method-not-allowed": f"{quote_path(exchange.path)} does not take {method}.",
    }
    response = respond(code, details.get(code, PROBLEM_TYPES[code].explanation))
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def quote_path(path: str) -> str:
    """Write a path as a URI reference (RFC 3986), shortened.

    >>> quote_path("/a b"), len(quote_path("/" + "é" * 3000)) < 1_300
    ('/a%20b', True)
    """
    return quote(shorten(path, LONGEST_PATH), safe="/:@!$&'()*+,;=~")


def nothing_at(path: str) -> str:
    """Say that no route takes a path."""
    return f"There is nothing at {path[:100]!a}. {PROBLEM_TYPES['not-found'].explanation}"


def _respond_to_bug(error: Exception) -> Response:
    """Answer without a word of what happened; the traceback goes to the log."""
    exchange = current()
    logs.log_failure(error, exchange)
    return respond("internal-error", _refer_to_log(exchange))


def respond_to_bug(error: Exception, exchange: Exchange) -> Response:
    """Answer a failure of Flask itself, outside of it."""
    exchange.code = "internal-error"
    return Response(dump_bug(error, exchange), 500, content_type=CONTENT_TYPE)


def _refer_to_log(exchange: Exchange) -> str:
    return f"The service failed. Its log has details under {exchange.request_id}."


def dump_core(error: core.KobaiError, exchange: Exchange) -> bytes:
    """Write what the core raised outside of Flask."""
    code = CORE_CODES[type(error)]
    return dump(problem_of(code, error.faults[0].detail, error.faults, exchange=exchange))


def dump_bug(error: Exception, exchange: Exchange) -> bytes:
    """Write a fault of the service's outside of Flask."""
    logs.log_failure(error, exchange)
    return dump(problem_of("internal-error", _refer_to_log(exchange), exchange=exchange))


def respond(code: str, detail: str, faults: tuple[core.Fault, ...] = ()) -> Response:
    """Make the answer of a failure."""
    exchange = current()
    exchange.code = code
    response = _write(problem_of(code, detail, faults, exchange=exchange))
    if code == "overloaded":
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _write(document: dict[str, Any]) -> Response:
    """Write a problem for its reader: JSON for a program, a page for a person."""
    kind = PROBLEM_TYPES[document["code"]]
    if pages.wants_page():
        return pages.show_failure(document, kind.explanation)
    return Response(dump(document), kind.status, content_type=CONTENT_TYPE)


def problem_of(
    code: str, detail: str, faults: tuple[core.Fault, ...] = (), *, exchange: Exchange
) -> dict[str, Any]:
    """Make the problem document of a failure."""
    kind = PROBLEM_TYPES[code]
    return {
        "type": f"{exchange.root_path}/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": exchange.root_path + quote_path(exchange.path),
        "code": code,
        "request_id": exchange.request_id,
        "errors": [_error_of(each) for each in faults],
    }


def _error_of(found: core.Fault) -> dict[str, Any]:
    error: dict[str, Any] = {"pointer": found.pointer, "detail": found.detail, "code": found.code}
    if found.line is not None:
        error |= {"line": found.line, "column": found.column}
    if found.within is not None:
        error["within"] = dict(zip(("line", "column"), found.within, strict=True))
    return error


def dump(document: dict[str, Any]) -> bytes:
    """Write a problem; characters that mean something in HTML are escaped, wherever it is shown."""
    text = orjson.dumps(document)
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    return text


def describe(kind: ProblemType, root_path: str) -> dict[str, Any]:
    """Explain a code."""
    return {
        "type": f"{root_path}/problems/{kind.code}",
        "code": kind.code,
        "title": kind.title,
        "status": kind.status,
        "explanation": kind.explanation,
    }
