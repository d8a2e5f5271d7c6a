"""JAX on the CPU, in float64."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers import Way

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")


def _descend(start: np.ndarray, rate: float, steps: int) -> Callable[[], object]:
    """Make a jitted descent that no earlier one shares a trace with."""

    def step(_: object, x: jax.Array) -> jax.Array:
        return x - rate * jax.grad(lambda x: x[0] ** 2 + x[1] ** 2)(x)

    run = jax.jit(lambda x: jax.lax.fori_loop(0, steps, step, x))
    return lambda: np.asarray(run(start))


def seeds_descent(start: np.ndarray, rate: float, steps: int) -> Way:
    """Make the seed's descent."""
    run = _descend(start, rate, steps)

    def descend() -> object:
        return run()

    return "jitted fori_loop", descend


def fresh_descent(start: np.ndarray, rate: float, steps: int) -> Way:
    """Make the seed's descent, traced and compiled anew at every call."""

    def descend() -> object:
        return _descend(start, rate, steps)()

    return "traced and compiled", descend


def rosenbrock(x: np.ndarray) -> Way:
    """Make the value and gradient of Rosenbrock's function."""

    def function(x: jax.Array) -> jax.Array:
        return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    run = jax.jit(jax.value_and_grad(function))

    def differentiate() -> object:
        return np.asarray(run(x)[1])

    return "jitted", differentiate


def regression(X: np.ndarray, t: np.ndarray, W: np.ndarray, b: np.ndarray, rate: float, steps: int) -> Way:
    """Make the softmax regression."""

    def function(W: jax.Array, b: jax.Array) -> jax.Array:
        return -jnp.mean(jnp.sum(t * jnp.log(jax.nn.softmax(X @ W + b) + 1e-7), axis=-1))

    @jax.jit
    def step(W: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
        _, (slope_W, slope_b) = jax.value_and_grad(function, (0, 1))(W, b)
        return W - rate * slope_W, b - rate * slope_b

    def descend() -> object:
        now = jnp.asarray(W), jnp.asarray(b)
        for _ in range(steps):
            now = step(*now)
        return np.asarray(now[0])

    return "jitted step", descend


def _softmax_loss(scores: jax.Array, t: jax.Array) -> jax.Array:
    return -jnp.mean(jnp.sum(t * jnp.log(jax.nn.softmax(scores) + 1e-7), axis=-1))


def _chain(x: jax.Array) -> jax.Array:
    a = 0.5 * x + 1
    b = a * a + x
    c = b / (1 + b * b)
    d = c - 0.1 * x
    return jnp.sum(jnp.sqrt(d * d + 1))


def _logistic(w: jax.Array, b: jax.Array, X: jax.Array, y: jax.Array) -> jax.Array:
    p = jax.nn.sigmoid(X @ w + b)
    return -jnp.mean(y * jnp.log(p + 1e-7) + (1 - y) * jnp.log(1 - p + 1e-7))


def _scores(w: jax.Array, b: jax.Array, X: jax.Array, y: jax.Array) -> jax.Array:
    z = X @ w + b
    return jnp.mean(jax.nn.softplus(z) - y * z)


FUNCTIONS: dict[str, Callable[..., jax.Array]] = {
    "rosenbrock": lambda x: jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "least_squares": lambda w, X, y: jnp.mean((X @ w - y) ** 2),
    "logistic": _logistic,
    "logistic_of_logits": _scores,
    "softmax_regression": lambda W, b, X, t: _softmax_loss(X @ W + b, t),
    "network": lambda W1, b1, W2, b2, X, t: _softmax_loss(jax.nn.sigmoid(X @ W1 + b1) @ W2 + b2, t),
    "factorisation": lambda A, B, C: jnp.sum((A @ B - C) ** 2),
    "waves": lambda x: jnp.sum(jnp.sin(x) * jnp.exp(-(x**2))),
    "chain": _chain,
    "logsumexp": lambda x: jnp.sum(jax.nn.logsumexp(x, axis=1)),
}
"""The functions of `benchmarks.steps`, by the names of their hand-written twins."""

Arrays = dict[str, np.ndarray]
Tuple = tuple[jax.Array, ...]


def descend(name: str, variables: Arrays, constants: Arrays, rate: float, steps: int) -> Callable[[], Arrays]:
    """Make a descent whose step is jitted; value and gradient are computed at every iterate."""
    function, names = FUNCTIONS[name], [*variables]

    @jax.jit
    def evaluate(now: Tuple, data: dict[str, jax.Array]) -> tuple[jax.Array, Tuple]:
        def of(*arrays: jax.Array) -> jax.Array:
            return function(**dict(zip(names, arrays, strict=True)), **data)

        return jax.value_and_grad(of, tuple(range(len(names))))(*now)

    @jax.jit
    def step(now: Tuple, slopes: Tuple, data: dict[str, jax.Array]) -> tuple[jax.Array, Tuple, Tuple]:
        now = tuple(array - rate * slope for array, slope in zip(now, slopes, strict=True))
        value, slopes = evaluate(now, data)
        return value, now, slopes

    start = tuple(jnp.asarray(array) for array in variables.values())
    data = {name: jnp.asarray(array) for name, array in constants.items()}

    def run() -> Arrays:
        now, (_, slopes) = start, evaluate(start, data)
        for _ in range(steps):
            _, now, slopes = step(now, slopes, data)
        return {name: np.asarray(array) for name, array in zip(names, now, strict=True)}

    return run
