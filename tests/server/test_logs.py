import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest
from flask import Flask, Response, request
from prometheus_client import generate_latest

from service.api import line_writer, logs, metrics
from service.api.exchange import Exchange, current
from service.api.line_writer import LINES, LineWriter
from service.api.middleware import Middleware
from service.config import Settings


def make_app(**environment):
    app = Flask("test")
    settings = Settings.from_environment(environment)
    counted = metrics.install(app)

    @app.post("/softmax")
    def softmax():
        current().timings = {"parse": 0.1234, "compute": 2.5, "dump": 0.01}
        current().bytes_in = len(request.get_data())
        return {"y": 7}

    @app.get("/livez")
    def live():
        return {}

    @app.get("/stream")
    def stream():
        return Response(iter([b"abc", b"de"]))

    @app.get("/busy")
    def busy():
        current().code = "overloaded"
        return {}, 503

    @app.get("/broken")
    def broken():
        logs.log_failure(ZeroDivisionError("secret\nline"), current())
        return {}, 500

    app.wsgi_app = Middleware(
        app,
        (counted.record, logs.recorder(settings)),
        counted.in_flight,
        settings,
    )
    return app


@pytest.fixture
def client():
    return make_app().test_client()


def lines(capsys):
    assert LINES.flush()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_request_is_one_line_with_sizes_and_times_and_without_its_payload(client, capsys):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    client.post("/softmax", data=b'{"x": "secret"}', headers={"traceparent": parent, "X-Request-ID": "id-1"})

    (line,) = lines(capsys)
    assert {
        name: line[name] for name in sorted(line) if name not in ("time", "pid", "duration_ms", "waited_ms")
    } == {
        "bytes_in": 15,
        "bytes_out": 8,
        "code": None,
        "compute_ms": 2.5,
        "dump_ms": 0.01,
        "event": "request",
        "level": "info",
        "method": "POST",
        "parse_ms": 0.123,
        "request_id": "id-1",
        "route": "/softmax",
        "status": 200,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "client": "127.0.0.1",
        "client_name": None,
    }
    assert 0 <= line["waited_ms"] <= line["duration_ms"] < 1000


def test_an_answer_says_where_its_time_went(client):
    answer = client.post("/softmax", data=b"{}")

    assert answer.headers["Server-Timing"] == "parse;dur=0.123, compute;dur=2.500, dump;dur=0.010"


def test_an_answer_says_nothing_about_time_when_it_should_not():
    answer = make_app(KOBAI_SERVER_TIMING="false").test_client().post("/softmax", data=b"{}")

    assert "Server-Timing" not in answer.headers


def test_probes_and_warm_up_are_not_logged(client, capsys):
    client.get("/livez")
    client.post("/softmax", environ_base={"kobai.warming": True})

    assert lines(capsys) == []


def test_h_16_an_unknown_path_is_logged_shortened_and_on_one_line(client, capsys):
    client.get('/none%0a%0d{"level":"fake"}%1b[31m\u202e' + "x" * 1000).close()

    (line,) = lines(capsys)
    assert line["route"] == "unmatched"
    assert line["path"].startswith(r"/none\n\r{")
    assert line["path"].isascii()
    assert line["path"].isprintable()
    assert len(line["path"]) < 300


def test_a_stream_is_logged_when_it_is_over(client, capsys):
    answer = client.get("/stream")

    assert lines(capsys) == []
    assert answer.get_data() == b"abcde"
    answer.close()
    assert [line["bytes_out"] for line in lines(capsys)] == [5]


def test_an_answer_to_head_has_sent_no_body(client, capsys):
    assert int(client.head("/busy").headers["Content-Length"]) > 0

    assert [line["bytes_out"] for line in lines(capsys)] == [0]


def test_the_level_leaves_out_what_went_well(capsys):
    client = make_app(KOBAI_LOG_LEVEL="warning").test_client()

    client.post("/softmax")
    client.get("/busy")

    assert [(line["level"], line["code"]) for line in lines(capsys)] == [("warning", "overloaded")]


def test_the_traceback_of_a_500_goes_to_standard_error_on_one_line(client, capsys):
    client.get("/broken")

    assert LINES.flush()
    err = capsys.readouterr().err
    line = json.loads(err)
    assert err.count("\n") == 1
    assert "ZeroDivisionError: secret\nline" in line["traceback"]
    assert (line["event"], line["level"], line["route"]) == ("internal-error", "error", "/broken")


