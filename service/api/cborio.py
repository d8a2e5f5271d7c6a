"""CBOR in and out: as strict as JSON, and arrays without a Python object for each number.

`scan` refuses what the service does not take, says where, and makes arrays of the body's bytes; the decoder
and the encoder of everything else are cbor2's.
"""

from __future__ import annotations

import os
from typing import Any

import cbor2
import numpy as np
from numpy.typing import NDArray

from service.api.cbor_items import ARRAY, BYTES, TAG
from service.api.cbor_scan import SHAPED, FoundArray, MalformedCbor, scan
from service.api.jsonio import check_finite
from service.limits import DEFAULT_LIMITS

FLOAT64_TAG = 86
"""A typed array of float64, little-endian."""

PLACE_TAG = 0x1_0000
"""Stands, with its number, for a typed array; the scan lets no body have it."""

MARK_BYTES = 16

TAG_LEVELS = 3
"""The decoder counts a tag, what it holds and a shape as levels too."""


def loads(
    body: bytes,
    nesting: int,
    parts: int = DEFAULT_LIMITS.json_parts,
    elements: int = DEFAULT_LIMITS.elements,
) -> Any:
    """Read a document.

    Parameters
    ----------
    body : bytes
        One data item.
    nesting : int
        The most levels of arrays and maps.
    parts : int
        The most arrays, maps and members of maps that become Python objects; rows of numbers do not.
    elements : int
        The most elements of rows of numbers; of more none is read.

    Returns
    -------
    object
        Dicts, lists, strings, numbers, booleans and None; typed arrays and rows of numbers as ndarrays of
        float64, of booleans as bool, of bytes as uint8.

    Raises
    ------
    MalformedCbor
        Not CBOR, or more of it than the service takes.
    """
    found = scan(body, nesting, parts, elements)
    try:
        return cbor2.loads(
            _without_arrays(body, found),
            semantic_decoders={PLACE_TAG: lambda place, _: found[place].array, SHAPED: _shaped_array},
            max_depth=nesting + TAG_LEVELS,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except cbor2.CBORDecodeError as error:  # the scan should have said more
        raise MalformedCbor("The body is not CBOR that can be read.") from error


def _without_arrays(body: bytes, found: list[FoundArray]) -> bytes:
    """Put the number of each typed array in its place: the decoder would copy its bytes more than once."""
    pieces, at = [], 0
    for place, (start, end, _) in enumerate(found):
        pieces += [body[at:start], cbor2.dumps(cbor2.CBORTag(PLACE_TAG, place))]
        at = end
    return b"".join([*pieces, body[at:]])


def _shaped_array(parts: Any, _: bool) -> NDArray[Any]:
    """Take a shape and its elements."""
    shape, array = parts
    reshaped: NDArray[Any] = array.reshape(shape)
    return reshaped


def dumps(value: Any) -> bytes:
    """Write an answer: deterministic encoding (RFC 8949, section 4.2), arrays of float64 under tag 40.

    Raises
    ------
    ValueError
        A number is not finite; the core should have refused it.
    """
    check_finite(value)
    return _Writer().write(value)


class _Writer:
    """Has the encoder write everything but the elements of arrays, which it would copy three times."""

    def __init__(self) -> None:
        self._mark = os.urandom(MARK_BYTES)  # no text that a caller sent can hold it
        self._elements: list[NDArray[np.float64]] = []

    def write(self, value: Any) -> bytes:
        """Write an answer."""
        first, *rest = cbor2.dumps(value, canonical=True, default=self._encode).split(self._mark)
        pieces: list[bytes | memoryview] = [first]
        for elements, text in zip(self._elements, rest, strict=True):
            pieces += elements.data, text
        return b"".join(pieces)

    def _encode(self, encoder: cbor2.CBOREncoder, value: Any) -> None:
        """Write what cbor2 does not know."""
        if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
            encoder.encode(value.item())
        elif isinstance(value, np.ndarray):
            elements = np.ascontiguousarray(value, "<f8")
            self._elements.append(elements)
            encoder.encode_length(TAG, SHAPED)
            encoder.encode_length(ARRAY, 2)
            encoder.encode(list(value.shape))
            encoder.encode_length(TAG, FLOAT64_TAG)
            encoder.encode_length(BYTES, elements.nbytes)
            encoder.write(self._mark)
        else:
            raise TypeError(f"no CBOR for {type(value).__name__}")
