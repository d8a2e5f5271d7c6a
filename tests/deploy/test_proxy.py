"""deploy/nginx.conf as Debian's nginx runs it, before a real server and before replicas that misbehave."""

import contextlib
import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from service.api.problems import PROBLEM_TYPES
from service.config import Settings
from tests.deploy.engine import wait_until
from tests.deploy.load import SQUARE, TWO_SECONDS, follow
from tests.deploy.nginx import CONFIGURATION, RESOLVES_SINCE, SHARED, START, Proxy, version_of, without_news
from tests.server.running import Server, free_port

pytestmark = pytest.mark.nginx

LIMIT = Settings().limits.body_bytes

GRADIENT = json.dumps(SQUARE).encode()
ANSWER = b'{"value":25.0,"gradient":{"x":[6.0,8.0]},"method":"exact","evaluations":1}'

PROBLEM_FIELDS = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


@pytest.fixture(scope="module")
def nginx(program):
    return program("nginx")


@pytest.fixture(scope="module")
def proxy(server, tmp_path_factory):
    """The proxy before a real server."""
    running = Proxy(tmp_path_factory.mktemp("nginx"), [server.port])
    yield running
    running.stop()


@pytest.fixture
def before(nginx, tmp_path):
    """Start a proxy before any replicas."""
    with contextlib.ExitStack() as stack:

        def start(*replicas, changes=(), **settings):
            running = Proxy(tmp_path, replicas, changes, **settings)
            stack.callback(running.stop)
            return running

        yield start


class Replica(threading.Thread):
    """A replica that takes a connection, reads what comes and then does as it is told."""

    def __init__(self, behaviour):
        super().__init__(daemon=True)
        self.behaviour, self.asked = behaviour, 0
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.recv(65_536)
                self.asked += 1
                self.behaviour(connection)


@pytest.fixture
def replica():
    """Make replicas that misbehave."""
    made = []

    def make(behaviour):
        made.append(Replica(behaviour))
        return made[-1]

    yield make
    for each in made:
        each.listener.close()


def close(connection):
    """Die with a request in hand."""
    connection.close()


held = []


def say_nothing(connection):
    """Keep the connection and never answer."""
    held.append(connection)


