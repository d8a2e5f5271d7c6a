"""Products by numerical methods: their one step fits every element that moves."""

import pytest

from service.core import hvp, jacobian, jvp
from service.core.exceptions import InvalidRequest

FITTING = [
    ("log(x)", [1e-20], [1.0], "complex_step", None, [1e20]),
    ("log(x)", [1e-20, 3.0], [1.0, 1.0], "complex_step", None, [1e20, 1 / 3]),
    ("sqrt(x)", [1e-30, 4.0], [2.0, -1.0], "complex_step", None, [1e15, -0.25]),
    ("x*log(x)", [1e-280], [1.0], "complex_step", None, [-643.7238260383328]),
    ("exp(-x**2)*1e-300", [1.0], [1.0], "complex_step", None, [-7.357588823428847e-301]),
    ("2*x", [1e8], [1.0], "forward", None, [2.0]),
    ("2*x", [1e10, 3e10], [1.0, -1.0], "forward", None, [2.0, -2.0]),
    ("2*x", [1e11] * 700, [3.0] * 700, "central", None, [6.0] * 700),
    ("x**2", [1e20, 3.0], [0.0, 1.0], "central", None, [0.0, 6.0]),
    ("x", [1e20, 3.0], [1e-12, 1.0], "central", None, [0.0, 1.0]),
    ("2*x", [1.0], [1.0], "forward", 1.5e-16, [2.0]),
    ("2*x", [1e11, 1.0], [1.0, 0.0], "central", 1e-4, [2.0, 0.0]),
    ("x**2", [3.0, 4.0], [0.0, 0.0], "central", None, [0.0, 0.0]),
]


@pytest.mark.parametrize(("function", "x", "v", "method", "h", "product"), FITTING)
def test_a_product_by_differences_takes_a_step_that_fits(function, x, v, method, h, product):
    found = jvp(function, {"x": x}, {"x": v}, method=method, h=h)["product"]

    assert found == pytest.approx(product, rel=1e-7 if function == "x**2" else 1e-11, abs=1e-9)


@pytest.mark.parametrize("method", ["central", "forward", "complex_step"])
@pytest.mark.parametrize("x", [1e-12, 0.3, 1.0, 5e6])
def test_a_product_with_a_unit_vector_is_a_column_of_the_jacobian(method, x):
    function, point = "sum(sqrt(a)) * b", {"a": [x, 2.0], "b": 3.0}
    if x == 1e-12 and method != "complex_step":
        function = function.replace("sqrt(a)", "a")

    column = jacobian(function, point, method=method)["jacobian"]["a"][0]
    product = jvp(function, point, {"a": [1.0, 0.0]}, method=method)["product"]

    assert product == pytest.approx(column, rel=1e-15)


@pytest.mark.parametrize("x", [[1e12, 3.0], [1e20, 1e20]])
@pytest.mark.parametrize("product", [jvp, hvp])
def test_a_step_that_rounding_leads_away_from_the_line_is_refused(product, x):
    with pytest.raises(InvalidRequest, match="along the line is lost in rounding") as refused:
        product("sum(x**2)", {"x": x}, {"x": [1.0, 1.0]}, method="central")

    assert refused.value.faults[0].pointer == "/h"


def test_the_product_of_a_hessian_by_differences_divides_by_the_step_that_was_taken():
    found = hvp("sum(x**2)", {"x": [1e11, 1e11]}, {"x": [1.0, 1.0]}, method="central")["product"]["x"]

    assert found == pytest.approx([2.0, 2.0], rel=1e-9)


def test_what_does_not_move_does_not_choose_the_steps_of_the_judge():
    found = jvp("abs(log(x))", {"x": [1e12, 1e-3]}, {"x": [0.0, 1.0]}, verify=True)["verification"]

    assert found["max_relative_error"] < 1e-8
