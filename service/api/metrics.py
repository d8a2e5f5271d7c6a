"""`GET /metrics`: counters and histograms in Prometheus' text format, right across workers.

Every worker keeps its numbers in files of its own in ``PROMETHEUS_MULTIPROC_DIR``, which
`service.gunicorn_conf` makes; whichever worker answers adds up the files of all.
Without that variable the numbers are this process's own.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import Counter as Tally
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from flask import Flask, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from service import __version__, metrics_folder
from service.api import all_workers
from service.api.endpoints import ENDPOINTS
from service.api.exchange import Exchange
from service.api.line_writer import LINES
from service.api.logs import write_line
from service.core.calculus.compiler import function_cache

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
"""Seconds; from the fastest answer to the longest deadline."""

COMPILING = frozenset(path for path, endpoint in ENDPOINTS.items() if endpoint.compiles)
"""Paths whose requests look for their function in the cache of compiled ones."""

GRAINS = 2**20
"""Time is counted in multiples of 1/GRAINS seconds, about a microsecond: sums over workers are exact in any
order then. A counter that fell by a rounding when a worker ends would be a restart from 0 for Prometheus.
"""

STATM = Path("/proc/self/statm")

LOOK_SECONDS = 0.2
"""Between two looks at what the process takes."""

EXTENSION = "kobai.metrics"

M = TypeVar("M", Counter, Gauge, Histogram)


class _Numbers(NamedTuple):
    """What is counted at one endpoint."""

    seconds: Histogram
    bytes_in: Counter
    bytes_out: Counter
    compute: Counter


class _Sums:
    """What was counted at one endpoint and is not written yet."""

    __slots__ = ("bytes_in", "bytes_out", "compute", "seconds")

    def __init__(self) -> None:
        self.bytes_in = self.bytes_out = 0
        self.compute = 0.0
        self.seconds: list[float] = []


class InFlight:
    """How many requests are being worked on; for any thread."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def inc(self) -> None:
        """Count a request that begins."""
        with self._lock:
            self.count += 1

    def dec(self) -> None:
        """Count a request that ends."""
        with self._lock:
            self.count -= 1


