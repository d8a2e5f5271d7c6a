"""Models that people fit, written in the language: each has a right gradient and goes down."""

import numpy as np
import pytest

from service.core import descent, gradient

random = np.random.default_rng(2024)
N = 40
X = random.normal(size=(N, 3))
W = np.array([1.0, -2.0, 0.5])
Y = X @ W + 0.1 * random.normal(size=N)
BINARY = (random.random(N) < 1 / (1 + np.exp(-X @ W))) * 1.0
COUNTS = random.poisson(np.exp(0.3 * X @ W)) * 1.0
RATINGS = random.integers(0, 4, N) * 1.0
TIMES = np.sort(random.exponential(size=N))
SERIES = np.cumsum(random.normal(size=50)) * 0.1
GRID = np.linspace(0, 3, 45)
SQUARED = (GRID[:, None] - GRID) ** 2
ZEROS = np.zeros(3)

MODELS = {
    "ridge regression": ("sum((X @ w - y)**2) + 0.1*sum(w**2)", {"w": ZEROS}, {"X": X, "y": Y}),
    "logistic regression": (
        "z = X @ w\nmean(softplus(z) - y*z)",
        {"w": ZEROS},
        {"X": X, "y": BINARY},
    ),
    "Poisson regression": ("mean(poisson(exp(X @ w), y, epsilon=0))", {"w": ZEROS}, {"X": X, "y": COUNTS}),
    "negative binomial regression": (
        "m = exp(X @ w); r = exp(a)\n"
        "-mean(lgamma(y + r) - lgamma(r) - lgamma(y + 1) + r*log(r/(r + m)) + y*log(m/(r + m)))",
        {"w": ZEROS, "a": 0.0},
        {"X": X, "y": COUNTS},
    ),
    "ordinal regression": (
        "cut = cumsum(concatenate(c0, exp(d))); z = X @ w\n"
        "upper = concatenate(sigmoid(cut[None, :] - z[:, None]), ones((len(z), 1)), axis=1)\n"
        "p = upper - concatenate(zeros((len(z), 1)), upper[:, :-1], axis=1)\n"
        "-mean(log(sum(p*one_hot(y, 4), axis=1)))",
        {"w": ZEROS, "c0": -1.0, "d": np.zeros(2)},
        {"X": X, "y": RATINGS},
    ),
    "Cox regression": (
        "z = X @ w\n-sum(z - flip(log(cumsum(exp(flip(z))))))/len(z)",
        {"w": ZEROS},
        {"X": X},
    ),
    "quantile regression": ("mean(pinball(X @ w, y, quantile=0.8))", {"w": ZEROS}, {"X": X, "y": Y}),
    "factorisation of observed entries": (
        "p = sum(U[i]*V[j], axis=1) + a[i] + b[j]\nmean((p - r)**2) + 0.01*(sum(U**2) + sum(V**2))",
        {"U": random.normal(size=(6, 2)), "V": random.normal(size=(5, 2)),
         "a": np.zeros(6), "b": np.zeros(5)},
        {
            "i": random.integers(0, 6, 20) * 1.0,
            "j": random.integers(0, 5, 20) * 1.0,
            "r": random.normal(size=20),
        },
    ),
    "Gaussian process": (
        "K = exp(2*a - D/(2*exp(2*s))) + exp(2*n)*eye(len(y))\nL = cholesky(K); z = solve(L, y)\n"
        "sum(log(diag(L))) + dot(z, z)/2",
        {"s": 0.0, "a": 0.0, "n": -1.0},
        {"D": SQUARED, "y": np.sin(GRID) + 0.1 * random.normal(size=45)},
    ),
    "Gaussian mixture": (
        "w = log_softmax(a); s = exp(b)\n"
        "-mean(logsumexp(w - log(s) - ((x[:, None] - m)/s)**2/2, axis=1))",
        {"a": np.zeros(2), "m": np.array([-1.0, 1.0]), "b": np.zeros(2)},
        {"x": np.concatenate([random.normal(-2, 0.5, 30), random.normal(1, 1, 30)])},
    ),
    "autoregression": (
        "mean((x[2:] - a*x[1:-1] - b*x[:-2] - c)**2)",
        {"a": 0.0, "b": 0.0, "c": 0.0},
        {"x": SERIES},
    ),
    "Kalman filter": (
        "m = 0*q; P = 1 + 0*q; L = 0*q\n"
        "for k in range(len(x)):\n"
        "  P += exp(q); S = P + exp(r); v = x[k] - m\n"
        "  L += (log(S) + v**2/S)/2; G = P/S\n"
        "  m += G*v; P *= 1 - G\n"
        "L/len(x)",
        {"q": -1.0, "r": 0.0},
        {"x": SERIES},
    ),
    "logistic growth by Euler": (
        "n = n0; s = 0\nfor k in range(100):\n  n += 0.05*r*n*(1 - n/c)\n  s += (n - y[k])**2\ns/100",
        {"r": 0.8, "c": 1.5, "n0": 0.2},
        {"y": 2 / (1 + 9 * np.exp(-0.05 * np.arange(1, 101)))},
    ),
    "pharmacokinetics": (
        "ka = exp(a); ke = exp(b)\np = exp(d)*ka/(ka - ke)*(exp(-ke*t) - exp(-ka*t))\nmean((p - y)**2)",
        {"a": 0.5, "b": -1.5, "d": 0.5},
        {"t": GRID * 3, "y": 3 * (np.exp(-0.2 * GRID * 3) - np.exp(-1.5 * GRID * 3))},
    ),
    "Rasch model": (
        "z = a[:, None] - b\nmean(softplus(z) - y*z) + 0.01*(sum(a**2) + sum(b**2))",
        {"a": np.zeros(8), "b": np.zeros(5)},
        {"y": random.integers(0, 2, (8, 5)) * 1.0},
    ),
    "multidimensional scaling": (
        "d = norm(x[:, None] - x[None] + 1e-9, axis=-1)\nsum(triu((d - D)**2, 1))",
        {"x": random.normal(size=(7, 2))},
        {"D": np.abs(np.arange(7.0)[:, None] - np.arange(7))},
    ),
    "attention": (
        "q, k, v = X @ Q, X @ K, X @ V\nA = softmax(q @ k.T/sqrt(4))\nmean((A @ v @ O - X)**2)",
        {name: 0.5 * random.normal(size=shape) for name, shape in
         {"Q": (3, 4), "K": (3, 4), "V": (3, 4), "O": (4, 3)}.items()},
        {"X": X[:10]},
    ),
    "recurrent network": (
        "h = zeros(4)\nfor k in range(len(X)): h = tanh(X[k] @ U + h @ W + b)\nmean((h @ V - y)**2)",
        {"U": 0.3 * random.normal(size=(3, 4)), "W": 0.3 * random.normal(size=(4, 4)), "b": np.zeros(4),
         "V": random.normal(size=(4, 2))},
        {"X": random.normal(size=(110, 3)), "y": np.array([0.5, -0.5])},
    ),
    "convolutional network": (
        "h = relu(conv2d(X, K, padding=1) + b[:, None, None])\n"
        "f = reshape(max_pool2d(h, 2), (len(X), -1))\n"
        "mean(cross_entropy(softmax(f @ W), t)) + 0.01*sum(W**2)",
        {"K": 0.3 * random.normal(size=(4, 1, 3, 3)), "b": np.zeros(4),
         "W": 0.1 * random.normal(size=(64, 3))},
        {"X": random.normal(size=(6, 1, 8, 8)), "t": np.array([0.0, 1, 2, 0, 1, 2])},
    ),
    "portfolio": (
        "w = softmax(a)\nw @ S @ w/2 - 0.5*dot(m, w)",
        {"a": np.zeros(4)},
        {"S": np.diag([0.1, 0.2, 0.3, 0.4]), "m": np.array([0.1, 0.2, 0.15, 0.3])},
    ),
}  # fmt: skip


