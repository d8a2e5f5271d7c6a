"""Every kind of problem has an example in the document, and the example is what the service answers."""

import re

import pytest

from service.api.problems import PROBLEM_TYPES
from tests.contract.document import PROBLEM, check_answer, operations, problem_examples, raw, schema
from tests.contract.failures import FAILURES

REQUEST_ID = "experiment-17.step_3"


def send(client, failure):
    """Send a failing request as it is described."""
    body = {"data": failure.body} if isinstance(failure.body, bytes) else {}
    if failure.body is not None and not body:
        body = {"json": failure.body}
    return client.open(
        failure.path,
        method=failure.method,
        headers=failure.headers | {"X-Request-ID": REQUEST_ID},
        environ_overrides=failure.environ,
        **body,
        **({"content_type": failure.content_type} if "data" in body else {}),
    )


def documented(failure):
    """The operation that a failing request was meant for; any has the default where there is none."""
    for operation in operations().values():
        pattern = re.sub(r"\{\w+\}", "[^/]+", operation.path)
        if operation.method == failure.method and re.fullmatch(pattern, failure.path):
            return operation
    return operations()["softmax"]


def test_every_code_has_an_example_and_every_example_a_code():
    assert {example["code"] for example in problem_examples().values()} == PROBLEM_TYPES.keys()


def test_every_example_has_a_request_that_leads_to_it():
    assert problem_examples().keys() == FAILURES.keys()


def test_every_code_stands_in_the_words_of_the_schema():
    words = schema("Problem")["properties"]["code"]["description"]

    assert set(re.findall(r"`([a-z-]+)`", words)) == PROBLEM_TYPES.keys()


@pytest.mark.parametrize("name", [name for name in FAILURES if name != "internalError"])
def test_an_example_of_a_problem_is_what_the_service_answers(client, name):
    response = send(client, FAILURES[name])
    body = check_answer(documented(FAILURES[name]), response)

    assert body == problem_examples()[name]
    assert response.status_code == body["status"] == PROBLEM_TYPES[body["code"]].status
    assert response.headers["X-Request-ID"] == REQUEST_ID


@pytest.mark.parametrize("name", FAILURES)
def test_an_example_stands_where_the_document_says_that_it_can_happen(name):
    responses = documented(FAILURES[name]).node["responses"]
    example = problem_examples()[name]

    place = responses.get(str(example["status"]), responses["default"])

    assert name in place["content"][PROBLEM]["examples"]


def test_h_13_the_example_of_an_internal_error_is_what_a_bug_leads_to(app, client, monkeypatch):
    def fail():
        raise ZeroDivisionError("secret")

    monkeypatch.setitem(app.view_functions, "/softmax", fail)

    body = check_answer(operations()["softmax"], send(client, FAILURES["internalError"]))

    assert body == problem_examples()["internalError"]


@pytest.mark.parametrize("code", PROBLEM_TYPES)
def test_the_type_of_every_problem_is_a_page_that_explains_it(client, code):
    response = client.get(f"/problems/{code}")
    body = check_answer(operations()["getProblem"], response)

    assert response.status_code == 200
    assert body["type"] == f"/problems/{code}"
    assert body in client.get("/problems").json["problems"]


def test_every_response_component_is_used():
    used = set(re.findall(r"#/components/responses/(\w+)", str(raw()["paths"])))

    assert used == raw()["components"]["responses"].keys()
