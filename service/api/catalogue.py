"""What the service knows and allows, from the tables that its own code reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import yaml
from flask import Flask, Response

from service.api import problems
from service.api.problems import KINDS, Problem
from service.config import Settings, describe_settings
from service.core.language.operations import describe_operations
from service.core.limits import describe_limits

DOCUMENT = Path(__file__).parents[2] / "openapi.yaml"

TEXT = "text/plain; charset=utf-8"
"""Of the YAML document: generated clients refuse application/yaml, and browsers show text in place."""

LIMITING_SETTINGS = ("held_body_bytes", "held_answer_bytes", "queue", "connections")
"""Settings that bound something, and so stand among the limits."""


def install(app: Flask, settings: Settings) -> None:
    """Serve the tables and the document; each is written once, at the start."""
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = describe_settings(settings)
    limits = describe_limits(settings.limits) | {name: rows[name] for name in LIMITING_SETTINGS}
    pages: dict[str, tuple[bytes, str]] = {
        "/functions": (orjson.dumps({"functions": describe_operations()}), "application/json"),
        "/limits": (orjson.dumps(limits), "application/json"),
        "/problems": (
            orjson.dumps({"problems": [problems.describe(kind) for kind in KINDS.values()]}),
            "application/json",
        ),
        "/openapi.yaml": (text.encode(), TEXT),
        "/openapi.json": (orjson.dumps(yaml.safe_load(text)), "application/json"),
    }
    for path, (body, content_type) in pages.items():
        app.add_url_rule(path, path, _page(body, content_type))
    app.add_url_rule("/problems/<code>", "/problems/<code>", show_problem)


def _page(body: bytes, content_type: str) -> Any:
    """Make the view of a page that does not change."""

    def show() -> Response:
        return Response(body, content_type=content_type)

    return show


def show_problem(code: str) -> Response:
    """Explain one code."""
    if code not in KINDS:
        raise Problem("not-found", f"There is no problem of this code; the codes are {', '.join(KINDS)}.")
    return Response(orjson.dumps(problems.describe(KINDS[code])), content_type="application/json")
