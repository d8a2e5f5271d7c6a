"""What is refused below the application: requests that are late, too long, or not the HTTP spoken here."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from service.api.clients import plain_address
from service.api.logs import is_logged, write_line
from service.api.metrics import Metrics
from service.config import Settings
from service.server.answer import Answer

CLOSE = (b"Connection", b"close")
LONGEST_TARGET, LONGEST_FIELD, MOST_FIELDS = 8_190, 8_190, 100
"""Bytes of a request's target and of a header field, and the number of fields."""


def refused_head(scope: MutableMapping[str, Any]) -> int:
    """Choose the status for a head that parsers let pass and the service does not; 0 for all others."""
    fields = scope["headers"]
    if scope["http_version"] not in ("1.0", "1.1"):
        return HTTPStatus.BAD_REQUEST
    if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET:
        return HTTPStatus.REQUEST_URI_TOO_LONG
    if len(fields) > MOST_FIELDS:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    hosts, has_body, has_upgrade = 0, False, False
    for name, value in fields:
        if len(name) + len(value) > LONGEST_FIELD:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if name == b"host":
            hosts += 1
        elif name == b"upgrade":
            has_upgrade = True
        elif name == b"content-length":
            has_body = value != b"0"
        elif name == b"transfer-encoding" and value.strip(b" \t").lower() != b"chunked":
            return HTTPStatus.NOT_IMPLEMENTED
        elif name == b"transfer-encoding":
            has_body = True
            if scope["http_version"] == "1.0":
                return HTTPStatus.BAD_REQUEST
    # behind an Upgrade that `service.server.connection` has not seen whole, the parser has skipped the body
    return HTTPStatus.BAD_REQUEST if hosts > 1 or (has_upgrade and has_body) else 0


def bare_answer(status: int) -> Answer:
    """Make the answer of a refusal; its connection is closed."""
    body = HTTPStatus(status).phrase.encode()
    headers = [(b"Content-Type", b"text/plain"), (b"Content-Length", b"%d" % len(body)), CLOSE]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"Retry-After", b"1"))
    return Answer(status, headers, body)


def bare_response(status: int) -> bytes:
    """Write the same answer where no request is known that it belongs to."""
    answer = bare_answer(status)
    lines = [f"HTTP/1.1 {status} {answer.body.decode()}".encode()]
    lines += [b"%b: %b" % field for field in answer.headers]
    return b"\r\n".join([*lines, b"", answer.body])


def note(metrics: Metrics, settings: Settings, status: int, client: str) -> None:
    """Log and count a refusal, which the application knows nothing of."""
    metrics.record_refusal(status)
    # too many connections: a line for each would be a flood
    if status != HTTPStatus.SERVICE_UNAVAILABLE and is_logged("info", settings):
        write_line(sys.stdout, "info", "refused", status=status, client=plain_address(client))
