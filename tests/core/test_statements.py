"""Statements of the language: names assigned again, loops, functions, conditions, layout, whole numbers."""

import math
import time

import numpy as np
import pytest

from service.core.calculus.gradient import gradient
from service.core.calculus.value import value
from service.core.exceptions import InvalidFunction, NonFiniteResult
from service.core.language.parser import parse_function
from service.core.language.program import check_function
from service.core.limits import DEFAULT_LIMITS, Limits

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
x = np.array([3.0, -1.0, 0.5])


def run_python(text: str) -> float:
    """Run a text as Python with NumPy's names, and return what its last line assigns to `result`."""
    names = {name: getattr(np, name) for name in ("sum", "exp", "sin", "tanh", "where", "mean", "dot")}
    scope = {**names, "x": x.copy(), "X": X.copy()}
    exec(text, scope)  # noqa: S102 - our own list, the reference being Python itself
    return float(scope["result"])


AS_IN_PYTHON = [
    "a = 1; a = a + 2; result = a*sum(x)",
    "a = 1*x; a += 1; a *= 2; a -= x; a /= 3; a **= 2; result = sum(a)",
    "a = 7; a //= 2; a %= 2; result = a*sum(x)",
    "a = X @ X.T; result = sum(a)",
    "a, b = sum(x), 2; a, b = b, a; result = a - b",
    "s = 0\nfor k in range(len(x)):\n    s += x[k]**2\nresult = s",
    "s = 0\nfor k in range(3): s = s + x[k]; s *= 2\nresult = s",
    "s = 0; t = 1\nfor k in range(2, -1, -1):\n  t = t*x[k]\n  s = s + t\nresult = s",
    "s = 0\nfor i in range(2):\n  for j in range(i, len(x)):\n    s += X[i, j]*(i + j)\n  s *= 2\nresult = s",
    "s = 0\nfor i in range(2):\n\ts += X[i, 0] # a comment\n\n\t# another\n\n\ts += 1\nresult = s",
    "s = 0\nfor i in range(2):\n  for j in range(3): s += X[i, j]\n  s = 2*s\nresult = s",
    "n = len(x) - 1\nresult = x[n] + x[n - 1:][0] + sum(x[:n:2])",
    "result = x[len(x) // 2] + x[-len(x)] + 7 // 2 + 7 % 4 + (-7) // 2 + (-7) % 4",
    "result = sum(x[1:][0:1]) + 10**2 + 2**3 - 5 % 3 * 2",
    "result = (1 +\n  2) * sum(\n x\n)\n",
    "h = x*0\nfor k in range(len(X)): h = tanh(X[k] + 0.5*h)\nresult = sum(h)",
    "k = 5\nfor k in range(2): a = k\nresult = k + a + sum(x)",
    "result = sum(where(x > 0, x, 0)) + sum(x % 2) + sum(x // 2) + sum(-x % 3)",
    "result = sum(x[None, :] * X[:, None, :]) + sum(x[..., None]*x) + sum(X[..., 0]) + sum(X[0, ..., 1:])",
    "result = sum(X.T @ X) + sum((X.T)[1]) + sum(X[0:1].T) + (x @ x).T",
    "result = sum(X[1, None]) + sum(X[None][0]) + X[1][2]",
    "a = -1\nb = - -2\nresult = x[a] + x[b] + x[+1]",
    "for i in range(1):\n      a = 1\nresult = a + sum(x)",
    "\n\n  \n# only a comment\nresult = sum(x) # end",
    "for i in range(0): a = 1\nresult = sum(x)",
    "s = 1\nfor i in range(3):\n  s = s*2\n\nresult = s + sum(x)",
]


@pytest.mark.parametrize("text", AS_IN_PYTHON)
def test_statements_are_those_of_python(text):
    expected = run_python(text)

    got = gradient(f"{text}\nresult + 0*sum(x) + 0*sum(X)", {"x": x, "X": X})["value"]

    assert got == pytest.approx(expected, rel=1e-14)


