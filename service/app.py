"""The application: `create_app` puts the parts together and decides nothing itself."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from flask import Flask, Response, g, request
from marshmallow import Schema
from werkzeug.exceptions import BadRequest

from service.api import catalogue, compute, health, logs, metrics, problems
from service.api.answers import EXTENSION
from service.api.schemas import make_schemas
from service.config import Settings

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parts:
    """What an application of ours carries."""

    settings: Settings
    schemas: dict[str, Schema]


def create_app(settings: Settings | None = None) -> Flask:
    """Make the WSGI application.

    Parameters
    ----------
    settings : Settings, optional
        Those of the environment when absent.
    """
    chosen = settings or Settings.from_environment()
    app = Flask("service", static_folder=None)
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.extensions[EXTENSION] = Parts(chosen, make_schemas(chosen.limits))
    app.before_request(_begin)
    problems.install(app)
    logs.install(app, chosen)
    metrics.install(app, chosen)
    app.register_blueprint(compute.routes)
    app.register_blueprint(health.routes)
    catalogue.install(app, chosen)
    app.after_request(_finish)
    return app


def _begin() -> None:
    """Name the request, and refuse what the service does not speak."""
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
    g.problem_code = None
    if request.headers.get("Upgrade"):
        raise BadRequest


def _finish(response: Response) -> Response:
    """Put on every answer what the contract promises for all."""
    response.headers["X-Request-ID"] = g.request_id
    response.headers["Cache-Control"] = "no-store"
    return response