def ask(port, method="POST", path="/gradient", body=GRADIENT, **headers):
    """Send a request; return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    kind = {"Content-Type": "application/json"} if body else {}
    try:
        connection.request(
            method, path, body, kind | {name.replace("_", "-"): v for name, v in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def assert_problem(answer, status, code):
    """Hold an answer of the proxy's against the form of the service's problems."""
    got, headers, body = answer
    problem = json.loads(body)
    assert got == problem["status"] == status
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Request-ID"] == problem["request_id"]
    assert set(problem) == PROBLEM_FIELDS
    assert (problem["code"], problem["title"]) == (code, PROBLEM_TYPES[code].title)
    assert problem["type"] == f"/problems/{code}"
    return problem


def test_nginx_accepts_the_configuration(nginx, tmp_path):
    text = CONFIGURATION.read_text()
    if version_of(nginx) < RESOLVES_SINCE:
        text = without_news(text).replace("server api:8000 resolve", "server 127.0.0.1:8000")
    (tmp_path / "nginx.pid").write_text("4194305")  # no process: Linux has none beyond 2^22

    done = subprocess.run(
        ["sh", START, tmp_path, "reload"],
        env=os.environ | SHARED,
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert (tmp_path / "nginx.conf").exists()
    assert "warn" not in done.stderr
    assert "emerg" not in done.stderr
    assert "@" not in re.sub("#.*| @[a-z]+", "", (tmp_path / "nginx.conf").read_text())


def test_the_service_answers_through_the_proxy_as_by_itself(proxy, server):
    status, headers, body = ask(proxy.port)

    assert (status, body) == (200, ANSWER)
    assert headers["Cache-Control"] == "no-store"
    assert body == ask(server.port)[2]


def test_the_service_refuses_through_the_proxy_as_by_itself(proxy, server):
    given = {"path": "/softmax", "body": b'{"x": "1"}', "X_Request_ID": "mine"}

    through, direct = ask(proxy.port, **given), ask(server.port, **given)

    assert (through[0], through[2]) == (direct[0], direct[2])
    assert through[0] == 422


@pytest.mark.parametrize("path", ["/nowhere", "//softmax", "/softmax/", "/a%2Fb"])
def test_paths_reach_the_service_unchanged(proxy, server, path):
    given = {"method": "GET", "path": path, "body": None, "X_Request_ID": "mine"}

    assert ask(proxy.port, **given)[2] == ask(server.port, **given)[2]


def test_a_check_in_http_1_0_without_a_host_is_answered(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
        client.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        answer = client.makefile("rb").read()

    assert answer.split()[1] == b"200"


def test_the_callers_request_id_stays(proxy):
    assert ask(proxy.port, X_Request_ID="mine-1")[1].get_all("X-Request-ID") == ["mine-1"]


REFUSED = [
    ("GET /livez HTTP/1.1\r\nHost: a b", 400, "bad-request", "/livez"),
    ("GET /livez HTTP/1.1\r\nX: y", 400, "bad-request", "/livez"),
    ("POST /softmax HTTP/1.1\r\nHost: a\r\nHost: b", 400, "bad-request", "/softmax"),
    ("GET /a%00b HTTP/1.1\r\nHost: a", 400, "bad-request", "/"),
    ("TRACE /softmax?x=1 HTTP/1.1\r\nHost: a", 405, "method-not-allowed", "/softmax"),
    ("GET /livez HTTP/1.1\r\nHost: a\r\nno colon", 400, "bad-request", "/livez"),
    ("hello there", 400, "bad-request", "/"),
    ("\x00\x01", 400, "bad-request", "/"),
]
"""Heads that nginx refuses by itself, the last ones without a path."""


def refused(client, head):
    """Send a head; return status, headers and body of the answer."""
    client.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
    answer = http.client.HTTPResponse(client)
    answer.begin()
    return answer.status, answer.headers, answer.read()


@pytest.mark.parametrize(("head", "status", "code", "instance"), REFUSED)
def test_what_nginx_refuses_by_itself_is_a_problem(proxy, head, status, code, instance):
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
        answer = refused(client, head)

    problem = assert_problem(answer, status, code)
    assert problem["instance"] == instance
    assert bool(answer[1]["Allow"]) == (status == 405)
    assert answer[1]["Retry-After"] is None


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "né"])
def test_a_bad_request_id_is_replaced(proxy, name):
    got = ask(proxy.port, X_Request_ID=name.encode())[1].get_all("X-Request-ID")

    assert len(got) == 1
    assert re.fullmatch("[0-9a-f]{32}", got[0])


@pytest.mark.parametrize(
    "target",
    [
        "/metrics", "/metrics?x=1", "//metrics", "/./metrics", "/a/../metrics", "/%6detrics", "/metrics#a",
        "http://localhost/metrics", "/metrics/", "/METRICS", "/metrics%00", "/metrics%20", "/metrics;a",
        "/%2e/metrics", "/\\metrics", "/metrics%2f", "/%2fmetrics", "/metrics/.", "/%252e/metrics",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_metrics_are_closed_however_they_are_written(proxy, target, method):
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
        client.sendall(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = client.makefile("rb").read()

    assert int(answer.split()[1]) in (400, 404, 405)
    assert b"kobai_requests" not in answer
    assert b"# HELP" not in answer


def test_closed_metrics_look_as_if_there_were_none(proxy):
    problem = assert_problem(ask(proxy.port, "GET", "/metrics", None), 404, "not-found")

    assert problem["instance"] == "/metrics"


def test_a_body_of_the_largest_size_reaches_the_service(proxy):
    body = GRADIENT.ljust(LIMIT)

    assert ask(proxy.port, body=body)[::2] == (200, ANSWER)


def test_a_larger_body_is_refused_with_an_answer_that_the_client_reads(proxy):
    problem = assert_problem(ask(proxy.port, body=GRADIENT.ljust(4 * LIMIT)), 413, "body-too-large")

    assert "16,777,216 bytes" in problem["detail"]
    assert problem["instance"] == "/gradient"


def test_a_larger_body_in_chunks_is_refused_with_an_answer_that_the_client_reads(proxy):
    pieces = iter([GRADIENT, *[b" " * 2**20] * 40])

    assert_problem(ask(proxy.port, body=pieces), 413, "body-too-large")


def test_a_larger_body_is_refused_as_the_service_refuses_it(proxy, server):
    given = {"body": GRADIENT.ljust(LIMIT + 1), "X_Request_ID": "mine"}

    through, direct = (json.loads(ask(each.port, **given)[2]) for each in (proxy, server))

    assert through == direct


def test_a_stream_passes_line_by_line(proxy):
    first, last, spent = follow(proxy.port, TWO_SECONDS)

    assert (first["step"], last["status"]) == (0, "deadline")
    assert spent > 1  # of the two seconds that the run took: its first line did not wait for the last


def test_nobody_behind_the_proxy_is_a_problem_with_a_time_to_come_back(before):
    answer = ask(before(free_port()).port, X_Request_ID="mine")

    problem = assert_problem(answer, 502, "unreachable")
    assert answer[1]["Retry-After"] == "1"
    assert problem["request_id"] == "mine"


def test_what_would_need_escaping_is_not_repeated(before):
    answer = ask(before(free_port()).port, path="/%22,%22code%22:%22no/%3Cb%3E")

    assert assert_problem(answer, 502, "unreachable")["instance"] == "/"


def test_a_dead_replica_is_passed_over(before, server):
    running = before(free_port(), server.port)

    answers = {ask(running.port)[::2] for _ in range(20)}

    assert answers == {(200, ANSWER)}


def test_a_replica_that_dies_with_a_request_in_hand_costs_nothing(before, server, replica):
    dying = replica(close)
    running = before(dying.port, server.port)

    answers = {ask(running.port)[::2] for _ in range(20)}

    assert answers == {(200, ANSWER)}
    assert dying.asked >= 1


def test_a_replica_that_does_not_answer_is_a_problem_in_time(before, replica):
    silent = replica(say_nothing)

    answer = ask(before(silent.port, KOBAI_PROXY_TIMEOUT_S="1").port)

    assert_problem(answer, 504, "timed-out")


def test_what_has_held_up_a_replica_for_too_long_is_not_tried_on_another(before, replica):
    replicas = [replica(say_nothing) for _ in range(3)]
    quicker = {"KOBAI_DEADLINE_MS": "1000", "KOBAI_WORKER_TIMEOUT_S": "2", "KOBAI_PROXY_TIMEOUT_S": "3"}

    answer = ask(before(*(each.port for each in replicas), **quicker).port)

    assert_problem(answer, 504, "timed-out")
    assert sum(each.asked for each in replicas) == 1


SHORT = {
    "changes": [("client_header_timeout 10s;", "client_header_timeout 1s;")],
    "KOBAI_BODY_TIMEOUT_S": "1",
    "KOBAI_SEND_TIMEOUT_S": "1",
}


def read_to_end(client):
    """Read until the other side closes, or resets."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(65_536):
            received += data
    return received


