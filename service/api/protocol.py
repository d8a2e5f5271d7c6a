"""What of HTTP the service speaks."""

from __future__ import annotations

import re
from typing import Any

from service.api.exchange import Exchange
from service.api.problems import PROBLEM_TYPES, HttpProblem, nothing_at

HOST = re.compile(r"([A-Za-z0-9._~%-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?", re.ASCII)
"""A name or address, and a port: RFC 9110, section 7.2, without the punctuation that no name has."""


def refuse(environ: dict[str, Any], exchange: Exchange) -> None:
    """Refuse what the service does not speak.

    Raises
    ------
    HttpProblem
        400, or 404 for a path that Werkzeug would take for another.
    """
    if "websocket" in environ.get("HTTP_UPGRADE", "").lower():
        # any other protocol is an offer that may be passed over (RFC 9110, section 7.8)
        raise HttpProblem("bad-request", PROBLEM_TYPES["bad-request"].explanation)
    _check_host(environ)
    if exchange.path.startswith("//"):
        raise HttpProblem("not-found", nothing_at(exchange.path))


def _check_host(environ: dict[str, Any]) -> None:
    """Refuse a Host that no name or address can be; HTTP/1.1 requires one (RFC 9112, section 3.2)."""
    host = environ.get("HTTP_HOST")
    if host is None and environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        return
    if host is None or not HOST.fullmatch(host):
        given = "there is none" if host is None else f"got {host[:60]!a}"
        raise HttpProblem(
            "bad-request", f"The Host header must be a name or an address, and a port; {given}."
        )
