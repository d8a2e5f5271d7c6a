"""JSON in and out: the two readers agree, arrays come without Python objects, nothing loose is taken."""

import json
import threading
import tracemalloc

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service.api import jsonio
from service.api.brackets import FEW, count_of, outline
from service.api.jsonio import MalformedJson, dumps, loads, read_carefully
from tests.formats import in_floats

NESTING = 32
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A property's time depends on what else the machine does, and is not what it asserts."""


def outcome(read, body):
    """Return what a reader made of a text: a value, or that it refused."""
    try:
        return repr(in_floats(read(body, NESTING)))
    except MalformedJson:
        return "refused"


FAST = [
    b'{"x": [1, 2.5, -3e-7]}',
    b'{"x": [[1, 2], [3, 4]], "axis": null, "log": false}',
    b'{"x": [[[1], [2]], [[3], [4]]], "mask": [[[true], [false]], [[true], [true]]]}',
    b'{"function": "x[0]**2 + x[1]**2", "variables": {"x": [3, 4]}}',
    b'{"function": "y = \\"\\\\\\n", "variables": {"x": 0.1, "W": [[0, 1e300]]}, "constants": {}}',
    b'{"a [ key": 1, "x": [1, 2]}',
    b"[1, 2, 3]",
    b'"text"',
    b" 3 ",
    b'{"x": [0, -0, -0.0, 9007199254740993, 9223372036854775807]}',
]


@pytest.mark.parametrize("body", FAST, ids=repr)
def test_ordinary_requests_are_read_by_the_fast_reader_alone(monkeypatch, body):
    monkeypatch.setattr(jsonio, "read_carefully", None)

    value = loads(body, NESTING)

    assert in_floats(value) == in_floats(json.loads(body))


def test_arrays_of_numbers_are_float64_and_arrays_of_booleans_bool():
    value = loads(b'{"x": [[1, 2], [3, 4]], "inside": {"deeper": [5]}, "mask": [true, false]}', NESTING)

    assert value["x"].dtype == value["inside"]["deeper"].dtype == np.float64
    assert value["x"].shape == (2, 2)
    assert value["mask"].dtype == np.bool_
    assert value["mask"].tolist() == [True, False]


@pytest.mark.parametrize("shape", [(100_000,), (1_000, 100), (50, 40, 50)])
def test_a_large_array_makes_no_python_object_for_each_number(shape):
    numbers = np.random.default_rng(0).normal(size=shape)
    body = orjson.dumps({"x": numbers}, option=orjson.OPT_SERIALIZE_NUMPY)

    tracemalloc.start()
    value = loads(body, NESTING)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert np.array_equal(value["x"], numbers)
    assert peak < 1.5 * numbers.nbytes  # a list of floats takes four times as much


UNUSUAL = [
    (b'{"x": [[1, 2], [3]]}', {"x": [[1, 2], [3]]}),
    (b'{"x": [[1, 2], 3]}', {"x": [[1, 2], 3]}),
    (b'{"x": [1, [2]]}', {"x": [1, [2]]}),
    (b'{"x": [[[1], [2]], [[3]]]}', {"x": [[[1], [2]], [[3]]]}),
    (b'{"x": [[[1], [2]], [3, 4]]}', {"x": [[[1], [2]], [3, 4]]}),
    (b'{"x": [[1, 2], [[3, 4]]]}', {"x": [[1, 2], [[3, 4]]]}),
    (b'{"x": [[], []]}', {"x": [[], []]}),
    (b'{"x": []}', {"x": []}),
    (b'{"x": [1, true]}', {"x": [1, True]}),
    (b'{"x": [true, 1]}', {"x": [True, 1]}),
    (b'{"x": [1, null]}', {"x": [1, None]}),
    (b'{"x": [null]}', {"x": [None]}),
    (b'{"x": [1, "2"]}', {"x": [1, "2"]}),
    (b'{"x": ["a", "["]}', {"x": ["a", "["]}),
    (b'{"x": [{"y": 1}]}', {"x": [{"y": 1}]}),
    (b'{"x": [123456789012345678901234567890]}', {"x": [1.2345678901234568e29]}),
    (b'{"x": 18446744073709551616}', {"x": 18446744073709551616.0}),
    (b'{"x": "\\u005b", "y": [1, 2]}', {"x": "[", "y": [1, 2]}),
    (b'{"\\u005b": [1, 2]}', {"[": [1, 2]}),
    (b'{"a": "\\u005b", "x": [1, [2], 3]}', {"a": "[", "x": [1, [2], 3]}),
    (b'{"\\u005b": [1, [2], 3]}', {"[": [1, [2], 3]}),
    (b'{"\\u0000": 1}', {"\0": 1}),
    (b'{"a": 1, "a\\u0000b": 2}', {"a": 1, "a\0b": 2}),
    (b'{"x": "\\ud83d\\ude00"}', {"x": "\N{GRINNING FACE}"}),
    (b"{}", {}),
]


