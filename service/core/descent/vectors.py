"""The variables of a descent as one vector: a tuple of floats, or a flat array, whichever is faster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from service.core.arrays import Array, spans_of
from service.core.calculus.generated import Function, Source, indented, make_functions
from service.core.calculus.kernel import Kernel
from service.core.descent.layout import norm

Vector = Any
"""A tuple of floats or a flat float64 array; neither is ever written to."""

Pair = tuple[Vector, Vector, float]
"""A step s, the change y of the gradient over it, and 1 / s·y."""
Pairs = tuple[Pair, ...]
"""Pairs, the oldest first: what quasi-Newton directions are made of."""

FEW = 16
"""Most elements of a vector that is a tuple: beyond it one NumPy call is faster than a loop over floats."""


class Tuples:
    """Vectors of a few elements, as tuples: the slots of a kernel on floats are such a vector.

    The operations are generated for a size, element by element without a loop. Of two elements `along` is::

        def along(x, d, t):
            x0, x1, = x
            d0, d1, = d
            return (x0 + t * d0, x1 + t * d1,)

    Parameters
    ----------
    size : int
        Number of elements.
    """

    def __init__(self, size: int) -> None:
        writer = TupleWriter(size)
        functions = {
            "dot": Function(("a", "b"), writer.dot()),
            "along": Function(("x", "d", "t"), writer.along()),
            "difference": Function(("a", "b"), writer.difference()),
            "changes": Function(("a", "b", "x", "y"), writer.changes()),
            "two_loops": Function(("pairs", "g"), writer.two_loops()),
        }
        source = Source((), (), (), (), (), {"reversed": reversed})
        made = make_functions(source, functions)()
        self.dot, self.along, self.difference, self.changes, self.two_loops = made

    @staticmethod
    def of(slots: Sequence[Any]) -> Vector:
        """Take slots as a vector."""
        return slots

    slots = of
    """Take a vector as slots."""

    @staticmethod
    def norm(a: Vector) -> float:
        """Return the 2-norm."""
        return math.hypot(*a)

    @staticmethod
    def array(a: Vector) -> Array:
        """Return the elements as a flat array, which is not to be written to."""
        return np.array(a)

    @staticmethod
    def vector(a: Array) -> Vector:
        """Return the elements of a flat array as a vector."""
        return tuple(a.tolist())


class TupleWriter:
    """Writes the operations on tuples of a size."""

    def __init__(self, size: int) -> None:
        self._range = range(size)

    def _each(self, text: str) -> str:
        """Write a text for every element, with its number in place of #."""
        return " ".join(text.replace("#", str(element)) + "," for element in self._range)

    def _sum(self, text: str) -> str:
        return " + ".join(text.replace("#", str(element)) for element in self._range)

    def _lines(self, text: str) -> list[str]:
        return [text.replace("#", str(element)) for element in self._range]

    def _taken(self, *names: str) -> list[str]:
        return [f"{self._each(f'{name}#')} = {name}" for name in names]

    def dot(self) -> list[str]:
        """Write the inner product."""
        return [*self._taken("a", "b"), f"return {self._sum('a# * b#')}"]

    def along(self) -> list[str]:
        """Write x + t · d."""
        return [*self._taken("x", "d"), f"return ({self._each('x# + t * d#')})"]

    def difference(self) -> list[str]:
        """Write a − b."""
        return [*self._taken("a", "b"), f"return ({self._each('a# - b#')})"]

    def changes(self) -> list[str]:
        """Write s = a − b and t = x − y, and s·t."""
        return [
            *self._taken("a", "b", "x", "y"),
            *self._lines("s# = a# - b#"),
            *self._lines("t# = x# - y#"),
            f"return ({self._each('s#')}), ({self._each('t#')}), {self._sum('s# * t#')}",
        ]

    def two_loops(self) -> list[str]:
        """Write −H · g by the two-loop recursion over pairs."""
        backward = [
            f"a = r * ({self._sum('s# * d#')})",
            "shares.append(a)",
            *self._lines("d# = d# - a * y#"),
        ]
        forward = [
            f"a = shares.pop() - r * ({self._sum('y# * d#')})",
            *self._lines("d# = d# + a * s#"),
        ]
        pair = f"({self._each('s#')}), ({self._each('y#')}), r"
        return [
            *self._taken("g"),
            *self._lines("d# = -g#"),
            "if pairs:",
            "    shares = []",
            f"    for {pair} in reversed(pairs):",
            *indented(indented(backward)),
            f"    {pair} = pairs[-1]",
            f"    a = 1.0 / (r * ({self._sum('y# * y#')}))",
            *indented(self._lines("d# = d# * a")),
            f"    for {pair} in pairs:",
            *indented(indented(forward)),
            f"return ({self._each('d#')})",
        ]


