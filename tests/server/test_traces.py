"""Spans of a real service, sent to a collector of the test's own by OTLP over HTTP."""

import http.server
import threading
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.server.running import Server, free_port

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUESTS = 40


class Collector(http.server.ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self):
        super().__init__(("127.0.0.1", free_port()), Receiver)
        self.received = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def environment(self):
        """What a service is told, to send its spans here soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server_port}",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def spans(self):
        """List the spans of all batches, with the resource of each."""
        return [
            (span, {each.key: each.value.string_value for each in group.resource.attributes})
            for batch in self.received
            for group in batch.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/traces"
        self.server.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.shutdown()
    collector.server_close()


@pytest.mark.parametrize("kind", ["asgi", "gthread"])
def test_every_worker_sends_its_spans_and_the_last_at_its_stop(tmp_path, collector, kind):
    server = Server(tmp_path, WEB_CONCURRENCY="2", KOBAI_WORKER_CLASS=kind, **collector.environment)

    for _ in range(REQUESTS):
        server.post("/softmax", {"x": [1, 2]}, traceparent=f"00-{TRACE}-{PARENT}-01")
    end = time.monotonic() + 10
    while len(collector.spans()) < REQUESTS and time.monotonic() < end:
        time.sleep(0.05)
    before_the_stop = len(collector.spans())
    server.post("/softmax", {"x": [1, 2]})
    assert server.stop() == 0

    spans = collector.spans()
    assert (before_the_stop, len(spans)) == (REQUESTS, REQUESTS + 1)
    assert {span.trace_id.hex() for span, _ in spans[:-1]} == {TRACE}
    assert {span.parent_span_id.hex() for span, _ in spans[:-1]} == {PARENT}
    assert {span.name for span, _ in spans} == {"POST /softmax"}
    for _, resource in spans:
        assert resource["service.name"] == "kobai"
        assert resource["deployment.environment.name"] == "test"
    lines = server.lines("request", REQUESTS + 1)
    assert len({line["pid"] for line in lines}) == 2
    assert lines[-1]["trace_id"] == spans[-1][0].trace_id.hex()
    assert server.err.read_text() == ""


def test_a_collector_that_is_gone_holds_nothing_up(tmp_path):
    server = Server(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")

    answers = [server.post("/softmax", {"x": [1, 1]}) for _ in range(20)]
    began = time.monotonic()

    assert answers == [(200, {"y": [0.5, 0.5]})] * 20
    assert server.stop() == 0
    assert time.monotonic() - began < 15


def test_a_start_without_the_extra_says_so_and_serves(tmp_path, collector):
    (tmp_path / "opentelemetry.py").write_text("raise ModuleNotFoundError(__name__)\n")

    server = Server(tmp_path, PYTHONPATH=str(tmp_path), **collector.environment)

    assert server.post("/softmax", {"x": [1, 1]}) == (200, {"y": [0.5, 0.5]})
    assert server.stop() == 0
    assert "the extra 'tracing' is not installed" in server.err.read_text()
    assert collector.received == []
