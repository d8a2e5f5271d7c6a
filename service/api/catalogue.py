"""What the service knows and allows, from the tables that its own code reads."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from flask import Flask, Response

from service.api import pages, problems
from service.api.document import read_document, read_text
from service.api.exchange import current
from service.api.problems import PROBLEM_TYPES, HttpProblem
from service.config import Settings, describe_settings
from service.core.descent import describe_options
from service.core.language.operations import describe_operations
from service.core.limits import describe_limits

TEXT = "text/plain; charset=utf-8"
"""Of the YAML document: generated clients refuse application/yaml, and browsers show text in place."""

LIMITING_SETTINGS = ("held_body_bytes", "held_answer_bytes", "queue", "connections")
"""Settings that bound something, and so stand among the limits."""


def install(app: Flask, settings: Settings) -> None:
    """Serve the tables and the document; each is written once, at the start."""
    rows = describe_settings(settings)
    limits = describe_limits(settings.limits) | {name: rows[name] for name in LIMITING_SETTINGS}
    tables: dict[str, tuple[bytes, str]] = {
        "/limits": (orjson.dumps(limits), "application/json"),
        "/openapi.yaml": (read_text(settings.root_path).encode(), TEXT),
        "/openapi.json": (orjson.dumps(read_document(settings.root_path)), "application/json"),
    }
    for path, (body, content_type) in tables.items():
        app.add_url_rule(path, path, _table(body, content_type))
    app.add_url_rule("/functions", "/functions", show_functions)
    app.add_url_rule("/problems", "/problems", show_problems)
    app.add_url_rule("/problems/<code>", "/problems/<code>", show_problem)


def _table(body: bytes, content_type: str) -> Any:
    """Make the view of what does not change."""

    def show() -> Response:
        return Response(body, content_type=content_type)

    return show


@cache
def _functions() -> bytes:
    return orjson.dumps({"functions": describe_operations(), **describe_options()})


def show_functions() -> Response:
    """List operators, functions, optimizers, schedules and options."""
    if pages.wants_page():
        return pages.show_functions(orjson.loads(_functions()))
    return Response(_functions(), content_type="application/json")


def show_problems() -> Response:
    """Explain every code."""
    kinds = [problems.describe(kind, current().root_path) for kind in PROBLEM_TYPES.values()]
    if pages.wants_page():
        return pages.show_problems(kinds)
    return Response(orjson.dumps({"problems": kinds}), content_type="application/json")


def show_problem(code: str) -> Response:
    """Explain one code."""
    if code not in PROBLEM_TYPES:
        raise HttpProblem(
            "not-found", f"There is no problem of this code; the codes are {', '.join(PROBLEM_TYPES)}."
        )
    kind = problems.describe(PROBLEM_TYPES[code], current().root_path)
    if pages.wants_page():
        return pages.show_problems([kind])
    return Response(orjson.dumps(kind), content_type="application/json")
