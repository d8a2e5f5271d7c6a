"""Regions of element-wise operations on arrays beyond the cache: they run tile by tile.

What one operation leaves of a tile is still in the cache when the next reads it, and what only the region
needs is never as large as the whole. For ``sum(sqrt(exp(x) + 1))``, `v0` being x, an array of 1,000,000
elements, the source reads::

    memory = aligned(o2)
    b0 = memory[o3].reshape(o4)
    b1 = memory[o5].reshape(o4)

    n5 = []
    n10 = empty(o6)
    for tile, own in o7:
        n1 = exp(v0[tile], out=b0[own])
        n3 = add(n1, k0, out=b1[own])
        n4 = sqrt(n3, out=b1[own])
        n5.append(add_reduce(n4, o0, None, None, o1))
        n9 = divide(k1, n4, out=b1[own])
        multiply(n9, n1, out=n10[tile])
        check()
    n5 = add_reduce(n5, None)

`tile` being where a tile stands in the whole, `own` where it stands in a place. Where an array that nothing
else needs is read, a result like `n10` is written over it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from service.core.arrays import Shape
from service.core.language.graph import Graph, Node

LARGE = 2**19
"""Elements from which arrays are cut: on 1,000,000 a chain of 23 operations takes 9.3 ms whole and 6.7 in
tiles, one of 6 that ends in exp and sqrt as long; on 300,000 some gain and some lose, on 100,000 none gains.
"""
TILE = 2**16
"""Elements of a tile: with half as many the calls cost more, with twice as many a chain needs more memory."""

Index = tuple[slice, ...]


@dataclass(frozen=True)
class Region:
    """Operations that run tile by tile, one after the other.

    Attributes
    ----------
    shape : tuple of int
        Of the arrays that are cut.
    indices, whole : tuple of int
        Nodes of the region in order, and those of them whose results others need.
    parts : frozenset of int
        Those whose results nobody else needs: of them there is a tile at a time.
    """

    shape: Shape
    indices: tuple[int, ...]
    whole: tuple[int, ...]
    parts: frozenset[int]

    @property
    def _axis(self) -> int:
        return next(axis for axis, size in enumerate(self.shape) if size > 1)

    @cached_property
    def tile_shape(self) -> Shape:
        """The shape of a tile: some rows of the first axis that has several."""
        axis = self._axis
        rows = max(1, TILE * self.shape[axis] // math.prod(self.shape))
        return (*self.shape[:axis], min(rows, self.shape[axis]), *self.shape[axis + 1 :])

    def is_cut(self, index: int, shape: Shape) -> bool:
        """Tell whether of a node's result the region reads or writes a tile of the whole."""
        return shape == self.shape and index not in self.parts

    def tiles(self) -> tuple[tuple[Index, Index], ...]:
        """Return for each tile where it stands in the whole, and in a place."""
        axis, rows = self._axis, self.tile_shape[self._axis]
        before, count = (slice(None),) * axis, self.shape[axis]
        return tuple(
            [
                ((*before, slice(start, start + rows)), (*before, slice(min(rows, count - start))))
                for start in range(0, count, rows)
            ]
        )


def cut(graph: Graph, ordered: Sequence[int], kept: Collection[int]) -> tuple[list[int], dict[int, Region]]:
    """Find the regions among nodes in order of evaluation.

    Parameters
    ----------
    graph : Graph
        The program.
    ordered : sequence of int
        Nodes that run at every evaluation; another order is returned, in which regions stand together.
    kept : collection of int
        Nodes whose results the caller gets.

    Returns
    -------
    list of int, dict of int to Region
        The order, and the region of each node that is in one.
    """
    if all([graph.nodes[index].size < LARGE for index in ordered]):
        return [*ordered], {}
    users: dict[int, list[int]] = {}
    for index in ordered:
        for operand in graph.nodes[index].operands:
            users.setdefault(operand, []).append(index)
    found: list[int] = []
    regions: dict[int, Region] = {}
    for group, is_region in _groups(graph, ordered):
        found += group
        if is_region and len(group) > 1:
            inside = set(group)
            arrays = [index for index in group if graph.nodes[index].shape]
            whole = [index for index in arrays if index in kept or not inside.issuperset(users[index])]
            region = Region(
                graph.nodes[arrays[0]].shape if arrays else (),
                tuple(group),
                tuple(whole),
                frozenset(arrays).difference(whole),
            )
            regions |= dict.fromkeys(group, region) if arrays else {}
    return found, regions


def _groups(graph: Graph, ordered: Sequence[int]) -> Iterator[tuple[list[int], bool]]:
    """Put together what can run tile by tile; what needs its results waits for its end."""
    region: list[int] = []
    later: list[int] = []
    made, ended = set[int](), set[int]()
    shape: Shape = ()
    for index in ordered:
        node = graph.nodes[index]
        wanted = _shape_of_tiled(graph, node)
        if wanted and (wanted != shape or not ended.isdisjoint(node.operands)):
            yield region, True
            yield later, False
            region, later, made, ended, shape = [], [], set(), set(), wanted
        if wanted:
            region.append(index)
        elif made.isdisjoint(node.operands):
            yield [index], False
            continue
        else:
            later.append(index)
        made.add(index)
        if not wanted or not node.shape:
            ended.add(index)
    yield region, True
    yield later, False


def _shape_of_tiled(graph: Graph, node: Node) -> Shape:
    """Return the shape of what an operation would cut, () where it cannot run tile by tile.

    It writes element by element into memory of ours, or makes one number of all elements; its operands
    are arrays of one shape, and numbers.
    """
    operation = node.operation
    shapes = {graph.nodes[operand].shape for operand in node.operands} - {()}
    can_write = operation.is_elementwise and bool(operation.ufunc or operation.out)
    can_end = bool(operation.of_parts) and not node.shape
    if len(shapes) != 1 or not (can_write or can_end):
        return ()
    shape = shapes.pop()
    return shape if math.prod(shape) >= LARGE and node.shape in (shape, ()) else ()