def test_there_are_twenty_models_of_at_most_six_lines():
    assert len(MODELS) == 20
    assert all(text.count("\n") <= 5 for text, _, _ in MODELS.values())


@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_of_a_model_agrees_with_differences(name):
    text, variables, constants = MODELS[name]

    answer = gradient(text, variables, constants)

    step = 1e-6
    for key, array in variables.items():
        direction = random.normal(size=np.shape(array))
        sides = [
            gradient(text, variables | {key: array + sign * step * direction}, constants)["value"]
            for sign in (1, -1)
        ]
        slope = (sides[0] - sides[1]) / (2 * step)
        found = float(np.sum(answer["gradient"][key] * direction))
        assert found == pytest.approx(slope, rel=2e-5, abs=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_brought_to_a_stationary_point(name):
    text, variables, constants = MODELS[name]

    path = descent(text, variables, constants, optimizer="lbfgs", steps=400, tolerance=1e-5)

    start = gradient(text, variables, constants)["value"]
    assert path["value"] < start
    assert path["status"] in ("converged", "stalled") or path["gradient_norm"] < 1e-2


def test_a_portfolio_is_brought_to_the_best_of_the_simplex():
    constants = MODELS["portfolio"][2] | {"m": np.array([0.1, 0.2, -0.4, 0.3])}
    text = "w @ S @ w/2 - 0.5*dot(m, w)"

    path = descent(
        text,
        {"w": np.full(4, 0.25)},
        constants,
        project={"w": {"onto": "simplex"}},
        learning_rate=1.0,
        tolerance=1e-12,
        steps=2000,
    )

    w = path["variables"]["w"]
    slope = gradient(text, {"w": w}, constants)["gradient"]["w"]
    assert path["status"] == "converged"
    assert w.sum() == pytest.approx(1.0, abs=1e-14)
    assert np.count_nonzero(w) == 3
    # What is held has the same marginal value; what is not held has a worse one.
    np.testing.assert_allclose(slope[w > 0], slope.min(), atol=1e-10)
    assert np.all(slope[w == 0] > slope.min() + 1e-3)