CONDITIONS = [
    ("0 < x < 1", lambda x: (x > 0) & (x < 1)),
    ("-2 <= x < 0.5 != x", lambda x: (x >= -2) & (x < 0.5)),
    ("x < 0 or x > 1", lambda x: (x < 0) | (x > 1)),
    ("x < 0 or x > 1 and x > 2", lambda x: (x < 0) | ((x > 1) & (x > 2))),
    ("not x < 0", lambda x: ~(x < 0)),
    ("not (x < 0 or x > 1)", lambda x: ~((x < 0) | (x > 1))),
    ("not x < 0 and x < 1", lambda x: (~(x < 0)) & (x < 1)),
    ("(x > 0)", lambda x: x > 0),
    ("((x > 0) and\n (x < 2))", lambda x: (x > 0) & (x < 2)),
    ("x != 0 and 1/x > 0.5", lambda x: (x != 0) & (1 / x > 0.5)),
]


@pytest.mark.parametrize(("text", "expected"), CONDITIONS, ids=[text for text, _ in CONDITIONS])
@pytest.mark.parametrize("repeat", [1, 400])
def test_conditions_combine_element_by_element(text, expected, repeat):
    points = np.tile([-3.0, -0.5, 0.25, 0.75, 1.5, 2.5], repeat)

    answer = gradient(f"sum(where({text}, x**2, 3*x))", {"x": points})

    chosen = expected(points)
    assert answer["value"] == pytest.approx(np.sum(np.where(chosen, points**2, 3 * points)), rel=1e-13)
    assert np.allclose(answer["gradient"]["x"], np.where(chosen, 2 * points, 3), rtol=1e-15)


def test_a_combined_condition_that_compares_with_nan_is_not_finite():
    with pytest.raises(NonFiniteResult):
        gradient("where(x > 5 or log(x) < 0, x, 2*x)", {"x": -1.0})


@pytest.mark.parametrize(
    ("text", "expected"), [("a % b", [1.0, 4.0]), ("a // b", [0.0, 0.0]), ("a % b + a // b", [1.0, 4.0])]
)
@pytest.mark.parametrize("size", [1, 600])
def test_remainders_have_the_documented_derivatives(text, expected, size):
    answer = gradient(f"sum({text})", {"a": np.full(size, -7.0), "b": np.full(size, 2.0)})

    assert answer["value"] == size * eval(text, {"a": -7.0, "b": 2.0})  # noqa: S307 - our own list
    assert np.array_equal(answer["gradient"]["a"], np.full(size, expected[0]))
    assert np.array_equal(answer["gradient"]["b"], np.full(size, expected[1]))


FUNCTIONS = [
    ("f(a) = a**2; f(sum(x))", np.sum(x) ** 2),
    ("f(a, b) = a - b; f(x[0], f(x[1], 2))", 3.0 - (-1.0 - 2)),
    ("c = 2; f(a) = c*a; c = 5; f(x[0])", 6.0),
    ("f(a) = a + 1; g(a) = 2*f(a); f(a) = 100*a; g(x[0])", 8.0),
    ("exp(a) = a + 1; exp(x[0])", 4.0),
    ("f(k) = x[k]; f(1) + f(len(x) - 1)", -0.5),
    ("x2(a) = a; x2(x[0])", 3.0),
    ("f(x) = 2*x; f(1) + x[0]", 5.0),
    ("f(\n  a,\n  b,\n) = a*b\nf(x[0], 2)", 6.0),
    ("s(a) = sum(a); t = 0\nfor k in range(3): t += s(x)\nt", 7.5),
    ("sum = 2; sum*sum(x)", 5.0),
    ("var = sum(x); det = 2; var*det", 5.0),
    ("mean = x; mean[0] + mean(mean)", 3.0 + np.mean(x)),
    ("e = 3; pi = 2; e*pi + 0*x[0]", 6.0),
]


