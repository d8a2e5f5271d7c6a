"""What people write from habit gets the word that helps."""

import re

import pytest

from service.core.calculus.gradient import gradient
from service.core.exceptions import InvalidFunction
from service.core.language.operations import CONSTANTS, FUNCTIONS
from service.core.suggestions import ALIASES, hint_for

HABITS = [
    ("2x", "Write * between"),
    ("3(x)", "Write * between"),
    ("2 x[0]", "Write * between"),
    ("np.exp(x)", "Write exp(x)."),
    ("numpy.sum(x)", "Write sum(x)."),
    ("math.log(x)", "Write log(x)."),
    ("torch.relu(x)", "Write relu(x)."),
    ("torch.nn.functional.softplus(x)", "Write softplus(x)."),
    ("tf.reduce_sum(x)", "Write sum(x)."),
    ("np.linalg.norm(x)", "Write norm(x)."),
    ("x.sum()", "Write sum(x)."),
    ("x.dot(x)", "Write dot(x)."[:9]),
    ("x.shape", "no attributes"),
    ("ln(x)", "Write log(x)."),
    ("pow(x, 2)", "Write a ** b."),
    ("power(x, 2)", "Write a ** b."),
    ("asin(x)", "Write arcsin(x)."),
    ("acos(x)", "Write arccos(x)."),
    ("atan2(x, x)", "Write arctan2(a, b)."),
    ("mse(x, x)", "Write mean(squared_error(p, t))."),
    ("x[0]^2", "Write ** for a power."),
    ("x[0] if x[0] > 0 else 1", "Write where(condition, a, b)."),
    ("[x[0], x[1]]", "write stack(a, b)"),
    ("sum([x[0], x[1]])", "write stack(a, b)"),
    ("x[0] − 1", "Write -."),
    ("x²", "Write **2."),
    ("x[0] × 2", "Write *."),
    ("2π", "Write pi."),
    ("where(x > 0 & x < 1, x, 0)", "Write: a and b."),
    ("where(x > 0 | x < 1, x, 0)", "Write: a or b"),
    ("|x|", "abs(x)"),
    ("where(True, x, 0)", "where(x > 0"),
    ("max(x[0], x[1])", "maximum(a, b)"),
    ("max(x[0], 1)", "a scalar has no axis. The larger of two is maximum(a, b)."),
    ("sum(min(x, 1))", "use -1 to 0. The smaller of two is minimum(a, b)."),
    ("min(x, x + 1)", "minimum(a, b)"),
    ("x0", "Write x[0] for an element of x."),
    ("x0**2 + x1**2", "Write x[0] for an element of x."),
    ("lambda x: x", "Define a function as f(x) = expression."),
    ("def f(x): x", "Define a function"),
    ("return x", "The last statement is the value."),
    ("while x: x", "for k in range(n)"),
    ("import numpy", "known without importing"),
    ("sum(x, dim=0)", "Write axis."),
    ("sum(x, axes=0)", "Write axis."),
    ("lrelu(x)", "Write leaky_relu(x)."),
    ("logistic(x)", "Write sigmoid(x)."),
    ("avg(x)", "Write mean(x)."),
    ("cosec(x)", "Write 1 / sin(x)."),
    ("x'", "a transpose is x.T"),
    ("x.*x", "without a dot"),
    ("x.^2", "without a dot"),
    ("x[0] > 0 ? 1 : 2", "Write where(condition, a, b)."),
    ("for v in x: a = v", "A loop is written for k in range(n)"),
    ("max(x[0], 0)", "a scalar has no axis. The larger of two is maximum(a, b)."),
    ("f(a) = a; f(a=1) + x[0]", "f(a) was called with a named argument."),
    ("x[0] + ones(-1)", "ones got -1: a size is at least 0"),
    ("sum(axis=0) + x[0]", "takes 1 argument, got 0"),
    ("softmx(x)", "Did you mean softmax?"),
    ("Exp(x)", "Did you mean exp?"),
    ("sqare(x)", "Did you mean square?"),
]


@pytest.mark.parametrize(("text", "words"), HABITS, ids=[ascii(text) for text, _ in HABITS])
def test_what_people_write_from_habit_gets_the_word_that_helps(text, words):
    with pytest.raises(InvalidFunction) as caught:
        gradient(text, {"x": [1.0, 2.0]})

    detail = caught.value.faults[0].detail
    assert words in detail
    assert len(detail) < 400


@pytest.mark.parametrize("name", ["frobnicate", "y", "target", "cost_function", "gram"])
def test_a_name_that_is_like_nothing_gets_no_suggestion(name):
    assert hint_for(name, [*FUNCTIONS], ALIASES) == ""


def test_no_alias_is_a_function_of_the_language():
    assert not set(ALIASES) & set(FUNCTIONS)


def test_aliases_name_functions_that_exist():
    for written in ALIASES.values():
        called = set(re.findall(r"([A-Za-z_][A-Za-z0-9_]*)\(", written))
        assert called <= set(FUNCTIONS) | {"len"} | set(CONSTANTS), written