@pytest.mark.parametrize("sent", [b"GET /livez HTTP/1.1\r\nHo", b""])
def test_a_head_that_does_not_come_whole_ends_in_time(before, server, sent):
    running = before(server.port, **SHORT)
    with socket.create_connection(("127.0.0.1", running.port), 5) as client:
        client.sendall(sent)

        assert read_to_end(client) == b""


def test_a_body_that_does_not_come_whole_ends_in_time(before, server):
    running = before(server.port, **SHORT)
    with socket.create_connection(("127.0.0.1", running.port), 5) as client:
        client.sendall(b"POST /softmax HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")

        assert read_to_end(client)[:12] in (b"", b"HTTP/1.1 408")


def test_an_answer_that_is_not_taken_is_dropped(before, server):
    running = before(server.port, **SHORT)
    body = json.dumps({"x": [0.1234567] * 800_000}).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", running.port))
        kind = "Content-Type: application/json"
        head = f"POST /softmax HTTP/1.1\r\nHost: a\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        time.sleep(6)

        assert 0 < len(read_to_end(client)) < 8_000_000


def test_an_overloaded_replicas_answer_is_passed_on(before, replica):
    refusal = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}"

    def refuse(connection):
        connection.sendall(refusal)
        connection.close()

    overloaded = replica(refuse)

    status, headers, body = ask(before(overloaded.port).port)

    assert (status, headers["Retry-After"], body) == (503, "7", b"{}")
    assert overloaded.asked == 1


