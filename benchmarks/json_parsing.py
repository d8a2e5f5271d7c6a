"""100,000 numbers read and written: what the service does, against other ways, and CBOR beside JSON."""

from __future__ import annotations

import json
from itertools import chain

import numpy as np
import orjson
import simdjson

from benchmarks.table import format_seconds, print_header, print_row
from benchmarks.timing import Work, compare
from service.api import cborio, jsonio

NESTING = 32
COUNT = 100_000


def print_tables(repetitions: int) -> bool:
    """Print how long reading and writing take; there is no goal here but to know."""
    numbers = np.random.default_rng(0).normal(size=COUNT)
    flat, rows = (_body(numbers.reshape(shape)) for shape in ((-1,), (-1, 100)))
    print_header("JSON of 100,000 numbers", "time", "against the service's", "what it checks")
    for name, ours, ways in (
        ("reading a vector", lambda: jsonio.loads(flat, NESTING), _readers(flat)),
        ("reading 1,000 x 100", lambda: jsonio.loads(rows, NESTING), _readers(rows)),
        ("writing a vector", lambda: jsonio.dumps({"y": numbers}), _writers(numbers)),
    ):
        for way, (checks, theirs) in ways.items():
            pair = compare(ours, theirs, repetitions)
            if way == next(iter(ways)):
                print_row(f"{name}: the service", format_seconds(pair.ours), "1", _OWN[name.split()[0]])
            print_row(f"{name}: {way}", format_seconds(pair.theirs), f"{pair.ratio:.2f} x", checks)
    _print_cbor(numbers, repetitions)
    return True


def _print_cbor(numbers: np.ndarray, repetitions: int) -> None:
    """Print what CBOR costs: an array as one typed array, and as an array of items."""
    typed, items = cborio.dumps({"x": numbers}), cborio.dumps({"x": numbers.tolist()})
    text = _body(numbers)
    print_header("CBOR of 100,000 numbers", "time", "JSON's", "CBOR / JSON")
    for name, ours, theirs in (
        ("reading a typed array", lambda: cborio.loads(typed, NESTING), lambda: jsonio.loads(text, NESTING)),
        ("reading items", lambda: cborio.loads(items, NESTING), lambda: jsonio.loads(text, NESTING)),
        ("writing", lambda: cborio.dumps({"y": numbers}), lambda: jsonio.dumps({"y": numbers})),
    ):
        pair = compare(ours, theirs, repetitions)
        print_row(name, format_seconds(pair.ours), format_seconds(pair.theirs), f"{1 / pair.ratio:.2f}")


_OWN = {
    "reading": "shape, types, finite, duplicate keys, nesting",
    "writing": "finite",
}


def _body(array: np.ndarray) -> bytes:
    return orjson.dumps({"x": array}, option=orjson.OPT_SERIALIZE_NUMPY)


def _readers(body: bytes) -> dict[str, tuple[str, Work]]:
    """Return other ways to an array, and what each of them checks."""

    def parsed() -> np.ndarray:
        return np.array(orjson.loads(body)["x"], np.float64)

    def checked() -> np.ndarray:
        value = orjson.loads(body)["x"]
        numbers = value if type(value[0]) is not list else chain.from_iterable(value)
        assert set(map(type, numbers)) <= {int, float}
        return np.array(value, np.float64)

    return {
        "pysimdjson, buffer": ("types", lambda: _buffer(body)),
        "orjson, then an array": ("shape; takes booleans", parsed),
        "orjson, then types and an array": ("shape, types", checked),
        "json, then an array": (
            "shape; takes booleans, NaN",
            lambda: np.array(json.loads(body)["x"], np.float64),
        ),
    }


def _buffer(body: bytes) -> np.ndarray:
    document = simdjson.Parser().parse(body)
    assert isinstance(document, simdjson.Object)
    array = document["x"]
    assert isinstance(array, simdjson.Array)
    return np.frombuffer(array.as_buffer(of_type="d"))


def _writers(numbers: np.ndarray) -> dict[str, tuple[str, Work]]:
    """Return other ways to text."""
    return {
        "orjson from the array": (
            "nothing: NaN becomes null",
            lambda: orjson.dumps({"y": numbers}, option=orjson.OPT_SERIALIZE_NUMPY),
        ),
        "orjson from a list": ("nothing: NaN becomes null", lambda: orjson.dumps({"y": numbers.tolist()})),
        "json from a list": ("nothing: NaN is written", lambda: json.dumps({"y": numbers.tolist()}).encode()),
    }
