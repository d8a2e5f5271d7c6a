"""Our parser of HTTP takes and refuses what Gunicorn's own does, and tells the same of it."""

import itertools

import pytest
from gunicorn.asgi.parser import PythonProtocol
from hypothesis import given
from hypothesis import strategies as st

from service.server.parser import Parser

HEAD = b"POST /softmax?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n"


def told_by(parser_class, pieces):
    """Feed a parser and list what it told, up to its refusal if there is one."""
    told = []
    parser = parser_class(
        on_headers_complete=lambda: told.append((parser.method, parser.path, list(parser.headers))),
        on_body=lambda data: told.append(bytes(data)),
        on_message_complete=lambda: told.append("complete"),
    )
    try:
        for piece in pieces:
            parser.feed(piece)
    except Exception as error:  # noqa: BLE001 - whatever Gunicorn's raises is what ours has to raise
        return [*told, type(error), str(error)]
    return [*told, parser.is_complete, parser.remaining()]


def joined(told):
    """Join neighbouring pieces of a body: how it is cut does not matter."""
    result = []
    for each in told:
        if result and isinstance(each, bytes) and isinstance(result[-1], bytes):
            result[-1] += each
        else:
            result.append(each)
    return result


@pytest.mark.parametrize("place", ["method", "name", "value"])
@pytest.mark.parametrize("code", range(256))
def test_every_character_is_taken_and_refused_alike(place, code):
    character = bytes([code])
    method = b"PO" + character + b"ST" if place == "method" else b"POST"
    name = b"X-" + character + b"A" if place == "name" else b"X-A"
    value = b"a" + character + b"b" if place == "value" else b"b"
    request = method + b" / HTTP/1.1\r\n" + name + b": " + value + b"\r\n\r\n"

    assert told_by(Parser, [request]) == told_by(PythonProtocol, [request])


@pytest.mark.parametrize("method", [b"", b"GO", b"GET", b"A" * 20, b"A" * 21, b"Get", b"GET!", b"GE#T"])
def test_methods_are_taken_and_refused_alike(method):
    request = method + b" / HTTP/1.1\r\n\r\n"

    assert told_by(Parser, [request]) == told_by(PythonProtocol, [request])


@given(st.binary(max_size=40), st.lists(st.integers(1, 75_000), max_size=6))
def test_a_body_and_what_follows_are_the_same_however_they_are_cut(after, cuts):
    sent = HEAD + bytes(range(250)) * 280 + after
    places = [0, *sorted(cuts), len(sent)]
    pieces = [sent[start:end] for start, end in itertools.pairwise(places)]

    assert joined(told_by(Parser, pieces)) == joined(told_by(PythonProtocol, pieces))
