"""Values, derivatives and minima by SciPy's own classes of test functions.

``python -m tests.core.standard_values`` writes `standard_functions.json` anew; PYTHONPATH is then to have the
folder of SciPy's sources that holds `go_benchmark_functions`.
"""

import json

import go_benchmark_functions
import mpmath
import numpy as np
import scipy
from go_benchmark_functions import go_funcs_univariate
from scipy.differentiate import derivative

from tests.core.standard_functions import FUNCTIONS, VALUES, known_values

SOURCE = (
    f"SciPy {scipy.__version__}, benchmarks/go_benchmark_functions: values of its classes, gradients by "
    "scipy.differentiate of them (eight digits at least; Weierstrass by mpmath), minima and their places as "
    "its classes state them"
)


ACCURATE = 1e-8
"""Relative error of a gradient by differences that is small enough."""


def weierstrass(x):
    """Differentiate the sum of waves of up to 3**20 periods, of which differences know nothing."""
    with mpmath.workdps(40):
        waves = [[3**k * (mpmath.mpf(each) + 0.5) for k in range(21)] for each in x.tolist()]
        return [
            float(
                sum(
                    -2 * mpmath.pi * mpmath.mpf(1.5) ** k * mpmath.sin(2 * mpmath.pi * w)
                    for k, w in enumerate(row)
                )
            )
            for row in waves
        ]


MINIMA = {"Csendes": 0.0, "Damavandi": 0.0}
"""As published: the formulas are 0/0 there, and the classes state NaN."""

FLAT = ("Gear", "Katsuura", "Mishra10", "Plateau", "Step", "Step2")
EXACT = {"Weierstrass": weierstrass} | dict.fromkeys(FLAT, np.zeros_like)
"""Gradients that differences do not find; functions that are constant between their steps have none."""


def slope(problem, x, place):
    """Differentiate by one element with the first step that suits, of several: value and error."""

    def along(values):
        return np.array(
            [problem.fun(np.r_[x[:place], each, x[place + 1 :]]) for each in values.ravel()]
        ).reshape(values.shape)

    scale = max(1e-3, min(1.0, abs(x[place])))
    found = [
        derivative(
            along, x[place], order=8, initial_step=step * scale, tolerances={"rtol": 1e-12, "atol": 1e-12}
        )
        for step in (1e-2, 1e-3, 1e-5)
    ]
    best = min(found, key=lambda each: float(np.nan_to_num(each.error, nan=np.inf)))
    return float(best.df), float(best.error)


def point(problem, x):
    """Return value and gradient at a point, and the gradient's relative error."""
    pairs = [slope(problem, x, place) for place in range(len(x))]
    largest, error = max(abs(each) for each, _ in pairs), max(error for _, error in pairs)
    if (exact := EXACT.get(type(problem).__name__)) is not None:
        pairs, error = [(float(each), 0.0) for each in exact(x)], 0.0
    found = {"x": x.tolist(), "value": float(problem.fun(x)), "gradient": [each for each, _ in pairs]}
    return found, error / largest if error else 0.0


def row(function):
    """Take the point that stands there already, and the first random one whose gradient is accurate."""
    module = go_funcs_univariate if function.name.startswith("Problem") else go_benchmark_functions
    problem = getattr(module, function.name)(dimensions=len(function.low))
    first = known_values()["functions"][function.name]["points"][0]
    again, error = point(problem, np.array(first["x"]))
    points = (point(problem, function.start(seed)) for seed in range(2, 42))
    second, other = next((each for each in points if each[1] <= ACCURATE), (None, 0))
    assert second, function.name
    print(f"{function.name:20} {error:.1e} {other:.1e}")
    return {
        "points": [again if error <= ACCURATE else first, second],
        "minimum": MINIMA.get(function.name, float(problem.fglob)),
        "minimizer": np.ravel(problem.global_optimum)[: len(first["x"])].astype(float).tolist(),
    }


if __name__ == "__main__":
    rows = (f'  "{function.name}": {json.dumps(row(function))}' for function in FUNCTIONS)
    text = f'{{\n"source": "{SOURCE}",\n"functions": {{\n' + ",\n".join(rows) + "\n}\n}\n"
    VALUES.write_text(text, encoding="utf-8")
