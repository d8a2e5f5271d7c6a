"""Functions that lay out, cumulate, sort, factorise and convolve give what NumPy and SciPy give."""

import numpy as np
import pytest
import scipy.linalg
import scipy.signal

from service.core.calculus.gradient import gradient, quote
from service.core.exceptions import InvalidFunction, NonFiniteResult

random = np.random.default_rng(5)
DATA = {
    "v": random.normal(size=5),
    "u": random.normal(size=3),
    "M": random.normal(size=(3, 4)),
    "S": random.normal(size=(3, 3)) + 4 * np.eye(3),
    "P": random.normal(size=(2, 3, 3)) + 5 * np.eye(3),
    "T": random.normal(size=(2, 3, 4)),
    "B": random.normal(size=(3, 2)),
    "G": random.normal(size=(2, 3, 6, 7)),
    "W": random.normal(size=(4, 3, 2, 3)),
}
POSITIVE = DATA["S"] @ DATA["S"].T


def conv2d(x, w, stride=1, padding=0):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    full = [
        [
            sum(scipy.signal.correlate2d(x[n, c], w[o, c], mode="valid") for c in range(x.shape[1]))
            for o in range(w.shape[0])
        ]
        for n in range(x.shape[0])
    ]
    return np.array(full)[:, :, ::stride, ::stride]


def windows(x, size):
    rows, columns = x.shape[-2] // size, x.shape[-1] // size
    cut = x[..., : rows * size, : columns * size]
    return cut.reshape(*x.shape[:-2], rows, size, columns, size)