@pytest.mark.parametrize(("body", "value"), UNUSUAL, ids=[repr(body) for body, _ in UNUSUAL])
def test_what_is_unusual_but_right_is_read_as_it_is(body, value):
    assert in_floats(loads(body, NESTING)) == in_floats(value)


MALFORMED = [
    (b"", "empty"),
    (b"  \n", "empty"),
    (b"\xef\xbb\xbf{}", "byte order mark"),
    (b'{"x": "\xff"}', "not UTF-8"),
    (b'{"x": "\xed\xa0\x80"}', "not UTF-8"),
    (b'{"x": 1', "Line 1, column"),
    (b'{"x": [1, 2}', "Line 1, column"),
    (b'{"x": 1}}', "Line 1, column"),
    (b'{"x": 1} {"x": 1}', "Line 1, column"),
    (b'{"x": 1,}', "Line 1, column"),
    (b"{'x': 1}", "Line 1, column"),
    (b'{"x": 01}', "Line 1, column"),
    (b'{"x": 1.}', "Line 1, column"),
    (b'{"x": .5}', "Line 1, column"),
    (b'{"x": +1}', "Line 1, column"),
    (b'{"x": 0x10}', "Line 1, column"),
    (b'{"x":\n [1,\n 2 3]}', "Line 3, column"),
    (b'{"x": "a\nb"}', "Line 1, column"),
    (b'{"x": "\\x"}', r"^Line 1, column 8: invalid \\escape\.$"),
    (b'{"x": "\\ud800"}', "half of a pair"),
    (b'{"x": NaN}', "NaN is not JSON"),
    (b'{"x": [1, Infinity]}', "Infinity is not JSON"),
    (b'{"x": -Infinity}', "Infinity is not JSON"),
    (b'{"x": [1, 1e400]}', "overflows"),
    (b'{"x": -1e999}', "overflows"),
    (b'{"x": ' + b"9" * 400 + b"}", "overflows"),
    (b'{"x": 1, "x": 1}', "twice"),
    (b'{"v": {"x": [1], "y": 2, "x": [1]}}', "twice"),
    (b'{"x": 1, "\\u0078": 2}', "twice"),
    (b"[" * 33 + b"]" * 33, "nested more than 32"),
    (b'{"a":' * 33 + b"1" + b"}" * 33, "nested more than 32"),
    (b"[" * 100_000, "nested more than 32"),
]


@pytest.mark.parametrize(("body", "said"), MALFORMED, ids=[repr(body[:40]) for body, _ in MALFORMED])
def test_what_is_malformed_is_refused_with_the_reason(body, said):
    with pytest.raises(MalformedJson, match=said):
        loads(body, NESTING)


def test_the_deepest_nesting_that_is_allowed_is_read():
    arrays = loads(b"[" * NESTING + b"1" + b"]" * NESTING, NESTING)

    assert arrays.shape == (1,) * NESTING


def test_objects_with_many_members_are_read_in_time_that_grows_with_their_number():
    body = orjson.dumps({f"key {position}": position for position in range(100_000)})

    assert loads(body, NESTING)["key 99999"] == 99_999


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('a[]{}":\\,é😀\n', max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("ab[\0", max_size=2), inner, max_size=4)
    ),
    max_leaves=20,
)
NUMBERS = st.integers(-(2**65), 2**65) | st.floats(allow_nan=False, allow_infinity=False)


@PATIENT
@given(VALUES, st.booleans())
def test_every_value_is_read_as_the_standard_library_reads_it(value, is_escaped):
    body = json.dumps(value, ensure_ascii=is_escaped).encode()

    assert repr(in_floats(loads(body, NESTING))) == repr(in_floats(json.loads(body)))


@PATIENT
@given(st.lists(NUMBERS, min_size=1, max_size=24), st.integers(1, 4))
def test_numbers_are_read_to_the_last_bit(numbers, columns):
    rows = [numbers[start : start + columns] for start in range(0, len(numbers), columns)]

    assert repr(in_floats(loads(json.dumps(rows).encode(), NESTING))) == repr(in_floats(rows))


