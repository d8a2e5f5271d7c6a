"""A descent's progress as NDJSON: a line for each tick, then one line with the full answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from flask import Response, copy_current_request_context
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from service.api import problems
from service.api.answers import Arguments, write_bytes
from service.core.descent import descent
from service.core.exceptions import KobaiError
from service.core.limits import Deadline, Limits

JSON, NDJSON = "application/json", "application/x-ndjson"
WAITING_LINES = 64
"""Ticks that wait for a slow reader; further ones are dropped, since each tells the newest state."""


def wants_stream(accept: str) -> bool:
    """Tell whether the caller wants a stream more than JSON: generated clients name both."""
    wanted = parse_accept_header(accept, MIMEAccept)
    return wanted.quality(NDJSON) > wanted.quality(JSON)


def stream(arguments: Arguments, deadline: Deadline, limits: Limits) -> Response:
    """Answer with the progress of a descent.

    What is refused before the first tick is an ordinary problem; what fails later is the last line.
    """
    run = _Run(arguments, deadline, limits)
    first = run.lines.get()
    if isinstance(first, KobaiError):
        raise first
    response = Response(run.iterate(first), content_type=NDJSON)
    response.call_on_close(deadline.cancel)
    return response


class _Run:
    """One descent on a thread of its own, and the lines that it has written."""

    def __init__(self, arguments: Arguments, deadline: Deadline, limits: Limits) -> None:
        self.lines: queue.Queue[Any] = queue.Queue(WAITING_LINES)
        work = copy_current_request_context(self._work)
        self._thread = threading.Thread(target=work, args=(arguments, deadline, limits), daemon=True)
        self._thread.start()

    def _work(self, arguments: Arguments, deadline: Deadline, limits: Limits) -> None:
        def tick(step: int, value: float, gradient_norm: float) -> None:
            if not self.lines.full():
                line = {"step": step, "value": value, "gradient_norm": gradient_norm}
                self.lines.put(write_bytes(line) + b"\n")

        try:
            with np.errstate(all="ignore"):
                answer = descent(**arguments, limits=limits, deadline=deadline, on_progress=tick)
            self.lines.put(write_bytes(answer) + b"\n")
        except KobaiError as error:
            self.lines.put(error)
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it; the caller is told
            self.lines.put(problems.dump_bug(error))
        self.lines.put(None)

    def iterate(self, first: bytes) -> Iterator[bytes]:
        """Yield the lines until the last."""
        line: Any = first
        while line is not None:
            yield problems.dump_core(line) if isinstance(line, KobaiError) else line
            line = self.lines.get()
