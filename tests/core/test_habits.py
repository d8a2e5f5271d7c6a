"""What people write from habit gets the word that helps."""

import re

import numpy as np
import pytest
from scipy import optimize, special, stats

from service.core.calculus.gradient import gradient
from service.core.calculus.value import value
from service.core.exceptions import InvalidFunction
from service.core.language.foreign import ALIASES, CALLED
from service.core.language.operations import CONSTANTS, FUNCTIONS
from service.core.language.parser import parse_function
from service.core.language.signs import FACTORIAL, SYMBOLS, TEX
from service.core.limits import Limits
from service.core.suggestions import hint_for

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
    ("x.dot(x)", "Write dot(a, b)."),
    ("np.where(x > 0, x, 0)", "Write where(condition, a, b)."),
    ("x.reshape(2, 1)", "Write reshape(x, shape)."),
    ("np.concatenate((x, x), axis=0)", "Write concatenate(a, b, ...)."),
    ("nn.ReLU(x)", "Write relu(x)."),
    ("np.array([1, 2])", "Write stack(a, b), or"),
    ("x.shape", "Write len(x) for the first size, len(x[0]) for the second."),
    ("sum(x)/x.shape[0]", "Write len(x) for the first size"),
    ("np.shape(x)[0]", "Write len(x) for the first size"),
    ("shape(x)[0]", "Write len(x) for the first size"),
    ("x.dtype", "no attributes"),
    ("a, b = x; a + b", "assigned one by one: a, b = x[0], x[1]."),
    ("f(a) = f(a - 1); f(x[0])", "before whatever calls it, and does not call itself."),
    ("f(a) = g(a); g(a) = f(a); f(x[0])", "before whatever calls it"),
    ("y = f(x[0]); f(a) = a; y", "before whatever calls it"),
    ("roll(x, (1, 2), axis=(0, 0, 0))", "2 shifts do not go with 3 axes"),
    ("ln(x)", "Write log(x)."),
    ("pow(x, 2)", "Write a ** b."),
    ("power(x, 2)", "Write a ** b."),
    ("asin(x)", "Write arcsin(x)."),
    ("acos(x)", "Write arccos(x)."),
    ("atan2(x, x)", "Write arctan2(a, b)."),
    ("np.pi*x", "Write pi."),
    ("torch.std(x)", "Write std(x, ddof=1)."),
    ("np.std(x)", "Write std(x)."),
    ("F.cross_entropy(x, x)", "Write mean(cross_entropy(softmax(z), t, epsilon=0))."),
    ("torch.nn.functional.relu(x)", "Write relu(x)."),
    ("STDEV(x)", "Write std(x, ddof=1)."),
    ("LOG(x)", "Write log10(x)."),
    ("sind(x)", "Write sin(x * pi / 180)."),
    ("gamma(x)", "Write exp(lgamma(x))."),
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
    ("lambda x: x", "Write its expression alone; a function that others call is f(x) = expression."),
    ("def f(x): x", "Write its expression alone"),
    ("return x", "The last statement is the value, without return."),
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
    ("sin x[0]", "Write sin(x)."),
    ("abs x", "Write abs(x)."),
    ("sum x**2", "Write sum(x)."),
    ("cos 3*x[0]", "Write cos(x)."),
    ("2*x(1)", "Elements stand in brackets, as in x[0]"),
    ("1,5*x[0]", "Numbers have a decimal point."),
    ("x[0], x[1]", "Write stack(a, b)"),
    ("y = 1, 2; x[0]", "Write stack(a, b)"),
    ("(x[0], x[1])", "Write stack(a, b)"),
    ("for i, v in x: a = v", "A loop is written for k in range(n)"),
    ("concatenate([x, x])", "or concatenate(a, b)"),
    ("where(x = 1, x, 0)", "Compare with ==, as in where(x == 1, a, b)."),
    ("sum(axis=0, x)", "stands after a keyword argument."),
    ("where(x => 1, x, 0)", "Write >=."),
    ("where(x =< 1, x, 0)", "Write <=."),
    ("where(x <> 1, x, 0)", "Write !=."),
    ("f(a) = sum(a**2)", "Write the expression alone, or call the function"),
    ("s = 0\nfor k in range(2): s += x[k]", "Write the name of the result in another line."),
    ("s = 0; for k in range(2): s += x[k]; s", "goes on to the end of its line"),
    ("sum(x); x[0]", "Only the last statement may omit its name; write name = expression."),
    ("reshape(x, 2, 1)", "in parentheses: (2, 3)"),
    ("zeros(3, 3)", "in parentheses: (2, 3)"),
    ("transpose(x, 0, 1)", "in parentheses: (2, 3)"),
    ("log(x, 10)", "The logarithm to base b is log(x) / log(b)."),
    ("norm(x, ord=1)", "sum(abs(x)) for the 1-norm"),
    ("std(x, unbiased=True)", "Write ddof."),
    ("return (x[0])**2", "The last statement is the value, without return."),
    ("return -x[0]", "The last statement is the value, without return."),
    ("def f(x):\n    return x[0]", "Write its expression alone"),
    ("f = lambda x: x[0]", "Write its expression alone"),
    ("@(x) x(1)^2", "Write its expression alone"),
    ("x -> sum(x)", "Write its expression alone"),
    ("(x, y) => x*x", "Write its expression alone"),
    ("f <- function(x) x[0]", "Write its expression alone"),
    ("f = function(x) x[0]", "Write its expression alone"),
    ("double f(double x)", "Write its expression alone"),
    ("n <- length(x)\nn", "Write = in place of <-."),
    ("var y = x[0]; y", "Write name = expression, without a word before it."),
    ("let y = x[0]; y", "Write name = expression, without a word before it."),
    ("const [a, b] = x; a", "Write name = expression, without a word before it."),
    ("=SUM(x)", "Write the expression alone, without = before it."),
    ("SUM(x; 1)", "Arguments are parted by commas."),
    ("SUM(A1:A9)", "A range of cells is an array"),
    ("B$2", "without dollar signs"),
    ("x[0] = 1; x[0]", "Elements are not assigned"),
    ("x[0]**2 + x[1]**2 = 1", "solved as the least (a - b)**2"),
    ("sum([a**2 for a in x])", "work on whole arrays"),
    ("sum(a**2 for a in x)", "work on whole arrays"),
    ("[(x[0] - 3)]/2", "Group with parentheses."),
    ("[c for c in range(3)]", "work on whole arrays"),
    ("[(x - 3) + x]/2", "Group with parentheses."),
    ("inv([[1, 2], [3, 4]])", "stack(stack(a, b), stack(c, d))"),
    ("std::exp(x)", "Write exp(x)."),
    ("8.0f*x", "without letters behind"),
    ("1.0d0*x", "without letters behind"),
    ("100.D0*x", "without letters behind"),
    ("ln x", "Write log(x)."),
    ("log2 x", "Write log2(x)."),
    ("x[0] x[1]", "Write * between"),
    ("(x[0])(x[1])", "Write * between"),
    ("x(1:2)", "Slices stand in brackets"),
    ("X %*% x", "Write a @ b."),
    ("x %% 2", "Write a % b."),
    ("x[0]; % comment", "A comment begins with #."),
    ("x[0]; // comment", "A comment begins with #."),
    ("x[0] + ...\n1", "Inside parentheses"),
    ("for (i = 0; i < 3; i++) s += x[i]", "A loop is written for k in range(n)"),
    ("sin^2(x)", "Write sin(x)**2."),
    ("tan^-1(x)", "Write arctan(x)."),
    ("x^T x", "A transpose is x.T"),
    ("x!", "A factorial is exp(lgamma(x + 1))."),
    ("!x", "Write: not a"),
    ("||x||", "norm(x) for a length"),
    ("\\sqrt{x}", "Write sqrt(x)."),
    ("\\frac{1}{2}", "Write (a)/(b)."),
    ("2\\beta", "Write beta."),
    ("A\\b", "Write solve(A, b)."),
    ("A \\ b", "Write solve(A, b)."),
    ("x + \\\n2", "Inside parentheses an expression goes on"),
    ("[x; x]", "write stack(a, b), or concatenate(a, b)"),
    ("[1 2]", "write stack(a, b), or concatenate(a, b)"),
    ("TOCOL(x)", "Write reshape(x, -1)."),
    ("x .- 1", "without a dot"),
    ("cos.(x)", "without a dot"),
    ("x.item()", "Leave .item out"),
    ("self.x", "written alone"),
    ("np.linalg.eigvals(x)", "Nothing here is like eigvals"),
    ("eigvals(x)", "Nothing here is like it."),
    ("stats.norm.cdf(x)", "Write erfc(-x / sqrt(2)) / 2."),
    ("poisson.logpmf(x, 2)", "Write k * log(m) - m - lgamma(k + 1)."),
    ("dnorm(x, x[5], log=TRUE)", "Unknown function 'dnorm'. Write -((x - m) / s)**2 / 2"),
    ("sum(x, keepdims=TRUE)", "Options are True and False."),
    ("STDEV.S(x)", "Write std(x, ddof=1)."),
    ("Math.max(x[0], 1)", "Write maximum(a, b)."),
    ("Math.E", "Write e."),
    ("nn.MSELoss()(x, x)", "Write mean(squared_error(p, t))."),
    ("xx + yy", "Write x*x for a product."),
    ("s = x[0]; s2", "Write s**2."),
    ("x[2]", "indices begin at 0"),
    ("sum(x > 0)", "where(condition, 1, 0) is a number."),
    ("sum(x[x > 0])", "sum(where(condition, x, 0))"),
    ("norm(x, 1)", "the 1-norm is sum(abs(x))"),
    ("x = x/2; sum(x)", "choose another name"),
    ("for k in range(x): s = 1\ns", "known from the text"),
    ("sum(x, dtype=0)", "without it; everything is float64"),
    ("(σ/r)¹²", "Write its name, sigma."),
    ("x¹²", "Write **12."),
    ("10⁻³", "Write **-3."),
    ("sin²x", "Write sin(x)**2."),
    ("tan⁻¹(x)", "Write arctan(x)."),
    ("x₁", "Write x1 for a name, x[0] for the first element."),
    ("xᵢ", "Functions work on whole arrays; write x."),
    ("λ", "Write its name, lambda."),
    ("ϵ", "Write its name, epsilon."),
    ("Δx", "Write its name, Delta."),
    ("𝑥", "Write x."),
    ("（x）", "Write (."),
    ("x，x", "Write ,."),
    ("ŷ", "write y."),
    ("¾", "Write 3/4."),
    ("∛x", "Write cbrt(x)."),
    ("xᵀ", "Write .T."),
    ("変数", "ASCII letters, digits and underscores"),
    ("x[0] # π", "Comments are ASCII as well."),
    ("log₂(x)", "Write log2(x)."),
    ("logₑ(x)", "Write log(x)."),
    ("x[0] mod 2", "Write a % b."),
    ("sum(x) where x > 0", "Write where(condition, a, b)."),
    ("where(x === 1, x, 0)", "Write ==."),
    ("where(x !== 1, x, 0)", "Write !=."),
    ("f(x) := x[0]", "Write =."),
    ("exp^x", "Write exp(x)."),
    ("1 000*x", "no blanks"),
    ("0x1F*x", "without letters behind"),
    ("min x[0]", "Write the expression alone to minimize it"),
    ("max x[0]", "Write -(x) to maximize x"),
    ("x |> sum", "Call functions as sum(x)."),
    ("`x`", "without quotes"),
    ("x＾2", "Write ** for a power."),
    ("np.c_[x, x]", "Write stack(a, b, axis=1)."),
    ("x(end)", "The last element is x[-1]"),
    ("sum(x[1:end])", "The last element is x[-1]"),
    ("s = 0\nfor k in range(2):\n  s += x[k]\nend", "a loop ends with the last line that is indented"),
    ("y ~ 2*x", "A fit is the least of sum((y - model)**2)."),
    ("sum(x) s.t. x[0] = 1", "Ranges stand in the field bounds; another condition is a penalty"),
    ("sum(x) subject to x[0] = 1", "another condition is a penalty in the function."),
    ("sum(x) such that x[0] > 0", "another condition is a penalty in the function."),
    ("for (int k = 0; k < 2; k++) x[k]", "A loop is written for k in range(n): ..."),
    ("s = 0; for (k = 0; k < 2; k++) s", "A loop is written for k in range(n): ..."),
    ("mean(x, na.rm=TRUE)", "Leave it out: every number of a request is finite."),
    ("x[0]ー1", "Write -."),
    ("x[0]・x[1]", "Write *."),
    ("sum(dnorm(x, m, s))", "Write exp(-((x - m) / s)**2 / 2) / (s * sqrt(2 * pi))."),
    ("sum(dnorm(x, m, s, log=TRUE))", "Write -((x - m) / s)**2 / 2 - log(s) - log(2 * pi) / 2."),
    ("sum(dpois(x, m, log = T))", "Write k * log(m) - m - lgamma(k + 1)."),
    ("argmin x[0]", "Write the expression alone; the answer has where it is least."),
    ("argmax x[0]", "Write -(x) to maximize x; the answer has where it is largest."),
    ("argmax(x)", "Nothing here is like it."),
    ("d/dx x[0]**2", "Write the function alone; the answer has its derivatives."),
    ("d/dx(x[0]**2)", "Write the function alone; the answer has its derivatives."),
    ("sum(x*seq(1, 2))", "Write arange(1, n + 1)."),
    ("sum(x*rep(1, 2))", "Write tile(x, reps)."),
    ("sigma(x[0])", "Write sigmoid(x)."),
    ("softmx(x)", "Did you mean softmax?"),
    ("Exp(x)", "Did you mean exp?"),
    ("sqare(x)", "Did you mean square?"),
    ("tahn(x)", "Did you mean tanh?"),
    ("epx(x)", "Did you mean exp?"),
    ("Maen(x)", "Did you mean mean?"),
]


