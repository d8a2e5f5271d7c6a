"""JSON in and out: strict, and numeric arrays without a Python object for each number.

`loads` has two readers. The fast one (simdjson) turns rectangular arrays of numbers into float64
arrays directly. Whatever it does not take, the careful one (the standard library's parser, told to
be strict) decides: it reads what is unusual but right, such as integers beyond 64 bits, and says
of the rest where it is wrong. `benchmarks/json_parsing.py` shows what this is worth.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from typing import Any, NoReturn

import numpy as np
import orjson
import simdjson
from numpy.typing import NDArray

from service.api.brackets import LongArray, count_of, long_arrays, may_have, outline, places_of
from service.core import arrays
from service.core.exceptions import quote_text
from service.core.limits import setting_of
from service.limits import DEFAULT_LIMITS

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

KEPT_BYTES = 2_500_000
"""A parser keeps memory for the largest document it has read, up to 12 times its size; beyond this size,
of 100,000 numbers and more, it is thrown away. New memory costs as much time as reading half the document.
"""

MOST_MEMBERS = 256
"""Members of an object that the fast reader takes; it looks for each from the first on."""

LONGEST_INTEGER = 20
"""Digits, the sign included, of the longest integer of 64 bits."""

BRACKET = b"["
BACKSLASH = b"\\"
"""Looked for first: a single byte is found ten times faster than several."""

COMMA = b","

ESCAPED_BRACKET = b"\\u005"
"""How the escape of a bracket begins: the one way to write `[` in a string without the byte."""


class MalformedJson(ValueError):
    """The body is not the JSON that the service takes; the text says where and why."""


class _NotFinite(ValueError):
    """A number that is none, or too large; its token, of which the parser does not say where it stands."""

    def __init__(self, token: str, reason: str) -> None:
        super().__init__(reason)
        self.token = token


class _Unusual(ValueError):
    """Nothing is known to be wrong, but the fast reader does not take it."""

    def __init__(self, *, is_json: bool = True) -> None:
        super().__init__()
        self.is_json = is_json


_IDLE_PARSERS: list[Any] = []
"""Parsers that nobody uses; they keep their memory from one document to the next."""


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
        UTF-8 without byte order mark.
    nesting : int
        The most levels of arrays and objects.
    parts : int
        The most arrays, objects and members that become Python objects; rows of numbers do not.
    elements : int
        The most elements of an array. A larger one is not read, whatever it holds.

    Returns
    -------
    object
        Dicts, strings, numbers, booleans and None. Arrays are ndarrays when they are rectangular
        and hold numbers alone (float64) or booleans alone; else lists of what they hold. In place of one that
        is too large stands an array of as many zeros, which takes no memory.

    Raises
    ------
    MalformedJson
        Not JSON, not UTF-8, a key twice, NaN or Infinity, a number beyond float64, too deep.
    """
    if len(body) > 2 * elements and may_have(elements, COMMA, body):
        found = long_arrays(body, elements)
        if found:
            return _read_without(found, body, nesting, parts)
    return _read(body, nesting, parts)


def _read_without(found: list[LongArray], body: bytes, nesting: int, parts: int) -> Any:
    """Read what stands around arrays that are too large: a parser would take 14 times their size.

    Where it is not JSON all of the body is read, to say what is wrong at its own place.
    """
    mark, pieces, at = os.urandom(16).hex(), [], 0  # no text that a client sent can hold it
    sizes: dict[str, int] = {}
    for start, end, size in found:
        name = f"{mark} {len(sizes)}"
        pieces += [body[at:start], b'"%b"' % name.encode()]
        sizes[name], at = size, end
    with suppress(MalformedJson):
        document = _with_sizes(_read(b"".join([*pieces, body[at:]]), nesting, parts), sizes)
        if not sizes:
            return document
    return _read(body, nesting, parts)


def _with_sizes(value: Any, sizes: dict[str, int]) -> Any:
    """Put an array of zeros in the place of each mark, and take it off the list."""
    if type(value) is dict:
        return {key: _with_sizes(each, sizes) for key, each in value.items()}
    if type(value) is str and value in sizes:
        return np.broadcast_to(np.float64(0), sizes.pop(value))
    return value


