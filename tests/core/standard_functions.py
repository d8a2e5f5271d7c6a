"""Test functions of global optimization in the function language, with the box in which each is studied.

Formulas as in M. Jamil and X.-S. Yang, A literature survey of benchmark functions for global optimization
problems, International Journal of Mathematical Modelling and Numerical Optimisation 4 (2013), and E. P.
Adorio and U. P. Diliman, MVF: Multivariate test functions library in C (2005), by the names and with the data
under which SciPy's benchmark suite has them. `standard_functions.json` has their values and minima.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

VALUES = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class Function:
    """A function of the vector x, the box that it is studied in, and its data."""

    name: str
    text: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    constants: dict[str, Any] = field(default_factory=dict)

    def start(self, seed: int = 0) -> np.ndarray:
        """Return a random start in the box."""
        low, high = np.array(self.low), np.array(self.high)
        return np.random.default_rng([seed, *map(ord, self.name)]).uniform(low, high)


@cache
def known_values() -> dict[str, Any]:
    """Return what SciPy's own classes gave: two points with value and gradient, the minimum, its place."""
    return json.loads(VALUES.read_text(encoding="utf-8"))


def _square(name, text, low, high, count=2, **constants):
    """Make the row of a function in a box of equal sides."""
    return Function(name, text, (float(low),) * count, (float(high),) * count, constants)


def _box(name, text, low, high, **constants):
    return Function(name, text, tuple(map(float, low)), tuple(map(float, high)), constants)


COLA = [
    [0] * 10,
    [1.27] + [0] * 9,
    [1.69, 1.43] + [0] * 8,
    [2.04, 2.35, 2.43] + [0] * 7,
    [3.09, 3.18, 3.26, 2.85] + [0] * 6,
    [3.20, 3.22, 3.27, 2.88, 1.55] + [0] * 5,
    [2.86, 2.56, 2.58, 2.59, 3.12, 3.06] + [0] * 4,
    [3.17, 3.18, 3.18, 3.12, 1.31, 1.64, 3.00, 0, 0, 0],
    [3.21, 3.18, 3.18, 3.17, 1.70, 1.36, 2.95, 1.32, 0, 0],
    [2.38, 2.31, 2.42, 1.94, 2.85, 2.81, 2.56, 2.91, 2.97, 0],
]
PI = np.pi
TENTHS = np.arange(1, 11) / 10
DECANOMIAL = (
    "x[0]**10 - 20*x[0]**9 + 180*x[0]**8 - 960*x[0]**7 + 3360*x[0]**6 - 8064*x[0]**5 + 13340*x[0]**4"
    " - 15360*x[0]**3 + 11520*x[0]**2 - 5120*x[0] + 2624"
)
QUARTIC = "x[1]**4 + 12*x[1]**3 + 54*x[1]**2 + 108*x[1] + 81"
RADIUS = "r = norm(x); "
SHEKEL = [
    [4, 4, 4, 4], [1, 1, 1, 1], [8, 8, 8, 8], [6, 6, 6, 6], [3, 7, 3, 7],
    [2, 9, 2, 9], [5, 5, 3, 3], [8, 1, 8, 1], [6, 2, 6, 2], [7, 3.6, 7, 3.6],
]  # fmt: skip
SHEKEL_C = [0.1, 0.2, 0.2, 0.4, 0.4, 0.6, 0.3, 0.7, 0.5, 0.5]
FIVE = [1, 2, 3, 4, 5]
COLUMN = [[1], [2], [3], [4], [5]]


def _shekel(count):
    text = "-sum(1/(sum((x - A)**2, axis=1) + c))"
    return _square(f"Shekel{count:02}", text, 0, 10, 4, A=SHEKEL[:count], c=SHEKEL_C[:count])


