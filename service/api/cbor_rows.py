"""Rows of plain CBOR numbers as one array, without a Python object for each row and number.

One walk finds where the numbers stand; then all that are encoded alike are taken together.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.api.cbor_items import ARRAY, FALSE, FLOATS, INTEGER, NEGATIVE, TRUE, WIDTHS

WIDE = FLOATS | {
    32 * major + argument: np.dtype(f">u{width}")
    for major in (INTEGER, NEGATIVE)
    for argument, width in WIDTHS.items()
}
"""First bytes of the numbers that stand behind them, and how."""

SMALL = {first: first for first in range(0x18)} | {first: 0x1F - first for first in range(0x20, 0x38)}
"""First bytes that are numbers themselves."""

VALUES = np.array([SMALL.get(first, 0) for first in range(256)], np.float64)
LENGTHS = dict.fromkeys(SMALL, 1) | {first: 1 + kind.itemsize for first, kind in WIDE.items()}
"""Bytes of a number, by its first."""
NUMBER_LENGTHS = [LENGTHS.get(first, 0) for first in range(256)]
FLAG_LENGTHS = [int(first in (FALSE, TRUE)) for first in range(256)]


FEW = 8
"""Numbers of a row that are looked at one by one."""


class Uneven(ValueError):
    """The array is none of rows that are equally long and hold numbers alone, or booleans alone."""


def read_rows(body: bytes, at: int, count: int, levels: int, elements: int) -> tuple[NDArray[Any], int]:
    """Read an array of rows.

    Parameters
    ----------
    body : bytes
        The document.
    at : int
        Where the first row begins.
    count : int
        How many rows there are.
    levels : int
        The most levels of arrays.
    elements : int
        The most elements that are read; in the place of more stand zeros, which take no memory.

    Returns
    -------
    tuple
        The array, float64 or bool, and where it ends.

    Raises
    ------
    Uneven
        It is of another kind, or wrong in a way that has to be looked for.
    """
    try:
        shape, heads, leaf = _outline(body, at, count, levels)
        size = math.prod(shape)
        if size // shape[-1] > elements:
            raise Uneven  # a walk through so many rows would take seconds
        places: Any = array("q") if size <= elements else deque(maxlen=0)
        lengths = FLAG_LENGTHS if body[leaf] in (FALSE, TRUE) else NUMBER_LENGTHS
        end = _Walk(body, shape, heads, lengths, places).rows(at, 0)
    except IndexError as error:
        raise Uneven from error
    if end > len(body):
        raise Uneven
    if size > elements:
        return np.broadcast_to(np.float64(0), shape), end
    values = _values(np.frombuffer(body, np.uint8), np.frombuffer(places, np.int64))
    return values.reshape(shape), end


def _outline(body: bytes, at: int, count: int, levels: int) -> tuple[list[int], list[bytes], int]:
    """Read the first array of each level: how long it is, its head, and where its first number stands."""
    shape, heads = [count], []
    while body[at] // 32 == ARRAY:
        argument = body[at] % 32
        head = body[at : at + 1 + WIDTHS.get(argument, 0)]
        shape.append(int.from_bytes(head[1:], "big") if head[1:] else argument)
        heads.append(head)
        at += len(head)
        if argument > max(WIDTHS) or len(shape) > levels:
            raise Uneven
    if 0 in shape:
        raise Uneven
    return shape, heads, at


class _Walk:
    """Notes the places of all numbers."""

    def __init__(
        self, body: bytes, shape: list[int], heads: list[bytes], lengths: Sequence[int], places: Any
    ) -> None:
        self.body, self.shape, self.heads, self.lengths, self.places = body, shape, heads, lengths, places

    def rows(self, at: int, level: int) -> int:
        """Pass over the items of an array; return where they end."""
        if level == len(self.heads):
            return self._row(at)
        head = self.heads[level]
        for _ in range(self.shape[level]):
            if not self.body.startswith(head, at):
                raise Uneven
            at = self.rows(at + len(head), level + 1)
        return at

    def _row(self, at: int) -> int:
        """Pass over numbers, in one step where they are encoded alike."""
        body, lengths, places, count = self.body, self.lengths, self.places, self.shape[-1]
        length = lengths[body[at]]
        end = at + count * length
        if count > FEW and length and body[at:end:length].count(body[at]) == count:
            places.extend(range(at, end, length))
            return end
        for _ in range(count):
            length = lengths[body[at]]
            if not length:
                raise Uneven
            places.append(at)
            at += length
        return at


def _values(codes: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[Any]:
    """Take the numbers, or booleans, whose first bytes stand at the places."""
    first: NDArray[np.uint8] = codes[places]
    if first[0] in (FALSE, TRUE):
        flags: NDArray[np.bool_] = first == TRUE
        return flags
    values = VALUES[first]
    for code in WIDE.keys() & set(np.unique(first).tolist()):
        of_code = np.flatnonzero(first == code)
        at = places[of_code]
        pieces = [codes[at + step] for step in range(1, LENGTHS[code])]
        values[of_code] = _numbers(np.stack(pieces, axis=-1).view(WIDE[code])[:, 0], code)
    if not np.isfinite(values).all():
        raise Uneven
    return values


def _numbers(arguments: NDArray[Any], code: int) -> NDArray[Any]:
    if code // 32 != NEGATIVE:
        return arguments
    numbers = ~arguments.astype(np.int64)  # -1 - argument
    if numbers.max() >= 0:
        raise Uneven  # an integer beyond 64 bits
    return numbers
