"""The same works by others: softmax endpoints on their servers, descents in their libraries.

Each is written as its own tutorial writes it. A module of a library has, of `seeds_descent`,
`fresh_descent`, `rosenbrock` and `regression`, those that it can do.
"""

from collections.abc import Callable

Way = tuple[str, Callable[[], object]]
"""How a library does it, in a word or two, and a callable that does it and returns a NumPy array."""
