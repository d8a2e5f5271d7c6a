"""From an ASGI scope to the WSGI environment (PEP 3333) of the same request."""

from __future__ import annotations

import io
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

Scope = MutableMapping[str, Any]

UNFORWARDED = frozenset({b"content-length", b"transfer-encoding"})
"""Headers about the framing. Names with `_` are dropped too: WSGI cannot tell them from those with `-`."""

STREAM = "application/x-ndjson"


def environ_of(scope: Scope, body: bytes, received_at: float) -> WSGIEnvironment:
    """Make the WSGI environment of a request whose body is known as a whole."""
    client = scope["client"] or ("", 0)
    server = scope["server"] or ("", 0)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "kobai.received_at": received_at,
    }
    for name, value in scope["headers"]:
        if name in UNFORWARDED or b"_" in name:
            continue
        key = _header_name(name)
        text = value.decode("latin-1").strip(" \t")  # which are no part of it (RFC 9110, section 5.5)
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    if scope["http_version"] == "1.0" and STREAM in environ.get("HTTP_ACCEPT", ""):
        del environ["HTTP_ACCEPT"]  # it knows no chunks, so a stream would have no end that it can see
    return environ


@lru_cache(256)
def _header_name(name: bytes) -> str:
    """Name a header as CGI does."""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key == "CONTENT_TYPE" else "HTTP_" + key