@settings(PATIENT, max_examples=300)
@given(VALUES, st.data())
@example([[1.0], [2.0]], None)
def test_the_two_readers_agree_on_every_damaged_text(value, data):
    body = bytearray(json.dumps({"x": value}).encode())
    if data is not None:
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(body) - 1))
            body[at : at + data.draw(st.integers(0, 2))] = data.draw(
                st.sampled_from(
                    [b"[", b"]", b"{", b"}", b",", b'"', b"\\", b"1", b"e9", b"NaN", b"\xff", b""]
                )
            )

    assert outcome(loads, bytes(body)) == outcome(read_carefully, bytes(body))


def test_threads_read_their_own_documents():
    wrong = []

    def work(number):
        body = orjson.dumps({"x": [float(number)] * 500, "name": str(number)})
        for _ in range(200):
            value = loads(body, NESTING)
            if value["name"] != str(number) or set(value["x"].tolist()) != {float(number)}:
                wrong.append(number)
            outcome(loads, b"[1, 2")  # an error leaves nothing behind

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_an_array_outlives_the_document_that_it_was_read_from():
    first = loads(b'{"x": [1, 2, 3]}', NESTING)["x"]

    for number in range(50):
        loads(orjson.dumps({"x": [number] * 40}), NESTING)

    assert first.tolist() == [1.0, 2.0, 3.0]


BEFORE = [b"\\\\" * count for count in (1, 2, 3)] + [b'\\"', b'\\\\\\"', b'a\\"[b', b"\\n\\\\"]
"""What may stand in a string, escaped, before its end."""


@pytest.mark.parametrize("string", BEFORE, ids=repr)
@pytest.mark.parametrize("opening", [b"[", b'{"x":'])
def test_depth_is_refused_whatever_a_string_before_it_ends_with(string, opening):
    with pytest.raises(MalformedJson, match="nested more than 32 deep"):
        loads(b'{"a": "' + string + b'", "x": ' + opening * 3000, NESTING)


@pytest.mark.parametrize("whole", [5, -5, 2**53 + 1, 2**63 - 1, 2**64 - 1, -(2**63)])
def test_a_whole_number_of_64_bits_is_one_beside_a_longer_one(whole):
    alone = loads(b'{"k": %d}' % whole, NESTING)
    beside = loads(b'{"k": %d, "long": %d}' % (whole, 10**30), NESTING)

    assert [type(each["k"]) for each in (alone, beside)] == [int, int]
    assert alone["k"] == beside["k"] == whole


@PATIENT
@given(st.binary(max_size=80) | VALUES.map(lambda value: json.dumps(value).encode()), st.integers(1, 4))
def test_an_outline_counts_what_a_slow_reader_counts(text, depth):
    is_quoted = is_escaped = False
    level = parts = 0
    too_deep_at = None
    for at, code in enumerate(text):
        character = chr(code)
        if is_quoted:
            is_quoted = is_escaped or character != '"'
            is_escaped = character == "\\" and not is_escaped
        elif character == '"':
            is_quoted = True
        elif character in "[{":
            level, parts = level + 1, parts + 1
            too_deep_at = at if level > depth and too_deep_at is None else too_deep_at
        elif character in "]}":
            level -= 1
        elif character == ":":
            parts += 1
        elif character == "\\":
            return  # a backslash outside a string is no JSON, and the parser's to refuse

    found = outline(text, depth)

    assert found.too_deep_at == too_deep_at
    assert too_deep_at is not None or found.parts == parts


@pytest.mark.parametrize("count", [0, 1, FEW - 1, FEW, 3 * FEW])
def test_a_byte_is_counted_however_often_it_stands(count):
    assert count_of(b"[", b"[1, " * count + b"]" * 10) == count