@pytest.mark.parametrize(("text", "words"), HABITS, ids=[ascii(text) for text, _ in HABITS])
def test_what_people_write_from_habit_gets_the_word_that_helps(text, words):
    with pytest.raises(InvalidFunction) as caught:
        gradient(text, {"x": [1.0, 2.0]})

    detail = caught.value.faults[0].detail
    assert words in detail
    assert len(detail) < 400


@pytest.mark.parametrize(
    "text",
    ["sum(x,, 1)", "x[0,, 1]", "sum(, x)", "where(x > 0 and, 1, 0)", "where(x <, 1, 0)", "dot(x +, x)"],
)
def test_a_comma_too_many_is_no_vector(text):
    with pytest.raises(InvalidFunction, match="Unexpected ','; expected a number") as caught:
        gradient(text, {"x": [1.0, 2.0]})

    assert "stack" not in caught.value.faults[0].detail


@pytest.mark.parametrize("text", ["10%*x[0]", "class x", "yield x", "1 to x", "x xor x"])
def test_what_is_no_product_is_not_taken_for_one(text):
    with pytest.raises(InvalidFunction) as caught:
        gradient(text, {"x": [1.0, 2.0]})

    assert "Write" not in caught.value.faults[0].detail


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [
        ("x.T*A*x", True),
        ("sum(B*A)", True),
        ("sum((B*x - b)**2)", True),
        ("sum(x*B.T*b)", True),
        ("x*x", False),
        ("sum(x*b)", False),
        ("sum(B - b)*x[0]", False),
    ],
)
def test_a_product_of_matrices_by_an_asterisk_is_told_how_it_is_written(text, is_meant):
    constants = {
        "A": [[2.0, 1.0], [1.0, 3.0]],
        "B": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        "b": [1.0, 2.0, 3.0],
    }

    with pytest.raises(InvalidFunction) as caught:
        gradient(text, {"x": [1.0, 2.0]}, constants)

    assert ("A matrix product is written a @ b." in caught.value.faults[0].detail) == is_meant