@pytest.mark.parametrize(
    "traceparent",
    [
        "", "garbage", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-0-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" + "-x" * 200,
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
    ],
)  # fmt: skip
def test_h_8_garbage_in_traceparent_is_no_trace_id(traceparent):
    assert logs.trace_id_of(traceparent) == ""


def test_a_later_version_of_traceparent_may_say_more():
    traceparent = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"

    assert logs.trace_id_of(traceparent) == traceparent[3:35]


class Closed(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


class Blocked(io.StringIO):
    """A pipe that nobody reads, until it is released."""

    def __init__(self):
        super().__init__()
        self.is_free = threading.Event()

    def write(self, text):
        assert self.is_free.wait(10)
        return super().write(text)


@pytest.mark.parametrize("stream", [None, Closed()])
def test_a_closed_stream_does_not_fail_a_request_and_its_lines_are_counted(stream):
    before = LINES.dropped

    logs.write_line(stream, "info", "request")

    assert LINES.flush()
    assert LINES.dropped == before + 1


def test_lines_are_dropped_and_counted_when_nobody_reads(monkeypatch):
    monkeypatch.setattr(line_writer, "MOST_LINES", 10)
    writer, stream = LineWriter(), Blocked()
    writer.put(stream, "first\n")
    while writer.waiting:
        time.sleep(0.001)

    for number in range(100):
        writer.put(stream, f"{number}\n")

    assert (writer.waiting, writer.dropped) == (10, 90)
    assert not writer.flush(0.05)
    stream.is_free.set()
    assert writer.flush(10)
    assert stream.getvalue() == "first\n" + "".join(f"{number}\n" for number in range(10))


def test_a_line_that_finds_no_thread_is_written_with_the_next(monkeypatch):
    def fail(thread):
        raise RuntimeError("can't start new thread")

    writer, stream = LineWriter(), io.StringIO()
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", fail)
        writer.put(stream, "first\n")
        assert not writer.flush(0.05)

    writer.put(stream, "second\n")

    assert writer.flush(10)
    assert stream.getvalue() == "first\nsecond\n"


def test_two_threads_that_put_the_first_lines_start_one_writer(monkeypatch):
    """Of two, one could say that all is written while the other still has lines in its hands."""
    together = threading.Barrier(2)

    def thread(**options):
        with suppress(threading.BrokenBarrierError):
            together.wait(0.2)
        return threading.Thread(**options)

    writer, stream = LineWriter(), Blocked()
    with ThreadPoolExecutor(2) as pool, monkeypatch.context() as slow:
        slow.setattr(line_writer, "threading", SimpleNamespace(Thread=thread, Event=threading.Event))
        list(pool.map(lambda line: writer.put(io.StringIO(), line), ["first\n", "second\n"]))
    writer.put(stream, "third\n")
    while writer.waiting:
        time.sleep(0.001)

    assert not writer.flush(0.1)
    stream.is_free.set()
    assert writer.flush(10)
    assert stream.getvalue() == "third\n"


def test_lines_are_joined_only_as_far_as_a_pipe_takes_them_in_one_piece():
    pieces = []

    class Pipe(io.StringIO):
        def write(self, text):
            pieces.append(text)

    writer, stream, lines = LineWriter(), Pipe(), [f"{number:0999}\n" for number in range(20)]
    for line in [*lines, "x" * 9_000 + "\n"]:
        writer.put(stream, line)

    assert writer.flush(10)
    assert "".join(pieces[:-1]) == "".join(lines)
    assert len(pieces[-1]) == 9_001
    assert max(map(len, pieces[:-1])) <= 4_096


def test_dropped_lines_are_a_metric(client, monkeypatch):
    monkeypatch.setattr(LINES, "dropped", LINES.dropped + 3)

    client.post("/softmax", data=b"{}")

    assert "kobai_dropped_log_lines_total 3.0" in client.get("/metrics").get_data(as_text=True)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, 10**5000, "\ud800", {1: "x"}, object()], ids=type)
def test_a_line_that_json_cannot_hold_is_written_as_text(value, capsys):
    logs.write_line(sys.stdout, "info", "request", value=value)

    (line,) = lines(capsys)
    assert line["event"].strip("'") == "request"


