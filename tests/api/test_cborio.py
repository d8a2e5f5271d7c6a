"""CBOR as the service reads and writes it."""

import json
import math
import struct
import time
import tracemalloc

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.wrappers import Request

from service.api import cborio, jsonio
from service.api.cbor_scan import TYPED_ARRAYS, MalformedCbor, scan
from service.api.cborio import dumps, loads
from service.api.formats import wanted_format
from tests.api.cbor_attacks import REFUSED
from tests.formats import in_floats

NESTING = 32
SECONDS = 6.0
"""Of this process's own work for one attack: the slowest takes 2 on an older processor, beside other work."""

SAMPLE = {
    "function": "sum(x*y)",
    "variables": {
        "x": cbor2.CBORTag(40, [[2, 2], cbor2.CBORTag(86, np.arange(4.0).tobytes())]),
        "y": [1, -2, 70_000, 2.5],
    },
    "constants": {"é": 1e300, "z": cbor2.CBORTag(64, b"\x00\x01")},
    "verify": True,
    "h": None,
}


@pytest.mark.parametrize(("body", "at", "said"), REFUSED.values(), ids=REFUSED)
@pytest.mark.untraced
def test_an_attack_is_refused_at_its_byte(client, body, at, said):
    data = bytes.fromhex(body)
    started = time.process_time()

    response = client.post("/softmax", data=data, content_type="application/cbor")

    assert time.process_time() - started < SECONDS
    problem = response.json
    assert response.content_type == "application/problem+json"
    assert (response.status_code, problem["code"], problem["errors"]) == (400, "malformed-cbor", [])
    assert at is None or problem["detail"].startswith(f"Byte {at}: ")
    assert said in problem["detail"]
    assert len(problem["detail"]) < 200


@pytest.mark.untraced
def test_no_attack_fills_the_memory():
    tracemalloc.start()
    try:
        for body, _, _ in REFUSED.values():
            data = bytes.fromhex(body)
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            with pytest.raises(MalformedCbor):
                loads(data, NESTING)
            assert tracemalloc.get_traced_memory()[1] - before < 16 * 1024 * 1024 + 30 * len(data)
    finally:
        tracemalloc.stop()


def test_a_document_cut_off_anywhere_is_refused_and_whole_it_is_read():
    body = cbor2.dumps(SAMPLE)

    assert loads(body, NESTING)["function"] == "sum(x*y)"
    for length in range(len(body)):
        with pytest.raises(MalformedCbor):
            loads(body[:length], NESTING)
    for more in (b"\x00", b"\xff", body):
        with pytest.raises(MalformedCbor, match="bytes follow"):
            loads(body + more, NESTING)


@pytest.mark.parametrize(("tag", "kind"), TYPED_ARRAYS.items())
@pytest.mark.parametrize("offset", range(8))
def test_a_typed_array_holds_the_numbers_that_json_would(tag, kind, offset):
    numbers = ends_of(kind)
    padded = {"p" * offset: 0, "x": cbor2.CBORTag(tag, numbers.tobytes())}

    found = loads(cbor2.dumps(padded), NESTING)["x"]

    assert found.dtype in (np.float64, np.uint8)
    assert found.tolist() == jsonio.loads(json.dumps(numbers.tolist()).encode(), NESTING).tolist()


