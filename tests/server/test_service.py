"""The service itself over a real server, by the numbers of the attack list (H: transport, D: deployment)."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.config import Settings
from tests.server.load import call, finish
from tests.server.running import MEMORY, Server, read_all, responses

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json"}
SMALL = b'{"x": [1, 2, 3]}'
ANSWER = b'{"y":[0.09003057317038046,0.24472847105479764,0.6652409557748218]}'


@pytest.fixture(scope="session")
def gthread(tmp_path_factory):
    """The same service as a plain WSGI application under Gunicorn's gthread worker."""
    folder = tmp_path_factory.mktemp("gthread")
    running = Server(folder, WEB_CONCURRENCY="2", KOBAI_WORKER_CLASS="gthread")
    yield running
    assert running.stop() == 0


@pytest.fixture(params=["server", "gthread"])
def either(request):
    """Both worker classes, one after the other."""
    return request.getfixturevalue(request.param)


def raw(method="POST", path="/softmax", headers="", body=SMALL):
    """Write a request as bytes; the connection closes after it."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}"
    if body is not None:
        head += f"Content-Length: {len(body)}\r\n"
    return head.encode("latin-1") + b"\r\n" + (body or b"")


TYPE = "Content-Type: application/json\r\n"

CASES = {
    "a good request": (raw(headers=TYPE), 200, None),
    "H-1 a wrong method": (raw("GET", body=None), 405, "method-not-allowed"),
    "H-1 DELETE": (raw("DELETE", "/limits", body=None), 405, "method-not-allowed"),
    "H-1 an unknown path": (raw("GET", "/nowhere", body=None), 404, "not-found"),
    "H-1 a slash at the end": (raw(path="/softmax/", headers=TYPE), 404, "not-found"),
    "H-1 two slashes": (raw(path="//softmax", headers=TYPE), 404, "not-found"),
    "H-1 an encoded slash": (raw(path="/%2fsoftmax", headers=TYPE), 404, "not-found"),
    "H-1 an encoded letter": (raw(path="/s%6fftmax", headers=TYPE), 200, None),
    "H-1 dots": (raw("GET", "/../../etc/passwd", body=None), 404, "not-found"),
    "H-1 bytes that are not UTF-8": (raw("GET", "/%ff%fe", body=None), 404, "not-found"),
    "H-1 the asterisk": (raw("OPTIONS", "*", body=None), 404, "not-found"),
    "H-2 no content type": (raw(), 415, "unsupported-media-type"),
    "H-2 plain text": (raw(headers="Content-Type: text/plain\r\n"), 415, "unsupported-media-type"),
    "H-2 a form": (
        raw(headers="Content-Type: application/x-www-form-urlencoded\r\n"), 415, "unsupported-media-type",
    ),
    "H-2 multipart": (
        raw(headers="Content-Type: multipart/form-data; boundary=x\r\n"), 415, "unsupported-media-type",
    ),
    "H-2 UTF-16": (
        raw(headers="Content-Type: application/json; charset=utf-16\r\n"), 415, "unsupported-media-type",
    ),
    "H-2 UTF-8 by name": (raw(headers="Content-Type: application/json; charset=utf-8\r\n"), 200, None),
    "H-3 an unknown Accept": (raw(headers=TYPE + "Accept: text/turtle\r\n"), 200, None),
    "H-3 a quality of zero": (raw(headers=TYPE + "Accept: application/json;q=0\r\n"), 200, None),
    "H-6 gzip": (raw(headers=TYPE + "Content-Encoding: gzip\r\n"), 415, "unsupported-media-type"),
    "H-6 two encodings": (
        raw(headers=TYPE + "Content-Encoding: zstd, gzip\r\n"), 415, "unsupported-media-type",
    ),
    "H-8 a request id with line ends": (raw(headers=TYPE + "X-Request-ID: a%0d%0aX: 1\r\n"), 200, None),
    "H-8 a request id of 7 KB": (raw(headers=TYPE + f"X-Request-ID: {'a' * 7000}\r\n"), 200, None),
    "H-8 a header that is not ASCII": (raw(headers=TYPE + "X-A: \xe4\xff\r\n"), 200, None),
    "H-8 garbage in traceparent": (raw(headers=TYPE + "traceparent: 00-\xff-x\r\n"), 200, None),
    "H-15 a page of another site": (
        raw(headers="Content-Type: text/plain\r\nOrigin: https://example.org\r\n"),
        415,
        "unsupported-media-type",
    ),
    "H-18 TRACE": (raw("TRACE", "/softmax", body=None), 405, "method-not-allowed"),
    "an offer of HTTP/2": (
        raw(headers=TYPE + "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\nUpgrade: h2c\r\n"),
        200,
        None,
    ),
    "a SCRIPT_NAME header": (raw(headers=TYPE + "SCRIPT_NAME: /x\r\n"), 200, None),
    "an empty body": (raw(headers=TYPE, body=b""), 400, "malformed-json"),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "status", "code"), CASES.values(), ids=CASES)
def test_every_request_gets_its_answer(either, sent, status, code):
    (found,) = responses(either.exchange(sent))

    assert found[0] == status
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", found[1]["x-request-id"])
    if code:
        assert found[1]["content-type"] == "application/problem+json"
        assert json.loads(found[2])["code"] == code
    else:
        assert found[2] == ANSWER


@pytest.mark.parametrize(("method", "path"), [("BREW", "/softmax"), ("CONNECT", "example.org:443")])
def test_a_method_that_the_parser_does_not_know_is_refused_below_the_application(server, method, path):
    found = responses(server.exchange(raw(method, path, body=None)))

    assert [(each[0], each[1]["connection"]) for each in found] == [(400, "close")]


BAD_HOSTS = [
    "Host: a b",
    "Host: a/b",
    "Host: a@b",
    "Host: [::1",
    "Host: a:b",
    "Host: <x>",
    "Host: a,b",
    "Host: \xe4",
]


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_bad_host_is_a_bad_request(either, host):
    sent = raw("GET", "/limits", body=None).replace(b"Host: localhost", host.encode("latin-1"))

    (found,) = responses(either.exchange(sent))

    assert (found[0], json.loads(found[2])["code"]) == (400, "bad-request")


@pytest.mark.parametrize("host", ["[x", "[::1", "]", "[x]"])
def test_an_absolute_url_of_no_host_is_refused_below_the_application(either, host):
    found = responses(either.exchange(raw("GET", f"http://{host}/livez", body=None)))

    assert [(each[0], each[1]["connection"]) for each in found] == [(400, "close")]


def test_http_1_1_requires_a_host_and_http_1_0_does_not(either):
    without = raw("GET", "/limits", body=None).replace(b"Host: localhost\r\n", b"")

    (found,) = responses(either.exchange(without))
    (older,) = responses(either.exchange(without.replace(b"HTTP/1.1", b"HTTP/1.0")))

    assert (found[0], json.loads(found[2])["code"], older[0]) == (400, "bad-request", 200)


@pytest.mark.parametrize("host", ["kobai_api:8000", "127.0.0.1", "[::1]:8000", "a.example.org.:", "xn--8x2a"])
def test_a_good_host_is_answered(either, host):
    sent = raw("GET", "/limits", body=None).replace(b"localhost", host.encode())

    assert responses(either.exchange(sent))[0][0] == 200


def test_h_1_head_has_the_length_of_get_and_post_routes_refuse_it(either):
    got = either.get("/limits")
    head = either.request("HEAD", "/limits")
    refused = either.request("HEAD", "/softmax")

    assert (head[0], head[1]["Content-Length"], head[2]) == (200, str(len(got[2])), b"")
    assert (refused[0], refused[2], "POST" in refused[1]["Allow"]) == (405, b"", True)


TOO_LARGE = (
    "The body may have at most 16,777,216 bytes (setting KOBAI_BODY_BYTES); GET /limits lists all limits."
)


@pytest.mark.parametrize("size", [16 * MIB + 1, 20 * 10**6])
def test_a_413_is_read_by_http_client(either, size):
    status, _, answer = either.request("POST", "/softmax", b" " * size, JSON)

    assert (status, json.loads(answer)["code"]) == (413, "body-too-large")
    assert json.loads(answer)["detail"] == TOO_LARGE


def test_a_413_of_chunks_is_read_by_http_client(either):
    pieces = iter([b" " * MIB] * 20)

    status, _, answer = either.request("POST", "/softmax", pieces, JSON)

    assert (status, json.loads(answer)["code"]) == (413, "body-too-large")
    assert json.loads(answer)["detail"] == TOO_LARGE


def test_h_4_a_truncated_body_is_malformed_though_what_came_is_json(either):
    sent = raw(headers=TYPE).replace(b"Content-Length: 16", b"Content-Length: 99")

    (found,) = responses(either.exchange(sent, end=True))

    answer = json.loads(found[2])
    assert (found[0], answer["code"]) == (400, "malformed-json")
    assert answer["detail"] == "The body is truncated: it ended before all of its 99 bytes had come."


@pytest.mark.parametrize("chunks", [b"2\r\n{}\r\nzz\r\n", b"2\r\n{}XX0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n"])
def test_h_4_bad_chunks_are_a_400(either, chunks):
    sent = raw(headers=TYPE + "Transfer-Encoding: chunked\r\n", body=None) + chunks

    assert responses(either.exchange(sent))[0][0] == 400


def test_h_4_bad_chunks_after_too_many_good_ones_are_a_413_or_a_400(either):
    """Which of the two came first depends on how far the server had read."""
    chunks = (b"100000\r\n" + b" " * MIB + b"\r\n") * 17 + b"zz\r\n"
    sent = raw(headers=TYPE + "Transfer-Encoding: chunked\r\n", body=None) + chunks

    assert responses(either.exchange(sent, end=True))[0][0] in (400, 413)


def test_h_4_chunks_are_put_together(either):
    chunks = (
        b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (SMALL[:3], SMALL[3:])) + b"0\r\n\r\n"
    )
    sent = raw(headers=TYPE + "Transfer-Encoding: chunked\r\n", body=None) + chunks

    assert [each[::2] for each in responses(either.exchange(sent))] == [(200, ANSWER)]


def test_h_6_a_compressed_bomb_is_refused_before_it_is_opened(server):
    before = server.memory()

    headers = JSON | {"Content-Encoding": "gzip"}
    status, _, answer = server.request("POST", "/softmax", b"\x1f\x8b" + b"\0" * MIB, headers)

    assert (status, json.loads(answer)["code"]) == (415, "unsupported-media-type")
    assert server.memory() - before < 50 * MIB


def test_h_8_a_request_id_is_given_back_only_when_it_is_harmless(either):
    kept = either.request("POST", "/softmax", SMALL, JSON | {"X-Request-ID": "a-B_1.2"})
    replaced = either.request("POST", "/softmax", SMALL, JSON | {"X-Request-ID": "a b"})

    assert kept[1]["X-Request-ID"] == "a-B_1.2"
    assert replaced[1]["X-Request-ID"] != "a b"


LONG = {
    "numbers": {
        "function": "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)",
        "variables": {"x": [-1.2, 1.0] * 8},
    },
    "arrays": {
        "function": "sum((A @ x) ** 2)",
        "variables": {"x": [1.0] * 300},
        "constants": {"A": [[1.0] * 300] * 300},
    },
}


@pytest.mark.parametrize("kind", LONG)
def test_h_12_probes_and_small_requests_are_answered_while_every_worker_computes(server, kind):
    long = LONG[kind] | {"learning_rate": 1e-9, "steps": 100_000, "deadline_ms": 20_000}
    connections = [server.connect() for _ in range(8)]
    for connection in connections:
        connection.request("POST", "/descent", json.dumps(long), JSON)

    began = time.monotonic()
    assert [server.get(path)[0] for path in ("/livez", "/readyz", "/metrics", "/limits")] == [200] * 4
    assert [server.post("/softmax", {"x": [1, 2, 3]})[0] for _ in range(20)] == [200] * 20
    assert time.monotonic() - began < 15
    for connection in connections:
        connection.close()


def test_h_10_a_deadline_is_answered_long_before_a_worker_is_killed(server):
    limits = json.loads(server.get("/limits")[2])
    settings = Settings()

    assert limits["deadline_ms"]["value"] < 1000 * settings.worker_timeout_s
    assert settings.worker_timeout_s < settings.proxy_timeout_s
    long = LONG["arrays"] | {"learning_rate": 1e-9, "steps": 100_000, "deadline_ms": 2_000}
    status, answer = server.post("/descent", long)
    assert (status, answer.get("status")) == (200, "deadline")


def test_a_deadline_counts_from_the_last_byte_of_the_body(either):
    """The body takes longer to come than its deadline allows; the computation has all of it still."""
    value = {"function": "x**2", "variables": {"x": 1}, "steps": 10, "deadline_ms": 2500}
    sent = raw(path="/descent", headers=TYPE, body=json.dumps(value).encode())
    with either.socket() as client:
        client.sendall(sent[:-10])
        time.sleep(3)
        client.sendall(sent[-10:])
        (found,) = responses(read_all(client))

    assert (found[0], json.loads(found[2])["status"]) == (200, "max_steps")


def test_h_18_the_server_does_not_name_its_version(server):
    headers = server.get("/livez")[1]

    assert headers["Server"] == "kobai"
    assert "gunicorn" not in str(headers).lower()


def test_500_equal_requests_over_8_connections_give_equal_bytes(either):
    callers = call(either.port, 8, [("POST", "/gradient", json.dumps(GRADIENT).encode())])
    while sum(len(caller.statuses) for caller in callers) < 500:
        time.sleep(0.02)

    statuses, failures = finish(callers)

    assert (failures, set(statuses)) == ([], {200})
    assert len(set.union(*(caller.bodies for caller in callers))) == 1


GRADIENT = {
    "function": "mean(cross_entropy(softmax(X @ W + b), t))",
    "variables": {"W": [[0.1, -0.2], [0.3, 0.7], [1.1, 0.2]], "b": [0.5, -0.5]},
    "constants": {"X": [[0.1, 0.2, 0.3], [1.0, -1.0, 0.5]], "t": [[1, 0], [0, 1]]},
}


def test_h_17_different_requests_at_the_same_time_do_not_touch_each_other(either):
    def ask(number):
        value = {"function": "sum(x**2) + c", "variables": {"x": [number, 1]}, "constants": {"c": number}}
        return number, either.post("/gradient", value)[1]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(200)))

    assert all(answer["value"] == number**2 + 1 + number for number, answer in answers)
    assert all(answer["gradient"] == {"x": [2.0 * number, 2.0]} for number, answer in answers)


def test_d_1_d_7_blas_has_one_thread_and_computes_after_the_fork(serve):
    """It would start one for every other CPU at the first large product; the body has a worker thread."""
    server = serve(None)
    (pid,) = server.workers()
    large = {"function": "sum((X @ X) ** 2)", "variables": {"X": [[1.0] * 120] * 120}}

    assert server.post("/gradient", large)[0] == 200

    names = [(task / "comm").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    assert "openblas" in Path(f"/proc/{pid}/maps").read_text().lower()
    assert len(names) <= 3, names


def test_d_5_d_6_a_worker_writes_no_core_file_and_beats_its_heart_in_memory(server):
    for pid in server.workers():
        limits = Path(f"/proc/{pid}/limits").read_text()
        files = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]

        assert re.search(r"^Max core file size +0 ", limits, re.M)
        assert any(file.startswith(f"{MEMORY}/wgunicorn-") for file in files)


EXTREMES = [5e-324, 1.7976931348623157e308, -0.0, 0.1, 1e-7, 123456789012345680.0, 2.2250738585072014e-308]


@pytest.mark.parametrize("number", EXTREMES)
def test_j_10_a_number_comes_back_in_its_shortest_form(either, number):
    sent = json.dumps({"function": "x", "variables": {"x": number}}).encode()

    _, _, answer = either.request("POST", "/gradient", sent, JSON)

    (text,) = re.findall(rb'^{"value":([^,]+),', answer)
    assert repr(float(text)) == repr(number)
    assert len(text) <= len(repr(number))


@pytest.mark.parametrize("rate", [0.1, 10, 1e150, 1e308])
def test_j_10_no_part_of_an_answer_is_infinite_or_not_a_number(server, rate):
    wild = {"function": "x[0]**2 + x[1]**2", "variables": {"x": [-3, 4]}, "steps": 1000, "history": 1000}

    _, _, answer = server.request("POST", "/descent", json.dumps(wild | {"learning_rate": rate}), JSON)

    assert json.loads(answer, parse_constant=pytest.fail)["status"] in ("stalled", "max_steps", "diverged")
