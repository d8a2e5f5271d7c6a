"""Requests as spans, through the SDK's in-memory exporter."""

import json
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from service.api import traces
from service.api.line_writer import LINES
from service.app import create_app

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FUNCTION = "sum(SECRET**2)"
CALL = {"function": FUNCTION, "variables": {"SECRET": [3, 4]}}


@pytest.fixture(scope="session")
def exporter():
    """What the process's one provider hands its spans to."""
    provider, memory = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(provider)
    return memory


@pytest.fixture
def spans(exporter):
    """Return what has come since the test began."""
    exporter.clear()
    return exporter.get_finished_spans


@pytest.fixture
def client(monkeypatch):
    """A caller of a service that makes spans."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    return create_app().test_client()


def logged(capsys):
    assert LINES.flush()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_request_is_a_span_below_its_traceparent(client, spans):
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "id-1"}

    answer = client.post("/gradient", json=CALL, headers=headers)

    (span,) = spans()
    assert (span.name, span.kind) == ("POST /gradient", SpanKind.SERVER)
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == PARENT
    assert span.status.status_code is StatusCode.UNSET
    told = dict(span.attributes)
    spent = {name: told.pop(f"kobai.{name}_ms") for name in ("waited", "parse", "compute", "dump")}
    assert told == {
        "http.request.method": "POST",
        "http.route": "/gradient",
        "http.response.status_code": 200,
        "url.path": "/gradient",
        "url.scheme": "http",
        "client.address": "127.0.0.1",
        "http.request.body.size": len(json.dumps(CALL)),
        "http.response.body.size": len(answer.data),
        "kobai.request_id": "id-1",
    }
    seconds = (span.end_time - span.start_time) / 1e9
    assert 0 < sum(spent.values()) / 1000 <= seconds < 10


def test_the_log_line_carries_the_trace_that_a_request_began(client, spans, capsys):
    client.post("/softmax", json={"x": [1, 2]})

    (span,), (line,) = spans(), logged(capsys)
    assert span.parent is None
    assert line["trace_id"] == f"{span.context.trace_id:032x}"


@pytest.mark.parametrize(
    "traceparent", ["00-nothing", f"00-{TRACE}-{PARENT}-01-more", f"00-{'0' * 32}-{PARENT}-01"]
)
def test_what_is_no_traceparent_is_no_parent(client, spans, capsys, traceparent):
    client.post("/softmax", json={"x": [1, 2]}, headers={"traceparent": traceparent})

    (span,), (line,) = spans(), logged(capsys)
    assert span.parent is None
    assert line["trace_id"] == f"{span.context.trace_id:032x}" != TRACE


def test_a_caller_who_does_not_sample_is_followed(client, spans, capsys):
    client.post("/softmax", json={"x": [1, 2]}, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})

    assert spans() == ()
    assert [line["trace_id"] for line in logged(capsys)] == [TRACE]


def test_a_client_s_fault_is_no_error_of_the_span_and_its_text_is_in_none(client, spans):
    client.post("/gradient", json=CALL | {"function": f"{FUNCTION} + unknown"})
    client.get("/SECRET" * 1000)
    client.open("/softmax", method="PATCH")

    wrong, nowhere, refused = spans()
    assert wrong.attributes["kobai.problem"] == "invalid-function"
    assert (nowhere.name, "http.route" in nowhere.attributes) == ("GET", False)
    assert len(nowhere.attributes["url.path"]) == 200
    assert (refused.name, refused.attributes["http.response.status_code"]) == ("PATCH /softmax", 405)
    for span in (wrong, nowhere, refused):
        assert span.status.status_code is StatusCode.UNSET
        assert "error.type" not in span.attributes
    assert "SECRET" not in wrong.to_json()


def test_a_method_of_nobody_s_has_the_name_that_conventions_give_it(client, spans):
    client.open("/softmax", method="SECRET")

    (span,) = spans()
    assert (span.name, span.attributes["http.request.method"]) == ("HTTP /softmax", "_OTHER")
    assert "SECRET" not in span.to_json()


def test_a_bug_is_an_error_of_the_span(client, spans, monkeypatch):
    monkeypatch.setattr("service.api.protocol.refuse", lambda environ, exchange: 1 / 0)

    client.post("/softmax", json={"x": [1, 2]})

    (span,) = spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "internal-error"


def test_a_stream_is_a_span_until_it_ends(client, spans):
    run = {"function": "x**2", "variables": {"x": 1.0}, "steps": 3}

    with client.post("/descent", json=run, headers={"Accept": "application/x-ndjson"}) as stream:
        assert spans() == ()
        received = stream.get_data()

    (span,) = spans()
    assert span.attributes["http.response.body.size"] == len(received)


def test_probes_and_the_warm_up_are_no_spans(client, spans):
    for path in ("/livez", "/readyz", "/healthz", "/metrics"):
        client.get(path)
    client.post("/softmax", json={"x": [1, 2]}, environ_base={"kobai.warming": True})

    assert spans() == ()


ASKED = {
    "nothing": ({}, "none"),
    "a collector": ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, "otlp"),
    "a collector of traces": ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost/v1/traces"}, "otlp"),
    "a collector of metrics": ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:4318"}, "none"),
    "an exporter": ({"OTEL_TRACES_EXPORTER": " Console "}, "console"),
    "no exporter": (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none"},
        "none",
    ),
    "no SDK": ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, "none"),
}


@pytest.mark.parametrize(("environ", "name"), ASKED.values(), ids=ASKED)
def test_the_variables_of_opentelemetry_say_where_spans_go(environ, name, monkeypatch):
    for variable in environ:
        monkeypatch.setenv(variable, environ[variable])

    assert traces.exporter() == name
    assert len(traces.recorders()) == (name != "none")


def test_an_exporter_that_is_not_known_is_none(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")

    assert traces.why_not("zipkin") == "OTEL_TRACES_EXPORTER must be one of otlp, console, none"
    assert traces.recorders() == ()


def test_without_the_extra_there_are_no_spans(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.delitem(sys.modules, "service.api.spans", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    assert traces.why_not("otlp") == "the extra 'tracing' is not installed"
    assert traces.recorders() == ()