@pytest.mark.parametrize(("text", "expected"), FUNCTIONS)
def test_functions_of_the_client_are_expanded(text, expected):
    assert gradient(text, {"x": x})["value"] == pytest.approx(expected, rel=1e-14)


def test_names_may_be_those_of_functions():
    answer = gradient("sum(exp(exp)*max)", {"exp": [0.0, 1.0]}, {"max": 2.0})

    assert answer["value"] == pytest.approx(2 * (1 + math.e))


def test_for_and_in_are_names_elsewhere():
    assert gradient("for + in", {"for": 2.0, "in": 3.0})["value"] == 5.0


def test_the_quote_shows_what_a_statement_holds_at_the_end():
    program = check_function(
        parse_function("a = x; a = sum(a); n = 3; a*n", DEFAULT_LIMITS), {"x": (3,)}, {}, DEFAULT_LIMITS
    )

    assert program.shapes() == {"x": (3,), "a": (), "n": (), "value": ()}


@pytest.mark.parametrize(
    ("text", "place", "within"),
    [
        ("f(a) = a @ 2; f(x)", (1, 15), (1, 10)),
        ("f(a) = log(a)\ng(b) = 1 + f(b[7])\ng(x)", (3, 1), (2, 15)),
        ("f(a) = zz; f(x)", (1, 12), (1, 8)),
        ("f(a) = sum(a, axis=5); g(b) = f(b); g(x)", (1, 37), (1, 8)),
    ],
)
def test_an_error_in_a_function_names_the_call_and_the_body(text, place, within):
    with pytest.raises(InvalidFunction) as caught:
        gradient(text, {"x": x})

    fault = caught.value.faults[0]
    assert ((fault.line, fault.column), fault.within) == (place, within)
    assert "within" in fault.detail


def test_a_result_that_is_not_finite_names_the_call_and_the_body():
    with pytest.raises(NonFiniteResult) as caught:
        gradient("f(a) = 1 + log(a); 2*f(x)", {"x": 0.0})

    fault = caught.value.faults[0]
    assert (fault.column, fault.within) == (22, (1, 12))


def loops(*ranges, body="s = s + 1"):
    lines = ["s = x"]
    for depth, stop in enumerate(ranges):
        lines.append(" " * depth + f"for k{depth} in range({stop}):")
    return "\n".join([*lines, " " * len(ranges) + body, "sum(s)"])


def doubling(count, body="{0}(a) + {0}(a)"):
    lines = ["f0(a) = a + a"]
    lines += [f"f{k + 1}(a) = {body.format(f'f{k}')}" for k in range(count)]
    return "\n".join([*lines, f"sum(f{count}(x))"])


BOMBS = [
    loops("1000000000"),
    loops(1000, 1000),
    loops(100, 100, 100, 100),
    loops("9999999999999999999999999999999999999999"),
    loops(200, "k0", "k1", "k2"),
    loops(20000),
    loops(1000, "k0*k0*k0"),
    loops(9999, "k0"),
    loops(10000, "len(x)*1000"),
    loops("0, -1000000000, -1", 5),
    loops(30000, body="s = s"),
    loops(30000, body="a = 1"),
    loops(150, 150, body="a = k0"),
    loops(4000, body="s = sin(s)*cos(s) + tan(s) - exp(s)/2"),
    loops("len(x)", 5000, 5000),
    doubling(15),
    doubling(60),
    doubling(100, "{0}({0}(a))"),
    doubling(40, "{0}(a)*{0}(a) - {0}(a)"),
    doubling(12).replace("sum(f12(x))", "s = x\nfor k in range(1000): s = f12(s)\nsum(s)"),
    "f(a) = a + a*a - a/2\ns = x\nfor k in range(9999): s = f(f(f(s)))\nsum(s)",
    "s = x\nfor k in range(5000):\n for j in range(len(s)):\n  s = s + 1\nsum(s)",
    "s = x\nfor a in range(25000): pass0 = s[0] + 1\nsum(s)",
    "for k in range(100000): f(a) = a\nsum(x)",
    "s = x; for k in range(7): for j in range(7*k*1000): s = s*2 + 1\nsum(s)",
    "f(n) = x[n % 3]\ns = 0\nfor k in range(25000): s = s + f(k)\ns",
    "f(n) = x[n % 3]\ns = 0\nfor k in range(3): for j in range(3000 + k*1000): s = s + f(k) + f(j)\ns",
]


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_a_text_that_expands_without_end_is_refused_in_milliseconds(text):
    tape = parse_function(text, DEFAULT_LIMITS)
    started = time.process_time()

    with pytest.raises(InvalidFunction) as caught:
        check_function(tape, {"x": (3,)}, {}, DEFAULT_LIMITS)

    assert caught.value.faults[0].code == "too-many-operations"
    assert time.process_time() - started < 2.0  # 0.1 s at the most, and what measuring coverage adds


