"""Requests spoilt at random places: each gets an answer or a problem that says where, never a bug."""

import copy
import json
import random

import pytest

from tests.api.test_error_shape import RIGHT

REQUESTS = [
    *RIGHT.items(),
    ("/softmax", {"x": [[1, 2], [3, 4]], "axis": 0, "temperature": 2, "mask": [[True, True], [True, False]]}),
    (
        "/loss",
        {
            "loss": "cross_entropy",
            "predictions": [[0.1, 0.9], [0.5, 0.5]],
            "targets": [1, 0],
            "epsilon": 1e-7,
            "label_smoothing": 0.1,
            "reduction": "none",
            "gradient": True,
        },
    ),
    (
        "/gradient",
        {
            "function": "y = X @ w; sum(y**2) * c",
            "variables": {"w": [3, 4]},
            "constants": {"X": [[1, 2], [3, 4]], "c": 2},
            "method": "central",
            "h": 1e-3,
            "verify": True,
        },
    ),
    (
        "/descent",
        {
            "function": "x[0]**2 + x[1]**2",
            "variables": {"x": [3, 4]},
            "optimizer": "adam",
            "steps": 4,
            "schedule": "step",
            "schedule_rate": 0.5,
            "schedule_every": 2,
            "bounds": {"x": {"lower": 0, "upper": [9, 9]}},
            "history": 3,
        },
    ),
]

SPOILT = [
    None, True, False, 0, -1, 1, 2, 5.0, 5.5, -0.0, 1e308, -1e308, 1e-308, 5e-324, 2**53 + 1, 2**63,
    10**30, 10**300, "", "x", "nan", " 1 ", "a" * 5000, "\0", "\U0001f600", "<b>", "%s{}", [], [[]], {},
    {"a": 1}, [1, [2]], [[1], 2], [True], [None], ["1"], [[1, 2], [3]], [{}], [[[[[[[[1]]]]]]]],
    [[[[[[[[[1]]]]]]]]], [0], [1, 2, 3], [[1, 2, 3]], {"x": {}}, {"x": None}, {"": 1}, {"~/": 1},
    {"9" * 5000: 1}, {"x": []}, {"lower": 1}, "1/0", "log(0)", "sum(x)", "x[5]", "(", "sum(x)*1e400",
    "x+" * 3000, "sum(x[5:])", "x\r\n",
]  # fmt: skip

KEYS = ["x", "y", "axis", "", "~", "/", "9" * 5000, "\u0663", "\u00b2", "a/b", "function", "__proto__", "c"]


def places(value, path=()):
    """List the places of a document, its own first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def spoil(body, draw):
    """Replace, remove or add something somewhere."""
    body = copy.deepcopy(body)
    inner = [path for path in places(body) if path]
    if not inner:
        return body
    path = draw.choice(inner)
    parent, key = at(body, path[:-1]), path[-1]
    action = draw.choice(["replace", "replace", "remove", "add"])
    if action == "replace":
        parent[key] = copy.deepcopy(draw.choice(SPOILT))
    elif action == "remove":
        del parent[key]
    elif isinstance(parent, dict):
        parent[draw.choice(KEYS)] = copy.deepcopy(draw.choice(SPOILT))
    else:
        parent.insert(key, copy.deepcopy(draw.choice(SPOILT)))
    return body


@pytest.mark.parametrize("seed", range(20))
def test_a_spoilt_request_gets_an_answer_or_a_problem_with_its_place(post, seed):
    draw = random.Random(seed)  # noqa: S311 - the same requests in every run
    for _ in range(40):
        path, body = draw.choice(REQUESTS)
        for _ in range(draw.choice([1, 1, 2])):
            body = spoil(body, draw)

        response = post(path, body)

        document = json.loads(response.data, parse_constant=pytest.fail)
        assert response.status_code in (200, 422), (path, body, document)
        assert response.status_code == 200 or document["errors"], (path, body)
