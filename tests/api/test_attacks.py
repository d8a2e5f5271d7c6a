"""The museum of attacks: each gets its answer, in time, in memory, and without a word too much."""

import json
import time
import tracemalloc

import pytest

from service.core.limits import DEFAULT_LIMITS
from tests.api.attacks import ANSWERED, REFUSED
from tests.core.refused_functions import REFUSED as TEXTS

SECONDS = 4.0
"""Of this process's own work for one attack, measured for coverage; most take a thousandth of it."""

CONSTANTS = {"x": [1, 2, 3], "y": [1, 2, 3], "X": [[1, 2, 3], [4, 5, 6]]}


def names(rows):
    return [f"{row[0]} {str(row[1])[:50]!a}" for row in rows]


def attack(post, path, body):
    """Send an attack; returns its answer and the seconds of work that it cost."""
    started = time.process_time()
    response = post(path, body)
    return response, time.process_time() - started


@pytest.mark.parametrize(("number", "text", "code", "line", "column"), TEXTS, ids=names(TEXTS))
def test_a_text_outside_the_language_is_refused_where_it_leaves_it(post, number, text, code, line, column):
    body = {"function": text, "variables": {"q": 1}, "constants": CONSTANTS}

    response, seconds = attack(post, "/gradient", body)

    problem = json.loads(response.data)
    error = problem["errors"][0]
    assert (response.status_code, problem["code"]) == (422, "invalid-function")
    assert (error["pointer"], error["code"]) == ("/function", code)
    assert (error["line"], error["column"]) == (line, column)
    assert seconds < SECONDS


@pytest.mark.parametrize(("number", "request_", "code", "pointer"), REFUSED, ids=names(REFUSED))
def test_an_attack_is_refused_with_its_code_and_its_place(post, number, request_, code, pointer):
    response, seconds = attack(post, *request_)

    problem = json.loads(response.data)
    assert (response.status_code, problem["code"]) == (400 if code == "malformed-json" else 422, code)
    assert [error["pointer"] for error in problem["errors"]][:1] == ([] if pointer is None else [pointer])
    assert all(len(error["detail"]) < 500 and error["detail"].isprintable() for error in problem["errors"])
    assert seconds < SECONDS


@pytest.mark.parametrize(("number", "request_", "expected"), ANSWERED, ids=names(ANSWERED))
def test_a_trap_gets_the_documented_value(post, number, request_, expected):
    response, seconds = attack(post, *request_)

    answer = json.loads(response.data)
    assert response.status_code == 200, answer
    assert {key: answer[key] for key in expected} == expected
    assert seconds < SECONDS


def test_every_number_of_the_list_has_its_line():
    numbers = {row[0] for rows in (TEXTS, REFUSED, ANSWERED) for row in rows}

    expected = {f"E-{k}" for k in range(1, 15)} | {f"R-{k}" for k in (1, 2, 3, 4, 5, 6, 7, 10, 11)}
    expected |= {f"N-{k}" for k in range(1, 11)} | {f"J-{k}" for k in range(1, 7)}
    assert expected <= numbers


def test_no_attack_takes_more_memory_than_the_limits_plan(post):
    """A body is held as text and as arrays; what it asks to compute must not add what was refused."""
    peaks = {}
    tracemalloc.start()
    try:
        for number, (path, body), _, _ in REFUSED:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            post(path, data)
            peaks[number, len(data)] = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()

    allowed = {key: 16 * 1024 * 1024 + 30 * key[1] for key in peaks}
    assert {key: peak for key, peak in peaks.items() if peak > allowed[key]} == {}
    assert max(peaks.values()) < DEFAULT_LIMITS.peak_bytes


@pytest.mark.parametrize(
    "payload", ["<script>alert(1)</script>", "\x1b[31m", "%s%n{0.__class__}", "a\r\nb: c"]
)
def test_what_a_caller_wrote_comes_back_escaped(post, payload):
    for path, body in (
        ("/gradient", {"function": payload, "variables": {"x": 1}}),
        ("/gradient", {"function": "x", "variables": {payload: 1}}),
        ("/softmax", {"x": [1], payload: 1}),
        ("/loss", {"loss": payload, "predictions": [1], "targets": [1]}),
    ):
        text = post(path, body).get_data(as_text=True)

        assert text.isprintable()
        assert "<" not in text
        assert "service/" not in text
        assert "Traceback" not in text
