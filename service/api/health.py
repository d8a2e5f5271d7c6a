"""Probes: alive, and ready for more."""

from __future__ import annotations

from types import SimpleNamespace

from flask import Flask, Response

from service.api.problems import HttpProblem

_STATE = SimpleNamespace(is_draining=False)
"""Set in signal handlers, so nothing with a lock: a second signal would wait for the first for ever."""


def install(app: Flask) -> None:
    """Serve the probes."""
    app.add_url_rule("/livez", "/livez", live)
    app.add_url_rule("/readyz", "/readyz", ready)
    app.add_url_rule("/healthz", "/healthz", ready)


def drain() -> None:
    """Answer from now on that no more requests are wanted."""
    _STATE.is_draining = True


def is_draining() -> bool:
    """Tell whether the service is about to stop."""
    return bool(_STATE.is_draining)


def live() -> Response:
    """Answer as long as the process does."""
    return Response('{"status":"ok"}', content_type="application/json")


def ready() -> Response:
    """Answer 503 while draining, so that a load balancer sends nothing more."""
    if is_draining():
        raise HttpProblem("overloaded", "The service is stopping; send requests elsewhere.")
    return Response('{"status":"ok"}', content_type="application/json")
