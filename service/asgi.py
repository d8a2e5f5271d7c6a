"""The application for Gunicorn's asgi worker: `service.wsgi` behind the bridge."""

from __future__ import annotations

from service.api import health, metrics
from service.config import Settings
from service.server.bridge import Bridge
from service.wsgi import app as application

app = Bridge(application, Settings.from_environment(), metrics.metrics_of(application), health.drain)
