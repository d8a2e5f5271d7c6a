"""What an operator sees of a real server: numbers right across workers, and whole lines."""

import contextlib
import json
import os
import re
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.api.metrics import Metrics
from service.core.calculus.compiler import CACHED_BYTES
from tests.documentation import PAGES
from tests.server.running import Server, responses, wait_until


def test_metrics_are_right_across_workers(tmp_path):
    server = Server(tmp_path, WEB_CONCURRENCY="2")
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: server.post("/softmax", {"x": [1, 2, 3]}), range(100)))
        list(pool.map(lambda _: server.post("/softmax", {"x": "no"}), range(20)))

    pids = Counter(line["pid"] for line in server.lines("request", 120))
    counted = b'request_seconds_count{endpoint="/softmax"} 120.0'
    wait_until(lambda: counted in server.get("/metrics")[2])  # each worker writes down after a moment
    texts = {server.get("/metrics")[2].decode() for _ in range(10)}
    figures = [
        re.findall(
            r'^kobai_requests_total{code="([a-z-]*)",endpoint="/softmax",status="(\d+)"} (\d+)', text, re.M
        )
        for text in texts
    ]

    assert len(pids) == 2
    assert sum(pids.values()) == 120
    assert all(sorted(each) == [("", "200", "100"), ("invalid-request", "422", "20")] for each in figures)
    assert all('kobai_request_seconds_count{endpoint="/softmax"} 120.0' in text for text in texts)
    assert server.stop() == 0
    assert server.err.read_text() == ""


def test_what_is_refused_below_the_application_is_logged_and_counted(serve):
    server = serve(None, KOBAI_KEEPALIVE_S="1", KOBAI_BODY_TIMEOUT_S="1")
    head = b"POST /softmax HTTP/1.1\r\nHost: a\r\n"
    sent = {
        400: b"hello\r\n\r\n",
        408: head[:20],
        414: b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        431: head + b"X-A: 1\r\n" * 101 + b"\r\n",
        501: head + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    }

    found = {status: responses(server.exchange(each))[0][0] for status, each in sent.items()}
    late_body = responses(server.exchange(head + b"Content-Length: 9\r\n\r\n"))[0][0]

    assert (found, late_body) == ({status: status for status in sent}, 408)
    wanted = {"400": "1.0", "408": "2.0", "414": "1.0", "431": "1.0", "501": "1.0"}
    pattern = r'kobai_requests_total{code="",endpoint="unparsed",status="(\d+)"} (\S+)'
    wait_until(lambda: dict(re.findall(pattern, server.get("/metrics")[2].decode())) == wanted)
    lines = server.lines("refused", 6)
    assert sorted(line["status"] for line in lines) == [400, 408, 408, 414, 431, 501]
    assert {line["client"] for line in lines} == {"127.0.0.1"}


def test_the_level_of_the_log_holds_for_what_is_refused_below_the_application_too(serve):
    server = serve(None, KOBAI_LOG_LEVEL="warning")

    server.exchange(b"hello\r\n\r\n")
    server.exchange(b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")

    assert server.stop() == 0  # what was logged last is written by then
    assert server.out.read_text() == ""


def test_every_metric_is_on_the_page_on_operations_and_every_one_there_exists():
    page = PAGES["docs/operations.md"]
    made = {family.name + "_total" * (family.type == "counter") for family in Metrics().registry.collect()}

    assert set(re.findall(r"kobai_[a-z_]+", page)) == made


def test_a_connection_beyond_the_limit_is_counted(serve):
    server = serve(None, KOBAI_CONNECTIONS="10")
    refused = 1
    with contextlib.ExitStack() as stack:
        busy = [stack.enter_context(server.socket()) for _ in range(10)]
        for each in busy:
            each.sendall(b"POST /softmax HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        assert [each[0] for each in responses(server.exchange(b"", timeout=60))] == [503]
        busy[0].close()
        while (found := server.get("/metrics"))[0] == 503:  # until that is noticed
            refused += 1
            time.sleep(0.1)

        assert f"kobai_refused_connections_total {refused}.0" in found[2].decode()


def test_a_killed_workers_gauges_go_and_its_counters_stay(serve):
    server = serve(None, WEB_CONCURRENCY="1")
    server.post("/softmax", {"x": [1, 2, 3]})
    (first,) = server.workers()
    assert b'endpoint="/softmax"' in server.get("/metrics")[2]  # else it might have been counted, not written

    os.kill(first, signal.SIGKILL)

    def text():
        with contextlib.suppress(OSError):  # until the next worker listens
            return server.get("/metrics")[2].decode()

    wait_until(lambda: first not in server.workers() and text())
    assert "kobai_requests_in_flight 0.0" in text()
    assert 'kobai_requests_total{code="",endpoint="/softmax",status="200"} 1.0' in text()


def test_what_a_worker_counts_is_written_within_a_moment_whichever_worker_is_asked(serve):
    """Each worker's numbers stand in its files; the other one is asked until it has seen them."""
    server = serve(None, WEB_CONCURRENCY="2")
    for _ in range(20):
        assert server.post("/sigmoid", {"x": [1, 2, 3]})[0] == 200
    wanted = 'kobai_requests_total{code="",endpoint="/sigmoid",status="200"}'

    def count():
        lines = server.get("/metrics")[2].decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))

    wait_until(lambda: [count() for _ in range(10)] == [20.0] * 10, 10)


