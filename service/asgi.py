"""The application for an ASGI server: `service.wsgi` behind the bridge."""

from __future__ import annotations

import sys

from service.api import health, metrics
from service.config import Settings
from service.server.bridge import Bridge
from service.wsgi import app as application

ASGI_WORKERS = frozenset({"uvicorn", "gunicorn.asgi", "service.gunicorn_conf"})
"""Modules of which one is loaded when a worker of Gunicorn speaks ASGI, or this is checked elsewhere."""

if "gunicorn.arbiter" in sys.modules and not ASGI_WORKERS & sys.modules.keys():
    from gunicorn.errors import AppImportError

    raise AppImportError(
        "kobai: Gunicorn's worker speaks WSGI: start it with -c python:service.gunicorn_conf, "
        "or give it service.wsgi:app."
    )

app = Bridge(application, Settings.from_environment(), metrics.metrics_of(application), health.drain)
