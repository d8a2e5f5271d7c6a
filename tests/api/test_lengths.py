"""What an answer is too long for, before it is computed and before it is written."""

import json
from dataclasses import replace

import numpy as np
import pytest

from service.api.answers import write_bytes
from service.api.formats import CBOR, JSON
from service.app import create_app
from service.config import Settings
from service.core.exceptions import OverBudget
from service.limits import ServiceLimits
from tests.formats import client_of

NOISE = np.random.default_rng(0).normal(size=(400, 500))
ANSWERS = {
    "one array": {"y": NOISE},
    "not contiguous": {"y": NOISE.T, "gradient": NOISE[:, ::2]},
    "among others": {"value": np.array(1.5), "message": "x" * 100, "runs": [{"variables": {"x": NOISE}}] * 3},
    "rows left out": {"values": [None, 1.5, *NOISE]},
    "short numbers": {"y": np.zeros(200_000)},
}
SHARE = 0.9
"""Of a long answer's bytes: at least so many are known before it is written."""


def whole(form, answer):
    return len(form.dumps(answer))


@pytest.mark.parametrize("form", [JSON, CBOR], ids=["json", "cbor"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_longer_than_less_and_no_longer_than_itself(form, answer):
    length = whole(form, answer)

    assert not form.is_longer(answer, length)
    assert form.is_longer(answer, int(SHARE * length))


@pytest.mark.parametrize("form", [JSON, CBOR], ids=["json", "cbor"])
def test_what_is_too_long_is_refused_without_being_written(form):
    def never(_):
        raise AssertionError

    limits = ServiceLimits(response_bytes=100_000)

    with pytest.raises(OverBudget, match="asked more than 100000 bytes, allowed 100000"):
        write_bytes({"y": NOISE}, limits, replace(form, dumps=never))


def test_numbers_with_all_their_digits_have_hardly_fewer_bytes_than_counted_anywhere():
    random = np.random.default_rng(1)
    for exponent in range(-30, 31):
        numbers = random.uniform(2.0**exponent, 2.0 ** (exponent + 1), 20_000)
        assert whole(JSON, numbers) >= (JSON.number_bytes - 0.1) * numbers.size


SIZE, PAIRS = 1000, 10
NUMBERS = (4 + 2 * PAIRS) * SIZE
"""In the answer of a run of lbfgs: last and best, in the answer and in the state, and pairs."""
DESCENT = {
    "function": "sum((1 + i)*(exp(x - i) - x)) + sum(x[1:]*x[:-1])**2/1e4",
    "variables": {"x": np.random.default_rng(2).normal(size=SIZE).tolist()},
    "constants": {"i": np.linspace(0, 1, SIZE).tolist()},
    "optimizer": "lbfgs",
    "tolerance": 1e-300,
    "steps": 15,
}


def test_an_answer_has_room_for_as_many_numbers_as_its_format_writes():
    app = create_app(Settings(limits=ServiceLimits(response_bytes=(JSON.number_bytes - 1) * NUMBERS)))

    refused = client_of(app, "json").post("/descent", json=DESCENT)
    answer = client_of(app, "typed arrays").post("/descent", json=DESCENT)

    (found,) = refused.json["errors"]
    assert (refused.status_code, found["pointer"]) == (422, "/variables")
    assert f"The answer with its state: asked {NUMBERS} numbers, allowed" in found["detail"]
    assert found["detail"].endswith(" A smaller memory leaves pairs out.")
    assert answer.status_code == 200
    assert len(answer.json["state"]["moments"]["steps"]["x"]) == PAIRS


def test_an_answer_that_was_let_through_by_its_numbers_fits():
    app = create_app(Settings(limits=ServiceLimits(response_bytes=22 * NUMBERS)))

    answer = client_of(app, "json").post("/descent", json=DESCENT)

    assert answer.status_code == 200
    assert len(answer.data) > JSON.number_bytes * NUMBERS
    assert json.loads(answer.data)["steps"] == DESCENT["steps"]