class Arrays:
    """Vectors as flat arrays.

    Parameters
    ----------
    kernel : Kernel
        Whose slots they stand for: floats, or an array for each variable.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._is_on_floats = kernel.is_on_floats
        self._shapes = list(kernel.shapes.values())
        self._parts = spans_of(self._shapes)

    def of(self, slots: Sequence[Any]) -> Vector:
        """Take slots as a vector."""
        if self._is_on_floats:
            return np.array(slots)
        return np.concatenate(
            [np.broadcast_to(slot, shape).ravel() for slot, shape in zip(slots, self._shapes, strict=True)]
        )

    def slots(self, vector: Vector) -> tuple[Any, ...]:
        """Take a vector as slots."""
        if self._is_on_floats:
            return tuple(vector.tolist())
        return tuple(
            [vector[part].reshape(shape) for part, shape in zip(self._parts, self._shapes, strict=True)]
        )

    def columns(self, vectors: Array) -> list[Sequence[Any]]:
        """Take vectors, the rows of a matrix, as slots: for each slot those of all vectors."""
        if self._is_on_floats:
            columns: list[Sequence[Any]] = vectors.T.tolist()
            return columns
        count, parts = len(vectors), zip(self._parts, self._shapes, strict=True)
        return [[*vectors[:, part].reshape(count, *shape)] for part, shape in parts]

    @staticmethod
    def dot(a: Vector, b: Vector) -> float:
        """Return the inner product."""
        return float(a.dot(b))

    @staticmethod
    def along(x: Vector, direction: Vector, step: float) -> Vector:
        """Return x + step · direction."""
        moved = step * direction
        moved += x
        return moved

    @staticmethod
    def difference(a: Vector, b: Vector) -> Vector:
        """Return a − b."""
        return a - b

    @staticmethod
    def changes(a: Vector, b: Vector, x: Vector, y: Vector) -> tuple[Vector, Vector, float]:
        """Return s = a − b and t = x − y, and s·t."""
        s, t = a - b, x - y
        return s, t, float(s.dot(t))

    @staticmethod
    def norm(a: Vector) -> float:
        """Return the 2-norm, without overflow on the way."""
        return norm(a)

    @staticmethod
    def two_loops(pairs: Pairs, g: Vector) -> Vector:
        """Return −H · g by the two-loop recursion over pairs."""
        d = -g
        if not pairs:
            return d
        shares = []
        for s, y, r in reversed(pairs):
            shares.append(r * float(s.dot(d)))
            d -= shares[-1] * y
        s, y, r = pairs[-1]
        d *= 1.0 / (r * float(y.dot(y)))
        for s, y, r in pairs:
            d += (shares.pop() - r * float(y.dot(d))) * s
        return d

    @staticmethod
    def array(a: Vector) -> Array:
        """Return the elements as a flat array, which is not to be written to."""
        return np.asarray(a)

    vector = array
    """Return the elements of a flat array as a vector."""


Vectors = Tuples | Arrays


def vectors_of(kernel: Kernel) -> Vectors:
    """Choose how the variables of a kernel are laid out as one vector."""
    is_small = kernel.is_on_floats and len(kernel.slots) <= FEW
    return tuples_of(len(kernel.slots)) if is_small else Arrays(kernel)


@lru_cache(FEW)
def tuples_of(size: int) -> Tuples:
    """Make the operations on tuples of a size, once for each."""
    return Tuples(size)