@pytest.mark.parametrize(
    "name", ["frobnicate", "y", "target", "cost_function", "gram", "pinv", "expm", "normal"]
)
def test_a_name_that_is_like_nothing_gets_no_suggestion(name):
    assert hint_for(name, [*FUNCTIONS], ALIASES) == ""


def test_no_alias_is_a_function_of_the_language():
    assert not set(ALIASES) & set(FUNCTIONS)


WRITTEN = {
    **{f"ALIASES {name}": written for name, written in ALIASES.items()},
    **{f"CALLED {name}": written for name, written in CALLED.items()},
    **{f"SYMBOLS {name}": written for name, written in SYMBOLS.items() if "(" in written},
    **{f"TEX {name}": written for name, written in TEX.items() if "(" in written},
    "factorial": FACTORIAL.removeprefix(" A factorial is ").removesuffix("."),
}
"""All that is proposed for a call, by where it stands."""


def programs_of(written):
    """Return the programs that a proposal offers, without the words about when to take which."""
    pieces = re.split(r", or | for the first size, | for the second| of vectors|a sum over ", written)
    return [piece for piece in pieces if piece and piece != "None"]


@pytest.mark.parametrize("name", WRITTEN)
def test_whatever_is_proposed_is_a_function_of_the_language(name):
    programs = programs_of(WRITTEN[name])

    parsed = [parse_function(program, Limits()) for program in programs]

    assert all(tape.statements[-1].kind == "unnamed" for tape in parsed)
    assert parsed or not WRITTEN[name] or name == "ALIASES newaxis"


