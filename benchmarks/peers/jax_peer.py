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