def test_metrics_count_by_endpoint_status_and_code(client):
    client.post("/softmax", data=b"{}")
    client.get("/busy")
    client.get("/invented-by-a-caller").close()
    client.get("/livez")

    text = client.get("/metrics").get_data(as_text=True)

    assert 'kobai_requests_total{code="",endpoint="/softmax",status="200"} 1.0' in text
    assert 'kobai_requests_total{code="overloaded",endpoint="/busy",status="503"} 1.0' in text
    assert 'kobai_requests_total{code="",endpoint="unmatched",status="404"} 1.0' in text
    assert "invented" not in text
    assert 'kobai_request_bytes_total{endpoint="/softmax"} 2.0' in text
    assert 'kobai_response_bytes_total{endpoint="/softmax"} 8.0' in text
    computed = re.search(r'kobai_compute_seconds_total{endpoint="/softmax"} (.*)', text)[1]
    assert abs(float(computed) - 0.0025) < 1e-6
    assert 'kobai_request_seconds_count{endpoint="/softmax"} 1.0' in text
    assert 'kobai_request_seconds_count{endpoint="/livez"}' not in text
    assert "kobai_requests_in_flight 0.0" in text


def test_what_two_threads_write_at_once_is_counted_once(monkeypatch):
    """As under gthread, where every request writes its numbers; what they look at is slow here."""

    class Lines:
        is_slow, lost = False, 0

        @property
        def dropped(self):
            time.sleep(0.05 * self.is_slow)
            return self.lost

    def slow(tell):
        return lambda: time.sleep(0.05) or tell()

    lines = Lines()
    monkeypatch.setattr(metrics, "LINES", lines)
    monkeypatch.setattr(metrics, "os", SimpleNamespace(getpid=slow(os.getpid), sysconf=os.sysconf))
    clock = SimpleNamespace(monotonic=slow(time.monotonic), process_time=time.process_time)
    monkeypatch.setattr(metrics, "time", clock)
    numbers = metrics.Metrics()
    lines.is_slow, lines.lost = True, 3

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: numbers.flush(), range(2)))

    text = generate_latest(numbers.registry).decode()
    assert "kobai_worker_starts_total 1.0" in text
    assert "kobai_dropped_log_lines_total 3.0" in text


def test_a_gauge_keeps_the_newest_of_two_figures_that_are_written_at_once():
    """A thread that was held up between reading and writing would leave an old one behind."""
    numbers, has_read, may_write = metrics.Metrics(), threading.Event(), threading.Event()
    figures = iter([1, 0])

    def figure():
        found = next(figures)
        if found:
            has_read.set()
            may_write.wait(0.5)
        return found

    numbers.watch(numbers.queued, figure)
    with ThreadPoolExecutor(2) as pool:
        pool.submit(numbers.flush)
        has_read.wait(10)
        pool.submit(numbers.flush).add_done_callback(lambda _: may_write.set())

    assert "kobai_queued_requests 0.0" in generate_latest(numbers.registry).decode()


def test_two_applications_in_a_process_do_not_share_numbers():
    first, second = make_app(), make_app()

    first.test_client().get("/livez")

    assert 'endpoint="/livez"' not in second.test_client().get("/metrics").get_data(as_text=True)


@pytest.mark.parametrize("timings", [{}, {"waited": 1.23456, "parse": 0.1, "compute": 2.0, "dump": 3.14159}])
@pytest.mark.parametrize(
    ("code", "parent"), [("", ""), ("not-found", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
)
def test_a_prepared_line_says_what_the_general_one_does(timings, code, parent):
    exchange = Exchange(
        "id-1",
        "POST",
        "/softmax",
        "",
        "/softmax",
        1.0,
        0.00123456,
        parent,
        200,
        code,
        10**20,
        5,
        0.5,
        False,
        timings,
    )

    line = json.loads(logs.plain_line("info", exchange))

    assert line == {name: line[name] for name in ("time", "level", "event", "pid")} | logs.fields_of(exchange)
    assert (line["level"], line["event"], line["pid"]) == ("info", "request", os.getpid())


def test_what_was_logged_last_is_written_before_the_process_ends():
    program = (
        "import sys, time\n"
        "from service.api.line_writer import LINES\n"
        "LINES.put(sys.stdout, 'first\\n')\n"
        "while LINES.waiting: time.sleep(0.001)\n"
        "LINES.put(sys.stdout, 'last\\n')\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("first\nlast\n", "")
