"""One shape of error over every endpoint and every failure."""

import json
import re

import numpy as np
import pytest

from service.api.endpoints import ENDPOINTS, make_schemas
from service.api.problems import PROBLEM_TYPES
from service.app import create_app
from service.config import Settings
from service.limits import ServiceLimits

RIGHT = {path: endpoint.examples[0] for path, endpoint in ENDPOINTS.items()}
"""A request that each endpoint answers."""

PAGES = (
    "/",
    "/docs",
    "/openapi.yaml",
    "/openapi.json",
    "/functions",
    "/limits",
    "/problems",
    "/livez",
    "/readyz",
    "/healthz",
    "/metrics",
)

JSON = {"content_type": "application/json"}


def assert_is_problem(response, path, code):
    """Check all that the contract says of every failure; returns the document."""
    document = json.loads(response.data)
    kind = PROBLEM_TYPES[code]
    assert response.status_code == kind.status
    assert response.content_type == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert list(document) == [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "code",
        "request_id",
        "errors",
    ]
    assert document["type"] == f"/problems/{code}"
    assert (document["code"], document["status"], document["title"]) == (code, kind.status, kind.title)
    assert document["instance"] == path
    assert document["request_id"] == response.headers["X-Request-ID"]
    assert document["detail"].strip().endswith((".", "?", "'"))
    assert len(document["errors"]) <= 20
    for error in document["errors"]:
        assert (
            {"pointer", "detail", "code"} <= error.keys() <= {"pointer", "detail", "code", "line", "column"}
        )
        assert ("line" in error) == ("column" in error)
        assert error["pointer"] == "" or error["pointer"].startswith("/")
    if kind.status == 422:
        assert document["errors"]
        assert document["detail"] == document["errors"][0]["detail"]
    return document


def test_every_endpoint_is_asked(app):
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods]

    assert {rule.rule for rule in rules} == RIGHT.keys()


@pytest.mark.parametrize("path", RIGHT)
def test_a_right_request_is_answered(post, path):
    response = post(path, RIGHT[path])

    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", response.headers["X-Request-ID"])


@pytest.mark.parametrize("path", RIGHT)
def test_the_same_request_gets_the_same_bytes(post, path):
    first, second = post(path, RIGHT[path]).data, post(path, RIGHT[path]).data

    assert first == second


MALFORMED = [
    b"",
    b"{",
    b'{"x": [NaN]}',
    b'{"x": 1e999}',
    b'{"a": 1, "a": 2}',
    b'{"x": "\\ud800"}',
    b'{"x": "\xff"}',
    b'\xef\xbb\xbf{"x": [1]}',
    b"[" * 33 + b"]" * 33,
    '{"x": [1]}'.encode("utf-16"),
    b"{} {}",
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:20]))
@pytest.mark.parametrize("path", RIGHT)
def test_what_is_not_json_is_malformed(post, path, body):
    assert_is_problem(post(path, body), path, "malformed-json")


@pytest.mark.parametrize("body", [b"null", b"true", b"1", b'"x"', b"[]", b"[1, 2]", b"[[1], [2, 3]]"])
@pytest.mark.parametrize("path", RIGHT)
def test_what_is_no_object_is_invalid(post, path, body):
    document = assert_is_problem(post(path, body), path, "invalid-request")

    assert [error["pointer"] for error in document["errors"]] == [""]


@pytest.mark.parametrize("path", RIGHT)
def test_an_empty_object_lacks_every_field_that_is_required(post, path):
    document = assert_is_problem(post(path, {}), path, "invalid-request")

    required = make_schemas(ServiceLimits())[path].needed
    assert {error["pointer"] for error in document["errors"]} == {f"/{name}" for name in required}


