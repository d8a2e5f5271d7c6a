"""The way of bytes through a real server: cut up at any place, spoilt at any place, or no HTTP at all."""

import contextlib
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.budget import fuzz
from tests.server.running import Server, read_all, responses


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The service with one worker; whatever comes in, it must have nothing to warn of."""
    running = Server(tmp_path_factory.mktemp("fuzz"), KOBAI_LOG_LEVEL="error")
    (worker,) = running.workers()
    yield running
    assert running.workers() == [worker]
    assert running.stop() == 0
    assert running.err.read_text() == ""


def by_length(body, _):
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def by_chunks(body, size):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(
        b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""]
    )


def written(path, body, framing, size, more=b""):
    """Write a request as bytes."""
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n%b" % (path, more)
    return head + framing(body, size)


bodies = st.sampled_from(
    [b'{"x": [1, 2, 3]}', b'{"x": 1', b"[]", b"", b'{"x": [[0.5], [%b]]}' % (b"1" * 300)]
)
paths = st.sampled_from([b"/softmax", b"/sigmoid", b"/loss", b"/nowhere", b"//softmax"])
wholes = st.builds(written, paths, bodies, st.sampled_from([by_length, by_chunks]), st.integers(1, 20))
LAST = written(b"/softmax", b'{"x": [1]}', by_length, 0, b"Connection: close\r\n")


def exchange(service, pieces):
    """Send pieces, each by itself as far as the kernel lets them be, and read until the server closes."""
    with service.socket() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            with contextlib.suppress(BrokenPipeError):  # it has heard enough; its answer is on its way
                client.sendall(piece)
            time.sleep(0)
        if not b"".join(pieces).endswith(LAST):  # which asks for the end itself
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)
        return responses(read_all(client))


def told(answers):
    """Leave out what differs from one time to the next: ids and times."""
    kept = ("content-type", "content-length", "connection")
    bodies = [body.partition(b'"request_id"')[0] for _, _, body in answers]
    return [
        (status, [headers.get(name) for name in kept], body)
        for (status, headers, _), body in zip(answers, bodies, strict=True)
    ]


@fuzz(150)
@given(st.lists(wholes, max_size=5), st.lists(st.integers(1, 400), max_size=8))
def test_pipelined_requests_get_the_same_answers_however_their_bytes_are_cut(service, requests, sizes):
    sent, pieces = b"".join([*requests, LAST]), []
    for size in sizes:
        pieces, sent = [*pieces, sent[:size]], sent[size:]
    whole = [told(exchange(service, [request])) for request in [*requests, LAST]]

    answers = told(exchange(service, [*pieces, sent]))

    assert [answer[::2] for answer in answers] == [answer[::2] for (answer,) in whole]
    assert answers[-1][1][-1] == "close"


LINES = [
    b"", b"\r\n", b"\r\n\r\n", b"\n", b"\0", b" ", b":", b"%00", b"A" * 9000,
    b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1", b"HTTP/1.0\r\n", b"0\r\n\r\n", b"ffffffffff\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 1" + b"0" * 30, b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n", b"Connection: close, Upgrade\r\n", b"Upgrade: h2c\r\n",
    b"Expect: 100-continue\r\n", b"Host: \xff\r\n", b"X-Request-ID: a\tb\r\n",
]  # fmt: skip
lines = st.sampled_from(LINES) | st.binary(max_size=8)

ALLOWED = {100, 200, 400, 404, 405, 408, 411, 413, 414, 415, 417, 422, 431, 501, 505}


@st.composite
def spoilt(draw):
    """Put something in place of a few bytes of good requests."""
    text = b"".join(draw(st.lists(wholes, min_size=1, max_size=3)))
    start = draw(st.integers(0, len(text)))
    return text[:start] + draw(lines) + text[start + draw(st.integers(0, 6)) :]


@fuzz(400)
@given(spoilt() | st.lists(lines, max_size=10).map(b"".join) | st.binary(max_size=60))
def test_spoilt_bytes_are_answered_or_refused_and_the_next_caller_is_served(service, sent):
    found = exchange(service, [sent])

    assert {status for status, _, _ in found} <= ALLOWED
    assert [status for status, _, _ in exchange(service, [LAST])] == [200]
