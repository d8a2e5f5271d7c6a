"""Blocks of a batch: how many rows fit the memory, and the batched program of that many."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from service.core.arrays import Array, Shape, spans_of
from service.core.calculus.batch import batch
from service.core.calculus.generated import Maker, Source, make_function, write_source
from service.core.calculus.inputs import array_names
from service.core.calculus.schedule import ExecutionPlan, schedule
from service.core.calculus.substitution import for_large_arrays
from service.core.calculus.template import Template
from service.core.language.graph import Term
from service.core.language.program import Program
from service.core.limits import Limits

BLOCK_ELEMENTS = 1_000_000
"""Most numbers in the intermediate results of a block: few enough to stay near the processor, many enough
for one NumPy call to serve many rows."""

KEPT_BLOCKS = 4
"""Batched programs that are kept for one function or map, by their number of rows."""


@dataclass(frozen=True)
class Rows:
    """The rows of one block of a batch; the last block may have fewer than the program takes.

    Attributes
    ----------
    start, used, size : int
        The first row, how many rows there are, and how many the program takes.
    """

    start: int
    used: int
    size: int

    @property
    def slice(self) -> slice:
        """The rows within the whole."""
        return slice(self.start, self.start + self.used)

    def of(self, array: Array) -> Array:
        """Take the rows of an array, filled up to the program's size with copies of the last one."""
        rows = array[self.slice]
        if self.used == self.size:
            return rows
        return np.concatenate([rows, np.repeat(rows[-1:], self.size - self.used, axis=0)])


def rows_at_once(plan: ExecutionPlan, limits: Limits, elements: int | None = None) -> int:
    """Return how many rows a block may have, at least 1; `blocks_of` explains the arguments."""
    near = (elements or BLOCK_ELEMENTS) // max(plan.elements, 1)
    return max(1, min(near, limits.peak_bytes // max(plan.peak_bytes, 1)))


def blocks_of(plan: ExecutionPlan, count: int, limits: Limits, elements: int | None = None) -> list[Rows]:
    """Part a batch into blocks of equal size.

    Parameters
    ----------
    plan : ExecutionPlan
        Of one row.
    count : int
        Rows of the batch.
    limits : Limits
        Bounds the memory.
    elements : int, optional
        Numbers that the intermediate results of a block may be, `BLOCK_ELEMENTS` when absent.
    """
    blocks = math.ceil(count / rows_at_once(plan, limits, elements))
    size = math.ceil(count / blocks)
    return [Rows(start, min(size, count - start), size) for start in range(0, count, size)]


@dataclass(frozen=True)
class Block:
    """A batched program.

    Attributes
    ----------
    program : Program
        With the leading axis.
    outputs : sequence of Term
        Its results.
    plan : ExecutionPlan
        Of a block.
    namespace : mapping, optional
        Functions to call in place of the table's.
    """

    program: Program
    outputs: Sequence[Term]
    plan: ExecutionPlan
    namespace: Mapping[str, Any] | None

    @property
    def _source(self) -> Source:
        names, own = array_names(self.program), self.namespace
        return write_source(
            self.program.graph, self.outputs, names, order=self.plan, own=own, is_placed=own is None
        )

    @cached_property
    def maker(self) -> Maker:
        """Makes the function from the arrays of a block to those of the outputs."""
        return make_function(self._source)

    @cached_property
    def on_rows(self) -> Template:
        """Value and gradient by all variables, whose elements are the columns of one matrix."""
        source = self._source
        shapes = self.program.variable_shapes
        layout = Columns([*shapes.values()])
        value, *gradient = source.outputs
        if len(gradient) > 1 or len(self.outputs[1].shape) != 2:
            parts = f"{', '.join(source.slots)}, = parted(whole)"
            source = replace(source, slots=("whole",), body=(parts, *source.body))
            gradient = [f"joined({', '.join(gradient)})"]
        own = {"parted": layout.parted, "joined": layout.joined, "column": layout.column}
        source = replace(source, names=source.names | own)
        return Template(source, f"column({value})", (*gradient,), False, shapes, 1, math.nan, is_matrix=True)


class Columns:
    """Arrays over rows as the columns of one matrix.

    Parameters
    ----------
    shapes : sequence of tuple of int
        Of the arrays, the rows first.
    """

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self._shapes, self._count = shapes, shapes[0][0]
        self._parts = [(slice(None), span) for span in spans_of(shape[1:] for shape in shapes)]

    def parted(self, matrix: Array) -> list[Array]:
        """Return the arrays, as views of the matrix."""
        return [matrix[part].reshape(shape) for part, shape in zip(self._parts, self._shapes, strict=True)]

    def joined(self, *arrays: Array) -> Array:
        """Put arrays side by side."""
        flat = [array.reshape(self._count, -1) for array in arrays]
        return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)

    def column(self, numbers: Array) -> Array:
        """Return a number of each row as a column."""
        return numbers.reshape(self._count, 1)


def make_block(
    program: Program,
    outputs: Sequence[Term],
    chosen: Collection[str],
    size: int,
    namespace: Mapping[str, Any] | None = None,
) -> Block:
    """Batch a program, as `batch` takes it, write its large arrays by what shares work, and schedule it."""
    batched, terms = batch(program, outputs, chosen, size)
    if namespace is None:
        batched, terms = for_large_arrays(replace(batched, value=terms[0]), terms)
    return Block(batched, terms, schedule(batched.graph, terms), namespace)