@pytest.mark.parametrize("path", RIGHT)
def test_an_unknown_field_is_refused_with_the_nearest_known_name(post, path):
    for name in RIGHT[path]:
        body = RIGHT[path] | {name.upper() + "S": 1}

        document = assert_is_problem(post(path, body), path, "invalid-request")

        assert document["errors"][0]["pointer"] == f"/{name.upper()}S"
        assert name == "x" or f"Did you mean {name}?" in document["detail"]


@pytest.mark.parametrize("path", RIGHT)
def test_errors_are_sorted_as_a_person_counts_and_at_most_twenty(post, path):
    body = dict.fromkeys(RIGHT[path]) | {str(k): 0 for k in range(30)}

    document = assert_is_problem(post(path, body), path, "invalid-request")

    assert [error["pointer"] for error in document["errors"]] == [f"/{k}" for k in range(20)]


@pytest.mark.parametrize(
    ("content_type", "headers"),
    [
        (None, {}),
        ("text/plain", {}),
        ("application/x-www-form-urlencoded", {}),
        ("multipart/form-data; boundary=x", {}),
        ("application/problem+json", {}),
        ("application/json; charset=utf-16", {}),
        ("application/json", {"Content-Encoding": "gzip"}),
        ("application/json", {"Content-Encoding": "gzip, identity"}),
        ("application/json", {"Content-Encoding": "zstd"}),
    ],
)
@pytest.mark.parametrize("path", RIGHT)
def test_what_is_not_declared_as_json_is_not_read(post, path, content_type, headers):
    response = post(path, RIGHT[path], content_type=content_type, headers=headers)

    document = assert_is_problem(response, path, "unsupported-media-type")

    assert headers or "charset" in str(content_type) or "-H 'Content-Type: app" in document["detail"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'APPLICATION/JSON;charset="UTF-8"'],
)
@pytest.mark.parametrize("path", RIGHT)
def test_parameters_of_the_content_type_are_taken(post, path, content_type):
    assert post(path, RIGHT[path], content_type=content_type).status_code == 200


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_an_encoding_that_changes_nothing_is_taken(post, encoding):
    assert post("/sigmoid", {"x": [0]}, headers={"Content-Encoding": encoding}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", RIGHT)
def test_another_method_is_refused_with_those_that_are_taken(client, path, method):
    response = client.open(path, method=method)

    assert response.status_code == 405
    assert response.headers["Allow"] == "OPTIONS, POST"
    if method != "HEAD":
        assert_is_problem(response, path, "method-not-allowed")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_takes_get_and_head_alone(client, path):
    document, headers = client.get(path), client.head(path)

    assert document.status_code == headers.status_code == 200
    assert headers.data == b""
    assert headers.content_type == document.content_type
    assert_is_problem(client.post(path, json={}), path, "method-not-allowed")


PATHS = [
    "/x",
    "/x/",
    "//",
    "//x",
    "//softmax",
    "/softmax/",
    "/softmax//",
    "/Softmax",
    "/livez/",
    "/problems/x",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", PATHS)
def test_another_path_is_not_found_and_never_redirected(client, path, method):
    if (path, method) == ("/problems/x", "POST"):
        return
    response = client.open("/", method=method, environ_overrides={"PATH_INFO": path})

    assert_is_problem(response, path, "not-found")


def test_a_path_that_was_found_is_known_by_its_method_and_as_it_was_written(client, post):
    path, body = "/softmax", {"x": [1, 2]}

    for _ in range(2):
        assert post(path, body).status_code == 200
        assert client.get(path).status_code == 405
        assert client.get("/problems/not-found").status_code == 200
        assert client.get("/problems/<code>").status_code == 404
        for other in ("//softmax", "/softmax/"):
            response = client.open("/", method="POST", environ_overrides={"PATH_INFO": other})
            assert response.status_code == 404


def test_memory_that_the_system_does_not_give_is_no_bug(app, client, monkeypatch):
    def fail():
        np.ones(2**58)

    monkeypatch.setitem(app.view_functions, "/softmax", fail)

    response = client.post("/softmax", json={"x": [1]})

    assert_is_problem(response, "/softmax", "overloaded")
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize("path", RIGHT)
def test_a_bug_says_nothing_of_itself(app, client, monkeypatch, path):
    def fail():
        raise ZeroDivisionError("secret")

    endpoint = next(rule.endpoint for rule in app.url_map.iter_rules() if rule.rule == path)
    monkeypatch.setitem(app.view_functions, endpoint, fail)

    response = client.post(path, json=RIGHT[path], headers={"X-Request-ID": "seen"})

    document = assert_is_problem(response, path, "internal-error")
    assert "secret" not in response.get_data(as_text=True)
    assert document["request_id"] == "seen"
    assert document["errors"] == []


@pytest.mark.parametrize("path", RIGHT)
def test_too_large_a_body_states_the_limit(path):
    app = create_app(Settings(limits=ServiceLimits(body_bytes=10)))

    response = app.test_client().post(path, data=json.dumps(RIGHT[path]), **JSON)

    document = assert_is_problem(response, path, "body-too-large")
    assert "10 bytes" in document["detail"]


@pytest.mark.parametrize("path", RIGHT)
def test_too_large_an_answer_is_over_budget_and_names_its_setting(path):
    app = create_app(Settings(limits=ServiceLimits(response_bytes=5)))

    response = app.test_client().post(path, data=json.dumps(RIGHT[path]), **JSON)

    document = assert_is_problem(response, path, "over-budget")
    assert "KOBAI_RESPONSE_BYTES" in document["detail"]
    room = "allowed 0 (" if path.startswith("/descent") else "allowed 5 ("  # numbers, before it is run; bytes
    assert room in document["detail"]


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (ServiceLimits(operations=1), "KOBAI_OPERATIONS"),
        (ServiceLimits(operations_at_once=1), "KOBAI_OPERATIONS_AT_ONCE"),
        (ServiceLimits(peak_bytes=1), "KOBAI_PEAK_BYTES"),
    ],
)
@pytest.mark.parametrize("path", [path for path in RIGHT if "function" in RIGHT[path]])
def test_a_quote_beyond_a_limit_says_which_how_much_and_how_much_is_allowed(path, limits, name):
    body = RIGHT[path] | {"function": "sum(exp(x)) * sum(x)"}
    app = create_app(Settings(limits=limits))

    document = assert_is_problem(
        app.test_client().post(path, data=json.dumps(body), **JSON), path, "over-budget"
    )

    assert re.search(rf"asked \d+ \w+, allowed 1 \(setting {name}\)", document["detail"])
    assert document["errors"][0]["line"] == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a", True),
        ("A-b_c.9", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("a b", False),
        ("é", False),
    ],
)
def test_a_usable_request_id_is_the_callers_own(post, given, kept):
    for path, body in (("/softmax", RIGHT["/softmax"]), ("/softmax", b"{")):
        response = post(path, body, headers={"X-Request-ID": given})

        assert (response.headers["X-Request-ID"] == given) == kept


def test_the_deepest_that_settings_allow_is_still_read():
    limits = ServiceLimits(rank=32, json_nesting=200)
    client = create_app(Settings(limits=limits)).test_client()
    array = json.loads("[" * 32 + "1" + "]" * 32)
    deep = json.loads('{"a":' * 198 + "[1]" + "}" * 198)

    whole = client.post("/hessian", json={"function": "sum(x**2)", "variables": {"x": array}})
    unknown = client.post("/softmax", json={"x": [1], "y": deep})
    too_deep = client.post("/softmax", json={"x": [1], "y": {"a": deep}})

    assert whole.json["hessian"] == {"x": {"x": json.loads("[" * 64 + "2.0" + "]" * 64)}}
    assert [error["code"] for error in unknown.json["errors"]] == ["unknown-field"]
    assert (too_deep.status_code, too_deep.json["code"]) == (400, "malformed-json")
