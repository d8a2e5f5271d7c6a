"""How long an answer is, known before it is written: what is too long never fills the memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

JSON_NUMBER_BYTES = 18
"""Bytes of a number and its comma: positive ones with all their digits have 18 on average from 4 to 8 and
near 1,000, others more. Only what consists of short numbers, such as 0.0, has fewer."""

CBOR_NUMBER_BYTES = 8
"""Bytes of a number in a typed array."""

MEASURED_NUMBERS = 65_536
"""Numbers that are written at a time where only the length of their text is wanted."""


def is_longer_as_json(value: Any, most: int) -> bool:
    """Tell whether the arrays of an answer alone take more bytes than that; their text is never whole."""
    found = [*_arrays_in(value)]
    if JSON_NUMBER_BYTES * sum(array.size for array in found) <= most:
        return False
    length = 0
    for array in found:
        flat = np.ravel(array)
        for start in range(0, flat.size, MEASURED_NUMBERS):
            part = flat[start : start + MEASURED_NUMBERS]
            length += len(orjson.dumps(part, option=orjson.OPT_SERIALIZE_NUMPY)) - 1  # of two brackets one
            if length > most:
                return True
    return False


def is_longer_as_cbor(value: Any, most: int) -> bool:
    """Tell whether the arrays of an answer alone take more bytes than that."""
    return CBOR_NUMBER_BYTES * sum(array.size for array in _arrays_in(value)) > most


def _arrays_in(value: Any) -> Iterator[NDArray[Any]]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _arrays_in(part)
