"""The function language: what is sent is computed as Python and NumPy would, or refused with its place."""

import json
import re

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.core.operation_cases import CASES
from tests.fuzz.budget import fuzz

SHAPES = {"x": (3,), "A": (2, 3), "s": ()}

FUNCTIONS = {
    "tanh": np.tanh,
    "abs": np.abs,
    "arctan": np.arctan,
    "square": np.square,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
}
"""None that blows up a rounding error by itself."""

# An expression is a pair: as we write it, and as Python computes it on numbers N of a chosen precision.
leaves = st.sampled_from(
    [(name, name) for name in SHAPES]
    + [(number, f"N({number})") for number in ("0", "1", "2", "0.5", "3.", ".25", "1e1")]
)


def joined(parts):
    """Join pairs and plain texts into a pair."""
    pairs = [(part, part) if isinstance(part, str) else part for part in parts]
    return "".join(ours for ours, _ in pairs), "".join(theirs for _, theirs in pairs)


def nested(inner):
    """Make larger expressions of smaller ones."""
    operators = st.sampled_from(["+", "-", "*", "/", " - ", "\t/ "])
    exponents = st.sampled_from([("2", "N(2)"), ("3", "N(3)"), ("-1", "-N(1)"), (" 0", "N(0)")])
    return st.one_of(
        st.tuples(inner, operators, inner),
        st.tuples(inner, st.just("**"), exponents),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), st.just("("), inner, st.just(")")),
        st.tuples(st.just("("), inner, st.just(")")),
        st.tuples(st.sampled_from("+-"), inner),
    ).map(joined)


expressions = st.recursive(leaves, nested, max_leaves=8)

CONDITIONS = {
    "0 < s < 1": "(0 < s) & (s < 1)",
    "s >= 1 or not s > 0": "(s >= 1) | ~(s > 0)",
    "s != 0 and (x < 1 or x == 2)": "(s != 0) & ((x < 1) | (x == 2))",
}

# What stands around an expression E, with the value V of its sum.
STATEMENTS = {
    "sum({E})": "V",
    "t = sum({E}); t += s; t *= 2; t": "(V + s) * N(2)",
    "t, u = sum({E}), s; t, u = u, t; t - u # swapped": "s - V",
    "f(a) = a*2 + s; f(sum({E}))": "V * N(2) + s",
    "f(a) = a*a\ng(a, b) = f(a) - b\ng(sum({E}), s)": "V * V - s",
    "t = sum({E})\nfor k in range(3):\n  t = t/2 + k*s\nt": "((V / N(2)) / N(2) + s) / N(2) + N(2) * s",
    "t = sum({E}); for k in range(2, 0, -1): t = k - t\nt": "N(1) - (N(2) - V)",
    "t = sum(\n  {E}\n)\nu = x.T[::-1][...]; t + sum(u[None, 1:])": "V + x[0] + x[1]",
    **{
        f"sum(where({ours}, sum({{E}}) + 0*x, s))": f"sum(where({theirs}, V + N(0) * x, s))"
        for ours, theirs in CONDITIONS.items()
    },
}
elements = st.lists(st.floats(-2, 2, width=16), min_size=10, max_size=10)


def of_precision(kind, points, text, around):
    """Compute the sum of an expression, and what stands around it, by Python's own rules."""
    scope = FUNCTIONS | {name: value.astype(kind)[()] for name, value in points.items()}
    scope |= {"N": kind, "where": np.where}
    with np.errstate(all="ignore"):
        total = np.sum(eval(text, {"__builtins__": {}}, scope))  # noqa: S307 - the oracle of this test
        return eval(around, {"__builtins__": {}}, scope | {"V": total})  # noqa: S307 - as above


@fuzz(300)
@given(expressions, elements, st.sampled_from(sorted(STATEMENTS)))
def test_an_expression_has_the_value_that_python_gives_it(client, pair, drawn, statements):
    ours, theirs = pair
    points = {"x": np.array(drawn[:3]), "A": np.reshape(drawn[3:9], (2, 3)), "s": np.array(drawn[9])}
    expected = of_precision(np.longdouble, points, theirs, STATEMENTS[statements])
    roughly = of_precision(np.float64, points, theirs, STATEMENTS[statements])
    assume(np.isfinite(expected) and abs(expected - roughly) <= 1e-13 * max(1, abs(expected)))
    text = statements.replace("{E}", ours)
    words = set(re.findall(r"[A-Za-z]+", text))
    used = {name: value.tolist() for name, value in points.items() if name in words}
    assume(used)

    answer = client.post("/gradient", json={"function": text, "variables": used})

    assert answer.status_code == 200 or answer.json["code"] == "non-finite-result", answer.json
    if answer.status_code == 200:
        assert abs(answer.json["value"] - float(expected)) <= 1e-9 * max(1, abs(float(expected)))


WORDS = """x A s y N pi e 1 2. .5 1e9 0 + - * / ** @ ( ) [ ] , : ; = == < >= != True False axis= keepdims=
    sum( exp( where( softmax( reshape( clip( norm( cross_entropy( x[ [0] [:,1] [::-1]
    % // += and or not for in range( k .T None ... len( f(a) ' " \\ # ²"""
PIECES = [*WORDS.split(), " ", "\n", "\0", "x\u0301"]
soups = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
whole = st.sampled_from(CASES).map(lambda case: case.expression)


@st.composite
def mutated(draw):
    """Change one place of a good function: cut, doubled, replaced, or a piece of another put in."""
    text, piece = draw(whole), draw(st.sampled_from(PIECES) | st.text(max_size=3))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 4)))
    return text[:start] + piece + text[end:]


@fuzz(700)
@given(soups | mutated() | whole.flatmap(lambda text: st.integers(0, len(text)).map(lambda end: text[:end])))
def test_any_text_gets_an_answer_or_a_problem_with_its_place(client, text):
    values = {name: np.full(shape, 0.5).tolist() for name, shape in SHAPES.items()}
    request = {"function": text, "variables": {"x": values["x"]}, "constants": values | {"a": [1], "b": 2}}
    del request["constants"]["x"]

    answer = client.post("/gradient", data=json.dumps(request), content_type="application/json")

    assert answer.status_code in (200, 422), answer.json
    if answer.status_code == 422 and answer.json["code"] == "invalid-function":
        assert all("line" in error or error["pointer"] != "/function" for error in answer.json["errors"])
