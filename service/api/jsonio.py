"""JSON in and out: strict, and numeric arrays without a Python object for each number.

`loads` has two readers. The fast one (simdjson) turns rectangular arrays of numbers into float64
arrays directly. Whatever it does not take, the careful one (the standard library's parser, told to
be strict) decides: it reads what is unusual but right, such as integers beyond 64 bits, and says
of the rest where it is wrong.
"""

from __future__ import annotations

import json
import math
import re
import threading
from typing import Any, NoReturn

import numpy as np
import orjson
import simdjson

from service.core.exceptions import quote_text

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


class MalformedJson(ValueError):
    """The body is not the JSON that the service takes; the text says where and why."""


class _Unusual(Exception):
    """Nothing is known to be wrong, but the fast reader does not take it."""


class _Readers(threading.local):
    """A parser for each thread; it reuses its memory from one document to the next."""

    parser: Any = None


_READERS = _Readers()


def loads(body: bytes, nesting: int) -> Any:
    """Read a document.

    Parameters
    ----------
    body : bytes
        UTF-8 without byte order mark.
    nesting : int
        The most levels of arrays and objects.

    Returns
    -------
    object
        Dicts, strings, numbers, booleans and None; arrays are float64 ndarrays when they are
        rectangular and hold numbers alone (or lists of what they hold).

    Raises
    ------
    MalformedJson
        Not JSON, not UTF-8, a key twice, NaN or Infinity, a number beyond float64, too deep.
    """
    try:
        return _read_fast(body, nesting)
    except _Unusual:
        return _read_carefully(body, nesting)


def _read_fast(body: bytes, nesting: int) -> Any:
    if body.startswith(BYTE_ORDER_MARK) or b"\\" in body:
        raise _Unusual
    parser = _READERS.parser
    if parser is None:
        parser = _READERS.parser = simdjson.Parser()
    try:
        document = parser.parse(body)
    except (ValueError, RuntimeError) as error:
        _READERS.parser = None  # what the failed document holds goes with its parser
        raise _Unusual from error
    walk = _Walk(nesting)
    try:
        result = walk.convert(document, 1)
    except (TypeError, ValueError, _Unusual) as error:
        _READERS.parser = None
        raise _Unusual from error
    if walk.brackets != body.count(b"[") - walk.quoted_brackets:
        raise _Unusual
    return result


class _Walk:
    """From simdjson's proxies to our objects.

    Its arrays are read flat, so whether they are rectangular is checked apart: all rows of a level are
    equally long, and the document has as many opening brackets as rectangular arrays have.
    """

    def __init__(self, nesting: int) -> None:
        self.nesting = nesting
        self.brackets = 0
        self.quoted_brackets = 0

    def convert(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is simdjson.Array:
            return self._array(value, depth)
        if kind is simdjson.Object:
            return self._object(value, depth)
        if kind is str:
            self.quoted_brackets += value.count("[")
        elif kind is float and not math.isfinite(value):
            raise _Unusual
        return value

    def _object(self, value: Any, depth: int) -> dict[str, Any]:
        if depth > self.nesting:
            raise _Unusual
        keys = list(value)
        if len(set(keys)) != len(keys):
            raise _Unusual
        self.quoted_brackets += "".join(keys).count("[")
        return {key: self.convert(value[key], depth + 1) for key in keys}

    def _array(self, value: Any, depth: int) -> Any:
        shape: list[int] = []
        level = [value]
        while level and type(level[0]) is simdjson.Array:
            size = len(level[0])
            if depth + len(shape) > self.nesting or not size:
                raise _Unusual
            if any(type(row) is not simdjson.Array or len(row) != size for row in level):
                raise _Unusual
            self.brackets += len(level)
            shape.append(size)
            is_last = type(level[0][0]) is not simdjson.Array
            level = [] if is_last else [item for row in level for item in row]
        flat = np.frombuffer(value.as_buffer(of_type="d"))
        if flat.size != math.prod(shape) or not np.isfinite(flat).all():
            raise _Unusual
        return flat.reshape(shape)


def _read_carefully(body: bytes, nesting: int) -> Any:
    if body.startswith(BYTE_ORDER_MARK):
        raise MalformedJson("The body begins with a byte order mark; send UTF-8 without one.")
    if not body.strip():
        raise MalformedJson("The body is empty; send one JSON object.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"The body is not UTF-8: byte {error.start} cannot be read.") from error
    _check_nesting(text, nesting)
    try:
        value = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        reason = error.msg[0].lower() + error.msg[1:]
        raise MalformedJson(f"Line {error.lineno}, column {error.colno}: {reason}.") from error
    if "\\u" in text:
        _check_surrogates(body)
    return value


def _check_nesting(text: str, nesting: int) -> None:
    """Refuse what is nested too deep, before a recursive parser sees it."""
    depth = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth > nesting:
                line = text.count("\n", 0, token.start()) + 1
                column = token.start() - text.rfind("\n", 0, token.start())
                raise MalformedJson(
                    f"Line {line}, column {column}: arrays and objects are nested more than {nesting} deep."
                )
        elif first in "]}":
            depth -= 1


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
        raise MalformedJson(f"The number {quote_text(text)} overflows float64.")
    return value


def _whole_of(text: str) -> int | float:
    """Read an integer; one of many digits as the float64 that it is computed with."""
    return int(text) if len(text) < 19 else _number_of(text)


def _constant_of(name: str) -> NoReturn:
    raise MalformedJson(f"{name} is not JSON; numbers are finite.")


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
    kind = type(value)
    if kind is float or kind is np.ndarray:
        if not np.isfinite(value).all():
            raise ValueError("an answer holds a number that is not finite")
    elif kind is dict:
        for item in value.values():
            check_finite(item)
    elif kind is list:
        for item in value:
            check_finite(item)


def _plain(value: Any) -> Any:
    """Write what orjson does not take: arrays of rank 0, and arrays that are not contiguous."""
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value) if value.ndim else value.item()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"no JSON for {type(value).__name__}")