MOST = 100_000
"""Elements; arrays of more are found where they reach over more than one piece of the text."""
LONG = {
    "numbers": b"[" + b"1," * MOST + b"1]",
    "rows": b"[" + b"[1, 2], " * (MOST // 2) + b"[1]]",
    "empty rows": b"[" + b"[]," * MOST + b"[]]",
    "strings": b"[" + b'"],[",' * MOST + b'"\\""]',
    "booleans": b"[" + b"true,\n" * MOST + b"true]",
}


@pytest.mark.parametrize("array", LONG.values(), ids=LONG)
def test_an_array_with_too_many_elements_is_not_read(array):
    document = b'{"a": [1, 2], "b": {"c": ' + array + b', "d": "[,]"}, "e": ' + array + b"}"

    tracemalloc.start()
    found = loads(document, NESTING, elements=MOST)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found["a"].tolist() == [1, 2]
    assert found["b"]["d"] == "[,]"
    assert found["b"]["c"].shape == found["e"].shape == (MOST + 1,)
    assert peak < 2 * len(document) + 2**20


@pytest.mark.parametrize("array", LONG.values(), ids=LONG)
def test_arrays_with_as_many_elements_as_allowed_are_read(array):
    document = b'{"x": ' + array + b', "y": ' + array + b"}"

    assert in_floats(loads(document, NESTING, elements=MOST + 1)) == in_floats(loads(document, NESTING))


@pytest.mark.parametrize("document", [b'{"x": %b,\n"y" 1}', b"{%b: 1}", b'{"x": %b, "x": 1}', b'{"x": %b%b}'])
def test_what_is_wrong_beside_a_long_array_is_told_at_its_own_place(document):
    body = document.replace(b"%b", LONG["numbers"])

    with pytest.raises(MalformedJson) as told:
        loads(body, NESTING, elements=MOST)
    with pytest.raises(MalformedJson) as expected:
        loads(body, NESTING)

    assert str(told.value) == str(expected.value)


ANSWERS = [
    ({"y": np.array([0.1, -0.0, 1e300])}, b'{"y":[0.1,-0.0,1e+300]}'),
    ({"y": np.arange(6.0).reshape(2, 3).T}, b'{"y":[[0.0,3.0],[1.0,4.0],[2.0,5.0]]}'),
    ({"y": np.arange(6.0)[::-2]}, b'{"y":[5.0,3.0,1.0]}'),
    ({"y": np.array(2.0), "n": np.float64(3.0), "k": np.int64(4)}, b'{"y":2.0,"n":3.0,"k":4}'),
    ({"a": (1, 2), "b": None, "c": True, "d": "é"}, '{"a":[1,2],"b":null,"c":true,"d":"é"}'.encode()),
    ({"y": np.broadcast_to(np.array(1.5), (2, 2))}, b'{"y":[[1.5,1.5],[1.5,1.5]]}'),
]


@pytest.mark.parametrize(("value", "text"), ANSWERS, ids=[text.decode() for _, text in ANSWERS])
def test_answers_are_written_in_shortest_numbers(value, text):
    assert dumps(value) == text


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        [1.0, float("inf")],
        {"a": {"b": np.array([1.0, np.nan])}},
        np.float64("-inf"),
        np.array(np.nan),
    ],
    ids=repr,
)
def test_a_number_that_is_not_finite_is_never_written(value):
    with pytest.raises(ValueError, match="not finite"):
        dumps(value)


def test_what_has_no_json_is_not_written():
    with pytest.raises(TypeError):
        dumps({"a": {1, 2}})


@PATIENT
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_what_is_written_is_read_to_the_last_bit(numbers):
    back = loads(dumps({"y": np.array(numbers)}), NESTING)

    assert back["y"].tobytes() == np.array(numbers).tobytes()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"x": [1,\n  NaN]}', "Line 2, column 3: NaN is not JSON"),
        (b'{"x": [-Infinity]}', "Line 1, column 8: -Infinity is not JSON"),
        (b'{"a NaN": "NaN \\" NaN", "x": NaN}', "Line 1, column 30: NaN is not JSON"),
        (b'{"\xe3\x81\x82": "1e999", "x": [11e9, 1e999]}', "Line 1, column 28: the number '1e999' overflows"),
        (b'{"x": [1e99, -1e999]}', "Line 1, column 14: the number '-1e999' overflows"),
        (b'{"x": ' + b"9" * 400 + b"}", "Line 1, column 7: the number '999"),
    ],
)
def test_a_number_that_is_none_is_refused_with_its_place(body, words):
    with pytest.raises(MalformedJson) as refused:
        loads(body, 32)

    assert str(refused.value).startswith(words)


def test_to_say_where_a_long_number_stands_takes_no_memory():
    body = b'{"x": [' + b"9" * 2_000_000 + b"]}"
    tracemalloc.start()

    with pytest.raises(MalformedJson, match="Line 1, column 8: the number"):
        loads(body, 32)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(body)
