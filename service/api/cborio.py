"""CBOR in and out: as strict as JSON, and arrays without a Python object for each number.

`scan` refuses what the service does not take and says where; the decoder and the encoder are cbor2's.
A typed array keeps the bytes that the decoder has copied from the body, unless its elements have to be
converted to float64.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import cbor2
import numpy as np
from numpy.typing import NDArray

from service.api.cbor_scan import SHAPED, TYPED_ARRAYS, MalformedCbor, scan
from service.api.jsonio import check_finite
from service.core.limits import DEFAULT_LIMITS

FLOAT64_TAG = 86
"""A typed array of float64, little-endian."""

MASK = np.dtype(np.uint8)
"""Typed arrays of it may be masks, so they are kept until the field says what it takes."""

TAG_LEVELS = 3
"""The decoder counts a tag, what it holds and a shape as levels too."""


def loads(body: bytes, nesting: int, parts: int = DEFAULT_LIMITS.json_parts) -> Any:
    """Read a document.

    Parameters
    ----------
    body : bytes
        One data item.
    nesting : int
        The most levels of arrays and maps.
    parts : int
        The most arrays, maps and members of maps.

    Returns
    -------
    object
        Dicts, lists, strings, numbers, booleans and None; typed arrays as ndarrays of float64 or uint8.

    Raises
    ------
    MalformedCbor
        Not CBOR, or more of it than the service takes.
    """
    scan(body, nesting, parts)
    try:
        return cbor2.loads(
            body,
            semantic_decoders=_DECODERS,
            max_depth=nesting + TAG_LEVELS,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except cbor2.CBORDecodeError as error:  # the scan should have said more
        raise MalformedCbor("The body is not CBOR that can be read.") from error


def _typed_array(kind: np.dtype[Any], data: bytes, _: bool) -> NDArray[Any]:
    """Take the bytes of a typed array as numbers."""
    array = np.frombuffer(data, kind)
    return array if kind == MASK else array.astype(np.float64, copy=False)


def _shaped_array(parts: Any, _: bool) -> NDArray[Any]:
    """Take a shape and its elements."""
    shape, array = parts
    reshaped: NDArray[Any] = array.reshape(shape)
    return reshaped


_DECODERS: dict[int, Any] = {SHAPED: _shaped_array} | {
    number: partial(_typed_array, kind) for number, kind in TYPED_ARRAYS.items()
}


def dumps(value: Any) -> bytes:
    """Write an answer: deterministic encoding (RFC 8949, section 4.2), arrays of float64 under tag 40.

    Raises
    ------
    ValueError
        A number is not finite; the core should have refused it.
    """
    check_finite(value)
    return cbor2.dumps(value, canonical=True, default=_encode)


def _encode(encoder: cbor2.CBOREncoder, value: Any) -> None:
    """Write what cbor2 does not know."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        encoder.encode(value.item())
    elif isinstance(value, np.ndarray):
        data = cbor2.CBORTag(FLOAT64_TAG, value.astype("<f8", copy=False).tobytes())
        encoder.encode(cbor2.CBORTag(SHAPED, [list(value.shape), data]))
    else:
        raise TypeError(f"no CBOR for {type(value).__name__}")
