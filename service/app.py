"""The application: `create_app` puts the parts together and decides nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.routing import MapAdapter, Rule

from service.api import catalogue, health, logs, metrics, pages, problems, protocol
from service.api.answers import EXTENSION, answer_with
from service.api.context import path_asked
from service.api.endpoints import ENDPOINTS, make_schemas
from service.config import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What an application of ours carries."""

    settings: Settings


class NoSession(SessionInterface):
    """Sessions of a service that has none: one empty session for all, that takes nothing."""

    def __init__(self) -> None:
        self._empty = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """Return the empty session."""
        return self._empty


class Routes(MapAdapter):
    """Werkzeug's routing of one request; of a path without variables the rule is looked for once.

    Attributes
    ----------
    found : dict
        By path and method the rules that have been found, for all requests of an application.
    """

    found: dict[tuple[str, str], Rule]

    def match(self, *args: Any, **options: Any) -> Any:
        """Return the rule and the values of its variables."""
        asked = self.path_info, self.default_method
        rule = self.found.get(asked)
        if rule is not None:
            return rule, {}
        rule, values = super().match(*args, **options)
        if rule.rule == self.path_info and not values:
            self.found[asked] = rule
        return rule, values


class Application(Flask):
    """Flask without what nothing here needs, and every request would pay for."""

    session_interface = NoSession()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._found: dict[tuple[str, str], Rule] = {}

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is: all of ours are plain ones."""
        return func

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Call what is to happen before every request: all of it is registered with the application."""
        for function in self.before_request_funcs.get(None, ()):
            answer = function()
            if answer is not None:
                return cast(ResponseReturnValue, answer)
        return None

    def process_response(self, response: Response) -> Response:
        """Call what is to happen to every answer, the last registered first; there is no session to save."""
        for function in reversed(self.after_request_funcs.get(None, ())):
            response = function(response)
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Call what is to happen at the end of every request."""
        for function in reversed(self.teardown_request_funcs.get(None, ())):
            function(exc)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Route by path and method alone: no route asks for a host, and `protocol` has checked it."""
        if request is None:
            return None
        adapter = Routes(self.url_map, "", "/", "", request.scheme, path_asked(request), request.method)
        adapter.found = self._found
        return adapter


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
    app.extensions[EXTENSION] = Parts(chosen)
    protocol.install(app)
    problems.install(app)
    logs.install(app, chosen)
    metrics.install(app, chosen)
    schemas = make_schemas(chosen.limits)
    for path, endpoint in ENDPOINTS.items():
        app.add_url_rule(path, path, answer_with(endpoint.view, schemas[path]), methods=["POST"])
    app.register_blueprint(health.routes)
    catalogue.install(app, chosen)
    pages.install(app)
    return app
