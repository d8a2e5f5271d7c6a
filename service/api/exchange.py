"""A request and its answer: what is known of them, for problems, the log line and the metrics."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request

from service.api.clients import UNKNOWN, Client

KEY = "kobai.exchange"
"""Where the WSGI environment of a request holds its exchange."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

UNMATCHED = "unmatched"
"""The endpoint of a request that no route takes: whatever paths clients invent, they share one name."""

PROBES = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
"""Routes that monitors request every few seconds: not logged, and left out of the latencies."""


@dataclass(slots=True)
class Exchange:
    """A request on its way, completed when its answer is.

    Attributes
    ----------
    path : str
        As it came; Flask's own has lost all slashes but one at its beginning.
    root_path : str
        The prefix of the path that a proxy has stripped, empty for none.
    endpoint : str
        The route that takes the path.
    started : float
        When the last byte of the body had come, by `time.monotonic`.
    waited, seconds : float
        For other computations, before it began and since then; and until the answer was complete.
    ended : sequence of str
        Of every descent that was computed, the status it ended in.
    client : Client
        Its address and name, as far as they are known.
    code : str
        That of the problem which is answered, if one is.
    trace_id : str
        That of the request's span, empty where requests do not become spans.
    """

    request_id: str
    method: str
    path: str
    root_path: str
    endpoint: str
    started: float
    waited: float
    traceparent: str
    status: int = 0
    code: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    is_stream: bool = False
    timings: dict[str, float] = field(default_factory=dict)
    ended: Sequence[str] = ()
    client: Client = UNKNOWN
    scheme: str = "http"
    trace_id: str = ""

    @property
    def is_probe(self) -> bool:
        """Tell whether a monitor sent the request."""
        return self.endpoint in PROBES


def begin(environ: dict[str, Any], endpoint: str, client: Client = UNKNOWN) -> Exchange:
    """Make the exchange of a request that has just come to the application."""
    now = time.monotonic()
    started = environ.get("kobai.received_at") or now
    given = environ.get("HTTP_X_REQUEST_ID", "")
    exchange = environ[KEY] = Exchange(
        request_id=given if REQUEST_ID.fullmatch(given) else _new_id(),
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        root_path=environ.get("SCRIPT_NAME", ""),
        endpoint=endpoint,
        started=started,
        waited=now - started,
        traceparent=environ.get("HTTP_TRACEPARENT", ""),
        scheme=environ["wsgi.url_scheme"],
        client=client,
    )
    return exchange


def _new_id() -> str:
    """Make a name that no other request has; it is no secret.

    `os.urandom` would hand the interpreter's lock to the thread that writes the log, for a tenth of the time
    of a small request.
    """
    return f"{random.getrandbits(128):032x}"


def current() -> Exchange:
    """Return the exchange of Flask's current request."""
    exchange: Exchange = request.environ[KEY]
    return exchange
