"""What stands around every computation: request in, answer out, time of each part."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flask import Response, request

from service.api.body import make_deadline, read_document
from service.api.exchange import KEY, Exchange
from service.api.formats import JSON, Format, wanted_format
from service.api.messages import fault
from service.api.schemas import Envelope, read
from service.config import Settings
from service.core.exceptions import OverBudget
from service.core.limits import Deadline, setting_of
from service.limits import ServiceLimits

Arguments = dict[str, Any]
View = Callable[[Arguments, Deadline, ServiceLimits], Arguments | Response]


def answer_with(view: View, schema: Envelope, settings: Settings) -> Callable[[], Response]:
    """Make Flask's view of an endpoint: the body is read by the schema, the answer written."""

    def answer() -> Response:
        environ = request.environ
        started = time.perf_counter()
        arguments = read(schema, read_document(environ, settings))
        deadline = make_deadline(environ, settings, arguments.pop("deadline_ms", None))
        exchange: Exchange = environ[KEY]
        parsed, waited = time.perf_counter(), deadline.waited
        try:
            result = view(arguments, deadline, settings.limits)
        finally:
            waited = deadline.waited - waited
            exchange.waited += waited
            exchange.timings = {"waited": 1000 * exchange.waited}
        computed = time.perf_counter()
        response = result if isinstance(result, Response) else write(result, settings.limits)
        exchange.timings |= {
            "parse": 1000 * (parsed - started),
            "compute": 1000 * (computed - parsed - waited),
            "dump": 1000 * (time.perf_counter() - computed),
        }
        return response

    return answer


class ReadyResponse(Response):
    """An answer that has all its headers when it is made: none has to be worked out when it is sent."""

    def __init__(self, body: bytes, form: Format) -> None:
        super().__init__([body], 200, content_type=form.media_type, direct_passthrough=True)
        self.headers.add("Content-Length", len(body))

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Send it: headers and body as they are."""
        start_response(self.status, self.headers.to_wsgi_list())
        return self.response


def write(result: Arguments, limits: ServiceLimits) -> Response:
    """Write an answer in the format that the client prefers, within the limit of its size.

    Raises
    ------
    OverBudget
        The answer is too large.
    """
    form = wanted_format(request)
    return ReadyResponse(write_bytes(result, limits, form), form)


def write_bytes(result: Arguments, limits: ServiceLimits, form: Format = JSON) -> bytes:
    """Write an answer's bytes.

    Raises
    ------
    OverBudget
        They are too many.
    """
    most = limits.response_bytes
    if form.is_longer(result, most):
        raise _too_large(f"more than {most}", most)
    text = form.dumps(result)
    if len(text) > most:
        raise _too_large(len(text), most)
    return text


def _too_large(asked: object, allowed: int) -> OverBudget:
    setting = setting_of("response_bytes")
    return OverBudget(
        fault("over-limit", what="The answer", asked=asked, unit="bytes", allowed=allowed, setting=setting)
    )