def ends_of(kind):
    """The least and the largest number of a type, and some that are written in few bits."""
    if kind.kind == "f":
        ends = np.finfo(kind)
        return np.array([ends.min, -1.5, 0, ends.smallest_subnormal, ends.max], kind)
    ends = np.iinfo(kind)
    return np.array([ends.min, 0, 1, 100, ends.max // 3, ends.max], kind)


@pytest.mark.parametrize("shape", [(6,), (2, 3), (3, 2), (1, 1, 6), (1, 1, 1, 1, 1, 1, 2, 3)])
def test_an_array_of_dimensions_is_laid_out_by_rows(shape):
    array = np.arange(6.0).reshape(shape)
    item = cbor2.CBORTag(40, [list(shape), cbor2.CBORTag(86, array.tobytes())])

    found = loads(cbor2.dumps(item), NESTING)

    assert found.tolist() == array.tolist()


def test_float64_is_not_copied_where_it_is_aligned():
    """The address of a body is that of an object of Python, so one of eight offsets is aligned."""
    views = 0
    for offset in range(8):
        body = cbor2.dumps({"p" * offset: 0, "x": cbor2.CBORTag(86, np.arange(10.0).tobytes())})
        found = loads(body, NESTING)["x"]

        assert found.flags.aligned
        assert not (found.flags.owndata and np.shares_memory(found, np.frombuffer(body, np.uint8)))
        views += np.shares_memory(found, np.frombuffer(body, np.uint8))

    assert views == 1


def test_as_deep_as_allowed_is_read_and_deeper_is_not():
    inner = cbor2.CBORTag(40, [[1, 1], cbor2.CBORTag(86, struct.pack("<d", 1.0))])

    def nested(levels, item):
        for _ in range(levels):
            item = [item]
        return cbor2.dumps(item)

    loads(nested(NESTING - 2, inner), NESTING)
    loads(nested(NESTING, 1), NESTING)
    for body in (nested(NESTING - 1, inner), nested(NESTING + 1, 1)):
        with pytest.raises(MalformedCbor, match="more than 32 deep"):
            loads(body, NESTING)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda items: st.lists(items, max_size=5) | st.dictionaries(st.text(max_size=3), items, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_what_both_formats_can_say_is_read_alike(value):
    from_json = jsonio.loads(json.dumps(value).encode(), NESTING)

    assert in_floats(loads(cbor2.dumps(value), NESTING)) == in_floats(from_json)
    assert in_floats(loads(dumps(value), NESTING)) == in_floats(from_json)


NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.data(), st.lists(st.integers(1, 4), min_size=2, max_size=4), st.sampled_from([0, 12]), st.booleans()
)
def test_rows_are_read_as_json_reads_them(data, shape, equal, canonical):
    """Rows of numbers encoded alike, of many encodings, of booleans, and with something else among them."""
    kind = data.draw(st.sampled_from([NUMBERS, st.floats(-1, 1), st.integers(0, 9), st.booleans()]))
    shape = (*shape, equal) if equal else tuple(shape)
    leaves = data.draw(st.lists(kind, min_size=math.prod(shape), max_size=math.prod(shape)))
    if data.draw(st.integers(0, 3)) == 3:
        leaves[data.draw(st.integers(0, len(leaves) - 1))] = data.draw(
            st.sampled_from([None, True, 5, "x", []])
        )
    value = np.array([*leaves, None], object)[:-1].reshape(shape).tolist()

    found = loads(cbor2.dumps({"x": value}, canonical=canonical), NESTING)["x"]

    expected = jsonio.loads(json.dumps({"x": value}).encode(), NESTING)["x"]
    assert type(found) is type(expected)
    assert getattr(found, "dtype", None) == getattr(expected, "dtype", None)
    assert in_floats(found) == in_floats(expected)


MANY_ROWS = [[0.5, 70_000]] * 300_000
"""More than a document may have parts."""
TWINS = {
    "rows": (MANY_ROWS, 200),
    "rows of rows": ([[row] for row in MANY_ROWS[:150_000]], 200),
    "rows of booleans": ([[True, False]] * 300_000, 422),
    "an integer beyond 64 bits": ([[-(2**63) - 1, 0.5]] * 3, 200),
    "one of few rows longer": ([[1, 2], [1, 2, 3]], 422),
    "one of few rows shorter": ([[1, 2], [1]], 422),
    "one row longer": ([*MANY_ROWS, [1, 2, 3]], 400),
    "one row of texts": ([*MANY_ROWS, ["1", "2"]], 400),
    "an empty row": ([*MANY_ROWS, []], 400),
    "empty rows": ([[]] * 300_000, 400),
    "an empty row alone": ([[]], 422),
    "too many elements": ([[0.5, 70_000]] * 600_000, 422),
}


@pytest.mark.parametrize(("x", "status"), TWINS.values(), ids=TWINS)
@pytest.mark.untraced
def test_many_rows_are_accepted_or_refused_as_in_json(client, x, status):
    twins = [
        client.post("/sigmoid", data=dumps({"x": x, "log": False}), content_type=kind)
        for kind, dumps in (("application/json", json_bytes), ("application/cbor", cbor2.dumps))
    ]

    as_json, as_cbor = twins
    assert as_json.status_code == as_cbor.status_code == status
    assert as_cbor.json.get("errors") == as_json.json.get("errors")
    assert as_cbor.json.get("y") == as_json.json.get("y")


def test_a_document_may_have_as_many_parts_as_are_allowed_and_no_more():
    document = {"a": "b: [{", "c": ["d", ["e"]], "f": {}}
    parts = 7  # two objects, three members, two arrays; what stands in a text is none
    as_json, as_cbor = json_bytes(document), cbor2.dumps(document)

    assert loads(as_cbor, NESTING, parts) == jsonio.read_carefully(as_json, NESTING, parts) == document
    with pytest.raises(MalformedCbor, match="more than 6 arrays, maps and members"):
        loads(as_cbor, NESTING, parts - 1)
    with pytest.raises(jsonio.MalformedJson, match="7 arrays, objects and members of objects; 6 are"):
        jsonio.read_carefully(as_json, NESTING, parts - 1)


def json_bytes(value):
    return json.dumps(value, separators=(",", ":")).encode()


@given(st.data())
def test_what_the_scan_lets_pass_the_decoder_reads(data):
    """Spoilt documents: what is refused is refused by the scan, which alone tells where."""
    body = bytearray(cbor2.dumps(SAMPLE))
    for _ in range(data.draw(st.integers(0, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        scan(bytes(body), NESTING, 1_000)
    except MalformedCbor as refusal:
        assert str(refusal).startswith("Byte ")
        return

    loads(bytes(body), NESTING, 1_000)


def test_the_decoder_refuses_on_its_own_what_it_can(monkeypatch):
    """A second line behind the scan: depth, indefinite lengths, duplicate keys, lengths beyond the body."""
    monkeypatch.setattr(cborio, "scan", lambda *_: [])

    for name in ("arrays 5,000 deep", "an indefinite array", "a key twice", "an array of 2**63 items"):
        with pytest.raises(MalformedCbor, match="can be read"):
            loads(bytes.fromhex(REFUSED[name][0]), NESTING)


def test_an_answer_is_written_as_rfc_8949_and_rfc_8746_say():
    answer = {"yy": np.array([[1.0, 2.0]]), "b": np.float64(0.5), "a": np.array(3.0), "n": None, "k": 7}

    assert dumps(answer) == bytes.fromhex(
        "a56161f942006162f93800616b07616ef6627979d82882820102d85650000000000000f03f0000000000000040"
    )


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 3)])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, lambda array: array[::-1]])
def test_arrays_of_every_layout_are_written_by_rows(shape, layout):
    arrays = {name: layout(np.random.default_rng(0).normal(size=shape)) for name in "ab"}

    found = loads(dumps({"y": [arrays["a"], 1.5, arrays["b"]], "n": arrays["b"]}), NESTING)

    assert in_floats(found) == in_floats({"n": arrays["b"], "y": [arrays["a"], 1.5, arrays["b"]]})


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_answer_holds_what_is_not_finite(number):
    for value in (number, [1.0, number], {"y": np.array([1.0, number])}):
        with pytest.raises(ValueError, match="not finite"):
            dumps(value)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/html", "json"),
        ("application/json", "json"),
        ("application/cbor", "cbor"),
        ("Application/CBOR", "cbor"),
        ("application/cbor;q=0", "json"),
        ("application/cbor, application/json", "json"),
        ("application/json, application/cbor", "json"),
        ("application/json;q=0.9, application/cbor", "cbor"),
        ("application/json, application/cbor;q=0.9", "json"),
        ("application/cbor, */*;q=0.1", "cbor"),
        ("application/cbor, */*", "cbor"),
        ("application/cbor;q=0.1, */*", "json"),
        ("application/cbor;q=0.5, application/*;q=0.8", "json"),
        ("application/cbor;q=nonsense", "json"),
        ("application/x-ndjson, application/cbor", "cbor"),
    ],
)
def test_the_format_of_an_answer_is_what_the_client_prefers(accept, media_type):
    request = Request({"HTTP_ACCEPT": accept})

    assert wanted_format(request).media_type == f"application/{media_type}"


