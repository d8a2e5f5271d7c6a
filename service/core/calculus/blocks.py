"""Blocks of a batch: how many rows fit the memory, and the batched program of that many."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from service.core.calculus.batch import batch
from service.core.calculus.generated import Maker, make_function, write_source
from service.core.calculus.inputs import array_names
from service.core.calculus.schedule import ExecutionPlan, schedule
from service.core.calculus.template import Array
from service.core.language.graph import Term
from service.core.language.program import Program
from service.core.limits import Limits

BLOCK_ELEMENTS = 1_000_000
"""Numbers that the intermediate results of a block may be: they stay near the processor, and few calls
of NumPy's serve many rows."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a batch, as many as the program takes; the last block may have fewer of its own.

    Attributes
    ----------
    start, used, size : int
        The first row, how many there are, and how many the program takes.
    """

    start: int
    used: int
    size: int

    @property
    def slice(self) -> slice:
        """The rows within the whole."""
        return slice(self.start, self.start + self.used)

    def of(self, array: Array) -> Array:
        """Take the rows of an array, the last of them as often as the program needs one more."""
        rows = array[self.slice]
        if self.used == self.size:
            return rows
        return np.concatenate([rows, np.repeat(rows[-1:], self.size - self.used, axis=0)])


def blocks_of(plan: ExecutionPlan, count: int, limits: Limits) -> list[Rows]:
    """Part a batch into blocks of equal size.

    Parameters
    ----------
    plan : ExecutionPlan
        Of one row.
    count : int
        Rows of the batch.
    limits : Limits
        Bounds the memory.
    """
    most = min(BLOCK_ELEMENTS // max(plan.elements, 1), limits.peak_bytes // max(plan.peak_bytes, 1))
    blocks = math.ceil(count / max(1, most))
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

    @cached_property
    def maker(self) -> Maker:
        """Makes the function from the arrays of a block to those of the outputs."""
        names, graph = array_names(self.program), self.program.graph
        source = write_source(graph, self.outputs, names, order=self.plan, own=self.namespace)
        return make_function(source, f"({', '.join(source.outputs)},)")


def make_block(
    program: Program,
    outputs: Sequence[Term],
    chosen: Collection[str],
    size: int,
    namespace: Mapping[str, Any] | None = None,
) -> Block:
    """Batch a program and schedule it, as `batch` takes it."""
    batched, terms = batch(program, outputs, chosen, size)
    return Block(batched, terms, schedule(batched.graph, terms), namespace)
