"""Test functions of global optimization: their values, and where L-BFGS arrives from a random start."""

import numpy as np
import pytest

from service.core import descent, gradient, value
from service.core.exceptions import NonFiniteResult
from tests.core.standard_functions import FUNCTIONS, known_values

FOUND = 160
"""Of the functions so many at least end at a stationary point; SciPy's L-BFGS-B found 139 to 162 of them."""


DIGITS_LOST = {"Weierstrass": 1e-5}
"""Tolerance where float64 does not hold the argument of a wave: 3**20 periods in a unit."""

WITHOUT_PLACE = {"LennardJones", "ZeroSum"}
WITHOUT_VALUE = {"Csendes", "Damavandi"}
WITHOUT_SLOPE = {"Bukin06", "XinSheYang04"}
"""Whose minimum has no single place, whose formula is 0/0 at it, and whose minimum is a cusp."""


@pytest.mark.parametrize("place", [0, 1], ids=["first point", "second point"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_value_and_gradient_are_those_of_scipys_class(function, place):
    known = known_values()["functions"][function.name]["points"][place]

    answer = gradient(function.text, {"x": known["x"]}, function.constants)

    assert answer["value"] == pytest.approx(known["value"], rel=1e-11, abs=1e-12)
    tolerance = DIGITS_LOST.get(function.name, 1e-7)
    distance = np.abs(answer["gradient"]["x"] - known["gradient"]).max()
    assert distance <= tolerance * np.abs(known["gradient"]).max() + 1e-99


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_the_published_minimum_is_the_value_at_its_place(function):
    known = known_values()["functions"][function.name]
    assert all(point["value"] >= known["minimum"] for point in known["points"])
    if function.name in WITHOUT_PLACE:
        assert known["minimizer"] == []
        return
    if function.name in WITHOUT_VALUE:
        with pytest.raises(NonFiniteResult):
            value(function.text, {"x": known["minimizer"]}, function.constants)
        return

    found = value(function.text, {"x": known["minimizer"]}, function.constants)["value"]

    assert found == pytest.approx(known["minimum"], rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    "function",
    [function for function in FUNCTIONS if function.name not in WITHOUT_PLACE | WITHOUT_VALUE],
    ids=lambda function: function.name,
)
def test_the_gradient_at_the_published_minimum_is_a_number_however_a_norm_is_written(function):
    minimizer = known_values()["functions"][function.name]["minimizer"]
    for norm in ("norm(x)", "sqrt(sum(x**2))", "sum(x**2)**0.5"):
        text = function.text.replace("norm(x)", norm)
        if function.name in WITHOUT_SLOPE:
            with pytest.raises(NonFiniteResult, match="the derivative by x"):
                gradient(text, {"x": minimizer}, function.constants)
        else:
            assert np.isfinite(gradient(text, {"x": minimizer}, function.constants)["gradient"]["x"]).all()


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
