"""Whatever a caller asks, the answer is what the document says: no field more, none of another type."""

import itertools
import json

import pytest

from service.api.endpoints import ENDPOINTS
from service.core.losses import LOSSES
from tests.contract.document import check, check_answer, operations, schema

SQUARE = "x[0]**2 + x[1]**2"
REGRESSION = "mean(cross_entropy(softmax(X @ W + b), t))"
START = {"x": [-3, 4]}
DATA = {
    "variables": {"W": [[0.1, -0.2, 0.3], [0.0, 0.2, -0.1]], "b": [0, 0, 0]},
    "constants": {"X": [[1, 2], [0.5, -1]], "t": [[1, 0, 0], [0, 1, 0]]},
}

METHODS = ("exact", "central", "forward", "complex_step")


def losses():
    for row, reduction, gradient in itertools.product(
        LOSSES.values(), ("sum", "mean", "none"), (False, True)
    ):
        yield {
            "loss": row.name,
            "predictions": [[-2, 3], [4, 5]] if row.predictions == "number" else [[0.2, 0.8], [0.5, 0.5]],
            "targets": [[-1, 1], [1, -1]] if row.targets == "sign" else [[0, 1], [1, 0]],
            "reduction": reduction,
            "gradient": gradient,
        }


def descents():
    yield {"variables": START}
    yield {"variables": START, "steps": 1, "history": 1000}
    yield {"variables": START, "learning_rate": 10, "history": 3}
    yield {"variables": START, "tolerance": 0.1, "steps": 1000, "history": 1}
    yield {"variables": {"x": [0, 0]}}
    yield {"variables": START, "learning_rate": 1e-300}
    yield {"variables": START, "history": 4, "history_variables": False}
    yield {"variables": START, "bounds": {"x": {"lower": -1, "upper": [1, 2]}}, "clip_norm": 0.5}
    for optimizer in schema("Optimizer")["enum"]:
        yield {"variables": START, "optimizer": optimizer, "history": 2, "method": "central"}
    for schedule in schema("Schedule")["enum"]:
        yield {"variables": START, "schedule": schedule, "schedule_rate": 0.5, "schedule_every": 10} | {
            "schedule_at": [5]
        }


REQUESTS = {
    "softmax": [
        {"x": x, "axis": axis, "log": log, "temperature": 2}
        for x, axis, log in itertools.product(
            ([1], [[1, 2], [3, 4]], [[[1.5]]]), (-1, 0, None), (False, True)
        )
    ]
    + [{"x": [1, 2], "upstream": [1, 0], "log": log} for log in (False, True)],
    "sigmoid": [
        {"x": x, "log": log} | more
        for x in ([0], [[-750, 750]])
        for log in (False, True)
        for more in ({}, {"upstream": x})
    ],
    "loss": list(losses()),
    "gradient": [
        *({"function": SQUARE, "variables": START, "method": each, "verify": True} for each in METHODS),
        *({"function": REGRESSION, "method": each, "dry_run": True} | DATA for each in METHODS),
        *({"function": REGRESSION, "method": each, "verify": True} | DATA for each in METHODS),
        {"function": "a + b", "variables": {"a": 1, "b": [[[2]]]}},
    ],
    "gradientField": [
        {"function": SQUARE, "points": {"x": [[1, 2], [3, 4]]}, "method": method} | more
        for method in METHODS
        for more in ({}, {"verify": True}, {"dry_run": True}, {"skip_non_finite": True})
    ]
    + [{"function": "log(x)", "points": {"x": [1, 0]}, "skip_non_finite": True, "verify": True}],
    "value": [
        {"function": "2*pi"},
        {"function": "y = X @ W; y + b", "outputs": ["y"]}
        | {"variables": DATA["variables"]}
        | {"constants": {"X": DATA["constants"]["X"]}},
        {
            "function": "y = log(x); y",
            "points": {"x": [[1, 2], [0, 1]]},
            "outputs": ["y"],
            "skip_non_finite": True,
        },
        {"function": SQUARE, "variables": START, "dry_run": True},
    ],
    "jacobian": [
        {"function": "x**2 * y", "variables": {"x": [1, 2], "y": 3}, "method": method} | part | more
        for method in METHODS
        for part in ({}, {"tangents": {"x": [1, 0]}}, {"cotangents": [1, 0]})
        for more in ({}, {"verify": True}, {"dry_run": True})
    ],
    "hessian": [
        {"function": SQUARE, "variables": START, "method": method} | part | more
        for method in ("exact", "central")
        for part in ({}, {"curvature": True}, {"vectors": {"x": [1, 0]}})
        for more in ({}, {"verify": True}, {"dry_run": True})
    ]
    + [{"function": SQUARE, "variables": {"x": [0, 0]}, "curvature": True}],
    "descent": [{"function": SQUARE} | request for request in descents()],
    "descentSweep": [
        {key: value for key, value in request.items() if key != "learning_rate"}
        | {"function": SQUARE, "learning_rates": [0.001, 0.1, 1, 10]}
        for request in descents()
    ],
}
"""Beside the examples of the table of endpoints."""

