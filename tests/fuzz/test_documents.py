"""JSON and arrays: read as the standard library's parser reads them when it is told to be strict."""

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, softmax

from service.api.jsonio import MalformedJson, loads
from tests.formats import in_floats
from tests.fuzz.budget import fuzz

NESTING = 32

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=6)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
layouts = st.sampled_from([(",", ":"), (", ", ": "), ("\n,\t", " :\r\n")])
WORDS = rb'[ ] { } , : "x" "x":1 1 -0 1e5 1e999 01 . NaN -Infinity true null \ \u0000 \ud800 "'
FRAGMENTS = [*WORDS.split(), b"\0", b"\xff", b"\xef\xbb\xbf", b"/**/"]
fragments = st.sampled_from(FRAGMENTS) | st.binary(max_size=3)


@st.composite
def texts(draw):
    """Write a document as JSON, half of the time with one place of it spoilt."""
    value, separators, is_ascii = draw(documents), draw(layouts), draw(st.booleans())
    text = json.dumps(value, separators=separators, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    if draw(st.booleans()):
        return text
    start = draw(st.integers(0, len(text)))
    return text[:start] + draw(fragments) + text[start + draw(st.integers(0, 2)) :]


def read_strictly(body):
    """Read a document by the standard library, and refuse what it lets pass."""
    value = json.loads(
        body.decode(), object_pairs_hook=unique, parse_constant=refuse, parse_float=finite, parse_int=whole
    )
    json.dumps(value, ensure_ascii=False).encode()
    return value


def unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def refuse(name):
    raise ValueError(name)


def finite(text):
    if math.isinf(float(text)):
        raise ValueError(text)
    return float(text)


def whole(text):
    return int(text) if abs(int(text)) < 2**53 else float(int(text))


def outcome(read):
    """Return what a reader reads as one comparable text, or that it refused."""
    try:
        return repr(in_floats(read()))
    except ValueError:
        return "refused"


@fuzz(500)
@given(texts())
def test_a_document_is_read_as_the_standard_library_reads_it_or_refused_with_it(body):
    assert outcome(lambda: loads(body, NESTING)) == outcome(lambda: read_strictly(body))


@fuzz(300)
@given(st.binary(max_size=40) | st.lists(fragments, max_size=12).map(b"".join))
def test_any_bytes_are_read_or_refused_in_words(body):
    try:
        loads(body, NESTING)
    except MalformedJson as refusal:
        assert str(refusal).endswith(".")


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
elements = st.floats(-1e3, 1e3) | st.integers(-100, 100)
SPOILERS = [None, True, "1", [], {}, {"0": 1.0}]
DEEPER = [[1.0], [[1.0]]]
"""Spoil an array that has other elements."""


@st.composite
def arrays(draw):
    """Make a rectangular array as nested lists, half of the time with one element replaced."""
    shape = draw(shapes)
    flat = draw(st.lists(elements, min_size=math.prod(shape), max_size=math.prod(shape)))
    if draw(st.booleans()):
        flat[draw(st.integers(0, len(flat) - 1))] = draw(st.sampled_from(SPOILERS + DEEPER * (len(flat) > 1)))
        return False, folded(flat, shape)
    return True, folded(flat, shape)


def folded(flat, shape):
    """Nest a flat list."""
    for size in reversed(shape[1:]):
        flat = [flat[start : start + size] for start in range(0, len(flat), size)]
    return flat


@fuzz(300)
@given(arrays())
def test_an_array_gives_what_scipy_gives_and_a_spoilt_one_is_refused_where_it_is_spoilt(client, made):
    is_good, x = made

    answers = [client.post(path, json={"x": x}) for path in ("/softmax", "/sigmoid")]

    if is_good:
        for answer, expected in zip(answers, (softmax(x, axis=-1), expit(x)), strict=True):
            np.testing.assert_allclose(answer.json["y"], expected, rtol=1e-12, atol=1e-300)
        return
    for answer in answers:
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-request")
        assert all(error["pointer"].startswith("/x") for error in answer.json["errors"])