def _read(body: bytes, nesting: int, parts: int) -> Any:
    try:
        return _read_fast(body, nesting)
    except _Unusual as unusual:
        is_json = unusual.is_json
    # out here nothing holds on to the fast reader's document, which may be larger than the body
    return read_carefully(body, nesting, parts, is_json=is_json)


def _read_fast(body: bytes, nesting: int) -> Any:
    if body.startswith(BYTE_ORDER_MARK):
        raise _Unusual(is_json=False)
    if len(body) > KEPT_BYTES:
        return _read_with(simdjson.Parser(), body, nesting)
    try:
        parser = _IDLE_PARSERS.pop()
    except IndexError:
        parser = simdjson.Parser()
    result = _read_with(parser, body, nesting)
    _IDLE_PARSERS.append(parser)  # not after an error: it may be left half way, or its document be held
    return result


def _read_with(parser: Any, body: bytes, nesting: int) -> Any:
    try:
        document = parser.parse(body)
    except (ValueError, RuntimeError) as error:
        raise _Unusual(is_json=False) from error
    walk = _Walk(nesting)
    try:
        result = walk.convert(document, 1)
    except (TypeError, ValueError, IndexError) as error:
        raise _Unusual from error
    if walk.arrays != count_of(BRACKET, body) - walk.quoted_brackets:
        raise _Unusual
    if walk.quoted_brackets and BACKSLASH in body and ESCAPED_BRACKET in body:
        raise _Unusual
    return result


