"""A request as a span of OpenTelemetry, named and described by its conventions for HTTP servers.

The span is made when the answer is complete, from what is known of the exchange: nothing that the service
does for a request needs it earlier. So it costs one check where it is off, and the caller's text is in none.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.semconv.attributes import (
    client_attributes,
    error_attributes,
    http_attributes,
    service_attributes,
    url_attributes,
)
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from service import __version__
from service.api.exchange import UNMATCHED, Exchange
from service.api.logs import LONGEST_PATH, trace_id_of

OWN = {service_attributes.SERVICE_NAME: "kobai", service_attributes.SERVICE_VERSION: __version__}
"""What the service is called where no variable names it otherwise."""

HTTP_METHODS = frozenset(each.value for each in http_attributes.HttpRequestMethodValues)

OTHER_METHOD = "_OTHER"

_EXPORTERS: dict[str, Callable[[], SpanExporter]] = {
    "otlp": OTLPSpanExporter,
    "console": lambda: ConsoleSpanExporter(formatter=lambda span: span.to_json(indent=None) + "\n"),
}
_TRACER = trace.get_tracer("kobai", __version__)
_PARENT = TraceContextTextMapPropagator()


def start(exporter: str) -> None:
    """Set up the SDK, which hands on the last spans when the process ends.

    Everything else about it is in the variables that it reads itself.
    """
    resource = Resource.create().merge(Resource(OWN)).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(_EXPORTERS[exporter]()))
    trace.set_tracer_provider(provider)


def record(exchange: Exchange) -> None:
    """Make the span of an answered request, and tell the exchange of which trace it is."""
    if exchange.is_probe:
        return
    started = time.time_ns() - int(1e9 * (time.monotonic() - exchange.started))
    is_known = trace_id_of(exchange.traceparent) != ""  # what the log line does not believe is no parent
    span = _TRACER.start_span(
        _name(exchange),
        context=_PARENT.extract({"traceparent": exchange.traceparent}) if is_known else None,
        kind=SpanKind.SERVER,
        attributes=_attributes(exchange),
        start_time=started,
    )
    if span.get_span_context().is_valid:
        exchange.trace_id = format_trace_id(span.get_span_context().trace_id)
    if exchange.status >= 500:
        span.set_status(StatusCode.ERROR)
    span.end(started + int(1e9 * exchange.seconds))


def _name(exchange: Exchange) -> str:
    method = exchange.method if exchange.method in HTTP_METHODS else "HTTP"
    return method if exchange.endpoint == UNMATCHED else f"{method} {exchange.endpoint}"


def _attributes(exchange: Exchange) -> dict[str, AttributeValue]:
    """Describe a request; what its client wrote is shortened as in the log."""
    method = exchange.method if exchange.method in HTTP_METHODS else OTHER_METHOD
    told: dict[str, AttributeValue] = {
        http_attributes.HTTP_REQUEST_METHOD: method,
        http_attributes.HTTP_RESPONSE_STATUS_CODE: exchange.status,
        url_attributes.URL_PATH: ascii(exchange.path[:LONGEST_PATH])[1:-1],
        url_attributes.URL_SCHEME: exchange.scheme,
        "http.request.body.size": exchange.bytes_in,
        "http.response.body.size": exchange.bytes_out,
        "kobai.request_id": exchange.request_id,
        "kobai.waited_ms": 1000 * exchange.waited,
    }
    told |= {f"kobai.{name}_ms": spent for name, spent in exchange.timings.items()}
    if exchange.endpoint != UNMATCHED:
        told[http_attributes.HTTP_ROUTE] = exchange.endpoint
    if exchange.client.address:
        told[client_attributes.CLIENT_ADDRESS] = exchange.client.address
    if exchange.code:
        told["kobai.problem"] = exchange.code
    if exchange.status >= 500:
        told[error_attributes.ERROR_TYPE] = exchange.code
    return told
