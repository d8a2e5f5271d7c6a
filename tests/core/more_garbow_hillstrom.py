"""The problems of Moré, Garbow and Hillstrom: sums of squares, standard starts, published minima.

J. J. Moré, B. S. Garbow and K. E. Hillstrom, Testing unconstrained optimization software, ACM Transactions on
Mathematical Software 7 (1981), whose numbers and names they have. Gulf's function is the corrected one, with
|y - x2| in place of |y m i x2|.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize

from service.core import descent
from service.core.descent.problem import Problem as Posed
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE

SCALES = (1, 10, 100)
"""What the standard starts are multiplied by."""


def counting(last, first=1):
    return np.arange(first, last + 1, dtype=float)


@dataclass(frozen=True)
class Problem:
    """A problem: its residuals as a text whose last statement is their array, its start, its minima."""

    residuals: str
    start: list[float]
    minima: tuple[float, ...]
    constants: dict = field(default_factory=dict)

    @property
    def function(self):
        """The text of the sum of squares."""
        end = max(self.residuals.rfind(mark) for mark in ";\n") + 1
        return f"{self.residuals[:end]} sum(({self.residuals[end:].strip()})**2)".strip()

    @property
    def starts(self):
        """The starts by their scale; one that is zero has no other."""
        scales = SCALES if any(self.start) else SCALES[:1]
        return {scale: scale * np.array(self.start, dtype=float) for scale in scales}

    def is_reached(self, value):
        """Tell whether a value is that of a published minimum, which has six digits."""
        return any(abs(value - least) <= 1e-4 * least + 1e-8 for least in self.minima)


BARD = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39]
GAUSS = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989]
MEYER = [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744]
MEYER += [8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872]
KOWALIK = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
KOWALIK_U = [4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625]
OSBORNE = [
    0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628,
    0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420,
    0.414, 0.411, 0.406,
]  # fmt: skip
OSBORNE_2 = [
    1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616,
    0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495,
    0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672,
    0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581,
    0.428, 0.292, 0.162, 0.098, 0.054,
]  # fmt: skip

TENTHS = counting(10) / 10
BIGGS = counting(13) / 10
GRID = counting(10) / 11
FIFTHS = counting(20) / 5
WATSON = counting(29) / 29
POWERS = np.vander(WATSON, 9, increasing=True)
SLOPES = np.hstack([np.zeros((29, 1)), POWERS[:, :-1] * counting(8)])
GULF = counting(99) / 100
BAND = np.array([[float(max(0, i - 5) <= j <= i + 1 and j != i) for j in range(10)] for i in range(10)])

CHEBYQUAD = "T0 = 1; T1 = 2*x - 1; "
CHEBYQUAD += "; ".join(f"T{i} = 2*T1*T{i - 1} - T{i - 2}" for i in range(2, 9))
MEANS = [f"mean(T{i})" + (f" + 1/{i * i - 1}" if i % 2 == 0 else "") for i in range(1, 9)]
CHEBYQUAD += f"; stack({', '.join(MEANS)})"
"""The means of Chebyshev's polynomials less their integrals, 0 or -1/(i² - 1)."""

