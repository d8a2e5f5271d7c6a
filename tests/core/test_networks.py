"""Real work: softmax regression and a two-layer network on 100 images of 28 x 28."""

import math

import numpy as np
import pytest

from service.core.calculus.gradient import gradient, quote

RANDOM = np.random.default_rng(0)
DATA = {"X": RANDOM.normal(size=(100, 784)), "t": np.eye(10)[RANDOM.integers(0, 10, 100)]}

FUNCTIONS = {
    "regression": (
        "mean(cross_entropy(softmax(X @ W + b), t))",
        {"W": RANDOM.normal(size=(784, 10)) / 20, "b": RANDOM.normal(size=10)},
    ),
    "two layers": (
        "h = sigmoid(X @ W1 + b1); mean(cross_entropy(softmax(h @ W2 + b2), t))",
        {
            "W1": RANDOM.normal(size=(784, 50)) / 20,
            "b1": RANDOM.normal(size=50),
            "W2": RANDOM.normal(size=(50, 10)),
            "b2": RANDOM.normal(size=10),
        },
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_exact_gradient_is_that_of_central_differences_on_a_sample_of_elements(name):
    function, variables = FUNCTIONS[name]
    slopes = gradient(function, variables, DATA)["gradient"]

    for variable, array in variables.items():
        for place in np.random.default_rng(1).integers(0, array.size, 5):
            at = np.unravel_index(place, array.shape)

            def value(step, variable=variable, array=array, at=at):
                moved = array.copy()
                moved[at] += step
                return gradient(function, variables | {variable: moved}, DATA)["value"]

            h = 1e-3
            wide, narrow = (value(2 * h) - value(-2 * h)) / (4 * h), (value(h) - value(-h)) / (2 * h)
            assert slopes[variable][at] == pytest.approx((4 * narrow - wide) / 3, rel=1e-6, abs=1e-10)


def test_the_gradient_of_a_vector_of_directions_is_the_slope_along_them():
    function, variables = FUNCTIONS["two layers"]
    slopes = gradient(function, variables, DATA)["gradient"]
    random = np.random.default_rng(2)
    along = {name: random.normal(size=array.shape) for name, array in variables.items()}

    def value(step):
        return gradient(
            function, {name: array + step * along[name] for name, array in variables.items()}, DATA
        )["value"]

    h = 1e-4
    expected = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
    assert sum(np.sum(slopes[name] * along[name]) for name in along) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_exact_gradient_costs_a_few_evaluations_and_central_differences_two_for_each_element(name):
    function, variables = FUNCTIONS[name]
    elements = sum(math.prod(array.shape) for array in variables.values())

    exact = quote(function, variables, DATA)
    central = quote(function, variables, DATA, method="central")

    alone = central["operations"] / central["evaluations"]
    assert exact["evaluations"] == 1
    assert exact["operations"] < 4 * alone
    assert exact["within_limits"]
    assert central["evaluations"] == 2 * elements + 1
    assert central["within_limits"] == (name == "regression")
