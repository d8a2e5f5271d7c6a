"""Requests that are answered once before the service is ready, so that no client waits for a first time."""

from __future__ import annotations

from typing import Any

from flask import Flask

from service.api.endpoints import ENDPOINTS
from service.server.bridge import Bridge

REQUESTS: tuple[tuple[str, Any], ...] = (
    ("/livez", None),
    ("/readyz", None),
    ("/functions", None),
    ("/limits", None),
    ("/problems", None),
    ("/openapi.yaml", None),
    ("/openapi.json", None),
    *((path, example) for path, endpoint in ENDPOINTS.items() for example in endpoint.examples),
    ("/gradient", {"function": "x +", "variables": {"x": 1}}),
    ("/nowhere", None),
)


class ColdStart(RuntimeError):
    """A request of the warm-up failed: the service would fail the same way."""


def warm_up(application: Any) -> None:
    """Answer every request of the table, which fills caches and finishes imports.

    Raises
    ------
    ColdStart
        When an answer says that the service itself is broken.
    """
    wsgi = application.application if isinstance(application, Bridge) else application
    if not isinstance(wsgi, Flask):
        return
    client = wsgi.test_client()
    for path, body in REQUESTS:
        method = "GET" if body is None else "POST"
        answer = client.open(path, method=method, json=body, environ_base={"kobai.warming": True})
        if answer.status_code >= 500:
            raise ColdStart(
                f"{method} {path} answered {answer.status}: {answer.get_data(as_text=True)[:500]}"
            )