FUNCTIONS = (
    _square("Ackley01", "20 + e - 20*exp(-0.2*norm(x)/sqrt(2)) - exp(mean(cos(2*pi*x)))", -35, 35),
    _square("Ackley02", "-200*exp(-0.02*norm(x))", -32, 32),
    _square("Ackley03", "5*exp(cos(3*x[0]) + sin(3*x[1])) - 200*exp(-0.02*norm(x))", -32, 32),
    _box("Adjiman", "cos(x[0])*sin(x[1]) - x[0]/(1 + x[1]**2)", (-1, -1), (2, 1)),
    _square("Alpine01", "sum(abs(x*sin(x) + 0.1*x))", -10, 10),
    _square("Alpine02", "prod(sqrt(x)*sin(x))", 0, 10),
    _square("AMGM", "(mean(x) - sqrt(prod(x)))**2", 0, 10),
    _square(
        "BartelsConn", "abs(x[0]**2 + x[1]**2 + x[0]*x[1]) + abs(sin(x[0])) + abs(cos(x[1]))", -500, 500
    ),
    _square(
        "Beale",
        "(1.5 - x[0]*(1 - x[1]))**2 + (2.25 - x[0]*(1 - x[1]**2))**2 + (2.625 - x[0]*(1 - x[1]**3))**2",
        -4.5, 4.5,
    ),
    _square(
        "BiggsExp02", "sum((exp(-t*x[0]) - 5*exp(-t*x[1]) - y)**2)", 0, 20,
        t=TENTHS, y=np.exp(-TENTHS) - 5 * np.exp(-10 * TENTHS),
    ),
    _square(
        "BiggsExp03", "sum((exp(-t*x[0]) - x[2]*exp(-t*x[1]) - y)**2)", 0, 20, 3,
        t=TENTHS, y=np.exp(-TENTHS) - 5 * np.exp(-10 * TENTHS),
    ),
    _square(
        "BiggsExp04", "sum((x[2]*exp(-t*x[0]) - x[3]*exp(-t*x[1]) - y)**2)", 0, 20, 4,
        t=TENTHS, y=np.exp(-TENTHS) - 5 * np.exp(-10 * TENTHS),
    ),
    _square(
        "BiggsExp05", "sum((x[2]*exp(-t*x[0]) - x[3]*exp(-t*x[1]) + 3*exp(-t*x[4]) - y)**2)", 0, 20, 5,
        t=np.arange(1, 12) / 10,
        y=[np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t) for t in np.arange(1, 12) / 10],
    ),
    _square(
        "Bird",
        "s = sin(x[0]); c = cos(x[1]); (x[0] - x[1])**2 + s*exp((1 - c)**2) + c*exp((1 - s)**2)",
        -2 * PI, 2 * PI,
    ),
    _square(
        "Bohachevsky1", "x[0]**2 + 2*x[1]**2 - 0.3*cos(3*pi*x[0]) - 0.4*cos(4*pi*x[1]) + 0.7", -100, 100
    ),
    _square("Bohachevsky2", "x[0]**2 + 2*x[1]**2 - 0.3*cos(3*pi*x[0])*cos(4*pi*x[1]) + 0.3", -100, 100),
    _square("Bohachevsky3", "x[0]**2 + 2*x[1]**2 - 0.3*cos(3*pi*x[0] + 4*pi*x[1]) + 0.3", -100, 100),
    _box(
        "BoxBetts", "sum((exp(-i*x[0]/10) - exp(-i*x[1]/10) - (exp(-i/10) - exp(-i))*x[2])**2)",
        (0.9, 9, 0.9), (1.2, 11.2, 1.2), i=np.arange(1, 11),
    ),
    _box(
        "Branin01",
        "(x[1] - 5.1*x[0]**2/(4*pi**2) + 5*x[0]/pi - 6)**2 + 10*(1 - 1/(8*pi))*cos(x[0]) + 10",
        (-5, 0), (10, 15),
    ),
    _box(
        "Branin02",
        "(x[1] - 5.1*x[0]**2/(4*pi**2) + 5*x[0]/pi - 6)**2 + 10*(1 - 1/(8*pi))*cos(x[0])*cos(x[1])"
        " + log(x[0]**2 + x[1]**2 + 1) + 10",
        (-5, -5), (15, 15),
    ),
    _square("Brent", "sum((x + 10)**2) + exp(-sum(x**2))", -10, 10),
    _square("Brown", "a = x[0]**2; b = x[1]**2; a**(b + 1) + b**(a + 1)", -1, 4),
    _box("Bukin02", "100*(x[1]**2 - 0.01*x[0]**2 + 1) + 0.01*(x[0] + 10)**2", (-15, -3), (-5, 3)),
    _box("Bukin04", "100*x[1]**2 + 0.01*abs(x[0] + 10)", (-15, -3), (-5, 3)),
    _box("Bukin06", "100*sqrt(abs(x[1] - 0.01*x[0]**2)) + 0.01*abs(x[0] + 10)", (-15, -3), (-5, 3)),
    _square("CarromTable", "-exp(2*abs(1 - norm(x)/pi))*cos(x[0])**2*cos(x[1])**2/30", -10, 10),
    _square(
        "Chichinadze",
        "x[0]**2 - 12*x[0] + 11 + 10*cos(pi*x[0]/2) + 8*sin(5*pi*x[0]/2) - exp(-(x[1] - 0.5)**2/2)/sqrt(5)",
        -30, 30,
    ),
    _square("Cigar", "x[0]**2 + 1e6*sum(x[1:]**2)", -100, 100),
    _square(
        "Colville",
        "a, b, c, d = x[0], x[1], x[2], x[3]\n"
        "100*(b**2 - a)**2 + 90*(c**2 - d)**2 + (a - 1)**2 + (c - 1)**2"
        " + 10.1*((b - 1)**2 + (d - 1)**2) + 19.8*(b - 1)*(d - 1)",
        -10, 10, 4,
    ),
    _square("CosineMixture", "sum(x**2 - 0.1*cos(5*pi*x))", -1, 1),
    _square(
        "CrossInTray", "-0.0001*(abs(sin(x[0])*sin(x[1])*exp(abs(100 - norm(x)/pi))) + 1)**0.1", -10, 10
    ),
    _square("CrossLegTable", "-(abs(sin(x[0])*sin(x[1])*exp(abs(100 - norm(x)/pi))) + 1)**-0.1", -10, 10),
    _square(
        "CrownedCross", "0.0001*(abs(sin(x[0])*sin(x[1])*exp(abs(100 - norm(x)/pi))) + 1)**0.1", -10, 10
    ),
    _square("Csendes", "sum(x**6*(2 + sin(1/x)))", -1, 1),
    _square("Cube", "100*(x[1] - x[0]**3)**2 + (1 - x[0])**2", -10, 10),
    _square(
        "Damavandi",
        "u = x - 2; (1 - abs(prod(sin(pi*u))/(pi**2*prod(u)))**5)*(2 + (x[0] - 7)**2 + 2*(x[1] - 7)**2)",
        0, 14,
    ),
    _square("Deb01", "-mean(sin(5*pi*x)**6)", -1, 1),
    _square("Deb03", "-mean(sin(5*pi*(x**0.75 - 0.05))**6)", 0, 1),
    _square("Decanomial", f"0.001*(abs({QUARTIC}) + abs({DECANOMIAL}))**2", -10, 10),
    _square("DeckkersAarts", "s = sum(x**2); 1e5*x[0]**2 + x[1]**2 - s**2 + 1e-5*s**4", -20, 20),
    _square("DeflectedCorrugatedSpring", "0.1*sum((x - 5)**2) - cos(5*norm(x - 5))", 0, 10),
    _square(
        "DeVilliersGlasser01", "sum((x[0]*x[1]**t*sin(x[2]*t + x[3]) - y)**2)", 1, 100, 4,
        t=np.arange(24) / 10,
        y=[60.137 * 1.371**t * np.sin(3.112 * t + 1.761) for t in np.arange(24) / 10],
    ),
    _square(
        "DeVilliersGlasser02",
        "sum((x[0]*x[1]**t*tanh(x[2]*t + sin(x[3]*t))*cos(t*exp(x[4])) - y)**2)", 1, 60, 5,
        t=np.arange(16) / 10,
        y=[
            53.81 * 1.27**t * np.tanh(3.012 * t + np.sin(2.13 * t)) * np.cos(np.exp(0.507) * t)
            for t in np.arange(16) / 10
        ],
    ),
    _square("DixonPrice", "(x[0] - 1)**2 + 2*(2*x[1]**2 - x[0])**2", -10, 10),
    _square(
        "Dolan",
        "a, b, c, d, e = x[0], x[1], x[2], x[3], x[4]\n"
        "abs((a + 1.7*b)*sin(a) - b - 1.5*c - 0.1*d*cos(d + e - a) + e**2/5 - 1)",
        -100, 100, 5,
    ),
    _square("DropWave", "-(1 + cos(12*norm(x)))/(0.5*sum(x**2) + 2)", -5.12, 5.12),
    _square("Easom", "-prod(cos(x))*exp(-sum((x - pi)**2))", -100, 100),
    _box(
        "Eckerle4", "sum((y - x[0]/x[1]*exp(-(t - x[2])**2/(2*x[1]**2)))**2)", (0, 1, 10), (20, 20, 600),
        y=[
            0.0001575, 0.0001699, 0.000235, 0.0003102, 0.0004917, 0.000871, 0.0017418, 0.00464, 0.0065895,
            0.0097302, 0.0149002, 0.023731, 0.0401683, 0.0712559, 0.1264458, 0.2073413, 0.2902366, 0.3445623,
            0.3698049, 0.3668534, 0.3106727, 0.2078154, 0.1164354, 0.0616764, 0.03372, 0.0194023, 0.0117831,
            0.0074357, 0.0022732, 0.00088, 0.0004579, 0.0002345, 0.0001586, 0.0001143, 7.1e-05,
        ],
        t=[*range(400, 436, 5), *np.arange(436.5, 465, 1.5), *range(465, 501, 5)],
    ),
    _square("EggCrate", "sum(x**2) + 25*sum(sin(x)**2)", -5, 5),
    _square(
        "EggHolder",
        "-(x[1] + 47)*sin(sqrt(abs(x[1] + x[0]/2 + 47))) - x[0]*sin(sqrt(abs(x[0] - (x[1] + 47))))",
        -512, 512,
    ),
    _square(
        "ElAttarVidyasagarDutta",
        "(x[0]**2 + x[1] - 10)**2 + (x[0] + x[1]**2 - 7)**2 + (x[0]**2 + x[1]**3 - 1)**2", -100, 100,
    ),
    _square(
        "Exp2", "sum((exp(-i*x[0]/10) - 5*exp(-i*x[1]/10) - exp(-i/10) + 5*exp(-i))**2)", 0, 20,
        i=np.arange(10),
    ),
    _square("Exponential", "-exp(-sum(x**2)/2)", -1, 1),
    _square(
        "FreudensteinRoth",
        "(x[0] - 13 + ((5 - x[1])*x[1] - 2)*x[1])**2 + (x[0] - 29 + ((x[1] + 1)*x[1] - 14)*x[1])**2",
        -10, 10,
    ),
    _square("Giunta", "a = 16*x/15 - 1; 0.6 + sum(sin(a) + sin(a)**2 + sin(4*a)/50)", -1, 1),
    _square(
        "GoldsteinPrice",
        "s = x[0] + x[1]; d = 2*x[0] - 3*x[1]\n"
        "(1 + (s + 1)**2*(3*s**2 - 14*s + 19))*(30 + d**2*(3*d**2 - 16*d + 18))",
        -2, 2,
    ),
    _square("Griewank", "sum(x**2)/4000 - prod(cos(x/sqrt(i))) + 1", -100, 100, i=[1, 2]),
    _square(
        "Gulf", "sum((exp(-abs(u - x[1])**x[2]/x[0]) - t)**2)", 0, 50, 3,
        t=np.arange(1, 100) / 100, u=25 + (-50 * np.log(np.arange(1, 100) / 100)) ** (2 / 3),
    ),
    _square(
        "Hansen", "sum((i + 1)*cos(i*x[0] + i + 1))*sum((i + 1)*cos((i + 2)*x[1] + i + 1))", -10, 10,
        i=np.arange(5),
    ),
    _square(
        "Hartmann3", "-dot(c, exp(-sum(A*(x - P)**2, axis=1)))", 0, 1, 3, c=[1, 1.2, 3, 3.2],
        A=[[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]],
        P=[
            [0.3689, 0.117, 0.2673], [0.4699, 0.4387, 0.747],
            [0.1091, 0.8732, 0.5547], [0.03815, 0.5743, 0.8828],
        ],
    ),
    _square(
        "Hartmann6", "-dot(c, exp(-sum(A*(x - P)**2, axis=1)))", 0, 1, 6, c=[1, 1.2, 3, 3.2],
        A=[
            [10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14],
        ],
        P=[
            [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
            [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
            [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
            [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
        ],
    ),
    _square("HimmelBlau", "(x[0]**2 + x[1] - 11)**2 + (x[0] + x[1]**2 - 7)**2", -5, 5),
    _square("HolderTable", "-abs(sin(x[0])*cos(x[1])*exp(abs(1 - norm(x)/pi)))", -10, 10),
    _box(
        "Hosaki", "(1 - 8*x[0] + 7*x[0]**2 - 7*x[0]**3/3 + x[0]**4/4)*x[1]**2*exp(-x[1])", (0, 0), (5, 6)
    ),
    _square("Infinity", "sum(x**6*(2 + sin(1/x)))", -1, 1),
    _square(
        "JennrichSampson", "sum((2 + 2*i - exp(i*x[0]) - exp(i*x[1]))**2)", -1, 1, i=np.arange(1, 11)
    ),
    _square(
        "Judge", "sum((x[0] + a*x[1] + b*x[1]**2 - c)**2)", -10, 10,
        a=[
            0.286, 0.973, 0.384, 0.276, 0.973, 0.543, 0.957, 0.948, 0.543, 0.797, 0.936, 0.889, 0.006, 0.828,
            0.399, 0.617, 0.939, 0.784, 0.072, 0.889,
        ],
        b=[
            0.645, 0.585, 0.31, 0.058, 0.455, 0.779, 0.259, 0.202, 0.028, 0.099, 0.142, 0.296, 0.175, 0.18,
            0.842, 0.039, 0.103, 0.62, 0.158, 0.704,
        ],
        c=[
            4.284, 4.149, 3.877, 0.533, 2.211, 2.389, 2.145, 3.231, 1.998, 1.379, 2.106, 1.428, 1.011, 2.179,
            2.858, 1.388, 1.651, 1.593, 1.046, 2.152,
        ],
    ),
    _square("Keane", "sin(x[0] - x[1])**2*sin(x[0] + x[1])**2/norm(x)", 0, 10),
    _square(
        "Kowalik", "sum((b - x[0]*(a**2 + a*x[1])/(a**2 + a*x[2] + x[3]))**2)", -5, 5, 4,
        a=[4, 2, 1, *(1 / np.array([2, 4, 6, 8, 10, 12, 14, 16]))],
        b=[0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246],
    ),
    _square(
        "Langermann", "s = (x[0] - a)**2 + (x[1] - b)**2; -dot(c, exp(-s/pi)*cos(pi*s))", 0, 10,
        a=[3, 5, 2, 1, 7], b=[5, 2, 1, 4, 9], c=[1, 2, 5, 2, 3],
    ),
    _square("LennardJones", "q = sum((x[:3] - x[3:])**2)**3; (1/q - 2)/q", -4, 4, 6),
    _square("Leon", "100*(x[1] - x[0]**2)**2 + (1 - x[0])**2", -1.2, 1.2),
    _square(
        "Levy03",
        "y = 1 + (x - 1)/4; sin(pi*y[0])**2 + (y[0] - 1)**2*(1 + 10*sin(pi*y[1])**2) + (y[1] - 1)**2",
        -10, 10,
    ),
    _square(
        "Levy05",
        "sum(i*cos((i - 1)*x[0] + i))*sum(i*cos((i + 1)*x[1] + i))"
        " + (x[0] + 1.42513)**2 + (x[1] + 0.80032)**2",
        -10, 10, i=FIVE,
    ),
    _square(
        "Levy13",
        "sin(3*pi*x[0])**2 + (x[0] - 1)**2*(1 + sin(3*pi*x[1])**2) + (x[1] - 1)**2*(1 + sin(2*pi*x[1])**2)",
        -10, 10,
    ),
    _square("Matyas", "0.26*(x[0]**2 + x[1]**2) - 0.48*x[0]*x[1]", -10, 10),
    _box(
        "McCormick", "sin(x[0] + x[1]) + (x[0] - x[1])**2 - 1.5*x[0] + 2.5*x[1] + 1", (-1.5, -3), (4, 3)
    ),
    _box(
        "Meyer", "sum((y - x[0]*exp(x[1]/(t + x[2])))**2)", (0, 100, 100), (1, 1000, 500),
        t=np.arange(50, 126, 5),
        y=[
            34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307,
            2872,
        ],
    ),
    _square("Michalewicz", "-sum(sin(x)*sin(i*x**2/pi)**20)", 0, PI, i=[1, 2]),
    _square(
        "MieleCantrell",
        "d = x[1:-1] - x[2:]; x[0]**8 + (exp(-x[0]) - x[1])**4 + 100*d[0]**6 + tan(d[1])**4", -1, 1, 4,
    ),
    _square("Mishra01", "n = 2 - sum(x[:1]); (1 + n)**n + 0*x[1]", 0, 1),
    _square("Mishra02", "n = 2 - mean(x); (1 + n)**n", 0, 1),
    _square("Mishra03", "0.01*sum(x) + sqrt(abs(cos(norm(x))))", -10, 10),
    _square("Mishra04", "0.01*sum(x) + sqrt(abs(sin(norm(x))))", -10, 10),
    _square(
        "Mishra05",
        "0.01*x[0] + 0.1*x[1] + (sin(sum(cos(x))**2)**2 + cos(sum(sin(x))**2)**2 + x[0])**2", -10, 10,
    ),
    _square(
        "Mishra06",
        "0.1*sum((x - 1)**2) - log((sin(sum(cos(x))**2)**2 - cos(sum(sin(x))**2)**2 + x[0])**2)", -10, 10,
    ),
    _square("Mishra07", "(prod(x) - 2)**2", -10, 10),
    _square("Mishra08", f"0.001*(abs({DECANOMIAL}) + abs({QUARTIC}))**2", -10, 10),
    _square(
        "Mishra09",
        "a, b, c = x[0], x[1], x[2]; f = 2*a**2*(a - c) + 5*a*b + 4*c - 18\n"
        "g = a*(1 + b**2 + c**2) + b**3 - 22; h = 8*a**2 + 2*b*(b + c) + 3*b**3 - 52\n"
        "(f*g*h*(g + h) + g**2 + (a + b - c)**2)**2",
        -10, 10, 3,
    ),
    _square("Mishra11", "(mean(abs(x)) - prod(abs(x))/2)**2", -10, 10),
    _square("MultiModal", "sum(abs(x))*prod(abs(x))", -10, 10),
    _square("NewFunction01", "sqrt(abs(cos(sqrt(abs(x[0]**2 + x[1]))))) + 0.01*sum(x)", -10, 10),
    _square("NewFunction02", "sqrt(abs(sin(sqrt(abs(x[0]**2 + x[1]))))) + 0.01*sum(x)", -10, 10),
    _square(
        "OddSquare",
        "s = (x - b)**2; d = 2*max(s); -exp(-d/(2*pi))*cos(pi*d)*(1 + 0.02*sum(s)/(d + 0.01))",
        -5 * PI, 5 * PI, b=[1, 1.3],
    ),
    _square("Parsopoulos", "cos(x[0])**2 + sin(x[1])**2", -5, 5),
    _square(
        "Pathological",
        "0.5 + (sin(sqrt(100*x[0]**2 + x[1]**2))**2 - 0.5)/(1 + 0.001*(x[0] - x[1])**4)", -100, 100,
    ),
    _square("Paviani", "sum(log(x - 2)**2 + log(10 - x)**2) - prod(x)**0.2", 2.001, 9.999, 10),
    _square(
        "Penalty01",
        "y = 1 + (x + 1)/4; 100*sum(relu(abs(x) - 10)**4)"
        " + pi/30*(10*sin(pi*y[0])**2 + (y[0] - 1)**2*(1 + 10*sin(pi*y[1])**2) + (y[1] - 1)**2)",
        -50, 50,
    ),
    _square(
        "Penalty02",
        "100*sum(relu(abs(x) - 5)**4) + 0.1*(10*sin(3*pi*x[0])**2 + (x[0] - 1)**2*(1 + sin(3*pi*x[1])**2)"
        " + (x[1] - 1)**2*(1 + sin(2*pi*x[1])**2))",
        -50, 50,
    ),
    _square("PenHolder", "-exp(-1/abs(cos(x[0])*cos(x[1])*exp(abs(1 - norm(x)/pi))))", -11, 11),
    _square(
        "PermFunction01", "sum(sum((j**k + 0.5)*((x/j)**k - 1), axis=1)**2)", -2, 3,
        j=[1, 2], k=[[1], [2]],
    ),
    _square(
        "PermFunction02", "sum(sum((j + 10)*(x**k - (1/j)**k), axis=1)**2)", -2, 3,
        j=[1, 2], k=[[1], [2]],
    ),
    _square(
        "Powell",
        "(x[0] + 10*x[1])**2 + 5*(x[2] - x[3])**2 + (x[1] - 2*x[2])**4 + 10*(x[0] - x[3])**4", -4, 5, 4,
    ),
    _square(
        "PowerSum", "sum((sum(x**k, axis=1) - b)**2)", 0, 4, 4,
        b=[8, 18, 44, 114], k=[[1], [2], [3], [4]],
    ),
    _square("Price01", "sum((abs(x) - 5)**2)", -500, 500),
    _square("Price02", "1 + sum(sin(x)**2) - 0.1*exp(-sum(x**2))", -10, 10),
    _square("Price03", "100*(x[1] - x[0]**2)**2 + (6.4*(x[1] - 0.5)**2 - x[0] - 0.6)**2", -5, 5),
    _square("Price04", "(2*x[0]**3*x[1] - x[1]**3)**2 + (6*x[0] - x[1]**2 + x[1])**2", -50, 50),
    _square("Qing", "sum((x**2 - i)**2)", -500, 500, i=[1, 2]),
    _square(
        "Quadratic",
        "a, b = x[0], x[1]; 128.08*a**2 + 182.25*a*b + 203.64*b**2 - 138.08*a - 232.92*b - 3803.84", -10, 10,
    ),
    _square("Quintic", "sum(abs(x**5 - 3*x**4 + 4*x**3 + 2*x**2 - 10*x - 4))", -10, 10),
    _square(
        "Rana",
        "p = sqrt(abs(x[1] + x[0] + 1)); q = sqrt(abs(x[1] - x[0] + 1));"
        "(x[1] + 1)*cos(q)*sin(p) + x[0]*cos(p)*sin(q)",
        -500, 500,
    ),
    _square("Rastrigin", "20 + sum(x**2 - 10*cos(2*pi*x))", -5.12, 5.12),
    _box(
        "Ratkowsky01", "sum((y - x[0]/(1 + exp(x[1] - x[2]*t))**(1/x[3]))**2)",
        (0, 1, 0, 0.1), (1000, 20, 3, 6), t=np.arange(1, 16),
        y=[
            16.08, 33.83, 65.8, 97.2, 191.55, 326.2, 386.87, 520.53, 590.03, 651.92, 724.93, 699.56, 689.96,
            637.56, 717.41,
        ],
    ),
    _box(
        "Ratkowsky02", "sum((y - x[0]/(1 + exp(x[1] - x[2]*t)))**2)", (10, 0.5, 0.01), (200, 5, 0.5),
        t=[9, 14, 21, 28, 42, 57, 63, 70, 79],
        y=[8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08],
    ),
    _square(
        "Ripple01",
        "-sum(exp(-2*log(2)*((x - 0.1)/0.8)**2)*(sin(5*pi*x)**6 + 0.1*cos(500*pi*x)**2))", 0, 1,
    ),
    _square("Ripple25", "-sum(exp(-2*log(2)*((x - 0.1)/0.8)**2)*sin(5*pi*x)**6)", 0, 1),
    _square("Rosenbrock", "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)", -30, 30),
    _square(
        "RosenbrockModified",
        "74 + 100*(x[1] - x[0]**2)**2 + (1 - x[0])**2 - 400*exp(-sum((x + 1)**2)/0.1)", -2, 2,
    ),
    _square("RotatedEllipse01", "7*x[0]**2 - 6*sqrt(3)*x[0]*x[1] + 13*x[1]**2", -500, 500),
    _square("RotatedEllipse02", "x[0]**2 - x[0]*x[1] + x[1]**2", -500, 500),
    _square("Salomon", RADIUS + "1 - cos(2*pi*r) + 0.1*r", -100, 100),
    _square("Sargan", "2*sum(x**2) + 1.6*x[0]*x[1]", -100, 100),
    _square("Schaffer01", "s = sum(x**2); 0.5 + (sin(s)**2 - 0.5)/(1 + 0.001*s)**2", -100, 100),
    _square(
        "Schaffer02", "0.5 + (sin(x[0]**2 - x[1]**2)**2 - 0.5)/(1 + 0.001*sum(x**2))**2", -100, 100
    ),
    _square(
        "Schaffer03",
        "0.5 + (sin(cos(abs(x[0]**2 - x[1]**2)))**2 - 0.5)/(1 + 0.001*sum(x**2))**2", -100, 100,
    ),
    _square(
        "Schaffer04",
        "0.5 + (cos(sin(abs(x[0]**2 - x[1]**2)))**2 - 0.5)/(1 + 0.001*sum(x**2))**2", -100, 100,
    ),
    _square("Schwefel01", "sum(x**2)**sqrt(pi)", -100, 100),
    _square("Schwefel02", "x[0]**2 + (x[0] + x[1])**2", -100, 100),
    _square("Schwefel04", "sum((x - 1)**2 + (x[0] - x**2)**2)", 0, 10),
    _square("Schwefel06", "maximum(abs(x[0] + 2*x[1] - 7), abs(2*x[0] + x[1] - 5))", -100, 100),
    _square("Schwefel20", "sum(abs(x))", -100, 100),
    _square("Schwefel21", "max(abs(x))", -100, 100),
    _square("Schwefel22", "sum(abs(x)) + prod(abs(x))", -100, 100),
    _square("Schwefel26", "837.965774 - sum(x*sin(sqrt(abs(x))))", -500, 500),
    _square("Schwefel36", "-x[0]*x[1]*(72 - 2*x[0] - 2*x[1])", 0, 500),
    *map(_shekel, (5, 7, 10)),
    _square("Shubert01", "prod(sum(j*cos((j + 1)*x + j), axis=0))", -10, 10, j=COLUMN),
    _square("Shubert03", "-sum(j*sin((j + 1)*x + j))", -10, 10, j=COLUMN),
    _square("Shubert04", "-sum(j*cos((j + 1)*x + j))", -10, 10, j=COLUMN),
    _square("SineEnvelope", "0.5 + (sin(norm(x))**2 - 0.5)/(1 + 0.001*sum(x**2))**2", -100, 100),
    _square(
        "SixHumpCamel",
        "a, b = x[0], x[1]; 4*a**2 - 2.1*a**4 + a**6/3 + a*b - 4*b**2 + 4*b**4", -5, 5,
    ),
    _square("Sodp", "sum(abs(x)**(i + 1))", -1, 1, i=[1, 2]),
    _square("Sphere", "sum(x**2)", -5.12, 5.12),
    _square("StretchedV", "s = sum(x**2); s**0.25*sin(50*s**0.1 + 1)**2", -10, 10),
    _square("StyblinskiTang", "sum(x**4 - 16*x**2 + 5*x)/2", -5, 5),
    _square("TestTubeHolder", "-4*abs(sin(x[0])*cos(x[1])*exp(abs(cos(sum(x**2)/200))))", -10, 10),
    _box(
        "Thurber",
        "sum((y - (x[0] + x[1]*t + x[2]*t**2 + x[3]*t**3)/(1 + x[4]*t + x[5]*t**2 + x[6]*t**3))**2)",
        (500, 500, 100, 10, 0.1, 0.1, 0), (2000, 2000, 1000, 150, 2, 1, 0.2),
        y=[
            80.574, 84.248, 87.264, 87.195, 89.076, 89.608, 89.868, 90.101, 92.405, 95.854, 100.696, 101.06,
            401.672, 390.724, 567.534, 635.316, 733.054, 759.087, 894.206, 990.785, 1090.109, 1080.914,
            1122.643, 1178.351, 1260.531, 1273.514, 1288.339, 1327.543, 1353.863, 1414.509, 1425.208,
            1421.384, 1442.962, 1464.35, 1468.705, 1447.894, 1457.628,
        ],
        t=[
            -3.067, -2.981, -2.921, -2.912, -2.84, -2.797, -2.702, -2.699, -2.633, -2.481, -2.363, -2.322,
            -1.501, -1.46, -1.274, -1.212, -1.1, -1.046, -0.915, -0.714, -0.566, -0.545, -0.4, -0.309, -0.109,
            -0.103, 0.01, 0.119, 0.377, 0.79, 0.963, 1.006, 1.115, 1.572, 1.841, 2.047, 2.2,
        ],
    ),
    _square("Treccani", "x[0]**4 + 4*x[0]**3 + 4*x[0]**2 + x[1]**2", -5, 5),
    _square(
        "Trefethen",
        "sum(x**2)/4 + exp(sin(50*x[0])) - sin(10*x[0] + 10*x[1]) + sin(60*exp(x[1])) + sin(70*sin(x[0]))"
        " + sin(sin(80*x[1]))",
        -10, 10,
    ),
    _square("ThreeHumpCamel", "2*x[0]**2 - 1.05*x[0]**4 + x[0]**6/6 + x[0]*x[1] + x[1]**2", -5, 5),
    _square("Trid", "sum((x - 1)**2) - sum(x[1:]*x[:-1])", -20, 20, 6),
    _square(
        "Trigonometric01", "sum((2 - sum(cos(x) + i*(1 - cos(x) - sin(x)), axis=1))**2)", 0, PI, i=[[1], [2]]
    ),
    _square(
        "Trigonometric02", "s = (x - 0.9)**2; 1 + sum(8*sin(7*s)**2 + 6*sin(14*s)**2 + s)", -500, 500
    ),
    _box("Ursem01", "-sin(2*x[0] - pi/2) - 3*cos(x[1]) - x[0]/2", (-2.5, -2), (3, 2)),
    _box(
        "Ursem03", "-sum(sin(2.2*pi*x + pi/2)*(2 - abs(x))/2*(3 - abs(x))/2)", (-2, -1.5), (2, 1.5)
    ),
    _square("Ursem04", "-3*sin(pi*x[0]/2 + pi/2)*(2 - norm(x))/4", -2, 2),
    _box(
        "UrsemWaves",
        "a, b = x[0], x[1]; 4.7*cos(3*a - b**2*(2 + a))*sin(5*pi*a/2) - 3.5*a*b**3 - 0.9*a**2",
        (-0.9, -1.2), (1.2, 1.2),
    ),
    _square(
        "VenterSobiezcczanskiSobieski", "sum(x**2 - 100*cos(x)**2 - 100*cos(x**2/30))", -50, 50
    ),
    _square("Vincent", "-sum(sin(10*log(x)))", 0.25, 10),
    _square(
        "Watson",
        "sum((sum((j + 1)*a**j*x[1:], axis=1) - sum(a**k*x, axis=1)**2 - 1)**2) + x[0]**2", -5, 5, 6,
        a=np.arange(30)[:, None] / 29, j=np.arange(5), k=np.arange(6),
    ),
    _square("Wavy", "1 - mean(cos(10*x)*exp(-x**2/2))", -PI, PI),
    _square("WayburnSeader01", "(x[0]**6 + x[1]**4 - 17)**2 + (2*x[0] + x[1] - 4)**2", -5, 5),
    _square(
        "WayburnSeader02", "(1.613 - 4*(x[0] - 0.3125)**2 - 4*(x[1] - 1.625)**2)**2 + (x[1] - 1)**2",
        -500, 500,
    ),
    _square(
        "Weierstrass", "sum(p*cos(2*pi*q*(x + 0.5))) - 2*sum(p*cos(pi*q))", -0.5, 0.5,
        p=0.5 ** np.arange(21)[:, None], q=3.0 ** np.arange(21)[:, None],
    ),
    _square(
        "Whitley",
        "y = reshape(x, (2, 1)); v = 100*(x**2 - y) + (1 - y)**2; sum(v**2/4000 - cos(v) + 1)", -10.24, 10.24,
    ),
    _square("Wolfe", "4/3*(x[0]**2 + x[1]**2 - x[0]*x[1])**0.75 + x[2]", 0, 2, 3),
    _square("XinSheYang02", "sum(abs(x))*exp(-sum(sin(x**2)))", -2 * PI, 2 * PI),
    _square("XinSheYang03", "exp(-sum((x/15)**10)) - 2*exp(-sum(x**2))*prod(cos(x)**2)", -20, 20),
    _square("XinSheYang04", "(sum(sin(x)**2) - exp(-sum(x**2)))*exp(-sum(sin(sqrt(abs(x)))**2))", -10, 10),
    _square(
        "Xor",
        "p = sigmoid(P @ x[:2] + x[4]); q = sigmoid(P @ x[2:4] + x[5]);"
        "sum((t - sigmoid(x[6]*p + x[7]*q + x[8]))**2)",
        -1, 1, 9, P=[[1, 1], [0, 0], [1, 0], [0, 1]], t=[0, 0, 1, 1],
    ),
    _square("YaoLiu04", "max(abs(x))", -10, 10),
    _square("YaoLiu09", "sum(x**2 - 10*cos(2*pi*x) + 10)", -5.12, 5.12),
    _square("Zacharov", "v = x[0]/2 + x[1]; sum(x**2) + v**2 + v**4", -5, 10),
    _square("ZeroSum", "1 + 100*sqrt(abs(sum(x)))", -10, 10),
    _square("Zettl", "(x[0]**2 + x[1]**2 - 2*x[0])**2 + x[0]/4", -5, 10),
    _square("Zirilli", "x[0]**4/4 - x[0]**2/2 + x[0]/10 + x[1]**2/2", -10, 10),
    _box("Problem02", "sin(x[0]) + sin(10*x[0]/3)", [2.7], [7.5]),
    _box("Problem03", "-sum(k*sin((k + 1)*x[0] + k))", [-10], [10], k=FIVE),
    _box("Problem04", "-(16*x[0]**2 - 24*x[0] + 5)*exp(-x[0])", [1.9], [3.9]),
    _box("Problem05", "-(1.4 - 3*x[0])*sin(18*x[0])", [0], [1.2]),
    _box("Problem06", "-(x[0] + sin(x[0]))*exp(-x[0]**2)", [-10], [10]),
    _box("Problem07", "sin(x[0]) + sin(10*x[0]/3) + log(x[0]) - 0.84*x[0] + 3", [2.7], [7.5]),
    _box("Problem08", "-sum(k*cos((k + 1)*x[0] + k))", [-10], [10], k=FIVE),
    _box("Problem09", "sin(x[0]) + sin(2*x[0]/3)", [3.1], [20.4]),
    _box("Problem10", "-x[0]*sin(x[0])", [0], [10]),
    _box("Problem11", "2*cos(x[0]) + cos(2*x[0])", [-PI / 2], [2 * PI]),
    _box("Problem12", "sin(x[0])**3 + cos(x[0])**3", [0], [2 * PI]),
    _box("Problem13", "-x[0]**(2/3) - (1 - x[0]**2)**(1/3)", [0.001], [0.99]),
    _box("Problem14", "-exp(-x[0])*sin(2*pi*x[0])", [0], [4]),
    _box("Problem15", "(x[0]**2 - 5*x[0] + 6)/(x[0]**2 + 1)", [-5], [5]),
    _box("Problem18", "where(x[0] <= 3, (x[0] - 2)**2, 2*log(x[0] - 2) + 1)", [0], [6]),
    _box("Problem20", "-(x[0] - sin(x[0]))*exp(-x[0]**2)", [-10], [10]),
    _box("Problem21", "x[0]*sin(x[0]) + x[0]*cos(2*x[0])", [0], [10]),
    _box("Problem22", "exp(-3*x[0]) - sin(x[0])**3", [0], [20]),
    # with rounding, jumps and whole arrays
    _box(
        "Cola",
        "p = concatenate(0, x[0], x[1::2]); q = concatenate(0, 0, x[2::2])\n"
        "r = hypot(p[:, None] - p, q[:, None] - q)\nsum(tril((r - d)**2, -1))",
        [0] + [-4] * 16,
        [4] * 17,
        d=COLA,
    ),
    _square(
        "Corana",
        "z = 0.2*floor(abs(x/0.2) + 0.49999)*sign(x)\n"
        "sum(d*where(abs(x - z) < 0.05, 0.15*(z - 0.05*sign(z))**2, x**2))",
        -5, 5, 4, d=[1.0, 1000.0, 10.0, 100.0],
    ),
    _square(
        "Deceptive",
        "a = arange(1, len(x) + 1)/(len(x) + 1)\n"
        "down = where(x < 0.8*a, 0.8 - x/a, where(x < a, 5*x/a - 4, 5*(x - a)/(a - 1) + 1))\n"
        "g = where(x < (1 + 4*a)/5, down, (x - 1)/(1 - a) + 0.8)\n"
        "-mean(where(x <= 0, x, where(x <= 1, g, x - 1)))**2",
        0, 1,
    ),
    _square("Gear", "(1/6.931 - floor(x[0])*floor(x[1])/floor(x[2])/floor(x[3]))**2", 12, 60, 4),
    _square(
        "HelicalValley",
        "r = hypot(x[0], x[1]); a = arctan2(x[1], x[0])/(2*pi)\n"
        "x[2]**2 + 100*((x[2] - 10*a)**2 + (r - 1)**2)",
        -10, 10, 3,
    ),
    _square(
        "Katsuura",
        "k = 2**arange(1, 33)[:, None]\nprod(1 + arange(1, len(x) + 1)*sum(round(k*x)/k, axis=0))",
        0, 100,
    ),
    _square("Mishra10", "a, b = trunc(x[0]), trunc(x[1])\n(a + b - a*b)**2", -10, 10),
    _square(
        "NeedleEye",
        "far = where(abs(x) >= 0.0001, 1, 0)\n"
        "where(max(far) > 0, sum(where(far > 0, 100 + abs(x), 1)), 1)",
        -10, 10,
    ),
    _square(
        "Pinter",
        "p = roll(x, 1); n = roll(x, -1); i = arange(1, len(x) + 1)\n"
        "a = p*sin(x) + sin(n); b = p**2 - 2*x + 3*n - cos(x) + 1\n"
        "sum(i*x**2 + 20*i*sin(a)**2 + i*log10(1 + i*b**2))",
        -10, 10,
    ),
    _square("Plateau", "30 + sum(floor(abs(x)))", -5.12, 5.12),
    _square("Step", "sum(floor(abs(x)))", -100, 100),
    _square("Step2", "sum((floor(x) + 0.5)**2)", -100, 100),
    _square(
        "Tripod",
        "p = where(x >= 0, 1, 0)\n"
        "p[1]*(1 + p[0]) + abs(x[0] + 50*p[1]*(1 - 2*p[0])) + abs(x[1] + 50*(1 - 2*p[1]))",
        -100, 100,
    ),
    _square(
        "Zimmerman",
        "h(v) = 100*(1 + v)\n"
        "a = 9 - x[0] - x[1]; b = (x[0] - 3)**2 + (x[1] - 2)**2 - 16; c = x[0]*x[1] - 14\n"
        "max(stack(a, h(b)*sign(b), h(c)*sign(c), h(-x[0])*sign(x[0]), h(-x[1])*sign(x[1])))",
        0, 100,
    ),
)  # fmt: skip
"""All of the suite but Stochastic and XinSheYang01, which draw random numbers."""
