"""Nothing of a client's comes back, or is held, at a length that the client chooses."""

import json
import tracemalloc
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.untraced  # memory is measured

LONG = 1_000_000
MIB = 1024 * 1024
MOST_ANSWER_BYTES = 64 * 1024

NAMES = {
    "plain": "a" * LONG,
    "escaped in HTML": "<" * LONG,
    "escaped in a pointer": "/~" * (LONG // 2),
    "escaped in JSON": "\n" * LONG,
    "outside ASCII": "é" * (LONG // 2),
    "digits": "9" * LONG,
}
WRONG = ["a"] * 20
SQUARE = {"function": "x", "variables": {"x": 1}}


def requests(name):
    """Every place of a request in which a name or a text of the client's may stand."""
    yield "/gradient", {"function": "x", "variables": {name: WRONG}}
    yield "/gradient", {"function": "x", "variables": {name: 1}}
    yield "/gradient", {"function": name, "variables": {"x": 1}}
    yield "/gradient", SQUARE | {"constants": {name: [[1], [2, 3], "x"]}}
    yield "/gradient", SQUARE | {"constants": {f"{k}{name[:50_000]}": WRONG for k in range(20)}}
    yield "/gradient", SQUARE | {"method": name}
    yield "/gradient", SQUARE | {name: 1}
    yield "/gradient", SQUARE | {f"{k}{name[:50_000]}": 1 for k in range(20)}
    yield "/gradient", SQUARE | {"h": name}
    yield "/gradient/field", {"function": "x", "points": {name: [[], 1]}}
    yield "/softmax", {"x": [name]}
    yield "/softmax", {"x": [{name[:50_000]: 1}] * 20}
    yield "/softmax", {"x": {name: 1}}
    yield "/loss", {"loss": name, "predictions": [1], "targets": [1]}
    yield "/descent", SQUARE | {"bounds": {name: {"lower": WRONG}}}
    yield "/descent", SQUARE | {"bounds": {name: {"lower": 1}}}
    yield "/descent", SQUARE | {"bounds": {"x": {name: 1}}}
    yield "/descent", SQUARE | {"state": {name: 1}}
    yield "/descent", SQUARE | {"state": {"variables": {name: WRONG}}}
    yield "/descent", SQUARE | {"optimizer": name, "schedule": name}


CASES = [
    pytest.param(path, body, id=f"{kind}-{number}")
    for kind, name in NAMES.items()
    for number, (path, body) in enumerate(requests(name))
]


@pytest.mark.parametrize(("path", "body"), CASES)
def test_a_refusal_has_a_bounded_length_and_a_bounded_price(post, path, body):
    data = json.dumps(body, ensure_ascii=False).encode()

    tracemalloc.start()
    answer = post(path, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert answer.status_code == 422
    assert len(answer.data) < MOST_ANSWER_BYTES
    assert peak < 12 * len(data) + MIB
    for error in answer.json["errors"]:
        assert all(len(key) <= 200 for key in error["pointer"].split("/"))
        assert len(error["detail"]) <= 1_000


def test_a_name_is_measured_before_anything_below_it_is_looked_at(post):
    answer = post("/gradient", {"function": "x", "variables": {"x" * 65: ["a"], "y" * 64: ["a"]}})

    assert answer.json["code"] == "invalid-function"
    assert [error["code"] for error in answer.json["errors"]] == ["bad-name"]


@pytest.mark.parametrize("leaf", ["a", None, True, {}])
def test_faults_are_not_made_for_every_element_of_an_array(post, leaf):
    body = {"x": [leaf] * 200_000 if not isinstance(leaf, bool) else [[leaf, 1]] * 100_000}

    tracemalloc.start()
    answer = post("/softmax", body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (answer.status_code, len(answer.json["errors"])) == (422, 20)
    assert peak < 64 * MIB


@pytest.mark.parametrize(
    ("path", "reference"),
    [
        ("/a b", "/a%20b"),
        ("/a\r\nSet-Cookie: x=1", "/a%0D%0ASet-Cookie:%20x=1"),
        ('/"<script>', "/%22%3Cscript%3E"),
        ("/%zz", "/%25zz"),
        ("/ü/ü", "/%C3%BC/%C3%BC"),
        ("/a?b#c", "/a%3Fb%23c"),
    ],
)
def test_instance_is_a_uri_reference(client, path, reference):
    raw = path.encode().decode("latin-1")

    answer = client.get("/", environ_overrides={"PATH_INFO": raw})

    assert answer.json["instance"] == reference
    assert unquote(urlsplit(answer.json["instance"]).path) == path


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "M" * 3000])
@pytest.mark.parametrize("path", ["/problems/", "/web/", "/docs/", "/nowhere/"])
def test_a_long_path_comes_back_shortened(client, method, path):
    answer = client.open(path + "x" * 3_000, method=method)

    assert answer.status_code in (404, 405)
    assert len(answer.data) < 2_000


def test_the_limit_of_parts_is_among_the_limits_and_named_where_it_is_met(client, post):
    body = {"function": "x", "variables": {"x": 1}, "constants": {f"c{k}": 1 for k in range(300_000)}}

    answer = post("/gradient", body)

    assert client.get("/limits").json["json_parts"]["value"] == 250_000
    assert answer.json["code"] in ("malformed-json", "malformed-cbor")
    assert "KOBAI_JSON_PARTS" in answer.json["detail"]
