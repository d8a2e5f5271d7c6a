"""The document has the routes that the application has, and the other way round."""

import re

import pytest

from tests.contract.document import PROBLEM, check_answer, operations

OF_FLASK = {"HEAD", "OPTIONS"}
"""Answered for every route, and described once in the document's introduction."""


def routes(app):
    """Every (path, method) of the application, in the document's way of writing."""
    return {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - OF_FLASK
    }


def test_the_document_and_the_application_have_the_same_routes(app):
    documented = {(operation.path, operation.method) for operation in operations().values()}

    assert routes(app) == documented


@pytest.mark.parametrize("path", sorted({operation.path for operation in operations().values()}))
def test_a_method_that_the_document_does_not_know_is_refused_by_name(client, path):
    known = {operation.method for operation in operations().values() if operation.path == path}

    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - known:
        response = client.open(path.replace("{code}", "not-found"), method=method)

        assert response.status_code == 405
        assert response.headers["Content-Type"] == PROBLEM
        assert known <= {each.strip() for each in response.headers["Allow"].split(",")}
        assert check_answer(next(iter(operations().values())), response)["code"] == "method-not-allowed"


@pytest.mark.parametrize(
    "path", ["/softmax/", "//softmax", "/Softmax", "/gradient/fields", "/v1/softmax", "/."]
)
def test_a_path_that_the_document_does_not_know_is_not_found(client, path):
    # a client would take //softmax for a host without a path
    response = client.post(environ_overrides={"PATH_INFO": path}, json={"x": [1]})

    assert response.status_code == 404
    assert response.json["code"] == "not-found"


@pytest.mark.parametrize(
    "operation", [each for each in operations().values() if each.method == "GET"], ids=lambda each: each.name
)
def test_head_answers_what_get_answers_without_the_body(client, operation):
    path = operation.example_path

    head, get = client.head(path), client.get(path)

    assert (head.status_code, head.headers["Content-Type"]) == (get.status_code, get.headers["Content-Type"])
    assert head.data == b""
