"""Every example of the document is true: computed by hand, and answered by the service."""

import math

import pytest

from tests.contract.by_hand import BY_HAND
from tests.contract.document import CBOR, JSON, check_answer, request_examples

RELATIVE = 1e-12
ERRORS, LARGEST_ERROR = {"max_absolute_error", "max_relative_error"}, 1e-7
"""Errors of a difference quotient: the machine's rounding is in them, so only their size is compared."""

EXAMPLES = [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in request_examples()]


def assert_same(got, expected, place=""):
    """Compare two JSON values, numbers to 1e-12 relative; what `expected` does not name is not compared.

    Nor is what a descent's state holds: it is opaque, and the document promises nothing of it.
    """
    if place.endswith("/state"):
        assert got.keys() == expected.keys(), place
    elif isinstance(expected, dict):
        assert isinstance(got, dict), place
        assert expected.keys() <= got.keys(), place
        for key, value in expected.items():
            assert_same(got[key], value, f"{place}/{key}")
    elif isinstance(expected, list):
        assert isinstance(got, list), place
        assert len(got) == len(expected), place
        for index, value in enumerate(expected):
            assert_same(got[index], value, f"{place}/{index}")
    elif isinstance(expected, bool) or not isinstance(expected, (int, float)):
        assert got == expected, place
    elif place.rpartition("/")[2] in ERRORS:
        assert 0 <= got < LARGEST_ERROR, place
    else:
        assert type(got) in (int, float), place
        assert math.isclose(got, expected, rel_tol=RELATIVE, abs_tol=0.0), f"{place}: {got!r}, {expected!r}"


def test_every_example_is_computed_by_hand_too():
    assert [(operation.name, name) for operation, name, _, _ in request_examples()] == list(BY_HAND)


@pytest.mark.parametrize(("operation", "name", "request_", "answer"), EXAMPLES)
def test_an_example_is_what_comes_out_by_hand(operation, name, request_, answer):
    by_hand = BY_HAND[operation.name, name](request_)

    assert_same(answer, by_hand)


@pytest.mark.parametrize(("operation", "name", "request_", "answer"), EXAMPLES)
def test_an_example_is_what_the_service_answers(operation, name, request_, answer, client):
    response = client.post(operation.path, json=request_)
    body = check_answer(operation, response)

    assert response.status_code == 200
    assert response.headers["Content-Type"] in (JSON, CBOR)
    assert_same(body, answer)
    assert_same(answer, {key: value for key, value in body.items() if key in answer})
    assert body.keys() == answer.keys()
