"""What of CBOR (RFC 8949) the service takes, held against the bytes before a decoder sees them.

The decoder, cbor2, bounds depth and refuses indefinite lengths and duplicate keys, but tells no offset, and
neither counts containers nor can be told to take few tags only. The scan does that: it reads the heads of
items, looks at every key and every text, takes typed arrays as they stand in the body and rows of numbers as
one array, and passes over a row in one step.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.api.cbor_items import (
    ARRAY,
    BYTES,
    EXPONENTS,
    FALSE,
    FLOATS,
    INDEFINITE,
    INTEGER,
    NULL,
    TAG,
    TEXT,
    TRUE,
    WIDTHS,
)
from service.api.cbor_rows import Uneven, read_rows
from service.core import arrays
from service.core.exceptions import quote_text
from service.core.limits import setting_of
from service.limits import DEFAULT_LIMITS

TYPED_ARRAYS: dict[int, np.dtype[Any]] = {
    number: np.dtype(letters)
    for number, letters in {
        64: "u1", 65: ">u2", 66: ">u4", 67: ">u8", 68: "u1", 69: "<u2", 70: "<u4", 71: "<u8",
        72: "i1", 73: ">i2", 74: ">i4", 75: ">i8", 77: "<i2", 78: "<i4", 79: "<i8",
        80: ">f2", 81: ">f4", 82: ">f8", 84: "<f2", 85: "<f4", 86: "<f8",
    }.items()
}  # fmt: skip
"""The tags of typed arrays (RFC 8746, section 2.1) and what each holds; float128, 83 and 87, is not taken."""

MASK = np.dtype(np.uint8)

SHAPED = 40
"""The tag of an array of several dimensions in row-major order (RFC 8746, section 3.1.1)."""

CONSTANTS = frozenset({FALSE, TRUE, NULL})
SMALL = bytes([*range(0x18), *range(0x20, 0x38), *sorted(CONSTANTS)])
"""Items of one byte: small whole numbers and the constants."""


class MalformedCbor(ValueError):
    """The body is not the CBOR that the service takes; the text says where and why."""


class FoundArray(NamedTuple):
    """A typed array, or rows of numbers: where they stand in the body, from first byte to last.

    The array is a view of the body where that is float64 and aligned. One of uint8 is kept as it is, until
    the field says whether it takes numbers or a mask.
    """

    start: int
    end: int
    array: NDArray[Any]


def scan(body: bytes, nesting: int, parts: int, elements: int = DEFAULT_LIMITS.elements) -> list[FoundArray]:
    """Look through a document; return its typed arrays and its rows of numbers in their order.

    Parameters
    ----------
    body : bytes
        One data item and nothing behind it.
    nesting : int
        The most levels of arrays and maps.
    parts : int
        The most arrays, maps and members of maps; those of rows of numbers do not count.
    elements : int
        The most elements that are read of rows of numbers.

    Raises
    ------
    MalformedCbor
        With the offset of the first byte of what is wrong.
    """
    if not body:
        raise MalformedCbor("The body is empty; send one CBOR map.")
    scanner = _Scanner(body, nesting, parts, elements)
    scanner.item(1)
    if scanner.at < len(body):
        raise scanner.wrong(scanner.at, f"the document ends here; {len(body) - scanner.at:,} bytes follow")
    return scanner.found


class _Scanner:
    """Where the scan has come to; a method for each major type, which is called behind the head."""

    def __init__(self, body: bytes, nesting: int, parts: int, elements: int) -> None:
        self.body = body
        self.at = 0
        self.found: list[FoundArray] = []
        self._nesting = nesting
        self._most_parts = parts
        self._most_elements = elements
        self._parts = 0
        self._is_even = True

    def wrong(self, at: int, reason: str) -> MalformedCbor:
        """Make the error of a place."""
        return MalformedCbor(f"Byte {at}: {reason}.")

    def item(self, depth: int) -> None:
        """Pass over an item and all it holds."""
        start = self.at
        major, argument = self._head()
        self._TAKE[major](self, start, argument, depth)

    def _head(self) -> tuple[int, int]:
        """Read the first byte of an item, and the number behind it."""
        start = self.at
        self._need(start, 1)
        major, argument = divmod(self.body[start], 32)
        self.at += 1
        if argument < min(WIDTHS):
            return major, argument
        if argument == INDEFINITE:
            raise self.wrong(start, "lengths are definite here, and a break ends nothing")
        if argument not in WIDTHS:
            raise self.wrong(start, f"no item begins with {self.body[start]:#04x}")
        width = WIDTHS[argument]
        self._need(start, width)
        argument = int.from_bytes(self.body[self.at : self.at + width], "big")
        self.at += width
        return major, argument

    def _need(self, start: int, count: int) -> None:
        """Refuse an item that is longer than the body, whatever length it declares."""
        left = len(self.body) - self.at
        if count > left:
            raise self.wrong(start, f"what begins here needs {count:,} more bytes, {left:,} are left")

    def _number(self, start: int, argument: int, depth: int) -> None:
        """Take any whole number."""

    def _bytes(self, start: int, argument: int, depth: int) -> None:
        raise self.wrong(start, "a byte string stands in a typed array alone")

    def _text(self, start: int, length: int, depth: int = 0) -> str:
        self._need(start, length)
        begin, self.at = self.at, self.at + length
        try:
            return self.body[begin : self.at].decode()
        except UnicodeDecodeError as error:
            raise self.wrong(begin + error.start, "this is not UTF-8") from error

    def _array(self, start: int, count: int, depth: int) -> None:
        self._need(start, count)
        self._open(start, depth, 1)
        if count and not (self._take_rows(start, count, depth) or self._pass_over_row(count)):
            for _ in range(count):
                self.item(depth + 1)

    def _take_rows(self, start: int, count: int, depth: int) -> bool:
        """Take rows of numbers as one array; after uneven ones no more are tried: each try costs time."""
        if not self._is_even or self.body[self.at] // 32 != ARRAY:
            return False
        levels = self._nesting - depth + 1
        try:
            array, self.at = read_rows(self.body, self.at, count, levels, self._most_elements)
        except Uneven:
            self._is_even = False
            return False
        self.found.append(FoundArray(start, self.at, array))
        return True

    def _pass_over_row(self, count: int) -> bool:
        """Pass over items of one byte, or floats of one width; tell whether that was all there is."""
        first, begin = self.body[self.at], self.at
        if first in FLOATS:
            numbers = FLOATS[first]
            width = 1 + numbers.itemsize
            end = begin + count * width
            if self.body[begin:end:width].count(first) < count or end > len(self.body):
                return False
            row = np.ndarray(count, numbers, self.body, begin + 1, (width,))
            is_plain = bool(np.isfinite(row).all())
        else:
            end = begin + count
            is_plain = not self.body[begin:end].translate(None, SMALL)
        if is_plain:
            self.at = end
        return is_plain

    def _map(self, start: int, count: int, depth: int) -> None:
        self._need(start, 2 * count)
        self._open(start, depth, 1 + count)
        keys: set[str] = set()
        for _ in range(count):
            begin = self.at
            major, length = self._head()
            if major != TEXT:
                raise self.wrong(begin, "the keys of a map are text")
            key = self._text(begin, length)
            if key in keys:
                raise self.wrong(begin, f"the key {quote_text(key)} stands twice in one map")
            keys.add(key)
            self.item(depth + 1)

    def _open(self, start: int, depth: int, parts: int) -> None:
        """Refuse what would fill stack or memory."""
        if depth > self._nesting:
            raise self.wrong(start, f"arrays and maps are nested more than {self._nesting} deep")
        self._parts += parts
        if self._parts > self._most_parts:
            raise self.wrong(
                start,
                f"there are more than {self._most_parts:,} arrays, maps and members of maps "
                f"(setting {setting_of('json_parts')})",
            )

    def _tag(self, start: int, number: int, depth: int) -> None:
        self._open(start, depth, 1)
        if number in TYPED_ARRAYS:
            self._typed(start, TYPED_ARRAYS[number])
        elif number == SHAPED:
            self._shaped(depth)
        else:
            raise self.wrong(start, f"tag {number} is not taken; typed arrays and tag {SHAPED} are")

    def _typed(self, start: int, kind: np.dtype[Any]) -> int:
        """Take what a typed array holds; return the number of elements."""
        bytes_at = self.at
        major, length = self._head()
        if major != BYTES:
            raise self.wrong(bytes_at, "a typed array is a byte string")
        self._need(bytes_at, length)
        count, rest = divmod(length, kind.itemsize)
        if rest:
            raise self.wrong(
                bytes_at, f"{length:,} bytes are no whole number of {kind.itemsize}-byte elements"
            )
        array = np.ndarray(count, kind, self.body, self.at)
        if kind != MASK:
            array = np.require(array, np.float64, "A")
            self._check_finite(array, kind.itemsize)
        self.at += length
        self.found.append(FoundArray(start, self.at, array))
        return count

    def _check_finite(self, array: NDArray[Any], width: int) -> None:
        if not arrays.is_finite(array):
            raise self._not_finite(self.at + int(np.argmin(np.isfinite(array))) * width)

    def _not_finite(self, at: int) -> MalformedCbor:
        return self.wrong(at, "numbers are finite, this is NaN or infinity")

    def _shaped(self, depth: int) -> None:
        """Pass over what tag 40 holds: the shape and a typed array of as many elements."""
        start = self.at
        if self._head() != (ARRAY, 2):
            raise self.wrong(start, f"tag {SHAPED} holds an array of two, the shape and a typed array")
        shape_at = self.at
        shape = self._shape(depth)
        start = self.at
        major, number = self._head()
        if major != TAG or number not in TYPED_ARRAYS:
            raise self.wrong(start, "the elements are a typed array")
        count = self._typed(start, TYPED_ARRAYS[number])
        if math.prod(shape) != count:
            shown = " x ".join(f"{size:,}" for size in shape)
            raise self.wrong(shape_at, f"an array of {shown} has not {count:,} elements")

    def _shape(self, depth: int) -> list[int]:
        start = self.at
        major, rank = self._head()
        if major != ARRAY or not rank:
            raise self.wrong(start, "a shape is an array of at least one size")
        self._open(start, depth + rank - 1, 0)
        return [self._size() for _ in range(rank)]

    def _size(self) -> int:
        start = self.at
        major, size = self._head()
        if major != INTEGER or not size:
            raise self.wrong(start, "a size is a whole number of at least 1")
        return size

    def _simple(self, start: int, argument: int, depth: int) -> None:
        first = self.body[start]
        if first in EXPONENTS:
            if argument & EXPONENTS[first] == EXPONENTS[first]:
                raise self._not_finite(start)
        elif first not in CONSTANTS:
            raise self.wrong(start, "undefined and unassigned simple values are not taken")

    _TAKE = _number, _number, _bytes, _text, _array, _map, _tag, _simple
    """By major type; bound methods would be a cycle, which keeps the body until the collector comes."""
