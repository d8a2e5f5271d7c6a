"""Our parser of HTTP takes and refuses what Gunicorn's own does, and tells the same of it."""

import itertools

import pytest
from gunicorn.asgi.parser import PythonProtocol
from hypothesis import given
from hypothesis import strategies as st

from service.server.parser import Parser

HEAD = b"POST /softmax?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n"


TOLD = "method", "path", "http_version", "headers", "content_length", "is_chunked", "should_keep_alive"


def told_by(parser_class, pieces, **limits):
    """Feed a parser and list what it told, up to its refusal if there is one."""
    told = []
    parser = parser_class(
        on_headers_complete=lambda: told.append([getattr(parser, name) for name in TOLD]),
        on_body=lambda data: told.append(bytes(data)),
        on_message_complete=lambda: told.append("complete"),
        **limits,
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


LINES = [
    b"Host: a",
    b"Content-Length: 3",
    b"Content-Length: 3_0",
    b"Content-Length:",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip",
    b"Connection: close",
    b"connection:keep-alive",
    b"X-A: \t b:c \t",
    b"X-\xe9: b",
    b"X-A: \xe9",
    b"X-A: b\rc",
    b"X-A: b\nHost: c",
    b"X-A: b\x00",
    b"X-A : b",
    b" X-A: b",
    b": b",
    b"X-A",
    b"",
]
BEGINNINGS = [
    b"POST /softmax HTTP/1.1",
    b"GET /a?b HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"CONNECT a:80 HTTP/1.1",
    b"GET http://a/b HTTP/1.1",
    b"GET /a HTTP/1.0",
    b"GET /a HTTP/1.2",
    b"GET /a  HTTP/1.1",
    b"GET / a HTTP/1.1",
    b"GET /\xe9 HTTP/1.1",
    b"get / HTTP/1.1",
    b"\r\nGET / HTTP/1.1",
    b"GET / HTTP/1.1\rHost: a",
]


@given(
    st.sampled_from(BEGINNINGS),
    st.lists(st.sampled_from(LINES), max_size=5),
    st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"]),
    st.sampled_from([b"", b"abc", b"3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"]),
    st.lists(st.integers(1, 200), max_size=2),
)
def test_heads_of_all_kinds_are_taken_and_refused_alike(beginning, lines, end, after, cuts):
    sent = end.join([beginning, *lines, b"", after])
    places = [0, *sorted(cuts), len(sent)]
    pieces = [sent[first:last] for first, last in itertools.pairwise(places)]

    assert joined(told_by(Parser, pieces)) == joined(told_by(PythonProtocol, pieces))


@pytest.mark.parametrize(
    "limits", [{"limit_request_line": 30}, {"limit_request_field_size": 30}, {"limit_request_fields": 2}, {}]
)
@pytest.mark.parametrize("size", [1, 20, 40, 1_990, 2_040, 9_000])
@pytest.mark.parametrize("count", [1, 3, 101])
def test_limits_of_a_head_are_the_same(limits, size, count):
    request = b"GET / HTTP/1.1\r\n" + (b"X-A: " + b"b" * size + b"\r\n") * count + b"\r\n"

    assert told_by(Parser, [request], **limits) == told_by(PythonProtocol, [request], **limits)


def test_a_refused_head_counts_as_begun():
    parser = Parser(on_headers_complete=lambda: None)

    with pytest.raises(Exception, match="Duplicate host"):
        parser.feed(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")

    assert parser._state == "headers"