SAME = [
    ("concatenate(v, u)", lambda v, u, **_: np.concatenate([v, u])),
    ("concatenate(v, 7, u, v)", lambda v, u, **_: np.concatenate([v, [7], u, v])),
    ("concatenate(M, B, axis=1)", lambda M, B, **_: np.concatenate([M, B], axis=1)),
    ("concatenate((M, B, M), axis=-1)", lambda M, B, **_: np.concatenate([M, B, M], axis=1)),
    ("concatenate((M, B), -1)", lambda M, B, **_: np.concatenate([M, B], axis=1)),
    ("stack(u, 2*u)", lambda u, **_: np.stack([u, 2 * u])),
    ("stack(u, u, u, axis=-1)", lambda u, **_: np.stack([u, u, u], axis=-1)),
    ("stack(u[0], 3, v[1])", lambda u, v, **_: np.stack([u[0], 3, v[1]])),
    ("roll(v, 2)", lambda v, **_: np.roll(v, 2)),
    ("roll(v, -7)", lambda v, **_: np.roll(v, -7)),
    ("roll(M, 1)", lambda M, **_: np.roll(M, 1)),
    ("roll(M, (1, 2))", lambda M, **_: np.roll(M, (1, 2))),
    ("roll(M, (1, -2), axis=(0, 1))", lambda M, **_: np.roll(M, (1, -2), axis=(0, 1))),
    ("roll(M, 1, axis=(0, -1))", lambda M, **_: np.roll(M, 1, axis=(0, -1))),
    ("roll(M, (1, 2, 4), axis=1)", lambda M, **_: np.roll(M, (1, 2, 4), axis=1)),
    ("roll(M, (1, 1), axis=(0, 0))", lambda M, **_: np.roll(M, (1, 1), axis=(0, 0))),
    ("roll(M, (), axis=1)", lambda M, **_: np.roll(M, (), axis=1)),
    ("roll(M, 1, axis=())", lambda M, **_: np.roll(M, 1, axis=())),
    ("roll(M, 1, axis=0)", lambda M, **_: np.roll(M, 1, axis=0)),
    ("flip(T)", lambda T, **_: np.flip(T)),
    ("flip(T, (0, -1))", lambda T, **_: np.flip(T, (0, -1))),
    ("repeat(M, 3)", lambda M, **_: np.repeat(M, 3)),
    ("repeat(M, 2, axis=1)", lambda M, **_: np.repeat(M, 2, axis=1)),
    ("tile(M, 2)", lambda M, **_: np.tile(M, 2)),
    ("tile(u, (2, 3))", lambda u, **_: np.tile(u, (2, 3))),
    ("tile(T, (2, 1))", lambda T, **_: np.tile(T, (2, 1))),
    ("broadcast_to(u, (2, 3))", lambda u, **_: np.broadcast_to(u, (2, 3))),
    ("squeeze(M[None, :, None])", lambda M, **_: M),
    ("squeeze(M[None, :, None], 2)", lambda M, **_: M[None]),
    ("expand_dims(M, (0, -1))", lambda M, **_: np.expand_dims(M, (0, -1))),
    ("diag(u)", lambda u, **_: np.diag(u)),
    ("diag(u, 2)", lambda u, **_: np.diag(u, 2)),
    ("diag(u, k=-1)", lambda u, **_: np.diag(u, -1)),
    ("diag(M)", lambda M, **_: np.diag(M)),
    ("diag(M, 1)", lambda M, **_: np.diag(M, 1)),
    ("diag(M, -2)", lambda M, **_: np.diag(M, -2)),
    ("diag(M.T, 2)", lambda M, **_: np.diag(M.T, 2)),
    ("tril(M)", lambda M, **_: np.tril(M)),
    ("triu(T, -1)", lambda T, **_: np.triu(T, -1)),
    ("trace(M, 1)", lambda M, **_: np.trace(M, 1)),
    ("outer(v, M)", lambda v, M, **_: np.outer(v, M)),
    ("tensordot(T, T.T, 1)", lambda T, **_: np.tensordot(T, T.T, 1)),
    ("tensordot(T, M)", lambda T, M, **_: np.tensordot(T, M)),
    ("tensordot(T, M, (1, 0))", lambda T, M, **_: np.tensordot(T, M, (1, 0))),
    ("tensordot(u, v, 0)", lambda u, v, **_: np.tensordot(u, v, 0)),
    ("cumsum(T)", lambda T, **_: np.cumsum(T)),
    ("cumsum(T, axis=1)", lambda T, **_: np.cumsum(T, axis=1)),
    ("diff(T)", lambda T, **_: np.diff(T)),
    ("diff(v, 3)", lambda v, **_: np.diff(v, 3)),
    ("diff(T, n=2, axis=1)", lambda T, **_: np.diff(T, n=2, axis=1)),
    ("sort(T)", lambda T, **_: np.sort(T)),
    ("sort(T, 0)", lambda T, **_: np.sort(T, 0)),
    ("median(T)", lambda T, **_: np.median(T)),
    ("median(T, axis=1)", lambda T, **_: np.median(T, axis=1)),
    ("median(T, (2, 0))", lambda T, **_: np.median(T, (2, 0))),
    ("median(T, 2, keepdims=True)", lambda T, **_: np.median(T, 2, keepdims=True)),
    ("quantile(v, 0.3)", lambda v, **_: np.quantile(v, 0.3)),
    ("quantile(T, 0.9, axis=-1)", lambda T, **_: np.quantile(T, 0.9, axis=-1)),
    ("quantile(T, 0.3, (0, -2), True)", lambda T, **_: np.quantile(T, 0.3, (0, 1), keepdims=True)),
    ("quantile(v, 0) + quantile(v, 1)", lambda v, **_: v.min() + v.max()),
    ("var(T)", lambda T, **_: np.var(T)),
    ("var(T, axis=(0, 2), ddof=1)", lambda T, **_: np.var(T, axis=(0, 2), ddof=1)),
    ("std(T, 1, keepdims=True)", lambda T, **_: np.std(T, 1, keepdims=True)),
    ("var(v + 1e8)", lambda v, **_: np.var(v + 1e8)),
    ("inv(S)", lambda S, **_: np.linalg.inv(S)),
    ("inv(P)", lambda P, **_: np.linalg.inv(P)),
    ("solve(S, u)", lambda S, u, **_: np.linalg.solve(S, u)),
    ("solve(S, B)", lambda S, B, **_: np.linalg.solve(S, B)),
    ("solve(P, B)", lambda P, B, **_: np.linalg.solve(P, B)),
    ("solve_triangular(S, u)", lambda S, u, **_: scipy.linalg.solve_triangular(S, u)),
    ("solve_triangular(S, B, lower=True)", lambda S, B, **_: scipy.linalg.solve_triangular(S, B, lower=True)),
    ("det(P)", lambda P, **_: np.linalg.det(P)),
    ("logdet(S @ S.T)", lambda S, **_: np.linalg.slogdet(S @ S.T)[1]),
    ("cholesky(S @ S.T)", lambda S, **_: np.linalg.cholesky(S @ S.T)),
    ("convolve(v, u)", lambda v, u, **_: np.convolve(v, u)),
    ("convolve(u, v)", lambda v, u, **_: np.convolve(u, v)),
    ("conv2d(G, W)", lambda G, W, **_: conv2d(G, W)),
    ("conv2d(G, W, stride=2, padding=1)", lambda G, W, **_: conv2d(G, W, 2, 1)),
    ("conv2d(G[0], W, padding=2)", lambda G, W, **_: conv2d(G[:1], W, 1, 2)[0]),
    ("max_pool2d(G, 2)", lambda G, **_: windows(G, 2).max(axis=(-3, -1))),
    ("avg_pool2d(G[0], size=3)", lambda G, **_: windows(G[0], 3).mean(axis=(-3, -1))),
    ("sign(M) + floor(M)", lambda M, **_: np.sign(M) + np.floor(M)),
    ("ceil(M) + trunc(3*M)", lambda M, **_: np.ceil(M) + np.trunc(3 * M)),
    ("round(4*M) + round(0.5) + round(1.5) + round(-2.5)", lambda M, **_: np.round(4 * M) + 0 + 2 - 2),
    ("sinc(M) + hypot(M, 2)", lambda M, **_: np.sinc(M) + np.hypot(M, 2)),
    ("arctan2(M, -1)", lambda M, **_: np.arctan2(M, -1)),
    ("arctan2(0 % M, -1)", lambda M, **_: np.arctan2(0 % M, -1)),  # where M is below 0 the zero is -0
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SAME, ids=[text for text, _ in SAME])
def test_a_function_gives_what_numpy_gives(text, expected):
    wanted = np.asarray(expected(**DATA))
    weights = random.normal(size=wanted.shape)
    used = {name: value for name, value in DATA.items() if name in text}

    shape = quote(f"result = {text}; sum(result*w)", {"w": weights}, used)["shapes"]["result"]
    found = gradient(f"sum(({text})*w)", {"w": weights}, used)["gradient"]["w"]

    assert shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "text",
    ["inv(x)", "solve(x, x)", "logdet(x)", "cholesky(x)", "logdet(-eye(3) + x)", "cholesky(x - eye(2))"],
)
def test_a_singular_or_indefinite_matrix_is_not_finite_at_the_column_of_the_call(text):
    size = 3 if "eye(3)" in text else 2
    with pytest.raises(NonFiniteResult) as caught:
        gradient(f"1 + sum({text})", {"x": np.zeros((size, size))})

    assert caught.value.faults[0].column == 9


