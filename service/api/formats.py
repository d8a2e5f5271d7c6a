"""The formats of bodies: JSON, and CBOR for arrays without the cost of decimal text; one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request

from service.api import cborio, jsonio
from service.api.cbor_scan import MalformedCbor
from service.api.jsonio import MalformedJson
from service.api.lengths import (
    CBOR_NUMBER_BYTES,
    JSON_NUMBER_BYTES,
    is_longer_as_cbor,
    is_longer_as_json,
)
from service.limits import ServiceLimits


@dataclass(frozen=True, slots=True)
class Format:
    """One row: a media type, how it is read and written, and what a body is refused with that is none.

    Parameters
    ----------
    loads : callable
        Takes a body, and how many levels, parts and elements it may have.
    dumps : callable
        Takes an answer of dicts, lists, numbers and arrays.
    is_longer : callable
        Takes an answer and a number of bytes: tells whether its arrays alone take more, before it is written.
    number_bytes : int
        What a number takes that was computed, on average at least.
    malformed : str
        Code of the problem.
    """

    media_type: str
    loads: Callable[[bytes, int, int, int], Any]
    dumps: Callable[[Any], bytes]
    is_longer: Callable[[Any, int], bool]
    number_bytes: int
    malformed: str

    def numbers_within(self, limits: ServiceLimits) -> int:
        """Return for how many numbers an answer has room."""
        return limits.response_bytes // self.number_bytes


JSON = Format(
    "application/json", jsonio.loads, jsonio.dumps, is_longer_as_json, JSON_NUMBER_BYTES, "malformed-json"
)
CBOR = Format(
    "application/cbor", cborio.loads, cborio.dumps, is_longer_as_cbor, CBOR_NUMBER_BYTES, "malformed-cbor"
)

FORMATS = {row.media_type: row for row in (JSON, CBOR)}
"""Every format by its media type; of those a client wants equally much, the first is answered."""

Malformed = (MalformedJson, MalformedCbor)


def wanted_format(request: Request) -> Format:
    """Choose the format of an answer by the Accept header; JSON where it names neither.

    >>> wanted_format(Request({"HTTP_ACCEPT": "application/cbor, application/json;q=0.5"})).media_type
    'application/cbor'
    >>> wanted_format(Request({"HTTP_ACCEPT": "application/json, application/cbor, */*"})).media_type
    'application/json'
    """
    if CBOR.media_type not in request.environ.get("HTTP_ACCEPT", "").lower():
        return JSON
    return FORMATS[request.accept_mimetypes.best_match(FORMATS, default=JSON.media_type)]