CASES = [
    pytest.param(name, request, id=f"{name}-{index}")
    for name, operation in operations().items()
    if operation.request
    for index, request in enumerate([*ENDPOINTS[operation.path].examples, *REQUESTS.get(name, ())])
]


@pytest.mark.parametrize(("name", "request_"), CASES)
def test_an_answer_has_the_documented_form(client, name, request_):
    operation = operations()[name]
    check(request_, operation.request["schema"])

    response = client.post(operation.path, json=request_)

    assert response.status_code == 200, response.json
    check_answer(operation, response)


@pytest.mark.parametrize(
    "operation", [each for each in operations().values() if each.method == "GET"], ids=lambda each: each.name
)
def test_every_page_has_the_documented_form(client, operation):
    response = client.get(operation.example_path)
    body = check_answer(operation, response)

    assert response.status_code == 200
    assert body


def test_tables_hold_the_rows_of_their_examples(client):
    for name in ("listFunctions", "listLimits", "listProblems"):
        answer = client.get(operations()[name].path).json
        example = operations()[name].response(200, "application/json")["example"]

        for key, rows in example.items():
            if isinstance(rows, list):
                assert all(row in answer[key] for row in rows), name
            else:
                assert answer[key] == rows, name


def test_the_example_of_the_limits_lists_them_all(client):
    example = operations()["listLimits"].response(200, "application/json")["example"]

    assert example == client.get("/limits").json


def test_statuses_and_verdicts_are_all_met_by_the_requests_above(client):
    statuses, verdicts = set(), set()
    for request in REQUESTS["descentSweep"]:
        for run in client.post("/descent/sweep", json=request).json["runs"]:
            statuses.add(run["status"])
            verdicts.add(run["verdict"])

    assert statuses == set(schema("RunStatus")["enum"]) - {"deadline"}
    assert verdicts == set(schema("Verdict")["enum"]) - {"deadline"}


def test_a_request_id_is_kept_where_it_is_usable_and_made_where_it_is_not(client):
    cases = {"experiment-17.step_3": True, "a" * 128: True, "a" * 129: False, "no blanks": False, "": False}
    for given, is_kept in cases.items():
        response = client.post("/sigmoid", json={"x": [0]}, headers={"X-Request-ID": given})

        check_answer(operations()["sigmoid"], response)
        assert (response.headers["X-Request-ID"] == given) is is_kept


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/json, application/x-ndjson, application/problem+json",
        "application/json,application/problem+json",
    ],
)
def test_whoever_takes_json_gets_json(client, accept):
    """Clients generated for Java name every content type of the document, JSON among them."""
    response = client.post(
        "/descent", json={"function": SQUARE, "variables": START}, headers={"Accept": accept}
    )

    assert response.headers["Content-Type"] == "application/json"


def test_a_stream_ends_with_the_answer_that_comes_without_it(client):
    request = {"function": SQUARE, "variables": START, "steps": 1000, "history": 3}
    plain = client.post("/descent", json=request).json

    response = client.post("/descent", json=request, headers={"Accept": "application/x-ndjson"})
    *ticks, last = [json.loads(line) for line in response.get_data(as_text=True).splitlines()]

    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert last == plain
    check(last, schema("DescentResponse"))
    assert all(tick.keys() == {"step", "value", "gradient_norm"} for tick in ticks)


def test_a_state_is_taken_back_as_it_was_given(client):
    request = {"function": SQUARE, "variables": START, "optimizer": "adam", "history": 2}
    whole = client.post("/descent", json=request | {"steps": 100}).json

    half = client.post("/descent", json=request | {"steps": 60}).json
    check(half["state"], schema("DescentState"))
    rest = client.post("/descent", json=request | {"steps": 40, "state": half["state"]}).json

    assert rest["steps"] == 40
    assert [record["step"] for record in rest["history"]] == [60, 100]
    assert rest["variables"] == whole["variables"]
    assert rest["best"] == whole["best"]
    assert rest["state"] == whole["state"]


@pytest.mark.parametrize("path", ["/gradient", "/gradient/field"])
@pytest.mark.parametrize("is_dry", [False, True])
def test_what_no_number_can_count_is_over_budget_and_no_fault_of_ours(client, path, is_dry):
    square = "{1} = reshape({0}, (-1, 1)) @ reshape({0}, (1, -1))"
    outer = ";".join(square.format(*names) for names in itertools.pairwise("xabcdfgh"))
    inputs = {"variables": {"x": [1] * 10}} if path == "/gradient" else {"points": {"x": [[1] * 10] * 3}}

    response = client.post(path, json={"function": f"{outer}; sum(h)", "dry_run": is_dry} | inputs)

    assert response.status_code == 422
    assert response.json["code"] == "over-budget"
    assert response.json["errors"][0]["column"] > 1


def test_the_document_is_served_as_it_stands(client):
    text = client.get("/openapi.yaml")

    assert client.get("/openapi.json").json["paths"].keys() == {each.path for each in operations().values()}
    assert text.get_data(as_text=True).startswith("openapi: 3.0.3")
