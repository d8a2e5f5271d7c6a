"""Connections and bodies over bare sockets, by the numbers of the attack list (H: transport)."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.config import Settings
from service.server.connection import Connection, Connections
from tests.server.load import told
from tests.server.running import read_all, responses, wait_until

MIB = 1024 * 1024
LIMIT = 16 * MIB


def post(body=b"{}", path="/echo", framing=None, more=""):
    """Write a request as bytes."""
    framing = f"Content-Length: {len(body)}" if framing is None else framing
    return f"POST {path} HTTP/1.1\r\nHost: a\r\n{framing}\r\n{more}\r\n".encode() + body


def chunked(*chunks, end=b"0\r\n\r\n", path="/echo", more=""):
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return post(body + end, path, "Transfer-Encoding: chunked", more)


CLOSE = "Connection: close\r\n"

REFUSED_BELOW = {
    "H-4 a negative length": (post(framing="Content-Length: -1"), 400),
    "H-4 a signed length": (post(framing="Content-Length: +2"), 400),
    "H-4 a length in words": (post(framing="Content-Length: two"), 400),
    "H-4 two lengths": (post(framing="Content-Length: 2\r\nContent-Length: 2"), 400),
    "H-4 a chunk size in words": (post(b"zz\r\n{}\r\n0\r\n\r\n", framing="Transfer-Encoding: chunked"), 400),
    "H-4 a chunk without its end": (post(b"2\r\n{}0\r\n\r\n", framing="Transfer-Encoding: chunked"), 400),
    "H-4 a negative chunk size": (post(b"-2\r\n{}\r\n0\r\n\r\n", framing="Transfer-Encoding: chunked"), 400),
    "H-7 both framings": (chunked(b"{}", more="Content-Length: 2\r\n"), 400),
    "H-7 an odd coding": (post(framing="Transfer-Encoding: \x0bchunked"), 400),
    "H-7 chunked twice": (post(framing="Transfer-Encoding: chunked, chunked"), 400),
    "H-7 an unknown coding": (post(framing="Transfer-Encoding: xchunked"), 400),
    "H-7 gzip below the chunks": (chunked(b"{}").replace(b": chunked", b": gzip, chunked"), 501),
    "H-7 gzip as the last coding": (post(framing="Transfer-Encoding: chunked, gzip"), 400),
    "H-7 a space before the colon": (post(framing="Content-Length : 2"), 400),
    "H-7 a folded header": (post(more="X-A: 1\r\n 2\r\n"), 400),
    "H-7 chunked in HTTP/1.0": (chunked(b"{}").replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
    "H-7 a bare line feed": (b"GET /livez HTTP/1.1\nHost: a\n\n", 400),
    "H-8 a request line of 8 KB": (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\n\r\n", 414),
    "H-8 101 headers": (post(more="X-A: 1\r\n" * 101), 431),
    "H-8 a header of 9 KB": (post(more=f"X-A: {'a' * 9000}\r\n"), 431),
    "H-8 a control character in a header": (post(more="X-A: \x00\r\n"), 400),
    "H-8 two hosts": (post(more="Host: b\r\n"), 400),
    "H-18 HTTP/2 at once": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /livez\r\n\r\n", 400),
    "HTTP/2.0 in the words of HTTP/1.1": (b"GET /livez HTTP/2.0\r\nHost: a\r\n\r\n", 400),
    "HTTP/9": (b"GET /livez HTTP/9.9\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n", 400),
    "no HTTP at all": (b"hello\r\n\r\n", 400),
    "a control character in the path": (b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
}


@pytest.mark.parametrize(("sent", "status"), REFUSED_BELOW.values(), ids=REFUSED_BELOW)
def test_what_is_not_http_gets_a_bare_refusal_and_a_closed_connection(tiny, sent, status):
    found = responses(tiny.exchange(sent))

    assert [(each[0], each[1]["connection"]) for each in found] == [(status, "close")]


def test_a_refusal_says_once_that_the_connection_is_closed(tiny):
    unread = post(framing="Content-Length: 100", more="Upgrade: h2c\r\n" + "X-A: 1\r\n" * 101)

    assert tiny.exchange(unread, end=True).lower().count(b"connection: close") == 1


def test_blanks_around_the_value_of_a_header_are_no_part_of_it(tiny):
    found = responses(tiny.exchange(chunked(b"{}", more="X-A: \t b \t \r\n" + CLOSE)))
    coded = chunked(b"{}", more=CLOSE).replace(b": chunked", b":  chunked  ")

    assert json.loads(found[0][2])["environ"]["HTTP_X_A"] == "b"
    assert [each[0] for each in responses(tiny.exchange(coded))] == [200]


def test_h_4_a_truncated_body_is_a_400_even_if_what_came_is_whole_json(tiny):
    found = responses(tiny.exchange(post(b"{}", framing="Content-Length: 100"), end=True))

    assert [each[0] for each in found] == [400]
    assert json.loads(found[0][2]) == {
        "code": "malformed-json",
        "detail": "The body is truncated: it ended before all of its 100 bytes had come.",
    }
    assert found[0][1]["connection"] == "close"


def test_h_4_a_truncated_chunked_body_is_a_400(tiny):
    found = responses(tiny.exchange(chunked(b"{}", end=b""), end=True))

    assert [each[0] for each in found] == [400]
    assert (
        json.loads(found[0][2])["detail"] == "The body is truncated: it ended before its last chunk had come."
    )


def test_h_4_what_follows_a_body_is_the_next_request(tiny):
    found = responses(tiny.exchange(post(b"{}1") + post(b"{}", more=CLOSE)))

    assert [(each[0], json.loads(each[2])["length"]) for each in found] == [(200, 3), (200, 2)]


@pytest.mark.parametrize("piece", [1_000, 100_000, 10 * MIB])
def test_h_4_what_follows_a_body_in_many_pieces_is_the_next_request(tiny, piece):
    """Such a body bypasses the parser, which then has to count on from behind it."""
    bodies = [b"a" * 1_000_000, b"{}", b"b" * 3_000_001, b"c" * 200_000, b"d"]
    sent = b"".join(post(body) for body in bodies) + post(b"", more=CLOSE)
    with tiny.socket() as client:
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(read_all, client)
            for start in range(0, len(sent), piece):
                client.sendall(sent[start : start + piece])
        found = responses(reading.result())

    seen = [(each[0], json.loads(each[2])["sha256"]) for each in found]
    assert seen == [(200, hashlib.sha256(body).hexdigest()) for body in [*bodies, b""]]


def test_h_4_a_large_body_that_is_cut_short_is_answered_at_once(tiny):
    began = time.monotonic()

    found = responses(tiny.exchange(post(b"x" * MIB, framing=f"Content-Length: {2 * MIB}"), end=True))

    assert [each[0] for each in found] == [400]
    assert f"all of its {2 * MIB} bytes" in json.loads(found[0][2])["detail"]
    assert time.monotonic() - began < 5


def test_h_4_a_body_longer_than_its_length_is_refused(tiny):
    found = responses(tiny.exchange(post(b"{}garbage\r\n\r\n", framing="Content-Length: 2")))

    assert [each[0] for each in found][-1] == 400


def test_h_4_a_chunked_body_is_put_together(tiny):
    sent = chunked(b'{"a"', b":", b"1}", more=CLOSE)

    found = responses(tiny.exchange(sent))

    assert json.loads(found[0][2])["length"] == 7
    environ = json.loads(found[0][2])["environ"]
    assert environ["CONTENT_LENGTH"] == "7"
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_h_4_many_tiny_chunks_are_put_together(tiny):
    found = responses(tiny.exchange(chunked(*[b"x"] * 65_537, more=CLOSE), timeout=30))

    assert [(each[0], json.loads(each[2])["length"]) for each in found] == [(200, 65_537)]


def test_h_4_a_request_without_a_body_has_an_empty_one(tiny):
    found = responses(tiny.exchange(b"POST /echo HTTP/1.1\r\nHost: a\r\n" + CLOSE.encode() + b"\r\n"))

    assert json.loads(found[0][2])["length"] == 0


@pytest.mark.parametrize("declared", [LIMIT + 1, 10 * 1024**3, 2**63])
def test_h_4_a_declared_length_over_the_limit_is_refused_before_the_body_comes(tiny, declared):
    with tiny.socket() as client:
        client.sendall(post(b"", framing=f"Content-Length: {declared}"))

        answer = http.client.HTTPResponse(client)
        answer.begin()
        body = json.loads(answer.read())

    assert answer.status == 413
    assert answer.headers["Connection"] == "close"
    assert body["detail"] == (
        f"The body may have at most {LIMIT:,} bytes (setting KOBAI_BODY_BYTES); GET /limits lists all limits."
    )


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_413_can_be_read_over_a_bare_socket_after_sending_20_mb(tiny, framing):
    body = b"x" * (20 * 10**6)
    sent = post(body) if framing == "length" else chunked(*[body[:65_536]] * 306)

    found = responses(tiny.exchange(sent))

    assert [(each[0], json.loads(each[2])["code"]) for each in found] == [(413, "body-too-large")]


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_413_can_be_read_by_http_client_after_sending_20_mb(tiny, framing):
    body = b"x" * (20 * 10**6)

    status, _, answer = tiny.request("POST", "/echo", body if framing == "length" else iter([body]))

    assert (status, json.loads(answer)["code"]) == (413, "body-too-large")


@pytest.mark.parametrize("options", [[], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked"]])
def test_a_413_can_be_read_by_curl_after_sending_20_mb(tiny, options, tmp_path):
    (tmp_path / "body").write_bytes(b"x" * (20 * 10**6))
    command = ["curl", "-sS", "-w", "%{http_code}", "--data-binary", f"@{tmp_path / 'body'}", *options]

    ended = subprocess.run([*command, f"http://127.0.0.1:{tiny.port}/echo"], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr, ended.stdout[-3:]) == (0, "", "413")
    assert "body-too-large" in ended.stdout


def test_what_is_thrown_away_is_bounded(serve):
    server = serve(KOBAI_DISCARDED_BYTES="1000000")
    with server.socket() as client:
        client.sendall(post(b"", framing="Content-Length: 1000000000"))
        sent = 0

        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            while sent < 10**9:
                sent += client.send(b"x" * 65_536)

    assert sent < 30 * MIB


def test_a_body_of_exactly_the_limit_is_taken(tiny):
    body = b"x" * LIMIT

    status, answer = tiny.post("/echo", body)

    assert (status, answer["length"], answer["thread"]) == (200, LIMIT, "kobai")


def test_expect_100_continue_is_answered_before_the_body(tiny):
    with tiny.socket() as client:
        client.sendall(post(b"", framing="Content-Length: 2", more="Expect: 100-continue\r\n" + CLOSE))
        interim = client.recv(1000)
        client.sendall(b"{}")
        found = responses(read_all(client))

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert [(each[0], json.loads(each[2])["length"]) for each in found] == [(200, 2)]


def test_expect_100_continue_is_refused_when_the_body_would_be_too_large(tiny):
    began = time.monotonic()
    with tiny.socket() as client:
        client.sendall(post(b"", framing=f"Content-Length: {LIMIT + 1}", more="Expect: 100-continue\r\n"))
        found = responses(read_all(client))

    assert [(each[0], each[1]["connection"]) for each in found] == [(413, "close")]
    assert time.monotonic() - began < 5


def test_pipelined_requests_are_answered_in_order(tiny):
    sent = b"".join(post(b"x" * size) for size in range(20)) + post(b"", more=CLOSE)

    found = responses(tiny.exchange(sent))

    assert [json.loads(each[2])["length"] for each in found] == [*range(20), 0]


def test_a_connection_is_kept_alive(tiny):
    connection = tiny.connect()
    connection.connect()
    first = connection.sock

    for _ in range(3):
        connection.request("POST", "/echo", b"{}")
        assert connection.getresponse().read()

    assert connection.sock is first
    connection.close()


@pytest.mark.parametrize("more", [b"", b"Connection: keep-alive\r\n"])
def test_http_1_0_closes_and_says_so(tiny, more):
    once = b"GET /livez HTTP/1.0\r\n" + more + b"\r\n"

    found = responses(tiny.exchange(once + once))

    assert [(each[0], each[1]["connection"]) for each in found] == [(200, "close")]


def test_http_1_0_gets_no_stream_whose_end_it_cannot_see(server):
    body = json.dumps({"function": "x**2", "variables": {"x": 1}, "steps": 10}).encode()
    sent = post(body, "/descent", more="Content-Type: application/json\r\nAccept: application/x-ndjson\r\n")

    found = responses(server.exchange(sent.replace(b"HTTP/1.1", b"HTTP/1.0")))

    assert [(each[0], each[1]["connection"], each[1]["content-type"]) for each in found] == [
        (200, "close", "application/json")
    ]
    assert json.loads(found[0][2])["steps"] == 10


def test_a_quick_request_is_answered_to_a_client_that_has_closed_its_side(tiny):
    found = responses(tiny.exchange(post(b"1"), end=True))

    assert [json.loads(each[2])["length"] for each in found] == [1]


def test_head_has_the_headers_of_get_and_no_body(tiny):
    found = tiny.exchange(b"HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ncontent-length: 2\r\n" in found
    assert found.endswith(b"\r\n\r\n")


def test_repeated_headers_are_joined_and_the_peer_is_known(tiny):
    found = responses(tiny.exchange(post(more="X-A: 1\r\nX-A: 2\r\nX-B: \xe4\r\n" + CLOSE)))

    environ = json.loads(found[0][2])["environ"]
    assert (environ["HTTP_X_A"], environ["REMOTE_ADDR"]) == ("1,2", "127.0.0.1")
    assert environ["HTTP_X_B"].encode("latin-1").decode() == "\xe4"


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "X_A", "Content_Length"])
def test_headers_that_look_like_ours_are_dropped(tiny, name):
    status, _, answer = tiny.request("POST", "/echo", b"{}", {name: "/x"})

    environ = json.loads(answer)["environ"]
    assert (status, environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (200, "", "/echo")
    assert "/x" not in environ.values()


def test_a_proxy_cannot_change_the_scheme(tiny):
    _, _, answer = tiny.request("POST", "/echo", b"{}", {"X-Forwarded-Proto": "https"})

    assert json.loads(answer)["environ"]["wsgi.url_scheme"] == "http"


def test_an_absolute_url_in_the_request_line_counts_by_its_path(tiny):
    sent = post(path="http://example.org/echo?q=1", more=CLOSE)

    environ = json.loads(responses(tiny.exchange(sent))[0][2])["environ"]

    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/echo", "q=1")


def test_a_path_is_decoded_as_wsgi_wants_it(tiny):
    sent = post(path="/%65cho", more=CLOSE)

    assert json.loads(responses(tiny.exchange(sent))[0][2])["environ"]["PATH_INFO"] == "/echo"


@pytest.mark.parametrize("protocol", ["TLS/1.2", "h2c", "websocket"])
@pytest.mark.parametrize("framing", ["length", "chunks", "no body"])
def test_an_upgrade_is_ignored(tiny, protocol, framing):
    more = f"Upgrade: {protocol}\r\nConnection: Upgrade\r\n"
    sent = {
        "length": post(b"{ }", more=more),
        "chunks": chunked(b"{ ", b"}", more=more),
        "no body": post(b"", framing="X-A: 1", more=more),
    }[framing]

    found = responses(tiny.exchange(sent + post(more=CLOSE)))

    assert [each[0] for each in found] == [200, 200]
    assert json.loads(found[0][2])["length"] == (0 if framing == "no body" else 3)


def test_an_upgrade_that_comes_in_two_pieces_loses_no_body_in_silence(tiny):
    sent = post(b"{ }", more="Upgrade: h2c\r\nConnection: Upgrade\r\n")
    at = sent.index(b"h2c")
    with tiny.socket() as client:
        client.sendall(sent[:at])
        time.sleep(0.1)
        client.sendall(sent[at:])

        assert [each[0] for each in responses(read_all(client))] == [400]


def test_a_large_answer_arrives_whole(tiny):
    status, headers, body = tiny.get("/large?5000001")

    assert (status, headers["Content-Length"], body) == (200, "5000001", b"y" * 5_000_001)


@pytest.fixture
def open_sockets():
    """Open many connections to a server, and close them in the end."""
    with contextlib.ExitStack() as stack:
        yield lambda server, count: [stack.enter_context(server.socket()) for _ in range(count)]


def test_a_connection_beyond_the_limit_takes_the_place_of_the_longest_idle_one(serve, open_sockets):
    server = serve(KOBAI_CONNECTIONS="10")
    idle = open_sockets(server, 10)
    time.sleep(1.2)

    status = server.get("/livez")[0]

    assert status == 200
    assert [each for each in idle if is_closed(each)] == idle[:1]


class Transport(asyncio.Transport):
    """One that has `unsent` bytes in its hands."""

    def __init__(self, unsent):
        super().__init__()
        self.unsent, self.is_aborted = unsent, False

    def get_write_buffer_size(self):
        return self.unsent

    def abort(self):
        self.is_aborted = True


def test_a_connection_whose_answer_is_still_being_sent_is_not_given_up_for_a_new_one():
    connections = Connections(Settings(), 2, print)
    old = []
    for seconds, unsent in ((100, 1), (50, 0)):
        old.append(Connection(connections))
        old[-1].transport, old[-1].quiet_since = Transport(unsent), time.monotonic() - seconds
        assert connections.add(old[-1])

    assert connections.add(Connection(connections))

    assert [each.transport.is_aborted for each in old] == [False, True]


def test_a_connection_beyond_the_limit_gets_a_503_when_all_are_busy(serve, open_sockets):
    server = serve(KOBAI_CONNECTIONS="10")
    busy = open_sockets(server, 10)
    for each in busy:
        each.sendall(post(b"", framing="Content-Length: 100"))
    wait_until(lambda: server.unread() == 0)

    found = responses(server.exchange(b""))

    assert [(each[0], each[1]["retry-after"]) for each in found] == [(503, "1")]
    assert not any(is_closed(each) for each in busy)


def is_closed(client):
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_h_5_a_slow_header_and_a_slow_body_end_with_408(serve):
    server = serve(KOBAI_KEEPALIVE_S="1", KOBAI_BODY_TIMEOUT_S="1")
    with (
        server.socket() as header,
        server.socket() as body,
        server.socket() as silent,
        server.socket() as idle,
    ):
        header.sendall(b"GET /livez HTTP/1.1\r\nHo")
        body.sendall(post(b"", framing="Content-Length: 100"))
        silent.sendall(post(b"", framing="Content-Length: 100"))
        for _ in range(8):
            body.sendall(b"x")
            time.sleep(0.2)

        assert [each[0] for each in responses(read_all(header))] == [408]
        assert [each[0] for each in responses(read_all(body))] == [408]
        assert [each[0] for each in responses(read_all(silent))] == [408]
        assert read_all(idle) == b""


HEAD = post(b"", framing="Content-Length: 20")
WAITING = {
    "the head by itself": [HEAD],
    "an empty line before it": [b"\r\n\r\n" + HEAD],
    "empty lines that begin otherwise before it": [b"\n\r\n\r\n" + HEAD],
    "a part of the body": [HEAD + b'{"x": [1, 2, 3, 4'],
    "the head in two parts": [HEAD[:-3], HEAD[-3:] + b"{"],
    "behind another request": [b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" + HEAD + b'{"x": \r\n\r\n[1, 2'],
    "behind the same, in two parts": [post(b'{"x": [1]}') + HEAD, b"\r\n\r\n" + b" " * 15],
}
"""Bodies of 20 bytes that do not come whole."""


@pytest.mark.parametrize("parts", WAITING.values(), ids=list(WAITING))
def test_h_5_a_body_that_does_not_come_ends_with_408_however_it_begins(serve, parts):
    server = serve(KOBAI_BODY_TIMEOUT_S="1")
    with server.socket() as client:
        for part in parts:
            client.sendall(part)
            time.sleep(0.2)

        statuses = [each[0] for each in responses(read_all(client))]

    assert statuses[-1] == 408
    assert set(statuses[:-1]) <= {200}


def test_h_8_a_head_without_end_behind_another_request_ends_with_431(tiny):
    """Of such a head, what came while the first request was computed was thrown away."""
    slow, received = post(b'{"seconds": 0.5, "deadline_ms": 20000}', "/descent"), b""
    with tiny.socket() as client:
        client.sendall(slow + post(b"{}"))
        with contextlib.suppress(ConnectionError):  # a part of it is never read
            for _ in range(10):
                time.sleep(0.02)
                client.sendall(b"GET /livez HTTP/1.1\r\nX-A: " + b"a" * 65_536)
        with contextlib.suppress(ConnectionError):
            while data := client.recv(65_536):
                received += data

    assert [each[0] for each in responses(received)] == [200, 200, 431]


BESIDE = {
    "many trailers": (b"0\r\n", b"X-T: 1\r\n" * 8_000),
    "a long trailer": (b"0\r\nX-T: ", b"a" * 64_000),
    "a long extension": (b"1;", b"a" * 64_000),
}
"""Ways to begin something beside a chunked body, and to go on with it for ever."""


@pytest.mark.parametrize(("beginning", "piece"), BESIDE.values(), ids=list(BESIDE))
def test_h_8_what_comes_beside_a_chunked_body_is_bounded_as_heads_are(tiny, beginning, piece):
    sent, received = 0, b""
    with tiny.socket() as client:
        client.sendall(chunked(b"{}", end=beginning))
        time.sleep(0.2)  # else a part comes with the head, which is looked at by itself
        with contextlib.suppress(ConnectionError):
            while sent < 40 * MIB:
                sent += client.send(piece)
        with contextlib.suppress(ConnectionError):
            while data := client.recv(65_536):
                received += data

    assert sent < 20 * MIB  # most of it in the kernel's hands
    assert [each[0] for each in responses(received)] == [431]


def test_h_5_an_answer_that_is_not_taken_is_dropped(serve):
    server = serve(KOBAI_SEND_TIMEOUT_S="1")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"GET /large?30000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(2.5)

        assert len(read_all(client)) < 20_000_000

    assert server.get("/livez")[0] == 200


def reset(client):
    """Close a connection as a process does that has crashed: nothing of it is read any more."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def test_an_answer_to_a_client_that_has_reset_the_connection_is_nothing_to_warn_of(serve):
    """The server notices it when it writes: it does not read while another request waits."""
    server = serve()
    client = server.socket()
    client.sendall(post(b'{"seconds": 0.5, "deadline_ms": 20000, "size": 10000000}', "/descent"))
    wait_until(lambda: told(server, "begun"))
    client.sendall(post())
    wait_until(lambda: server.unread() == 0)

    reset(client)

    wait_until(lambda: told(server, "worked"))
    assert server.stop() == 0
    assert server.err.read_text() == ""


@pytest.mark.parametrize("size", [100_000, 3_000_000], ids=["nobody reads", "no room for one line"])
def test_h_5_a_stream_that_cannot_go_on_is_given_up_without_a_traceback(serve, size):
    server = serve(
        KOBAI_SEND_TIMEOUT_S="1", KOBAI_RESPONSE_BYTES="2000000", KOBAI_HELD_ANSWER_BYTES="2000000"
    )
    wanted = {"lines": 1_000, "every": 0.001, "size": size}
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", server.port))
        client.sendall(post(json.dumps(wanted).encode(), "/descent/sweep"))

        (streamed,) = wait_until(lambda: told(server, "streamed"))
        with contextlib.suppress(ConnectionResetError):
            assert not read_all(client).endswith(b"0\r\n\r\n")

    assert streamed["sent"] < 1_000
    assert server.stop() == 0
    assert server.err.read_text() == ""