def test_aliases_name_functions_that_exist():
    for written in filter(None, ALIASES.values()):
        called = set(re.findall(r"([A-Za-z_][A-Za-z0-9_]*)\(", written))
        assert called <= set(FUNCTIONS) | {"len"} | set(CONSTANTS), written


OF_NUMPY = [
    "absolute", "fabs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "atan2", "add", "subtract",
    "multiply", "divide", "true_divide", "floor_divide", "mod", "fmod", "remainder", "power", "pow",
    "float_power", "negative", "reciprocal", "amax", "amin", "ptp", "nanmax", "nanmin", "nansum",
    "nanmean", "nanstd", "nanvar", "average", "fmax", "fmin", "inner", "vdot", "rint", "around", "fix",
    "deg2rad", "radians", "rad2deg", "degrees", "ravel", "size", "trapezoid",
]  # fmt: skip
RENAMED = {"fix": "trunc"}  # NumPy 2.5 warns of the first and names the second
OF_SCIPY = ["expit", "log_expit", "logit", "xlogy", "gammaln", "loggamma", "psi", "gamma"]
VECTORS = ([0.3, 0.7, 0.9], [0.4, 0.25, 2.5]), ([1.5, 2.25, 7.0], [1.0, 2.0, 3.0])
SIGNED = ([0.3, -0.7, 5.9], [0.4, 0.4, -2.25])


