"""Rows of the operations table: arrays made from literals and whole numbers, and taking by them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from service.core.arrays import Shape
from service.core.language import elements, shapes
from service.core.language.graph import Graph, Node, Term
from service.core.language.operation import REQUIRED, Operation, ShapeFault


def _sizes(shape: int | tuple[int, ...]) -> Shape:
    sizes = shape if isinstance(shape, tuple) else (shape,)
    if any(size < 0 for size in sizes):
        raise ShapeFault("a size is at least 0")
    return sizes


def _ends(start: float, stop: float | None) -> tuple[float, float]:
    """Return where a range begins and ends: one number alone is its end."""
    return (0.0, start) if stop is None else (start, stop)


def _range_shape(start: float, stop: float | None, step: float) -> Shape:
    if step == 0.0:
        raise ShapeFault("the step is not 0")
    low, high = _ends(start, stop)
    count = (high - low) / step
    if not math.isfinite(count):
        raise ShapeFault("the range has no end")
    return (max(0, math.ceil(count)),)


def range_kernel(start: float, stop: float | None, step: float) -> Any:
    """Count from start to before stop, as `numpy.arange`."""
    return np.arange(*_ends(start, stop), step)


def _elements(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Make the rule that lowers an operation without operands to the numbers that its kernel returns."""

    def rule(graph: Graph, node: Node) -> Any:
        values = np.asarray(kernel(*node.options)).reshape(-1).tolist()
        return elements.array_of([graph.number(value) for value in values], node.shape)

    return rule


def _filled(value: float) -> Callable[..., Term]:
    return lambda graph, shape: graph.number(value).apply("broadcast", shape=_sizes(shape))


def _one_hot(labels: Term, classes: int) -> Term:
    """Compare labels with the numbers of all classes along a new last axis."""
    numbers = labels.graph.apply("arange", start=float(classes), stop=None, step=1.0)
    column = labels.apply("reshape", shape=(*labels.shape, 1))
    return column.apply("equal", numbers).apply("where", 1.0, 0.0)


def _eye(graph: Graph, n: int, m: int | None) -> Term:
    rows = graph.apply("arange", start=float(n), stop=None, step=1.0)
    return _one_hot(rows, n if m is None else m)


def _taken(x: Shape, index: Shape, axis: int) -> Shape:
    return x[:axis] + index + x[axis + 1 :]


def _put(g: Shape, index: Shape, axis: int, size: int) -> Shape:
    return (*g[:axis], size, *g[axis + len(index) :])


def add_by_index(g: Any, index: Any, axis: int, size: int) -> Any:
    """Add up elements at their places along an axis of zeros: the adjoint of taking."""
    before, after = g.shape[:axis], g.shape[axis + np.ndim(index) :]
    inner = math.prod(after)
    places = np.arange(math.prod(before))[:, None] * size + np.ravel(index)
    places = places[:, :, None] * inner + np.arange(inner)
    length = math.prod(before) * size * inner
    return np.bincount(places.ravel(), g.ravel(), length).reshape(*before, size, *after)


def _take_each(x: Term, index: Term, axis: int) -> Term:
    """Take from each of a batch; the index is the same for all."""
    return x.apply("take", _same_index(index), axis=axis + 1)


def _put_each(g: Term, index: Term, axis: int, size: int) -> Term:
    return g.apply("add_by_index", _same_index(index), axis=axis + 1, size=size)


def _same_index(index: Term) -> Term:
    """Drop the leading axis of an index: it is a constant, the same for the whole batch."""
    source = index.source()
    return source if source is not index else index.apply("index", items=(0,))


SHAPE = (("shape", "shape", REQUIRED),)

MAKING: tuple[Operation, ...] = (
    Operation(
        "zeros",
        (),
        "zeros in a shape",
        shape=_sizes,
        array="",
        options=SHAPE,
        is_macro=True,
        definition=_filled(0.0),
        example="zeros((2, 2))",
    ),
    Operation(
        "ones",
        (),
        "ones in a shape",
        shape=_sizes,
        array="",
        options=SHAPE,
        is_macro=True,
        definition=_filled(1.0),
        example="ones(3)",
    ),
    Operation(
        "eye",
        (),
        "matrix of n rows, ones on the diagonal, m columns, n when absent",
        shape=lambda n, m: (n, n if m is None else m),
        array="",
        options=(("n", "size", REQUIRED), ("m", "size", None)),
        is_macro=True,
        definition=_eye,
        example="eye(2)",
    ),
    Operation(
        "arange",
        (),
        "start, start + step, ... before stop; arange(n) counts from 0",
        shape=_range_shape,
        array="range_kernel({start}, {stop}, {step})",
        options=(("start", "number", REQUIRED), ("stop", "number", None), ("step", "number", 1.0)),
        lower=_elements(range_kernel),
        example="arange(1, 7, 2)",
    ),
    Operation(
        "linspace",
        (),
        "num numbers from start to stop, evenly spaced",
        shape=lambda start, stop, num: (num,),
        array="linspace({start}, {stop}, {num})",
        options=(("start", "number", REQUIRED), ("stop", "number", REQUIRED), ("num", "size", 50)),
        lower=_elements(np.linspace),
        example="linspace(0, 1, 5)",
    ),
    Operation(
        "one_hot",
        ("labels",),
        "1 at the class that a label names, else 0, along a new last axis",
        shape=lambda labels, classes: (*labels, classes),
        array="",
        options=(("classes", "size", REQUIRED),),
        is_macro=True,
        is_analytic=False,
        definition=_one_hot,
        example="one_hot(stack(0, 2), 3)",
    ),
    # internal: indexing by constants is written in these
    Operation(
        "integers",
        ("x",),
        "integers",
        shape=shapes.elementwise,
        array="integers({0})",
        derivatives=(None,),
        is_elementwise=True,
        is_public=False,
    ),
    Operation(
        "take",
        ("x", "index"),
        "elements by an index array",
        shape=_taken,
        array="take({0}, {1}, {axis})",
        options=(("axis", "axis", 0),),
        derivatives=(
            lambda g, y, x, index, axis: g.apply("add_by_index", index, axis=axis, size=x.shape[axis]),
            None,
        ),
        batch=_take_each,
        cost=2.0,
        is_public=False,
    ),
    Operation(
        "add_by_index",
        ("x", "index"),
        "sums of elements by an index array",
        shape=_put,
        array="add_by_index({0}, {1}, {axis}, {size})",
        options=(("axis", "axis", 0), ("size", "size", REQUIRED)),
        derivatives=(lambda g, y, x, index, axis, size: g.apply("take", index, axis=axis), None),
        batch=_put_each,
        cost=6.0,
        workspace=2.0,
        is_public=False,
    ),
)
