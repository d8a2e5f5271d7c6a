"""Targets that are all 0 or 1, whose cross entropy of a sigmoid takes one logarithm."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from service.core import descent, gradient
from service.core.calculus.kernel import bind_on_arrays
from tests.core.compiled import compiled_for
from tests.fuzz.arithmetic import mp

LOGISTIC = "mean(binary_cross_entropy(sigmoid(X @ w + b), y))"
POINTS = [-1e300, -800, -745.5, -720, -709.8, *np.linspace(-40, 40, 33), 709.8, 720, 745.5, 800, 1e300]
REPEATED = 50
SUBNORMAL = 5e-324


def nothing():
    """Stand for a look at the clock."""


def data(rows, labels, columns=4):
    random = np.random.default_rng(rows)
    X, w = random.normal(size=(rows, columns)), random.normal(size=columns)
    return {"w": w, "b": np.array(0.3)}, {"X": X, "y": random.choice(labels, rows)}


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


@pytest.mark.parametrize("epsilon", [0, 1e-300, 1e-30, 1e-7, 0.5, 2.0**20])
def test_loss_and_derivative_have_all_their_digits_on_both_sides(epsilon):
    z, t = np.repeat(POINTS, 2 * REPEATED), np.tile([0.0, 1.0], REPEATED * len(POINTS))
    text = f"sum(w*binary_cross_entropy(sigmoid(z), t, epsilon={epsilon!r}))"

    found = gradient(text, {"z": z, "w": np.ones(z.size)}, {"t": t})

    assert compiled_for(text, {"z": z, "w": z}, {"t": t}).for_data({"t": t}).program.graph.has_labels
    slopes, values = (found["gradient"][name][: z.size] for name in "zw")
    for i in np.flatnonzero(np.arange(z.size) % (2 * REPEATED) < 2):
        # beyond, powers are 0 or without bound; with a probability of 0 and no ε the loss is the distance
        x, e, is_one = mp.mpf(float(np.clip(z[i], -1e6, 1e6))), mp.mpf(epsilon), t[i] == 1
        with mp.workdps(700):
            missed, hit = (sigmoid(-x), sigmoid(x)) if is_one else (sigmoid(x), sigmoid(-x))
            loss, derivative = -mp.log(hit + e), missed * hit / (hit + e) * (-1 if is_one else 1)
        if abs(x) < 1e6 or epsilon:
            assert abs(values[i] - loss) <= 1e-15 * abs(loss) + 4e-16 * min(missed + e, 1) + SUBNORMAL
        assert abs(slopes[i] - derivative) <= 4e-15 * abs(derivative) + SUBNORMAL * (1 + 1 / (hit + e))


@pytest.mark.parametrize("target", [0.5, 1e-300, 1 - 2**-53])
def test_one_target_between_leaves_the_general_formula(target):
    variables, constants = data(1_000, [0.0, 1.0])
    soft = constants["y"].copy()
    soft[700] = target
    known = compiled_for(LOGISTIC, variables, constants)

    assert known.for_data(constants) is known.for_labels is not known
    assert known.for_data(constants | {"y": soft}) is known
    found = gradient(LOGISTIC, variables, constants | {"y": soft})["value"]
    z = constants["X"] @ variables["w"] + variables["b"]
    p = 1 / (1 + np.exp(-z))
    wanted = -np.mean(soft * np.log(p + 1e-7) + (1 - soft) * np.log(1 - p + 1e-7))
    assert abs(found - wanted) <= 1e-14 * wanted


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (LOGISTIC, (1_000,)),
        ("mean(binary_cross_entropy(sigmoid(X @ w + b), y, epsilon=0))", (1_000,)),
        ("mean(binary_cross_entropy(1 / (1 + exp(-(X @ w + b))), y))", (1_000,)),
        ("mean(binary_cross_entropy(sigmoid(reshape(X @ w + b, (1000, 1))), y))", (1_000, 1)),
        ("mean(binary_cross_entropy(sigmoid(reshape(X @ w + b, (1000, 1))), y[:, None]))", (1_000,)),
        ("sum(binary_cross_entropy(sigmoid(X @ w + b), y)) + sum(w**2)", (1_000,)),
        ("v = softplus(b); mean(v*binary_cross_entropy(sigmoid(X @ w + b), y))", (1_000,)),
    ],
)
@pytest.mark.parametrize("method", ["exact", "central"])
def test_both_programs_agree_and_the_second_keeps_within_the_quote(function, shape, method):
    variables, constants = data(1_000, [0.0, 1.0])
    constants["y"] = constants["y"].reshape(shape)
    known = compiled_for(function, variables, constants, method=method)
    general = compiled_for(function, variables, constants, method=method)
    vars(general)["for_labels"] = general  # as if there were no second program
    found = []

    for each in (known, general):
        kernel = bind_on_arrays(each, constants, None, nothing)
        with np.errstate(all="ignore"):
            value, slopes = kernel.evaluate(kernel.pack(variables))
        found.append([value, *map(np.array, slopes)])

    assert known.for_labels is not known
    assert known.for_labels.peak_bytes <= known.peak_bytes
    assert known.for_labels.operations < known.operations
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12 if method == "exact" else 1e-8)


def test_what_is_no_label_of_a_sigmoid_has_no_second_program():
    variables, constants = data(1_000, [0.0, 1.0])
    few, small = data(100, [0.0, 1.0])
    a_variable = {**variables, "y": constants["y"]}

    assert compiled_for(LOGISTIC, few, small).make_for_labels is None
    assert compiled_for(LOGISTIC, a_variable, {"X": constants["X"]}).make_for_labels is None
    assert compiled_for(LOGISTIC, variables, constants, method="complex_step").make_for_labels is None
    plain = "mean(softplus(X @ w + b) - y*(X @ w + b))"
    assert compiled_for(plain, variables, constants).make_for_labels is None


@pytest.mark.parametrize("options", [{}, {"batch": {"size": 600, "of": ["X", "y"]}}, {"optimizer": "lbfgs"}])
def test_descents_over_labels_go_on_bit_for_bit(options):
    variables, constants = data(2_000, [0.0, 1.0])
    at_once = descent(LOGISTIC, variables, constants, steps=20, **options)

    first = descent(LOGISTIC, variables, constants, steps=8, **options)
    rest = descent(LOGISTIC, first["variables"], constants, steps=12, state=first["state"], **options)

    assert at_once["value"] < at_once["state"]["start_value"]
    for name in variables:
        assert_array_equal(rest["variables"][name], at_once["variables"][name])


def test_the_second_program_holds_what_is_quoted():
    variables, constants = data(100_000, [0.0, 1.0])
    known = compiled_for(LOGISTIC, variables, constants)
    template = known.for_labels.emitted.on_arrays  # compiled before
    tracemalloc.start()
    kernel = bind_on_arrays(known, constants, None, nothing)
    with np.errstate(all="ignore"):
        kernel.evaluate(kernel.pack(variables))
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert kernel.template is template
    assert held <= known.peak_bytes


def test_a_second_program_that_would_hold_more_than_is_quoted_is_not_bound():
    variables, constants = data(1_000, [0.0, 1.0])
    variables["v"] = np.ones(3_000)  # at its peak all that is computed of the labels alone is held, too
    known = compiled_for(f"{LOGISTIC} + sum(sqrt(exp(v) + 1)*arctan(v))", variables, constants)

    assert known.make_for_labels is not None
    assert known.for_data(constants) is known
