"""The seed, row by row: what the blog post and its book compute, over HTTP, to the last digit printed.

Source: Saito, Deep Learning from Scratch, O'Reilly Japan, 2016, chapter 4, as the blog post runs it on NumPy.
"""

import subprocess
import sys

import numpy as np
import pytest

FUNC_2 = "x[0]**2 + x[1]**2"

Y = [0.1, 0.01, 0.99, 0, 0, 0.1, 0.02, 0.1, 0.1, 0.04]
T = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]


@pytest.fixture
def ask(client):
    """Post to the service; the answer is a 200 and its body comes back."""

    def post(path, **request):
        response = client.post(path, json=request)
        assert response.status_code == 200, response.json
        return response.json

    return post


# | seed's name | in Kobai | reference value |


def test_func_2(ask):
    assert ask("/gradient", function=FUNC_2, variables={"x": [3, 4]})["value"] == 25


def test_numerical_grad(ask):
    answer = ask("/gradient", function=FUNC_2, variables={"x": [3.0, 4.0]}, method="central", h=1e-4)

    assert answer["gradient"]["x"] == [6.00000000000378, 7.999999999999119]


def test_numerical_grad_with_its_own_step(ask):
    answer = ask("/gradient", function=FUNC_2, variables={"x": [3.0, 4.0]}, method="central")

    assert answer["gradient"]["x"] == [6.00000000000378, 7.999999999999119]


def test_numerical_grad_with_the_step_that_the_post_warns_of(client):
    request = {"function": FUNC_2, "variables": {"x": [3.0, 4.0]}, "method": "central", "h": 1e-50}

    response = client.post("/gradient", json=request)

    assert response.status_code == 422
    assert response.json["code"] == "invalid-request"
    assert [error["pointer"] for error in response.json["errors"]] == ["/h"]


def test_grad_descent(ask):
    start = {"x": [-3.0, 4.0]}

    answer = ask("/descent", function=FUNC_2, variables=start, learning_rate=0.1, steps=100)

    assert [f"{x:.4e}" for x in answer["variables"]["x"]] == ["-6.1111e-10", "8.1481e-10"]


def test_grad_descent_with_its_own_defaults(ask):
    answer = ask("/descent", function=FUNC_2, variables={"x": [-3.0, 4.0]})

    assert answer["steps"] == 100
    assert answer["variables"]["x"] == pytest.approx([-3 * 0.98**100, 4 * 0.98**100], rel=1e-12)


def test_learning_rate_experiment(ask):
    rates = [0.01, 0.001, 0.02, 0.002]

    answer = ask("/descent/sweep", function=FUNC_2, variables={"x": [-3.0, 4.0]}, learning_rates=rates)

    assert [run["learning_rate"] for run in answer["runs"]] == rates
    assert [run["verdict"] for run in answer["runs"]] == ["improving"] * 4
    assert rates[answer["best"]] == 0.02


def test_plot_of_the_gradient(ask):
    side = np.arange(-2, 2.5, 0.25)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)

    answer = ask("/gradient/field", function=FUNC_2, points={"x": grid.tolist()})

    assert answer["gradient"]["x"] == (2 * grid).tolist()


@pytest.mark.parametrize("axis", [None, -1])
def test_softmax(ask, axis):
    answer = ask("/softmax", x=[0.3, 2.9, 4.0], axis=axis)

    assert [f"{y:.8f}" for y in answer["y"]] == ["0.01821127", "0.24519181", "0.73659691"]


def test_sigmoid(ask):
    assert ask("/sigmoid", x=[0])["y"] == [0.5]


def test_mean_squre_err(ask):
    answer = ask("/loss", loss="half_squared_error", predictions=Y, targets=T, reduction="sum")

    assert answer["loss"] == pytest.approx(
        0.5 * sum((y - t) ** 2 for y, t in zip(Y, T, strict=True)), rel=1e-14
    )


def test_corss_entropy_err(ask):
    answer = ask("/loss", loss="cross_entropy", predictions=Y, targets=T)

    assert answer["loss"] == 0.010050234843405595


def test_the_module_itself():
    """Imported elsewhere, without Flask, and without a word on stderr."""
    program = """
import sys
sys.modules["flask"] = sys.modules["marshmallow"] = None
from service.core import cross_entropy, descent, gradient, gradient_field, half_squared_error
from service.core import sigmoid, softmax
print(float(softmax([0.3, 2.9, 4.0])[0]))
print(gradient("x[0]**2 + x[1]**2", {"x": [3, 4]})["gradient"]["x"].tolist())
print(float(sigmoid([-1000.0])[0]))
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )

    assert run.stderr == ""
    assert run.stdout.splitlines() == ["0.01821127329554753", "[6.0, 8.0]", "0.0"]


# Faults of the seed that Kobai must not have


@pytest.mark.parametrize("method", ["exact", "central", "forward", "complex_step"])
def test_whole_numbers_give_the_right_gradient(ask, method):
    answer = ask("/gradient", function=FUNC_2, variables={"x": [3, 4]}, method=method)

    assert answer["gradient"]["x"] == pytest.approx([6, 8], rel=1e-7)
    if method == "exact":
        assert answer["gradient"]["x"] == [6, 8]


def test_the_start_vector_is_not_changed():
    from service.core import descent

    start = np.array([-3.0, 4.0])

    descent(FUNC_2, {"x": start}, learning_rate=0.1)

    assert start.tolist() == [-3.0, 4.0]


@pytest.mark.filterwarnings("error")
def test_sigmoid_of_a_thousand_below_zero_does_not_overflow(ask):
    assert ask("/sigmoid", x=[-1000.0])["y"] == [0.0]


def test_softmax_of_a_matrix_does_not_mix_its_rows_unless_asked_to(ask):
    x = [[0.3, 2.9, 4.0], [1.0, 1.0, 1.0]]

    rows, whole = ask("/softmax", x=x)["y"], ask("/softmax", x=x, axis=None)["y"]

    assert [sum(row) for row in rows] == pytest.approx([1, 1], rel=1e-15)
    assert sum(map(sum, whole)) == pytest.approx(1, rel=1e-15)


def test_divergence_is_noticed(ask):
    answer = ask("/descent", function=FUNC_2, variables={"x": [-3.0, 4.0]}, learning_rate=10)

    assert answer["status"] == "diverged"
    assert answer["steps"] == 5
    assert answer["best"]["value"] == 25