@pytest.mark.parametrize("name", [*OF_NUMPY, *OF_SCIPY])
def test_what_is_suggested_computes_what_the_other_library_does(name):
    theirs = getattr(np if name in OF_NUMPY else special, RENAMED.get(name, name))
    written = ALIASES[name]
    names = list(dict.fromkeys(re.findall(r"\b[abxy]\b", written)))
    compared = 0

    for vectors in VECTORS if name == "gamma" else (*VECTORS, SIGNED):
        given = dict(zip(names, vectors, strict=False))
        with np.errstate(all="ignore"):
            expected = theirs(*map(np.array, given.values()))
        if np.isfinite(expected).all():
            assert value(written, given)["value"] == pytest.approx(expected, rel=1e-12)
            compared += 1

    assert compared


DISTRIBUTIONS = {
    "norm.pdf": (stats.norm.pdf, "xms"),
    "norm.logpdf": (stats.norm.logpdf, "xms"),
    "NORM.DIST": (stats.norm.cdf, "xms"),
    "norm.cdf": (stats.norm.cdf, "x"),
    "norm.sf": (stats.norm.sf, "x"),
    "norm.logcdf": (stats.norm.logcdf, "x"),
    "poisson.pmf": (stats.poisson.pmf, "km"),
    "poisson.logpmf": (stats.poisson.logpmf, "km"),
    "binom.pmf": (stats.binom.pmf, "knp"),
    "binom.logpmf": (stats.binom.logpmf, "knp"),
    "expon.logpdf": (lambda x, s: stats.expon.logpdf(x, scale=s), "xs"),
    "gamma.logpdf": (lambda x, a, s: stats.gamma.logpdf(x, a, scale=s), "xas"),
    "beta.logpdf": (stats.beta.logpdf, "xab"),
    "t.logpdf": (stats.t.logpdf, "xn"),
    "betaln": (special.betaln, "ab"),
    "comb": (special.comb, "nk"),
    "entr": (special.entr, "x"),
    "rel_entr": (special.rel_entr, "xy"),
    "xlog1py": (special.xlog1py, "xy"),
    "plogis": (special.expit, "x"),
    "logaddexp": (np.logaddexp, "ab"),
    "corrcoef": (lambda x, y: np.corrcoef(x, y)[0, 1], "xy"),
    "cov": (lambda x, y: np.cov(x, y)[0, 1], "xy"),
    "cross": (np.cross, "ab"),
    "kron": (np.kron, "ab"),
    "gmean": (stats.gmean, "x"),
    "entropy": (stats.entropy, "p"),
    "rosen": (optimize.rosen, "x"),
}
"""What SciPy and NumPy compute under names that have no function here, and of what."""

MEASURED = {
    "x": [0.25, 0.5, 0.125],
    "y": [1.5, 0.75, 3.0],
    "a": [1.5, 2.0, 0.75],
    "b": [0.5, 3.0, 1.25],
    "m": [0.5, 1.25, 2.0],
    "s": [1.5, 0.5, 2.0],
    "k": [0.0, 2.0, 3.0],
    "n": [4.0, 5.0, 3.0],
    "p": [0.25, 0.25, 0.5],
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_what_is_suggested_for_a_distribution_computes_it(name):
    theirs, names = DISTRIBUTIONS[name]
    given = {each: MEASURED[each] for each in names}

    found = value(ALIASES[name], given)["value"]

    assert found == pytest.approx(theirs(*map(np.array, given.values())), rel=1e-12)