def test_a_client_that_prefers_cbor_gets_it_and_errors_as_json(client):
    accept = {"Accept": "application/cbor"}

    answer = client.post("/softmax", json={"x": [0.0, 0.0]}, headers=accept)
    problem = client.post("/softmax", json={"x": []}, headers=accept)

    assert answer.content_type == "application/cbor"
    assert answer.data == bytes.fromhex("a16179d82882 8102 d85650 000000000000e03f 000000000000e03f")
    assert problem.content_type == "application/problem+json"


MASKS = {
    "booleans": [True, False],
    "bytes": cbor2.CBORTag(64, b"\x01\x00"),
    "clamped bytes": cbor2.CBORTag(68, b"\x01\x00"),
    "bytes of a shape": cbor2.CBORTag(40, [[2], cbor2.CBORTag(64, b"\x01\x00")]),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_a_mask_is_booleans_or_bytes_of_0_and_1(client, mask):
    body = cbor2.dumps({"x": [1, 2], "mask": mask})

    response = client.post("/softmax", data=body, content_type="application/cbor")

    assert response.json == {"y": [1.0, 0.0]}


@pytest.mark.parametrize(
    ("x", "mask", "code", "pointers"),
    [
        ([1, 2], cbor2.CBORTag(64, b"\x01\x02"), "not-a-boolean", ["/mask/1"]),
        ([1, 2], cbor2.CBORTag(72, b"\x01\x00"), "not-a-boolean", ["/mask/0", "/mask/1"]),
        ([1, 2], [1, 0], "not-a-boolean", ["/mask/0", "/mask/1"]),
        ([1, 2], cbor2.CBORTag(64, b""), "empty-array", ["/mask"]),
        (cbor2.CBORTag(86, b""), None, "empty-array", ["/x"]),
        ([], None, "empty-array", ["/x"]),
        ([cbor2.CBORTag(64, b"\x01"), cbor2.CBORTag(64, b"\x01\x02")], None, "ragged-array", ["/x/1"]),
        ([1, True, "a", None], None, "not-a-number", ["/x/1", "/x/2", "/x/3"]),
        (cbor2.CBORTag(40, [[1] * 9, cbor2.CBORTag(64, b"\x01")]), None, "rank-too-high", ["/x"]),
        (cbor2.CBORTag(64, b"\x01" * 1_000_001), None, "too-many-elements", ["/x"]),
        ([1] * 1_000_001, None, "too-many-elements", ["/x"]),
        ("text", None, "not-an-array", ["/x"]),
        (1.5, None, "not-an-array", ["/x"]),
    ],
)
def test_well_formed_cbor_is_refused_as_json_would_be(client, x, mask, code, pointers):
    body = cbor2.dumps({"x": x, "mask": mask})

    problem = client.post("/softmax", data=body, content_type="application/cbor").json

    assert problem["code"] == "invalid-request"
    assert [error["pointer"] for error in problem["errors"]] == pointers
    assert {error["code"] for error in problem["errors"]} == {code}


def test_rows_that_are_typed_arrays_make_a_matrix(client):
    rows = [cbor2.CBORTag(tag, np.array([1, 2], TYPED_ARRAYS[tag]).tobytes()) for tag in (64, 86)]

    response = client.post("/sigmoid", data=cbor2.dumps({"x": rows}), content_type="application/cbor")

    assert response.json == client.post("/sigmoid", json={"x": [[1, 2], [1, 2]]}).json


@pytest.mark.parametrize("value", [[1, 2], 5, "x", None, cbor2.CBORTag(64, b"\x01")])
def test_a_document_that_is_no_map_is_invalid(client, value):
    response = client.post("/softmax", data=cbor2.dumps(value), content_type="application/cbor")

    assert (response.status_code, response.json["code"]) == (422, "invalid-request")
    assert response.json["errors"][0]["pointer"] == ""


def test_a_refusal_of_the_server_has_the_code_of_the_format(client):
    refusal = {"kobai.body_error": ("malformed-json", "The body is truncated.")}
    for kind, code in (
        ("application/cbor", "malformed-cbor"),
        ("application/json", "malformed-json"),
        ("text/plain", "malformed-json"),
    ):
        response = client.post("/softmax", data=b"", content_type=kind, environ_overrides=refusal)

        assert response.json["code"] == code
