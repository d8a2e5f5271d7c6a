"""What every request and every answer has, whatever becomes of them."""

import json

import pytest
from flask import Flask, Response

from service.api import metrics
from service.api.line_writer import LINES
from service.api.middleware import Middleware
from service.config import Settings
from tests.api.test_error_shape import PAGES, RIGHT


def make_app(*recorders):
    app = Flask("test")
    app.add_url_rule("/softmax", "/softmax", lambda: Response("{}", content_type="application/json"))
    counted = metrics.install(app)
    app.wsgi_app = Middleware(app, (counted.record, *recorders), counted.in_flight, Settings())
    return app


def count(app, **labels):
    written = ",".join(f'{name}="{labels[name]}"' for name in sorted(labels))
    text = app.test_client().get("/metrics").get_data(as_text=True)
    return f"kobai_requests_total{{{written}}} 1.0" in text


def test_a_log_line_that_cannot_be_written_fails_no_request(capsys):
    def fail(exchange):
        raise TypeError("Integer exceeds 64-bit range")

    recorded = []
    app = make_app(fail, recorded.append)

    answer = app.test_client().get("/softmax", headers={"X-Request-ID": "seen"})

    assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, "seen")
    assert [each.request_id for each in recorded] == ["seen"]
    assert LINES.flush()
    line = json.loads(capsys.readouterr().err)
    assert (line["request_id"], "exceeds 64-bit" in line["traceback"]) == ("seen", True)


def test_a_failure_of_the_framework_is_an_internal_error_and_counted(monkeypatch):
    app = make_app()

    def fail(environ):
        raise LookupError("secret")

    with monkeypatch.context() as broken:
        broken.setattr(app, "request_context", fail)
        answer = app.test_client().get("/softmax", headers={"X-Request-ID": "seen"})

    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert (answer.json["code"], answer.json["request_id"]) == ("internal-error", "seen")
    assert "secret" not in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert count(app, code="internal-error", endpoint="/softmax", status="500")


@pytest.mark.parametrize("length", [str(2**63), str(2**64), "9" * 20, "9" * 4301, "9" * 9000])
@pytest.mark.parametrize("path", RIGHT)
def test_any_declared_length_is_answered_and_what_came_is_counted(client, path, length, capsys):
    answer = client.post(
        path, data=b"12345", headers={"X-Request-ID": "seen"}, environ_overrides={"CONTENT_LENGTH": length}
    )

    assert answer.headers["X-Request-ID"] == "seen"
    assert answer.json["code"] == "unsupported-media-type"

    answer = client.post(
        path, data=b"12345", content_type="application/json", environ_overrides={"CONTENT_LENGTH": length}
    )

    assert (answer.status_code, answer.json["code"]) == (413, "body-too-large")
    assert LINES.flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["status"], line["bytes_in"]) for line in lines] == [(415, 0), (413, 5)]


@pytest.mark.parametrize("path", [*RIGHT, *PAGES, "/problems/not-found", "/web/page.css"])
def test_options_tells_the_methods_of_a_route(client, path):
    answer = client.options(path)

    methods = "OPTIONS, POST" if path in RIGHT else "GET, HEAD, OPTIONS"
    assert (answer.status_code, answer.data, answer.headers["Allow"]) == (204, b"", methods)
    assert set(answer.headers.keys()) == {"Allow", "X-Request-ID", "Cache-Control"}


@pytest.mark.parametrize("path", ["/nowhere", "//softmax", "/softmax/"])
def test_options_of_no_route_is_not_found(client, path):
    answer = client.options("/", environ_overrides={"PATH_INFO": path})

    assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_an_address_without_a_path_is_that_of_the_page(client):
    answer = client.get("/", environ_overrides={"PATH_INFO": ""})

    assert (answer.status_code, answer.mimetype) == (200, "text/html")


@pytest.mark.parametrize("offer", ["h2c", "TLS/1.2", "TLS/1.2, HTTP/1.1", "foo/2"])
def test_an_offer_of_another_protocol_is_passed_over(client, offer):
    headers = {"Upgrade": offer, "Connection": "Upgrade"}

    answer = client.post("/sigmoid", json={"x": [0]}, headers=headers)

    assert (answer.status_code, answer.json) == (200, {"y": [0.5]})
