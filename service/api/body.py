"""The only reader of requests: from the connection to a document and a deadline."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any
from wsgiref.types import WSGIEnvironment

from flask import request

from service.api.exchange import KEY, Exchange
from service.api.formats import FORMATS, JSON, Format, Malformed
from service.api.messages import too_large, truncated
from service.api.problems import HttpProblem
from service.config import Settings
from service.core.limits import Deadline

PIECE_BYTES = 65_536
CURL_HINT = "With curl, add: -H 'Content-Type: application/json'"
LONGEST_LENGTH = 18
"""Digits of a Content-Length that is taken at its word."""


def read_document(environ: WSGIEnvironment, settings: Settings) -> Any:
    """Read the body of the request as a document, in the format that it is declared with.

    Raises
    ------
    HttpProblem
        415, 413 or 400, before anything is computed.
    """
    _check_refusal(environ)
    form, limits = _format_of(environ), settings.limits
    body = _read(environ, settings, form)
    try:
        return form.loads(body, limits.json_nesting, limits.json_parts, limits.elements)
    except Malformed as error:
        raise HttpProblem(form.malformed, str(error)) from error


def _check_refusal(environ: WSGIEnvironment) -> None:
    """Raise what the server found wrong while it read the body, whatever that would parse to."""
    refusal = environ.get("kobai.body_error")
    if refusal:
        code, detail = refusal
        declared = FORMATS.get(request.mimetype, JSON)
        raise HttpProblem(declared.malformed if code == JSON.malformed else code, detail)


def _format_of(environ: WSGIEnvironment) -> Format:
    """Choose the format by the headers."""
    form = FORMATS.get(environ.get("CONTENT_TYPE", "")) or _unusual_format()
    encoding = environ.get("HTTP_CONTENT_ENCODING", "identity")
    if encoding.strip().lower() not in ("identity", ""):  # it changes nothing (RFC 9110, section 8.4)
        raise HttpProblem(
            "unsupported-media-type",
            f"Content-Encoding {encoding[:60]!a} is not taken; send the body as it is.",
        )
    return form


def _unusual_format() -> Format:
    """Look closer at a type that is not just what nearly everybody sends."""
    kind = request.mimetype
    if kind not in FORMATS:
        got = f"got {kind[:60]!a}" if kind else "there is none"
        allowed = " or ".join(FORMATS)
        raise HttpProblem("unsupported-media-type", f"Content-Type must be {allowed}; {got}. {CURL_HINT}")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise HttpProblem("unsupported-media-type", f"The charset must be utf-8, got {charset[:60]!a}.")
    return FORMATS[kind]


def _read(environ: WSGIEnvironment, settings: Settings, form: Format) -> bytes:
    """Read the body; what is too large is drained, up to a bound, so that the client sees the answer."""
    limit = settings.limits.body_bytes
    exchange: Exchange = environ[KEY]
    declared = _declared_length(environ)
    source = environ["wsgi.input"]
    if declared is not None and declared > limit:
        exchange.bytes_in = _discard(source, min(declared, settings.discarded_bytes))
        raise HttpProblem(*too_large(limit))
    is_terminated = bool(environ.get("wsgi.input_terminated"))
    wanted = limit + 1 if declared is None and is_terminated else declared or 0
    body = _read_at_most(source, wanted, form)
    exchange.bytes_in = len(body)
    if declared is None and len(body) > limit:
        exchange.bytes_in += _discard(source, settings.discarded_bytes)
        raise HttpProblem(*too_large(limit))
    if declared is not None and len(body) < declared:
        raise HttpProblem(form.malformed, truncated(f"all of its {declared} bytes"))
    return body


def _declared_length(environ: WSGIEnvironment) -> int | None:
    """Return the length that is declared; of numbers beyond any memory one is as good as another."""
    text = environ.get("CONTENT_LENGTH") or ""
    is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if is_chunked or not (text.isascii() and text.isdecimal()):
        return None
    return int(text) if len(text) <= LONGEST_LENGTH else sys.maxsize


def _read_at_most(source: Any, count: int, form: Format) -> bytes:
    """Read to the end, or `count` bytes."""
    pieces, left = [], count
    try:
        while left > 0:
            piece = source.read(left)
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
    except Exception as error:  # each server reports bad chunks and lost clients by errors of its own
        raise HttpProblem(form.malformed, "The body could not be read to its end.") from error
    return b"".join(pieces)


def _discard(source: Any, most: int) -> int:
    """Read and throw away; return how many bytes came."""
    left = most
    with contextlib.suppress(Exception):  # as above; the refusal that is being answered matters more
        while left > 0 and (piece := source.read(min(PIECE_BYTES, left))):
            left -= len(piece)
    return most - left


def make_deadline(environ: WSGIEnvironment, settings: Settings, milliseconds: int | None) -> Deadline:
    """Make the deadline of the request; it counts from the last byte of the body."""
    limits = settings.limits
    wanted = min(milliseconds or limits.deadline_default_ms, limits.deadline_ms)
    now = time.monotonic()
    seconds = wanted / 1000 - (now - (environ.get("kobai.received_at") or now))
    return Deadline(seconds, time.monotonic, environ.get("kobai.scheduler"))
