"""Batches over HTTP: equal requests are equal bytes, and what is wrong is pointed at."""

import pytest

REQUEST = {
    "function": "mean((X @ w - y)**2)",
    "variables": {"w": [0.5, -0.5]},
    "constants": {"X": [[1, 2], [3, 4], [5, 6], [7, 8], [9, 1]], "y": [1, 2, 3, 4, 5]},
    "optimizer": "adam",
    "batch": {"size": 2, "of": ["X", "y"]},
    "steps": 7,
    "history": 8,
}


def test_equal_requests_have_equal_bytes(client):
    one, same = (client.post("/descent", json=REQUEST).data for _ in range(2))

    assert one == same
    assert client.post("/descent", json=REQUEST | {"batch": REQUEST["batch"] | {"seed": 1}}).data != one
    assert client.post("/descent", json=REQUEST | {"batch": REQUEST["batch"] | {"seed": None}}).data == one


def test_a_state_goes_on_within_an_epoch(client):
    whole = client.post("/descent", json=REQUEST | {"history": 0}).get_json()
    part = client.post("/descent", json=REQUEST | {"history": 0, "steps": 3}).get_json()

    rest = client.post(
        "/descent", json=REQUEST | {"history": 0, "steps": 4, "state": part["state"]}
    ).get_json()

    for name in ("variables", "value", "gradient_norm", "best", "state"):
        assert rest[name] == whole[name]


@pytest.mark.parametrize(
    ("more", "pointer", "words"),
    [
        ({"batch": 5}, "/batch", "object"),
        ({"batch": {"of": ["X"]}}, "/batch/size", "required"),
        ({"batch": {"size": 2, "of": None}}, "/batch/of", "required"),
        ({"batch": {"size": 2, "of": ["X"], "seeds": 1}}, "/batch/seeds", "seed"),
        ({"batch": {"size": "2", "of": ["X"]}}, "/batch/size", "number"),
        ({"batch": {"size": 2, "of": ["X", 3]}}, "/batch/of/1", "string"),
        ({"batch": {"size": 2, "of": []}}, "/batch/of", "names"),
        ({"batch": {"size": 6, "of": ["X", "y"]}}, "/batch/size", "at most 5"),
        ({"batch": {"size": 2, "of": ["w"]}}, "/batch/of/0", "X, y"),
        ({"optimizer": "lbfgs"}, "/batch", "optimizer lbfgs"),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/descent", "/descent/sweep"])
def test_batches_that_do_not_fit_are_refused_with_a_word(client, path, more, pointer, words):
    rates = {"learning_rates": [0.1]} if path.endswith("sweep") else {}
    answer = client.post(path, json=REQUEST | rates | more)

    assert answer.status_code == 422
    fault = answer.get_json()["errors"][0]
    assert fault["pointer"] == pointer
    assert words in fault["detail"]
