"""Pages for people: the playground, the API page, and a failure as a browser shows it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
from flask import Flask, Response, render_template, request
from werkzeug.exceptions import NotFound

from service.api.document import find_example
from service.api.exchange import current

WEB = Path(__file__).parents[1] / "web"
SWAGGER_UI = Path(str(files("flask_swagger_ui"))) / "dist"

PRELOAD_HERE = "  <!-- modulepreload -->"
OWN_SCRIPTS = {"main.js", "docs.js", "labels.js"}
"""Scripts that are no modules of the playground: its beginning, and those of the API page."""

HTML = "text/html; charset=utf-8"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Swagger UI's arrows are data: pictures in its style sheet
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy of every page: what is not ours is not loaded, and no script stands in a page."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that a page loads, also packed: nothing is kept by browsers, so every visit loads it."""

    content_type: str
    body: bytes
    packed: bytes


def install(app: Flask) -> None:
    """Serve the pages and what they load. Templates of failures lie beside the pages."""
    app.template_folder = str(WEB)
    for path, name in (("/", "index.html"), ("/docs", "docs.html")):
        app.add_url_rule(path, path, _page(_with_preloads((WEB / name).read_text(encoding="utf-8"))))
    web = {each.name: each for each in WEB.iterdir() if each.suffix in CONTENT_TYPES}
    api_page = {name: SWAGGER_UI / name for name in ("swagger-ui.css", "swagger-ui-bundle.js")}
    app.add_url_rule("/web/<name>", "/web/<name>", _folder(web))
    app.add_url_rule("/docs/<name>", "/docs/<name>", _folder(api_page))


def wants_page() -> bool:
    """Tell whether a browser asks, which prefers HTML to JSON; programs get what they always get."""
    accepted = request.accept_mimetypes
    json = max(accepted.quality("application/problem+json"), accepted.quality("application/json"))
    return request.method in ("GET", "HEAD") and accepted.quality("text/html") > json


def way_to_root(path: str) -> str:
    """Return the relative reference from a page to the root, whatever prefix a proxy puts before both.

    >>> way_to_root("/softmax"), way_to_root("/problems/not-found")
    ('./', '../')
    """
    return "../" * (path.count("/") - 1) or "./"


def show_failure(document: dict[str, Any], explanation: str) -> Response:
    """Show a problem document to a person, with what to do instead."""
    example = find_example(request.path)
    return _show(
        render_template(
            "failure.html",
            problem=document,
            explanation=explanation,
            example=example,
            body=orjson.dumps(example.body).decode() if example else "",
            root=way_to_root(current().path),
        ),
        document["status"],
    )


def show_problems(kinds: list[dict[str, Any]]) -> Response:
    """Explain codes of problems to a person."""
    return _show(render_template("problems.html", kinds=kinds, root=way_to_root(current().path)), 200)


def show_functions(tables: dict[str, Any]) -> Response:
    """Show the language and the optimizers to a person."""
    return _show(render_template("functions.html", tables=tables, root=way_to_root(current().path)), 200)


def _show(text: str, status: int) -> Response:
    return Response(text, status, HEADERS, content_type=HTML)


def _with_preloads(page: str) -> str:
    """Let a page that says so load all modules of the playground at once, not level by level of imports."""
    modules = sorted(each.name for each in WEB.glob("*.js") if each.name not in OWN_SCRIPTS)
    lines = [f'  <link rel="modulepreload" href="web/{name}">' for name in modules]
    return page.replace(PRELOAD_HERE, "\n".join(lines))


def _page(text: str) -> Callable[[], Response]:
    """Make the view of a page that does not change."""

    def show() -> Response:
        return _show(text, 200)

    return show


def _folder(known: dict[str, Path]) -> Callable[[str], Response]:
    """Make the view of the files of a table; a name that is not in it leads nowhere."""

    def show(name: str) -> Response:
        if name not in known:
            raise NotFound
        asset = _read(known[name])
        is_packed = request.accept_encodings.quality("gzip") > 0
        response = Response(asset.packed if is_packed else asset.body, content_type=asset.content_type)
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["X-Content-Type-Options"] = "nosniff"
        if is_packed:
            response.headers["Content-Encoding"] = "gzip"
        return response

    return show


@cache
def _read(file: Path) -> Asset:
    body = file.read_bytes()
    packed = gzip.compress(body, 6, mtime=0)  # the same bytes from every worker
    return Asset(CONTENT_TYPES[file.suffix], body, packed)