SHAPE_BOMBS = [
    "a = x[:, None]*x; " + "; ".join(["a = reshape(a[..., None]*reshape(a, -1), -1)"] * 40) + "; sum(a)",
    "a = 1" + "0" * 300 + "; " + "b = a*a*a*a*a; " * 50 + "sum(x)*b",
    "a = 7; " + "a = a*a*a + a; " * 100 + "sum(x)*a",
    "x[" + "9" * 4000 + "]",
    "x[" + "9*" * 900 + "9]",
]


@pytest.mark.parametrize("text", SHAPE_BOMBS, ids=range(len(SHAPE_BOMBS)))
def test_shapes_and_whole_numbers_do_not_explode(text):
    started = time.process_time()

    with pytest.raises(Exception) as caught:
        gradient(text, {"x": x})

    assert type(caught.value).__module__ == "service.core.exceptions"
    assert time.process_time() - started < 2.0  # 0.1 s, and what coverage and a collection of garbage add


def test_the_limit_of_operations_is_an_argument():
    text = "s = x\nfor k in range(10): s = s + 1\nsum(s)"

    rounds_additions_and_the_sum = Limits(function_operations=10 + 10 + 1)
    assert gradient(text, {"x": x}, limits=rounds_additions_and_the_sum)["value"] == np.sum(x) + 30
    with pytest.raises(InvalidFunction, match="more than 8 operations"):
        gradient(text, {"x": x}, limits=Limits(function_operations=8))
    value(text, {"x": x})
    with pytest.raises(InvalidFunction, match="operations"):
        value(text, {"x": x}, limits=Limits(function_operations=8))


def test_a_loop_as_long_as_the_limit_allows_runs():
    text = "s = x\nfor k in range(5000): s = s + 1\nsum(s)"

    program = check_function(parse_function(text, DEFAULT_LIMITS), {"x": (3,)}, {}, DEFAULT_LIMITS)

    assert len(program.graph.nodes) > 5000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a, 3", "a name"),
        ("a, b", "a comma or ="),
        ("a, b = 1 2", "an operator or a comma or the end of the statement"),
        ("f() = x", "a name"),
        ("f(a, 2) = x", "a name or )"),
        ("for k in 3: y = x", "a name"),
        ("for k in range 3: y = x", "an opening parenthesis"),
        ("for k in range(3) y = x", "a colon"),
        ("x x", "an operator or a comma or the end of the statement"),
        ("(x x)", "an operator or )"),
        ("x[", "a number, a name or an opening parenthesis or a colon"),
    ],
)
def test_what_is_expected_is_what_may_stand_there(text, expected):
    with pytest.raises(InvalidFunction) as caught:
        gradient(text, {"x": 1.0})

    assert f"; expected {expected}." in caught.value.faults[0].detail
