"""The application: `create_app` puts the parts together and decides nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from marshmallow import Schema

from service.api import catalogue, compute, health, logs, metrics, pages, problems, protocol
from service.api.answers import EXTENSION
from service.api.schemas import make_schemas
from service.config import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What an application of ours carries."""

    settings: Settings
    schemas: dict[str, Schema]


class Application(Flask):
    """Flask, told once that all of our functions are plain ones: it would look at each for every request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Make the WSGI application.

    Parameters
    ----------
    settings : Settings, optional
        Those of the environment when absent.
    """
    chosen = settings or Settings.from_environment()
    app = Application("service", static_folder=None)
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.extensions[EXTENSION] = Parts(chosen, make_schemas(chosen.limits))
    protocol.install(app)
    problems.install(app)
    logs.install(app, chosen)
    metrics.install(app, chosen)
    app.register_blueprint(compute.routes)
    app.register_blueprint(health.routes)
    catalogue.install(app, chosen)
    pages.install(app)
    return app
