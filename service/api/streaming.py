"""A descent's progress as NDJSON: a line for each tick, then one line with the full answer."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from flask import Response
from werkzeug.wrappers import Request

from service.api import problems
from service.api.answers import Arguments, write_bytes
from service.api.exchange import current
from service.api.formats import CBOR, JSON
from service.api.jsonio import dumps
from service.core.descent import descent
from service.core.exceptions import KobaiError
from service.core.limits import Deadline, Overloaded
from service.limits import ServiceLimits
from service.work.threads import NO_THREAD

NDJSON = "application/x-ndjson"
WAITING_LINES, WAITING_BYTES = 64, 1024 * 1024
"""Ticks that wait for a slow reader; further ones are dropped, since each tells the newest state. One tick
of large variables may exceed the bytes."""
SILENCE_SECONDS = 0.8
"""How long a stream is silent at most: then the last tick is sent again, while one step takes long."""


def wants_stream(request: Request) -> bool:
    """Tell whether the client wants a stream more than JSON, as clients name both, and no less than CBOR."""
    if NDJSON not in request.environ.get("HTTP_ACCEPT", "").lower():
        return False
    wanted = {kind.split(";")[0].strip().lower(): quality for kind, quality in request.accept_mimetypes}
    quality = wanted.get(NDJSON, 0)
    return quality > wanted.get(JSON.media_type, 0) and quality >= wanted.get(CBOR.media_type, 0)


def stream(arguments: Arguments, deadline: Deadline, limits: ServiceLimits) -> Response:
    """Answer with the progress of a descent.

    What fails before the first tick is an ordinary problem; what fails later is the last line.
    """
    deadline.expect(math.inf, ends_early=True)
    run = _Run(arguments, deadline, limits)
    first = run.lines.get()
    if isinstance(first, Exception):
        raise first
    response = Response(run.iterate(first), content_type=NDJSON)
    response.call_on_close(partial(run.end, time.perf_counter(), deadline.waited))
    return response


class _Run:
    """One descent on a thread of its own, and the lines that it has written; the last is a `_Last`."""

    def __init__(self, arguments: Arguments, deadline: Deadline, limits: ServiceLimits) -> None:
        self.lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._has_begun = False
        self._put_bytes = self._taken_bytes = 0  # each written by one thread alone
        self._exchange = current()  # a thread of its own has no request context
        self._deadline = deadline
        self._ended = 0.0  # by `time.perf_counter`; until then the descent runs
        self._thread = threading.Thread(target=self._work, args=(arguments, deadline, limits), daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise Overloaded(NO_THREAD) from error

    def _work(self, arguments: Arguments, deadline: Deadline, limits: ServiceLimits) -> None:
        try:
            with np.errstate(all="ignore"):
                answer = descent(
                    **arguments,
                    limits=limits,
                    deadline=deadline,
                    answer_numbers=JSON.numbers_within(limits),
                    on_progress=self._tick,
                )
            self._exchange.ended = (answer["status"],)
            self.lines.put(_Last(write_bytes(answer, limits) + b"\n"))
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it; the client is told
            self.lines.put(_Last(self._failure(error)) if self._has_begun else error)
        finally:
            self._ended = time.perf_counter()
            deadline.finish()

    def _tick(self, record: dict[str, Any]) -> None:
        self._has_begun = True
        if self.lines.qsize() < WAITING_LINES and self._put_bytes - self._taken_bytes < WAITING_BYTES:
            line = dumps(record) + b"\n"
            self._put_bytes += len(line)
            self.lines.put(line)

    def _failure(self, error: Exception) -> bytes:
        """Write what failed after the stream began."""
        if isinstance(error, KobaiError):
            return problems.dump_core(error, self._exchange) + b"\n"
        return problems.dump_bug(error, self._exchange) + b"\n"

    def iterate(self, line: bytes) -> Iterator[bytes]:
        """Yield the lines until the last."""
        self._taken_bytes += len(line)
        yield line
        while not isinstance(line, _Last):
            with contextlib.suppress(queue.Empty):
                line = self.lines.get(timeout=SILENCE_SECONDS)
                self._taken_bytes += len(line)
            yield line

    def end(self, began: float, waited_before: float) -> None:
        """Stop the descent, and add to the times of the request what passed since the stream began."""
        self._deadline.cancel()
        exchange, waited = self._exchange, self._deadline.waited - waited_before
        exchange.waited += waited
        exchange.timings["waited"] += 1000 * waited
        computed = (self._ended or time.perf_counter()) - began - waited
        exchange.timings["compute"] += 1000 * max(0.0, computed)


class _Last(bytes):
    """The last line of a stream."""
