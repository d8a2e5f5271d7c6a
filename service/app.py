"""The application: `create_app` puts the parts together and decides nothing itself."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.routing import Map, MapAdapter, Rule

from service.api import catalogue, health, logs, metrics, pages, problems, traces
from service.api.answers import answer_with
from service.api.endpoints import ENDPOINTS, make_schemas
from service.api.middleware import Middleware
from service.config import Settings


class Router(MapAdapter):
    """Routes one request; the rule of a path without variables is looked for once, since that takes longest.

    Attributes
    ----------
    known : dict
        By path and method the rules that were found, for all requests of an application.
    """

    known: dict[tuple[str, str], Rule]

    def match(self, *given: Any, **options: Any) -> Any:
        """Return the rule, or its endpoint, and the values of its variables."""
        asked = self.path_info, self.default_method
        if not given and options == {"return_rule": True} and asked in self.known:
            return self.known[asked], {}
        found, values = super().match(*given, **options)
        if isinstance(found, Rule) and not given and not values and found.rule == self.path_info:
            self.known[asked] = found
        return found, values


class Routes(Map):
    """The routes; they ask for path and method alone, so nothing else is looked up for a request."""

    def __init__(self, *rules: Any, **options: Any) -> None:
        super().__init__(*rules, **options)
        self._known: dict[tuple[str, str], Rule] = {}

    def bind_to_environ(
        self, environ: Any, server_name: str | None = None, subdomain: str | None = None
    ) -> MapAdapter:
        """Make what routes one request."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        router = Router(self, "", "/", "", environ["wsgi.url_scheme"], path, method)
        router.known = self._known
        return router


class Application(Flask):
    """Flask with these routes."""

    url_map_class = Routes


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
    problems.install(app)
    schemas = make_schemas(chosen.limits)
    for path, endpoint in ENDPOINTS.items():
        app.add_url_rule(path, path, answer_with(endpoint.view, schemas[path], chosen), methods=["POST"])
    health.install(app)
    catalogue.install(app, chosen)
    pages.install(app)
    counted = metrics.install(app)
    app.wsgi_app = Middleware(  # type: ignore[method-assign]  # as Flask documents it
        app,
        (counted.record, *traces.recorders(), logs.recorder(chosen)),
        counted.in_flight,
        chosen,
    )
    return app