class _Process:
    """What this process takes; after a fork it counts as another one."""

    def __init__(self, counter: Callable[..., Counter], gauge: Callable[..., Gauge]) -> None:
        self._starts = counter("worker_starts", "Workers that began, those that were replaced included.")
        self._workers = gauge("workers", "Workers that run.")
        self._cpu = counter("cpu_seconds", "Processor time of the workers.")
        self._resident = gauge("resident_bytes", "Memory of the workers; what they share counts for each.")
        self._pid = 0
        self._seen_cpu = self._looked_at = 0.0

    def show(self) -> None:
        """Tell what it takes, where nobody has looked lately; the first time also that it began."""
        if time.monotonic() - self._looked_at <= LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        if os.getpid() != self._pid:
            self._pid, self._seen_cpu = os.getpid(), 0.0
            self._starts.inc()
            self._workers.set(1)
        used = _in_grains(time.process_time())
        self._cpu.inc(used - self._seen_cpu)
        self._seen_cpu = used
        with contextlib.suppress(OSError):
            self._resident.set(int(STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE"))


def _in_grains(seconds: float) -> float:
    return round(seconds * GRAINS) / GRAINS


class Metrics:
    """The numbers of one application.

    Writing a number to its file takes longer than most requests' other bookkeeping, so they are counted
    in memory and written by `flush`: after every request, or only when `flush_later` says that it is called
    by the clock.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.labels: dict[str, tuple[str, ...]] = {}
        """Of every metric by its name: the labels of its series."""
        # found once: looking for a metric's child takes longer than counting
        self._answers: dict[tuple[str, int, str], Counter] = {}
        self._numbers: dict[str, _Numbers] = {}
        self.requests = self._counter("requests", "Answers sent.", "endpoint", "status", "code")
        self.bytes_in = self._counter("request_bytes", "Bytes of the bodies received.", "endpoint")
        self.bytes_out = self._counter("response_bytes", "Bytes of the bodies sent.", "endpoint")
        self.compute = self._counter("compute_seconds", "Seconds of numerical work.", "endpoint")
        self.seconds = self._make(
            Histogram,
            "request_seconds",
            "Seconds from the last byte of the body to the answer, probes left out.",
            "endpoint",
            buckets=BUCKETS,
        )
        self.in_flight = InFlight()
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []
        in_flight = self._gauge("requests_in_flight", "Requests being worked on.")
        self.watch(in_flight, lambda: self.in_flight.count)
        self._lock = threading.Lock()
        self._new_answers: dict[tuple[str, int, str], int] = {}
        self._new_sums: dict[str, _Sums] = {}
        self._new_ends: Tally[str] = Tally()
        self._new_refused = 0
        self._has_room = True
        self._is_flushed_later = False
        self._flushing = threading.Lock()
        self.queued = self._gauge("queued_requests", "Computations on worker threads that wait.")
        self.held = self._gauge("held_bytes", "Bytes of bodies and unsent answers in memory.", "kind")
        self.refused = self._counter("refused_connections", "Connections beyond the limit.")
        self.dropped_lines = self._counter("dropped_log_lines", "Lines of the log that could not be written.")
        self._seen_dropped = LINES.dropped
        self.cache = self._gauge("program_cache", "The cache of compiled functions.", "figure")
        self._cache_figures = [self.cache.labels(name) for name in ("hits", "misses", "entries", "bytes")]
        self.descents = self._counter("descents", "Descents that were computed.", "status")
        self._process = _Process(self._counter, self._gauge)
        build = self._make(Gauge, "build", "What is running.", "version", multiprocess_mode="max")
        build.labels(__version__).set(1)

    def _make(self, kind: type[M], name: str, meaning: str, *labels: str, **options: Any) -> M:
        self.labels[f"kobai_{name}"] = labels
        return kind(f"kobai_{name}", meaning, labels, registry=self.registry, **options)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return self._make(Counter, name, meaning, *labels)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return self._make(Gauge, name, meaning, *labels, multiprocess_mode="livesum")

    def watch(self, gauge: Gauge, figure: Callable[[], float]) -> None:
        """Have a gauge set, whenever numbers are written, to what `figure` returns."""
        self._watched.append((gauge, figure))

    def record(self, exchange: Exchange) -> None:
        """Count one request and its answer."""
        endpoint = exchange.endpoint
        answer = endpoint, exchange.status, exchange.code
        with self._lock:
            self._new_answers[answer] = self._new_answers.get(answer, 0) + 1
            for status in exchange.ended:
                self._new_ends[status] += 1
            if not exchange.is_probe:
                sums = self._new_sums.setdefault(endpoint, _Sums())
                sums.seconds.append(exchange.seconds)
                sums.bytes_in += exchange.bytes_in
                sums.bytes_out += exchange.bytes_out
                sums.compute += exchange.timings.get("compute", 0.0) / 1000
        if not self._is_flushed_later:
            self.flush()

    def record_refusal(self, status: int) -> None:
        """Count what is refused below the application: a connection beyond the limit (503), or a request."""
        answer = "unparsed", status, ""
        with self._lock:
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                self._new_refused += 1
            else:
                self._new_answers[answer] = self._new_answers.get(answer, 0) + 1
        if not self._is_flushed_later:
            self.flush()

    def flush_later(self) -> None:
        """Write what was counted, and from now on nothing before the next call of this or of `flush`."""
        self._is_flushed_later = True
        self.flush()

    def flush(self) -> None:
        """Write what was counted since the last time, one thread after the other: the newest figures stay."""
        with self._flushing:
            self._write()

    def _write(self) -> None:
        with self._lock:
            answers, self._new_answers = self._new_answers, {}
            sums, self._new_sums = self._new_sums, {}
            ends, self._new_ends = self._new_ends, Tally()
            refused, self._new_refused = self._new_refused, 0
        if not self._looks_for_room():
            return
        if refused:
            self.refused.inc(refused)
        for answer, count in answers.items():
            self._answers_of(*answer).inc(count)
        for endpoint, each in sums.items():
            numbers = self._numbers_of(endpoint)
            for seconds in each.seconds:
                numbers.seconds.observe(_in_grains(seconds))
            numbers.bytes_in.inc(each.bytes_in)
            numbers.bytes_out.inc(each.bytes_out)
            numbers.compute.inc(_in_grains(each.compute))
        for status, count in ends.items():
            self.descents.labels(status).inc(count)
        for gauge, figure in self._watched:
            gauge.set(figure())
        self._process.show()
        if LINES.dropped > self._seen_dropped:
            self._count_dropped_lines()
        if not COMPILING.isdisjoint(sums):
            self._record_cache()

    def _looks_for_room(self) -> bool:
        """Tell whether numbers can be written, and say once when they cannot: they are not kept back."""
        had_room, self._has_room = self._has_room, metrics_folder.has_room()
        if had_room and not self._has_room:
            message = "No room for metrics: nothing is counted until there is."
            write_line(sys.stderr, "warning", "server", message=message)
        return self._has_room

    def _answers_of(self, *labels: Any) -> Counter:
        found = self._answers.get(labels)
        if found is None:
            found = self._answers[labels] = self.requests.labels(*labels)
        return found

    def _numbers_of(self, endpoint: str) -> _Numbers:
        found = self._numbers.get(endpoint)
        if found is None:
            found = self._numbers[endpoint] = _Numbers(
                self.seconds.labels(endpoint),
                self.bytes_in.labels(endpoint),
                self.bytes_out.labels(endpoint),
                self.compute.labels(endpoint),
            )
        return found

    def _count_dropped_lines(self) -> None:
        dropped = LINES.dropped
        self.dropped_lines.inc(dropped - self._seen_dropped)
        self._seen_dropped = dropped

    def _record_cache(self) -> None:
        cache = function_cache()
        now = (cache.hits, cache.misses, len(cache), cache.held_bytes)
        for figure, value in zip(self._cache_figures, now, strict=True):
            figure.set(value)

    def text(self) -> bytes:
        """Write all numbers in Prometheus' text format."""
        self.flush()
        if metrics_folder.VARIABLE not in os.environ:
            return generate_latest(self.registry)
        return all_workers.text(Path(os.environ[metrics_folder.VARIABLE]))


def install(app: Flask) -> Metrics:
    """Serve the numbers of `app` at ``/metrics``; the middleware counts."""
    metrics = Metrics()
    app.extensions[EXTENSION] = metrics

    def show() -> Response:
        return Response(metrics.text(), content_type=CONTENT_TYPE_LATEST)

    app.add_url_rule("/metrics", "/metrics", show)
    return metrics


def metrics_of(app: Flask) -> Metrics:
    """Find the numbers of an application that `install` has seen."""
    found: Metrics = app.extensions[EXTENSION]
    return found