def test_r_12_many_functions_leave_a_cache_of_bounded_size(server):
    for number in range(300):
        text = f"sum(x**2) + {number}" + " + exp(x[0])" * 50
        assert server.post("/gradient", {"function": text, "variables": {"x": [0.5, 1]}})[0] == 200

    text = server.get("/metrics")[2].decode()
    (held,) = re.findall(r'^kobai_program_cache{figure="bytes"} (.+)$', text, re.M)
    assert 0 < float(held) <= 2 * CACHED_BYTES


def test_log_lines_are_whole_under_load(server):
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: server.post("/softmax", {"x": [number, 2]}), range(200)))

    server.lines("request", 200)  # they are written
    lines = [json.loads(line) for line in server.out.read_text().splitlines()]

    assert all({"time", "level", "event", "pid"} <= set(line) for line in lines)


def test_a_log_that_nobody_reads_holds_up_no_request_and_no_stop(tmp_path):
    pipe = tmp_path / "log"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    server = Server(tmp_path, through=f'exec "$@" > {pipe}', WEB_CONCURRENCY="2")

    began = time.monotonic()
    for number in range(600):  # a pipe holds less than two hundred lines
        assert server.post("/softmax", {"x": [number, 1]})[0] == 200

    assert time.monotonic() - began < 20
    assert server.stop() == 0
    assert server.err.read_text() == ""
    os.close(reader)


def test_a_closed_standard_output_stops_nothing(tmp_path):
    server = Server(tmp_path, through='exec "$@" >&-')

    answers = [server.post("/softmax", {"x": [1, 1]}) for _ in range(20)]

    assert answers == [(200, {"y": [0.5, 0.5]})] * 20
    assert "kobai_dropped_log_lines_total 2" in server.get("/metrics")[2].decode()
    assert server.stop() == 0
    assert server.err.read_text() == ""


@pytest.mark.parametrize("length", ["9223372036854775807", "18446744073709551616", "9" * 4301])
def test_a_length_beyond_all_bounds_is_answered_and_what_came_is_counted(server, length):
    name = f"long-{length[:9]}"
    head = f"Host: x\r\nContent-Type: application/json\r\nX-Request-ID: {name}\r\nContent-Length: {length}"

    received = server.exchange(f"POST /softmax HTTP/1.1\r\n{head}\r\n\r\n".encode(), end=True)

    assert responses(received)[0][0] == (413 if len(length) < 20 else 400)
    count = int(len(length) < 20)
    lines = server.lines("request", count, request_id=name)
    assert [(each["status"], each["bytes_in"]) for each in lines] == [(413, 0)] * count


def test_an_answer_and_its_log_line_say_where_the_time_went(server):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {"Content-Type": "application/json", "X-Request-ID": "seen-here", "traceparent": parent}

    _, answered, _ = server.request("POST", "/softmax", b'{"x": [0.25, 2]}', headers)

    (line,) = server.lines("request", request_id="seen-here")
    timings = dict(each.split(";dur=") for each in answered["Server-Timing"].split(", "))
    assert list(timings) == ["waited", "parse", "compute", "dump"]
    assert all(abs(float(spent) - line[f"{name}_ms"]) < 0.01 for name, spent in timings.items())
    assert (line["trace_id"], line["status"], line["bytes_in"]) == (parent[3:35], 200, 16)
    assert "0.25" not in json.dumps({name: line[name] for name in line if not name.endswith("_ms")})


def test_descents_are_counted_by_the_status_they_ended_in(app, client):
    run = {"function": "x**2", "variables": {"x": 1.0}, "steps": 3}

    def count():
        text = client.get("/metrics").get_data(as_text=True)
        found = re.findall(r'^kobai_descents_total\{status="(\w+)"\} (\S+)$', text, re.M)
        return Counter({status: float(number) for status, number in found})

    before = count()
    client.post("/descent", json=run)
    client.post("/descent", json=run | {"learning_rate": 1e9, "steps": 100})
    with client.post("/descent", json=run, headers={"Accept": "application/x-ndjson"}) as stream:
        stream.get_data()
    del run["steps"]
    client.post("/descent/sweep", json=run | {"learning_rates": [0.1, 0.2], "steps": 5})
    client.post("/descent", json=run | {"steps": -1})

    assert count() - before == Counter(max_steps=4, diverged=1)


def test_processes_are_in_the_metrics(server):
    def shown():
        return dict(re.findall(r"^kobai_(\w+) (\S+)$", server.get("/metrics")[2].decode(), re.M))

    wait_until(lambda: float(shown()["workers"]) == 2)
    now = shown()

    assert (float(now["workers"]), float(now["worker_starts_total"])) == (2, 2)
    assert float(now["cpu_seconds_total"]) > 0
    assert 2 * 30e6 < float(now["resident_bytes"]) < 2e9