PROBLEMS = {
    "1 Rosenbrock": Problem("stack(10*(x[1] - x[0]**2), 1 - x[0])", [-1.2, 1], (0,)),
    "2 Freudenstein and Roth": Problem(
        "stack(-13 + x[0] + ((5 - x[1])*x[1] - 2)*x[1], -29 + x[0] + ((x[1] + 1)*x[1] - 14)*x[1])",
        [0.5, -2],
        (0, 48.98425),
    ),
    "3 Powell badly scaled": Problem(
        "stack(1e4*x[0]*x[1] - 1, exp(-x[0]) + exp(-x[1]) - 1.0001)", [0, 1], (0,)
    ),
    "4 Brown badly scaled": Problem("stack(x[0] - 1e6, x[1] - 2e-6, x[0]*x[1] - 2)", [1, 1], (0,)),
    "5 Beale": Problem(
        "y - x[0]*(1 - x[1]**i)", [1, 1], (0,), {"y": [1.5, 2.25, 2.625], "i": counting(3)}
    ),
    "6 Jennrich and Sampson": Problem(
        "2 + 2*i - (exp(i*x[0]) + exp(i*x[1]))", [0.3, 0.4], (124.362,), {"i": counting(10)}
    ),
    "7 helical valley": Problem(
        "a = arctan(x[1]/x[0])/(2*pi); turn = where(x[0] > 0, a, a + 0.5); "
        "stack(10*(x[2] - 10*turn), 10*(sqrt(x[0]**2 + x[1]**2) - 1), x[2])",
        [-1, 0, 0],
        (0,),
    ),
    "8 Bard": Problem(
        "y - (x[0] + u/(v*x[1] + w*x[2]))",
        [1, 1, 1],
        (8.21487e-3, 17.4286),
        {
            "y": BARD,
            "u": counting(15),
            "v": 16 - counting(15),
            "w": np.minimum(counting(15), 16 - counting(15)),
        },
    ),
    "9 Gaussian": Problem(
        "x[0]*exp(-x[1]*(t - x[2])**2/2) - y",
        [0.4, 1, 0],
        (1.12793e-8,),
        {"t": (8 - counting(15)) / 2, "y": [*GAUSS, *GAUSS[-2::-1]]},
    ),
    "10 Meyer": Problem(
        "x[0]*exp(x[1]/(t + x[2])) - y",
        [0.02, 4000, 250],
        (87.9458,),
        {"t": 45 + 5 * counting(16), "y": MEYER},
    ),
    "11 Gulf": Problem(
        "exp(-abs(y - x[1])**x[2]/x[0]) - t",
        [5, 2.5, 0.15],
        (0,),
        {"t": GULF, "y": 25 + (-50 * np.log(GULF)) ** (2 / 3)},
    ),
    "12 Box": Problem(
        "exp(-t*x[0]) - exp(-t*x[1]) - x[2]*(exp(-t) - exp(-10*t))", [0, 10, 20], (0,), {"t": TENTHS}
    ),
    "13 Powell singular": Problem(
        "stack(x[0] + 10*x[1], sqrt(5)*(x[2] - x[3]), (x[1] - 2*x[2])**2, sqrt(10)*(x[0] - x[3])**2)",
        [3, -1, 0, 1],
        (0,),
    ),
    "14 Wood": Problem(
        "stack(10*(x[1] - x[0]**2), 1 - x[0], sqrt(90)*(x[3] - x[2]**2), 1 - x[2], "
        "sqrt(10)*(x[1] + x[3] - 2), (x[1] - x[3])/sqrt(10))",
        [-3, -1, -3, -1],
        (0,),
    ),
    "15 Kowalik and Osborne": Problem(
        "y - x[0]*(u**2 + u*x[1])/(u**2 + u*x[2] + x[3])",
        [0.25, 0.39, 0.415, 0.39],
        (3.07505e-4, 1.02734e-3),
        {"y": KOWALIK, "u": KOWALIK_U},
    ),
    "16 Brown and Dennis": Problem(
        "(x[0] + t*x[1] - exp(t))**2 + (x[2] + x[3]*sin(t) - cos(t))**2",
        [25, 5, -5, -1],
        (85822.2,),
        {"t": FIFTHS},
    ),
    "17 Osborne 1": Problem(
        "y - (x[0] + x[1]*exp(-t*x[3]) + x[2]*exp(-t*x[4]))",
        [0.5, 1.5, -1, 0.01, 0.02],
        (5.46489e-5,),
        {"t": 10 * (counting(33) - 1), "y": OSBORNE},
    ),
    "18 Biggs": Problem(
        "x[2]*exp(-t*x[0]) - x[3]*exp(-t*x[1]) + x[5]*exp(-t*x[4]) - y",
        [1, 2, 1, 1, 1, 1],
        (0, 5.65565e-3),
        {"t": BIGGS, "y": np.exp(-BIGGS) - 5 * np.exp(-10 * BIGGS) + 3 * np.exp(-4 * BIGGS)},
    ),
    "19 Osborne 2": Problem(
        "y - (x[0]*exp(-t*x[4]) + x[1]*exp(-(t - x[8])**2*x[5]) + x[2]*exp(-(t - x[9])**2*x[6])"
        " + x[3]*exp(-(t - x[10])**2*x[7]))",
        [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5],
        (4.01377e-2,),
        {"t": (counting(65) - 1) / 10, "y": OSBORNE_2},
    ),
    "20 Watson": Problem(
        "concatenate(S @ x - (P @ x)**2 - 1, stack(x[0], x[1] - x[0]**2 - 1))",
        [0] * 6,
        (2.28767e-3,),
        {"S": SLOPES[:, :6], "P": POWERS[:, :6]},
    ),
    "20 Watson, n = 9": Problem(
        "concatenate(S @ x - (P @ x)**2 - 1, stack(x[0], x[1] - x[0]**2 - 1))",
        [0] * 9,
        (1.39976e-6,),
        {"S": SLOPES, "P": POWERS},
    ),
    "21 Rosenbrock, extended": Problem(
        "concatenate(10*(x[1::2] - x[::2]**2), 1 - x[::2])", [-1.2, 1] * 5, (0,)
    ),
    "22 Powell singular, extended": Problem(
        "concatenate(x[::4] + 10*x[1::4], sqrt(5)*(x[2::4] - x[3::4]), (x[1::4] - 2*x[2::4])**2, "
        "sqrt(10)*(x[::4] - x[3::4])**2)",
        [3, -1, 0, 1] * 3,
        (0,),
    ),
    "23 penalty I": Problem(
        "concatenate(sqrt(1e-5)*(x - 1), sum(x**2) - 1/4)", list(counting(10)), (7.08765e-5,)
    ),
    "24 penalty II": Problem(
        "concatenate(x[0] - 0.2, sqrt(1e-5)*(exp(x[1:]/10) + exp(x[:-1]/10) - y), "
        "sqrt(1e-5)*(exp(x[1:]/10) - exp(-1/10)), sum(w*x**2) - 1)",
        [0.5] * 10,
        (2.93660e-4,),
        {"y": np.exp(counting(10, 2) / 10) + np.exp(counting(9) / 10), "w": counting(10)[::-1]},
    ),
    "25 variably dimensioned": Problem(
        "s = sum(j*(x - 1)); concatenate(x - 1, s, s**2)",
        list(1 - TENTHS),
        (0,),
        {"j": counting(10)},
    ),
    "26 trigonometric": Problem(
        "10 - sum(cos(x)) + i*(1 - cos(x)) - sin(x)", [0.1] * 10, (0, 2.79506e-5), {"i": counting(10)}
    ),
    "27 Brown almost linear": Problem(
        "concatenate(x[:-1] + sum(x) - 11, prod(x) - 1)", [0.5] * 10, (0, 1)
    ),
    "28 boundary value": Problem(
        "d = x[1:] - x[:-1]; concatenate(x[:1], d) - concatenate(d, -x[-1:]) + (x + t + 1)**3/(2*11**2)",
        list(GRID * (GRID - 1)),
        (0,),
        {"t": GRID},
    ),
    "29 integral equation": Problem(
        "c = (x + t + 1)**3; x + ((1 - t)*cumsum(t*c) + t*(sum((1 - t)*c) - cumsum((1 - t)*c)))/(2*11)",
        list(GRID * (GRID - 1)),
        (0,),
        {"t": GRID},
    ),
    "30 Broyden tridiagonal": Problem(
        "(3 - 2*x)*x - concatenate(0, x[:-1]) - 2*concatenate(x[1:], 0) + 1", [-1] * 10, (0,)
    ),
    "31 Broyden banded": Problem("x*(2 + 5*x**2) + 1 - B @ (x*(1 + x))", [-1] * 10, (0,), {"B": BAND}),
    "32 linear, full rank": Problem(
        "concatenate(x, zeros(5)) - 2/15*sum(x) - 1", [1] * 10, (5,)
    ),
    "33 linear, rank 1": Problem(
        "i*sum(j*x) - 1", [1] * 10, (15 * 14 / (2 * 31),), {"i": counting(15), "j": counting(10)}
    ),
    "34 linear, rank 1, zero columns and rows": Problem(
        "i*sum(j*x) - 1",
        [1] * 10,
        ((15**2 + 45 - 6) / (2 * 27),),
        {"i": [0, *counting(13), 0], "j": [0, *counting(9, 2), 0]},
    ),
    "35 Chebyquad": Problem(CHEBYQUAD, list(counting(8) / 9), (3.51687e-3,)),
}  # fmt: skip
"""The problems by number and name; n = 10 where the paper leaves it open."""