class _Walk:
    """From simdjson's proxies to our objects.

    Its arrays are read flat, so that they are rectangular is checked apart: all rows of a level are
    equally long, and the document has as many opening brackets as these rows are.
    """

    __slots__ = ("arrays", "nesting", "quoted_brackets")

    def __init__(self, nesting: int) -> None:
        self.nesting = nesting
        self.arrays = 0
        self.quoted_brackets = 0

    def convert(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is simdjson.Array:
            return self._array(value, depth)
        if kind is simdjson.Object:
            return self._object(value, depth)
        if kind is str:
            self.quoted_brackets += value.count("[")
        return value

    def _object(self, value: Any, depth: int) -> dict[str, Any]:
        if depth > self.nesting or len(value) > MOST_MEMBERS:
            raise _Unusual
        keys = list(value)
        if len(set(keys)) != len(keys):
            raise _Unusual
        names = "".join(keys)
        if "\0" in names:  # simdjson looks for a key up to its first NUL
            raise _Unusual
        self.quoted_brackets += names.count("[")
        # by key: `items` would make Python objects of all that is inside
        return {key: self.convert(value[key], depth + 1) for key in keys}

    def _array(self, value: Any, depth: int) -> Any:
        shape, inner = [len(value)], value[0]
        self.arrays += 1
        while type(inner) is simdjson.Array:
            sizes = set(map(len, _rows(value, len(shape))))
            if len(sizes) != 1:
                raise _Unusual
            self.arrays += math.prod(shape)
            shape += sizes
            inner = inner[0]
        if depth + len(shape) - 1 > self.nesting:
            raise _Unusual
        flat = _flags(value, shape) if type(inner) is bool else np.frombuffer(value.as_buffer(of_type="d"))
        if len(shape) == 1:
            return flat
        if flat.size != math.prod(shape):
            raise _Unusual
        return flat.reshape(shape)


def _rows(value: Any, level: int) -> Iterable[Any]:
    """Iterate over the arrays `level` levels down, holding none of them."""
    rows: Iterable[Any] = (value,)
    for _ in range(level):
        rows = chain.from_iterable(rows)
    return rows


def _flags(value: Any, shape: list[int]) -> NDArray[np.bool_]:
    """Read an array of booleans flat."""
    if set(map(type, _rows(value, len(shape)))) != {bool}:
        raise _Unusual
    return np.fromiter(_rows(value, len(shape)), np.bool_)


def read_carefully(
    body: bytes, nesting: int, parts: int = DEFAULT_LIMITS.json_parts, *, is_json: bool = False
) -> Any:
    """Read a document as `loads` does, slowly; arrays are lists.

    Parameters
    ----------
    is_json : bool
        Whether simdjson took it: then its numbers need no care.

    Raises
    ------
    MalformedJson
        With the place where it is known.
    """
    if body.startswith(BYTE_ORDER_MARK):
        raise MalformedJson("The body begins with a byte order mark; send UTF-8 without one.")
    if not body.strip():
        raise MalformedJson("The body is empty; send one JSON object.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"The body is not UTF-8: byte {error.start} cannot be read.") from error
    _check_outline(body, nesting, parts)
    try:
        value = (_OF_PLAIN_NUMBERS if is_json else _STRICT).decode(text)
    except _NotFinite as error:
        raise MalformedJson(f"{_place_of(error.token, text)}: {error}") from error
    except json.JSONDecodeError as error:
        reason = error.msg[0].lower() + error.msg[1:]
        raise MalformedJson(f"Line {error.lineno}, column {error.colno}: {reason}.") from error
    if "\\u" in text:
        _check_surrogates(body)
    return value


def _check_outline(body: bytes, nesting: int, most: int) -> None:
    """Refuse what a recursive parser must not see, and what would fill the memory."""
    if body.count(b"[") + body.count(b"{") + body.count(b":") <= min(nesting, most):
        return
    too_deep_at, parts = outline(body, nesting)
    if too_deep_at is not None:
        before = body[:too_deep_at].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise MalformedJson(
            f"Line {line}, column {column}: arrays and objects are nested more than {nesting} deep."
        )
    if parts > most:
        raise MalformedJson(
            f"The body has {parts:,} arrays, objects and members of objects; {most:,} are allowed "
            f"(setting {setting_of('json_parts')})."
        )


def _check_surrogates(body: bytes) -> None:
    """Refuse half of a surrogate pair, which no UTF-8 can hold."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(
            f"Line {error.lineno}, column {error.colno}: a \\u escape that is half of a pair, or none at all."
        ) from error


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise MalformedJson(f"The key {quote_text(key)} stands twice in one object.")
            seen.add(key)
    return result


def _number_of(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _NotFinite(text, f"the number {quote_text(text)} overflows float64.")
    return value


def _whole_of(text: str) -> int | float:
    """Read an integer; one of more than 64 bits as the float64 that it is computed with."""
    value = int(text) if len(text) <= LONGEST_INTEGER else _number_of(text)
    return value if -(2**63) <= value < 2**64 else float(value)


def _constant_of(name: str) -> NoReturn:
    raise _NotFinite(name, f"{name} is not JSON; numbers are finite.")


def _place_of(token: str, text: str) -> str:
    """Say where a token stands first outside of strings."""
    at = next(places_of(token, text))
    return f"Line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"


_OF_PLAIN_NUMBERS = json.JSONDecoder(object_pairs_hook=_object_of, parse_constant=_constant_of)
_STRICT = json.JSONDecoder(
    object_pairs_hook=_object_of,
    parse_float=_number_of,
    parse_int=_whole_of,
    parse_constant=_constant_of,
)


def dumps(value: Any) -> bytes:
    """Write an answer: shortest round-trip numbers, and never NaN or infinity.

    Raises
    ------
    ValueError
        A number is not finite; the core should have refused it.
    """
    check_finite(value)
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY, default=_plain)


def check_finite(value: Any) -> None:
    """Raise when an answer holds NaN or infinity, which JSON would silently turn into null."""
    is_finite = True
    if isinstance(value, np.ndarray):
        is_finite = arrays.is_finite(value)
    elif isinstance(value, float):
        is_finite = math.isfinite(value)
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            check_finite(part)
    if not is_finite:
        raise ValueError("an answer holds a number that is not finite")


def _plain(value: Any) -> Any:
    """Write what orjson does not take: arrays of rank 0, and arrays that are not contiguous."""
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value) if value.ndim else value.item()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"no JSON for {type(value).__name__}")
