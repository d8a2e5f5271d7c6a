"""TLS, API keys and rates of deploy/front, by Debian's nginx before a real server."""

import http.client
import json
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deploy.load import HEADERS, REQUESTS, TWO_SECONDS
from tests.deploy.nginx import Proxy, put_in_front
from tests.deploy.test_proxy import assert_problem
from tests.server.running import Server, free_port

pytestmark = pytest.mark.nginx

ALICE, BOB = {"Authorization": "Bearer alices-" + "k" * 60}, {"Authorization": "Bearer bobs"}
KEYS = f'"{ALICE["Authorization"]}" alice;\n"{BOB["Authorization"]}" bob;\n'
SLOW = [("rate=50r/s", "rate=1r/m"), ("burst=100 ", "burst=4 ")]


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """The server that the proxies stand before."""
    running = Server(tmp_path_factory.mktemp("behind"), KOBAI_TRUSTED_PROXIES="127.0.0.1")
    yield running
    assert running.stop() == 0


@pytest.fixture
def front(program, tmp_path, behind):
    """Start a proxy; return what asks it, and the proxy."""
    program("nginx")
    running = []

    def start(changes=()):
        port = free_port()
        put_in_front(tmp_path, port, KEYS, changes)
        running.append(Proxy(tmp_path, [behind.port]))
        trusted = ssl.create_default_context(cafile=tmp_path / "certificate")

        def ask(method, path, body=None, headers=()):
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=trusted)
            try:
                connection.request(method, path, body, HEADERS | dict(headers))
                response = connection.getresponse()
                return response.status, response.headers, response.read()
            finally:
                connection.close()

        return ask, running[0]

    yield start
    for each in running:
        each.stop()


def test_who_has_a_key_is_answered_over_tls(front):
    ask, _ = front()

    assert {ask("POST", path, body, ALICE)[0] for path, body in REQUESTS} == {200}


@pytest.mark.parametrize(
    "key", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer alices"}, {"X-Client-Name": "alice"}]
)
def test_who_has_no_key_gets_a_problem_that_says_what_to_send(front, key):
    ask, _ = front()

    answer = ask("POST", *REQUESTS[0], key)

    problem = assert_problem(answer, 401, "unauthorized")
    assert answer[1]["WWW-Authenticate"] == "Bearer"
    assert "Authorization: Bearer" in problem["detail"]


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/livez", 200), ("GET", "/readyz", 200), ("OPTIONS", "/softmax", 204), ("GET", "/", 401),
    ("GET", "/metrics", 401), ("GET", "/.problem", 404), ("GET", "/a%00b", 400), ("TRACE", "/", 405),
])  # fmt: skip
def test_probes_preflights_and_what_nginx_refuses_need_no_key(front, method, path, status):
    ask, _ = front()

    assert ask(method, path)[0] == status


def test_a_client_beyond_its_rate_is_told_and_no_other(front):
    ask, _ = front(SLOW)

    answers = [ask("POST", *REQUESTS[0], ALICE) for _ in range(7)]

    assert [answer[0] for answer in answers] == [200] * 5 + [429] * 2
    assert_problem(answers[-1], 429, "too-many-requests")
    assert answers[-1][1]["Retry-After"] == "1"
    assert ask("POST", *REQUESTS[0], BOB)[0] == 200
    assert ask("GET", "/readyz")[0] == 200


def test_a_client_has_no_more_than_its_share_at_once(front):
    ask, _ = front()
    body = json.dumps(TWO_SECONDS)

    with ThreadPoolExecutor(12) as pool:
        found = [answer[0] for answer in pool.map(lambda _: ask("POST", "/descent", body, ALICE), range(12))]

    assert (found.count(200), found.count(429)) == (8, 4)
    assert ask("POST", *REQUESTS[0], ALICE)[0] == 200


def test_the_names_of_the_keys_stand_in_both_logs_and_the_keys_in_none(front, behind):
    ask, proxy = front(SLOW)
    for _ in range(6):
        ask("POST", *REQUESTS[0], ALICE)
    proxy.stop()

    answered, refused = behind.lines("request"), [json.loads(line) for line in proxy.log()]

    assert {line["client_name"] for line in answered} <= {"alice", "bob", None}
    assert answered[-1]["client_name"] == "alice"
    assert [(line["client_name"], line["status"]) for line in refused] == [("alice", "429")]
    assert "alices-" not in behind.out.read_text() + "".join(proxy.log())
