"""Descents over HTTP: what the core's tests drive gives no 500, and numbers come as JSON has them."""

import json

import pytest

from service.api.endpoints import make_schemas
from service.core.limits import DEFAULT_LIMITS
from tests.core.test_descent import SQUARE, START, STATUSES

OVER_HTTP = {name: case for name, case in STATUSES.items() if "deadline" not in case[-1]}


@pytest.mark.parametrize(
    ("status", "steps", "function", "start", "options"), OVER_HTTP.values(), ids=OVER_HTTP
)
def test_every_end_is_an_answer(client, status, steps, function, start, options):
    response = client.post("/descent", json={"function": function, "variables": start} | options)

    assert response.status_code == 200
    assert (response.json["status"], response.json["steps"]) == (status, steps)


@pytest.mark.parametrize(
    ("status", "steps", "function", "start", "options"), OVER_HTTP.values(), ids=OVER_HTTP
)
def test_every_end_has_a_state_to_go_on_from(client, status, steps, function, start, options):
    request = {"function": function, "variables": start} | options
    state = client.post("/descent", json=request).json["state"]

    again = client.post("/descent", json=request | {"state": state}).json

    if status == "max_steps":
        assert again["steps"] == again["state"]["step"] - state["step"] > 0
    else:
        assert (again["status"], again["steps"]) == (status, 0)


def test_whole_numbers_may_be_written_as_floats(client):
    whole = {"steps": 5, "schedule_every": 2, "history": 3, "deadline_ms": 5000, "learning_rate": 1}
    options = {"schedule": "step", "schedule_rate": 0.5, "function": SQUARE, "variables": START}

    written = client.post("/descent", json=options | whole)
    floats = client.post("/descent", json=options | {name: float(value) for name, value in whole.items()})

    assert written.status_code == 200
    assert floats.get_data() == written.get_data()


@pytest.mark.parametrize("name", ["steps", "schedule_every", "history", "deadline_ms"])
def test_half_a_step_is_refused(client, name):
    response = client.post("/descent", json={"function": SQUARE, "variables": START, name: 5.5})

    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, f"/{name}")


def test_the_deadline_is_capped_by_the_servers_own(client):
    assert (
        client.post(
            "/descent", json={"function": SQUARE, "variables": START, "deadline_ms": 10**8}
        ).status_code
        == 200
    )


def test_the_same_request_gives_the_same_bytes(client):
    request = {"function": SQUARE, "variables": START, "optimizer": "adam", "history": 7, "method": "central"}

    assert (
        client.post("/descent", json=request).get_data() == client.post("/descent", json=request).get_data()
    )


def test_null_is_absent_for_every_optional_field(client):
    request = {"function": SQUARE, "variables": START}
    names = make_schemas(DEFAULT_LIMITS)["/descent"].fields.keys() - request

    crowded = client.post("/descent", json=request | dict.fromkeys(names))

    assert crowded.get_data() == client.post("/descent", json=request).get_data()


def test_a_descent_within_bounds_goes_on_from_json(client):
    request = {
        "function": SQUARE, "variables": START, "learning_rate": 0.1,
        "bounds": {"x": {"lower": [-5, 1], "upper": None}},
    }  # fmt: skip
    whole = client.post("/descent", json=request | {"steps": 20}).json
    half = client.post("/descent", json=request | {"steps": 12}).json

    text = json.dumps(half["state"])
    rest = client.post("/descent", json=request | {"steps": 8, "state": json.loads(text)}).json

    assert rest["variables"] == whole["variables"]
    assert rest["state"] == whole["state"]


def test_a_sweep_takes_no_state(client):
    request = {"function": SQUARE, "variables": START, "learning_rates": [0.1], "state": {}}

    response = client.post("/descent/sweep", json=request)

    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/state")


def test_a_rate_of_a_sweep_is_refused_at_its_place(client):
    request = {"function": SQUARE, "variables": START, "learning_rates": [0.1, 0]}

    response = client.post("/descent/sweep", json=request)

    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/learning_rates/1")
