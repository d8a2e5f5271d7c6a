"""What of HTTP the service speaks, and what it puts on every answer."""

from __future__ import annotations

import os
import re
from typing import Any

from flask import Flask, Response
from werkzeug.exceptions import BadRequest, NotFound

from service.api.context import asked, notes
from service.api.problems import Problem

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

HOST = re.compile(r"([A-Za-z0-9._~%-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?", re.ASCII)
"""A name or address, and a port: RFC 9110, section 7.2, without the punctuation that no name has."""


def install(app: Flask) -> None:
    """Begin and complete every request; called first, so that whatever follows knows the request's id."""
    app.before_request(_begin)
    app.after_request(_complete)


def _begin() -> None:
    """Name the request, and refuse what the service does not speak."""
    request, own = asked(), notes()
    environ = request.environ
    given = environ.get("HTTP_X_REQUEST_ID", "")
    own.request_id = given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
    own.problem_code = None
    if "HTTP_UPGRADE" in environ and not _is_offer_of_http2(environ):
        raise BadRequest
    _check_host(environ)
    if environ.get("PATH_INFO", "").startswith("//"):
        request.url_rule = None  # Werkzeug takes //x for /x; here it is another path, which nothing has
        raise NotFound


def _is_offer_of_http2(environ: dict[str, Any]) -> bool:
    """Tell an offer that may be passed over (RFC 7540, section 3.2): the request is good without it.

    Java's HttpClient and ``curl --http2`` make it with every first request.
    """
    return environ["HTTP_UPGRADE"].lower() == "h2c" and "HTTP_HTTP2_SETTINGS" in environ


def _check_host(environ: dict[str, Any]) -> None:
    """Refuse a Host that no name or address can be; HTTP/1.1 requires one (RFC 9112, section 3.2)."""
    host = environ.get("HTTP_HOST")
    if host is None and environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        return
    if host is None or not HOST.fullmatch(host):
        given = "there is none" if host is None else f"got {host[:60]!a}"
        raise Problem("bad-request", f"The Host header must be a name or an address, and a port; {given}.")


def _complete(response: Response) -> Response:
    """Put on every answer what the contract promises for all."""
    response.headers.add("X-Request-ID", notes().request_id)
    response.headers.add("Cache-Control", "no-store")
    return response
