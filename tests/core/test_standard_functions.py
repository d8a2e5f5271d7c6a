"""Test functions of global optimization: their values, and where L-BFGS arrives from a random start."""

import numpy as np
import pytest

from service.core import descent, gradient
from tests.core.standard_functions import FUNCTIONS, known_values

FOUND = 160
"""Of the functions so many at least end at a stationary point; SciPy's L-BFGS-B found 139 to 162 of them."""


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_value_and_gradient_are_those_of_scipys_class(function):
    known = known_values()["functions"][function.name]

    answer = gradient(function.text, {"x": known["x"]}, function.constants)

    assert answer["value"] == pytest.approx(known["value"], rel=1e-10, abs=1e-12)
    scale = 1e-5 * np.abs(known["gradient"]).max() + 1e-99
    np.testing.assert_allclose(answer["gradient"]["x"], known["gradient"], rtol=1e-5, atol=scale)


def test_every_function_has_its_values():
    assert [function.name for function in FUNCTIONS] == list(known_values()["functions"])


def test_lbfgs_arrives_at_a_stationary_point_of_most():
    found = 0
    for function in FUNCTIONS:
        start = {"x": function.start()}
        path = descent(function.text, start, function.constants, optimizer="lbfgs", steps=500)
        assert path["best"]["value"] == pytest.approx(path["value"], rel=1e-14, abs=1e-300)
        slope = gradient(function.text, path["variables"], function.constants)["gradient"]["x"]
        found += np.abs(slope).max() <= 1e-5 * max(1.0, abs(path["value"]))

    assert found >= FOUND
