"""Requests that try to cost more than they may, by the numbers of the attack list; each with its answer."""

import json
from dataclasses import dataclass
from typing import Any

MIB = 1024 * 1024
FULL = 16 * MIB - 100

SQUARE = {"function": "x[0]**2 + x[1]**2", "variables": {"x": [3, 4]}}
CHAIN = {
    "function": "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)",
    "variables": {"x": [-1.2, 1.0] * 8},
    "steps": 100_000,
}
MANY_POINTS = {
    "function": "sum(x**2)",
    "points": {"x": [[1] * 100] * 9_000},
    "method": "central",
}
"""Each within the limits; two million evaluations together."""

LARGE = {"function": "sum(x**2)", "variables": {"x": [0.5] * 1_000_000}}


@dataclass(frozen=True)
class Attack:
    """One request, what it must be answered with, and the most seconds of processor time for it.

    Where it gives so little time that the deadline may pass before the computation begins, 503 is right too.
    """

    path: str
    body: Any
    status: int
    code: str | None = None
    seconds: float = 5.0
    may_be_late: bool = False

    def written(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def filled(head: bytes, unit: bytes, tail: bytes) -> bytes:
    """Write a body of nearly the limit."""
    return head + unit * ((FULL - len(head) - len(tail)) // len(unit)) + tail


def refused(path, body, code="invalid-request", status=422):
    return Attack(path, body, status, code)


def malformed(path, body):
    return Attack(path, body, 400, "malformed-json")


def keys(count):
    return b",".join(b'"k%d":1' % number for number in range(count))


ATTACKS = {
    "R-4 a matrix of two vectors": refused(
        "/gradient",
        {"function": "sum(reshape(x, (-1, 1)) * y)", "variables": {"x": [1] * 100_000, "y": [1] * 100_000}},
        "over-budget",
    ),
    "R-4 the largest matrix that is allowed": Attack(
        "/gradient",
        {"function": "sum(exp(reshape(x, (-1, 1)) * x))", "variables": {"x": [0.001] * 2_300}},
        200,
    ),
    "R-7 a numerical gradient of many variables": Attack(
        "/gradient", LARGE | {"method": "central"}, 422, "over-budget"
    ),
    "R-8 a billion steps": refused("/descent", SQUARE | {"steps": 10**9}),
    "R-8 a long history of large variables": refused(
        "/descent",
        {"function": "sum(x**2)", "variables": {"x": [1] * 100_000}, "steps": 1000, "history": 1000},
        "over-budget",
    ),
    "R-8 a sweep of ten thousand": refused("/descent/sweep", SQUARE | {"learning_rates": [0.1] * 10_000}),
    "R-8 a sweep of long descents": Attack(
        "/descent/sweep", CHAIN | {"learning_rates": [1e-6] * 64, "deadline_ms": 2000}, 200, seconds=2.0
    ),
    "R-8 a sweep of long histories": Attack(
        "/descent/sweep",
        CHAIN | {"learning_rates": [1e-6] * 64, "history": 1000, "deadline_ms": 2000},
        200,
        seconds=2.0,
    ),
    "R-8 a learning rate of 0": refused("/descent", SQUARE | {"learning_rate": 0}),
    "R-8 a learning rate of 1e308": Attack("/descent", SQUARE | {"learning_rate": 1e308}, 200),
    "R-8 a tolerance of 0": refused("/descent", SQUARE | {"tolerance": 0}),
    "R-8 large variables, their moments, their best": Attack(
        "/descent", LARGE | {"optimizer": "adam", "steps": 100_000, "deadline_ms": 1000}, 422, "over-budget"
    ),
    "R-9 many points of a costly function": refused(
        "/gradient/field",
        {
            "function": "sum((A @ A @ x)**2)",
            "points": {"x": [[1] * 300] * 3_000},
            "constants": {"A": [[1] * 300] * 300},
        },
        "over-budget",
    ),
    "R-10 powers of numbers below the normal ones": Attack(
        "/gradient", {"function": "sum(x**1.5)", "variables": {"x": [5e-324] * 1_000_000}}, 200
    ),
    "R-13 a million constants": malformed(
        "/gradient", b'{"function":"x","variables":{"x":1},"constants":{' + keys(1_000_000) + b"}}"
    ),
    "R-13 a hundred thousand constants": refused(
        "/gradient", b'{"function":"x","variables":{"x":1},"constants":{' + keys(100_000) + b"}}"
    ),
    "R-13 a hundred thousand bounds": refused(
        "/descent", b'{"function":"x","variables":{"x":1},"bounds":{"x":{' + keys(100_000) + b"}}}"
    ),
    "R-14 a name that almost is one": refused(
        "/gradient", filled(b'{"function":"x","variables":{"', b"a", b'!":1}}'), "invalid-function"
    ),
    "R-14 a name of fifteen million characters over twenty faults": refused(
        "/gradient",
        filled(b'{"function":"x","variables":{"', b"<", b'":[' + b'"a",' * 19 + b'"a"]}}'),
        "invalid-function",
    ),
    "R-14 the same, with what a pointer escapes": refused(
        "/gradient/field",
        filled(b'{"function":"x","points":{"', b"/", b'":[' + b'"a",' * 19 + b'"a"]}}'),
        "invalid-function",
    ),
    "R-14 bounds of a name as long": refused(
        "/descent",
        filled(b'{"function":"x","variables":{"x":1},"bounds":{"', b"~", b'":{"lower":["a","b"]}}}'),
        "invalid-function",
    ),
    "R-14 many long names": refused(
        "/gradient",
        b'{"function":"x","variables":{'
        + b",".join(b'"' + b"<" * 200_000 + b'%d":["a","b"]' % number for number in range(64))
        + b"}}",
        "invalid-function",
    ),
    "R-14 an unknown field as long": refused("/softmax", filled(b'{"x":[1],"', b"<", b'":1}')),
    "R-14 a choice as long": refused("/loss", filled(b'{"loss":"', "é".encode(), b'"}')),
    "R-14 learning rates in words": refused(
        "/descent/sweep",
        b'{"function":"x","variables":{"x":1},"learning_rates":['
        + b",".join([b'"' + b"<" * 200_000 + b'"'] * 64)
        + b"]}",
    ),
    "R-14 a number that almost is one": malformed("/softmax", filled(b'{"x":[1.', b"0", b"x]}")),
    "R-14 a deadline far from its colon": malformed("/descent", filled(b'{"deadline_ms"', b" ", b"x}")),
    "R-14 many deadlines": refused("/descent", filled(b'{"a":[', b'"deadline_ms" ,', b"1]}")),
    "J-9 five million numbers": refused("/softmax", b'{"x":[' + b"1," * 4_999_999 + b"1]}"),
    "J-9 numbers up to the limit of elements": Attack(
        "/softmax", b'{"x":[' + b"1.5," * 999_999 + b"1]}", 200
    ),
    "J-9 an answer as large as may be": Attack(
        "/gradient", {"function": "sum(x**2 / 3)", "variables": {"x": [0.1234567] * 1_000_000}}, 200
    ),
    "J-9 two arrays and a gradient": Attack(
        "/loss",
        b'{"loss":"huber","gradient":true,"predictions":[' + b"0.1," * 999_999 + b'1],"targets":['
        + b"0.2," * 999_999 + b"1]}",
        200,
    ),
    "J-9 rows without an element": refused("/softmax", filled(b'{"x":[', b"[],", b"[]]}")),
    "J-9 rows of one element": refused("/softmax", filled(b'{"x":[', b"[1],", b"[1]]}")),
    "J-9 strings for numbers": refused("/softmax", filled(b'{"x":[', b'"a",', b'"a"]}')),
    "J-9 booleans for numbers": refused("/softmax", filled(b'{"x":[', b"true,", b"true]}")),
    "J-9 numbers beyond 64 bits": Attack("/softmax", filled(b'{"x":[', b"9" * 30 + b",", b"1]}"), 200),
    "J-9 one number of sixteen million digits": malformed("/softmax", filled(b'{"x":[', b"9", b"]}")),
    "J-9 one string of brackets": refused("/softmax", filled(b'{"x":"', b"[", b'"}')),
    "J-9 one string of escapes": refused("/softmax", filled(b'{"x":"', b"\\u005b", b'"}')),
    "J-9 brackets without end": malformed("/softmax", filled(b"", b"[", b"")),
    "H-14 a hundred thousand unknown fields": refused("/softmax", b'{"x":[1],' + keys(100_000) + b"}"),
    "H-14 a hundred thousand bad elements": refused("/softmax", {"x": [[None, 1]] * 50_000}),
    "H-9 no time": refused("/descent", SQUARE | {"deadline_ms": 0}),
    "H-9 negative time": refused("/descent", SQUARE | {"deadline_ms": -1}),
    "H-9 time in words": refused("/descent", SQUARE | {"deadline_ms": "1000"}),
    "H-9 time without end": Attack("/descent", SQUARE | {"deadline_ms": 1e18}, 200),
    "H-9 a millisecond": Attack(
        "/descent", CHAIN | {"deadline_ms": 1}, 200, seconds=0.001, may_be_late=True
    ),
    "H-9 a second of steps on numbers": Attack(
        "/descent", CHAIN | {"learning_rate": 1e-6, "steps": 100_000, "deadline_ms": 1000}, 200, seconds=1
    ),
    "H-19 a path": refused("/softmax", {"x": "/etc/passwd"}),
    "H-19 a URL": refused("/softmax", {"x": "http://169.254.169.254/latest/meta-data"}),
    "H-19 a file of the caller's": refused("/gradient", SQUARE | {"constants": {"c": "file:///etc/passwd"}}),
    "H-19 a reference in JSON": refused("/softmax", {"x": {"$ref": "file:///etc/passwd"}}),
    "J-7 base64": refused("/softmax", {"x": "AAAAAAAA8D8="}),
    "J-7 base64 with a shape that overflows": refused(
        "/softmax", {"x": {"dtype": "O", "shape": [2**32, 2**32], "data": "AAAA"}}
    ),
    "J-7 a shape beside the data": refused("/softmax", {"x": [1, 2], "shape": [-1], "dtype": ">f8"}),
    "J-8 an array of NumPy's": malformed("/softmax", b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'shape': (1,)}"),
    "J-8 a pickle": malformed("/softmax", b"cos\nsystem\n(S'id'\ntR."),
    "J-8 a zip": malformed("/softmax", b"PK\x03\x04" + b"\0" * 100),
}  # fmt: skip
"""By name. J-9's are large and not all wrong; those of R cost the server more than the caller."""