STEPS = 1_000
TOLERANCE = 1e-8
"""The default of `lbfgs` and `newton`; SciPy's is given the same."""
PAIRS = {"lbfgs": "L-BFGS-B", "newton": "trust-ncg"}
"""Our optimizers, and SciPy's of the same kind."""


def all_starts():
    """List every problem with every start of it where value and gradient are finite: names and what to do."""
    for name, problem in PROBLEMS.items():
        for scale, start in problem.starts.items():
            posed = Posed(
                problem.function, {"x": start}, problem.constants, "exact", None, DEFAULT_LIMITS, NO_DEADLINE
            )
            value, slope = posed.kernel.evaluate(posed.kernel.pack({"x": start}))
            if np.isfinite([value, *np.ravel(slope)]).all():
                yield f"{name}, start x {scale}", problem, posed


def our_end(problem, posed, optimizer):
    """Return where ours ends."""
    return descent(problem.function, posed.variables, problem.constants, optimizer=optimizer, steps=STEPS)[
        "value"
    ]


def of_array(posed):
    """Return what SciPy minimises of a problem in x: from an array to value and gradient."""
    kernel = posed.kernel

    def evaluate(x):
        value, slope = kernel.evaluate(kernel.pack({"x": x}))
        return value, kernel.unpack(slope)["x"]

    return evaluate


def their_end(posed, method):
    """Return where SciPy's ends, with our gradients and products with the Hessian."""
    multiply = posed.hessian_product()
    more = {"L-BFGS-B": {"ftol": 0.0, "maxfun": 100 * STEPS}, "trust-ncg": {}}[method]
    products = {"hessp": lambda x, v: multiply(x, v)[0]} if method == "trust-ncg" else {}
    options = {"gtol": TOLERANCE, "maxiter": STEPS} | more
    start = posed.variables["x"]
    return float(minimize(of_array(posed), start, jac=True, method=method, options=options, **products).fun)