def test_only_what_the_service_cannot_tell_is_logged(before, server):
    running = before(server.port)
    ask(running.port, X_Request_ID="answered")
    ask(running.port, "GET", "/nowhere", None, X_Request_ID="refused-by-the-service")
    ask(running.port, "GET", "/metrics", None, X_Request_ID="refused-by-the-proxy")
    ask(running.port, "TRACE", "/a%20b?secret=1", None, X_Request_ID="refused-by-nginx")
    running.stop()

    lines = [json.loads(line) for line in running.log()]

    names = ("request_id", "method", "path", "status", "client")
    assert sorted(tuple(line[name] for name in names) for line in lines) == [  # by two workers, in any order
        ("refused-by-nginx", "TRACE", "/a%20b", "405", "127.0.0.1"),
        ("refused-by-the-proxy", "GET", "/metrics", "404", "127.0.0.1"),
    ]


def test_one_setting_is_the_limit_of_both_and_of_what_they_say(before, server):
    running = before(server.port, KOBAI_BODY_BYTES="1000")

    problem = assert_problem(ask(running.port, body=GRADIENT.ljust(1001)), 413, "body-too-large")

    assert "1,000 bytes" in problem["detail"]
    assert ask(running.port, body=GRADIENT.ljust(1000))[0] == 200


def test_an_edit_is_in_force_after_a_reload(before, server):
    running = before(free_port())
    first = ask(running.port)[0]

    said = running.reload([server.port], KOBAI_BODY_BYTES="1000")

    assert (first, said) == (502, "")
    wait_until(lambda: ask(running.port)[0] == 200, 20)
    assert ask(running.port, body=GRADIENT.ljust(1001))[0] == 413


def test_an_edit_that_nginx_does_not_take_changes_nothing(before, server):
    running = before(server.port)

    said = running.reload([server.port], [("tcp_nodelay on;", "tcp_nodelay perhaps;")])

    assert "tcp_nodelay" in said
    assert ask(running.port)[0] == 200
    assert "perhaps" not in (running.folder / "nginx.conf").read_text()


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml", "/functions"])
def test_text_is_compressed_for_who_asks(proxy, path):
    plain = ask(proxy.port, "GET", path, None)
    packed = ask(proxy.port, "GET", path, None, Accept_Encoding="gzip")

    assert packed[1]["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed[1]["Vary"]
    assert gzip.decompress(packed[2]) == plain[2]
    assert len(packed[2]) < len(plain[2]) / 2


def test_a_large_array_is_compressed_for_who_asks(proxy):
    body = json.dumps({"x": [0.1234567] * 1000}).encode()

    packed = ask(proxy.port, path="/sigmoid", body=body, Accept_Encoding="gzip")

    assert gzip.decompress(packed[2]) == ask(proxy.port, path="/sigmoid", body=body)[2]


def test_cbor_is_left_as_it_is(proxy):
    body = json.dumps({"x": [0.1234567] * 1000}).encode()

    _, headers, answer = ask(
        proxy.port, path="/sigmoid", body=body, Accept="application/cbor", Accept_Encoding="gzip"
    )

    assert headers["Content-Type"] == "application/cbor"
    assert headers["Content-Encoding"] is None
    assert len(answer) > 8000


def test_the_services_log_names_the_client_by_its_key_and_not_by_what_it_says(tmp_path, before):
    (tmp_path / "front").mkdir()
    (tmp_path / "front" / "some.keys").write_text('"Bearer secret-1" alice;\n')
    server = Server(tmp_path, KOBAI_TRUSTED_PROXIES="127.0.0.1")
    running = before(server.port)
    forged = {"X_Forwarded_For": "9.9.9.9", "X_Client_Name": "mallory"}

    ask(running.port, Authorization="Bearer secret-1", X_Request_ID="known", **forged)
    ask(running.port, Authorization="Bearer secret-2", X_Request_ID="unknown", **forged)

    said = {line["request_id"]: (line["client"], line["client_name"]) for line in server.lines("request", 2)}
    assert server.stop() == 0
    assert said == {"known": ("127.0.0.1", "alice"), "unknown": ("127.0.0.1", None)}