def test_ties_share_the_derivative_of_sorted_elements():
    answer = gradient("sum(sort(x)*w)", {"x": [2.0, 1.0, 2.0, 3.0]}, {"w": [1.0, 10.0, 20.0, 5.0]})

    assert answer["gradient"]["x"].tolist() == [15.0, 1.0, 15.0, 5.0]
    assert gradient("median(x)", {"x": [2.0, 2.0, 1.0]})["gradient"]["x"].tolist() == [0.5, 0.5, 0.0]


def test_the_derivative_of_a_spread_of_equal_elements_is_zero():
    assert gradient("std(x)", {"x": [2.0, 2.0]})["gradient"]["x"].tolist() == [0.0, 0.0]


REFUSED = [
    "concatenate()", "concatenate(M, v)", "stack(u, v)", "roll(v)", "roll(v, 0.5)", "diag(T)", "trace(v)",
    "tensordot(T, T, 1)", "cumsum(M, (0, 1))", "quantile(v, 2)", "var(v, ddof=5)", "inv(M)", "det(v)",
    "solve(S, v)", "conv2d(M, W)", "conv2d(G, W[:, :2])", "conv2d(G, W, stride=0)", "max_pool2d(G, 9)",
    "broadcast_to(v, (2, 3))", "squeeze(M, 0)", "tile(M, -1)", "repeat(M, -1)", "eye(-1)", "arange(0, 1, 0)",
    "zeros(-2)", "one_hot(u, 2.5)", "flip(v, 1)", "expand_dims(v, 5)", "sort(v[0])", "linspace(0, 1, 2, 3)",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_arguments_that_do_not_fit_are_refused_with_their_place(text):
    with pytest.raises(InvalidFunction) as caught:
        gradient(f"sum({text})", {"w": 1.0}, DATA)

    assert caught.value.faults[0].column is not None
