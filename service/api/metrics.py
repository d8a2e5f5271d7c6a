"""`GET /metrics`: counters and histograms in Prometheus' text format, right across workers.

Every worker keeps its numbers in files of its own in ``PROMETHEUS_MULTIPROC_DIR``, which
`service.gunicorn_conf` makes; whichever worker is asked adds up the files of all.
Without that variable the numbers are this process's own.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, Response, g
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from service import __version__
from service.api import logs
from service.config import Settings
from service.core.calculus.plan import plan_cache

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
"""Seconds; from the fastest answer to the longest deadline."""

COMPILING = frozenset({"/gradient", "/gradient/field", "/descent", "/descent/sweep"})
"""Routes whose requests look for their function in the cache of compiled ones."""

EXTENSION = "kobai.metrics"


class Metrics:
    """The numbers of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._children: dict[tuple[object, ...], Any] = {}
        self.requests = self._counter("requests", "Answers sent.", "endpoint", "status", "code")
        self.bytes_in = self._counter("request_bytes", "Bytes of the bodies received.", "endpoint")
        self.bytes_out = self._counter("response_bytes", "Bytes of the bodies sent.", "endpoint")
        self.compute = self._counter("compute_seconds", "Seconds of numerical work.", "endpoint")
        self.seconds = Histogram(
            "kobai_request_seconds",
            "Seconds from the last byte of the body to the answer, probes left out.",
            ("endpoint",),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.in_flight = self._gauge("requests_in_flight", "Requests being worked on.")
        self.queued = self._gauge("queued_requests", "Long computations that wait for their turn.", "lane")
        self.held = self._gauge("held_bytes", "Bytes of bodies and unsent answers in memory.", "kind")
        self.refused = self._counter("refused_connections", "Connections beyond the limit.")
        self.cache = self._gauge("program_cache", "The cache of compiled functions.", "figure")
        self._cache_figures = [self.cache.labels(name) for name in ("hits", "misses", "entries", "bytes")]
        build = Gauge(
            "kobai_build", "What is running.", ("version",), registry=self.registry, multiprocess_mode="max"
        )
        build.labels(__version__).set(1)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"kobai_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"kobai_{name}", meaning, labels, registry=self.registry, multiprocess_mode="livesum")

    def record(self, exchange: logs.Exchange) -> None:
        """Count one request and its answer."""
        endpoint = exchange.endpoint
        self._child(self.requests, endpoint, str(exchange.status), exchange.code).inc()
        if exchange.is_probe:
            return
        self._child(self.seconds, endpoint).observe(exchange.seconds)
        self._child(self.bytes_in, endpoint).inc(exchange.bytes_in)
        self._child(self.bytes_out, endpoint).inc(exchange.bytes_out)
        self._child(self.compute, endpoint).inc(exchange.timings.get("compute", 0.0) / 1000)
        if endpoint in COMPILING:
            self._record_cache()

    def _child(self, metric: Counter | Histogram, *labels: str) -> Any:
        """Find a metric's child; looking for it in the metric takes longer than counting."""
        key = (id(metric), *labels)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return found

    def _record_cache(self) -> None:
        cache = plan_cache()
        now = (cache.hits, cache.misses, len(cache), cache.held_bytes)
        for figure, value in zip(self._cache_figures, now, strict=True):
            figure.set(value)

    def text(self) -> bytes:
        """Write all numbers in Prometheus' text format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return generate_latest(everyone)


def install(app: Flask, settings: Settings) -> None:
    """Count every request of `app` and serve the numbers at ``/metrics``."""
    metrics = app.extensions[EXTENSION] = Metrics()

    @app.before_request
    def enter() -> None:
        logs.start()
        g.is_counted = True
        metrics.in_flight.inc()

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        if g.pop("is_counted", False):  # what is refused before `enter` was not counted
            metrics.in_flight.dec()

    @app.after_request
    def record(response: Response) -> Response:
        logs.observe(response, metrics.record)
        return response

    @app.get("/metrics")
    def show() -> Response:
        """Answer all numbers in Prometheus' text format."""
        return Response(metrics.text(), content_type=CONTENT_TYPE_LATEST)


def metrics_of(app: Flask) -> Metrics:
    """Find the numbers of an application that `install` has seen."""
    found: Metrics = app.extensions[EXTENSION]
    return found
