"""The checked program: a graph of operations whose shapes are all known.

A graph is a list of nodes in order of evaluation. Equal nodes are one node, so a shared
sub-expression is computed once, and the derivative rules may be written as mathematics
without thinking of repetition. Nothing here knows any particular operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from service.core.arrays import Shape
from service.core.exceptions import OverBudget, shorten
from service.core.language.constants import DataRule
from service.core.language.operation import Operation, ShapeFault
from service.core.language.places import Place, refuse
from service.core.limits import LOOKED_AT, look

COUNTABLE = 2**48
"""Elements beyond which nothing is quoted: far above every limit, and costs stay numbers that JSON keeps."""

LONGEST_REASON = 160
"""Most characters of the reason in a refusal: literals in it may have thousands of digits."""


class Node(NamedTuple):
    """One operation of a program.

    `operands` are indices of earlier nodes; `place` and `called` say where the caller wrote it and under
    which name. An operation of the gradient has those of the operation that it differentiates.
    """

    operation: Operation
    operands: tuple[int, ...]
    options: tuple[Any, ...]
    shape: Shape
    place: Place
    called: str

    @property
    def size(self) -> int:
        """Number of elements of the result."""
        return math.prod(self.shape)

    @property
    def constant(self) -> str | None:
        """The name of a constant; None of variables and operations."""
        return self.options[0] if self.operation is INPUT and not self.options[1] else None

    @property
    def named_options(self) -> dict[str, Any]:
        """The options by name."""
        return self.operation.named(self.options)


def _leaf(name: str) -> Operation:
    return Operation(name, (), name, shape=lambda: (), array="", is_public=False)


NUMBER = _leaf("number")
"""A literal; its option is the value."""
INPUT = _leaf("input")
"""A variable or constant; its options are the name and whether it is a variable."""


@dataclass(slots=True, eq=False)
class Graph:
    """A program under construction.

    Parameters
    ----------
    table : mapping
        The operations by name.
    rank : int
        The highest rank of any result.
    rules : list of DataRule
        What constants have to hold.
    rewrite : callable, optional
        From the graph, an operation and its operands to a term that takes its place, or None.
    has_labels : bool
        Whether the constants that are noted as labels hold 0 and 1 alone.
    labels : set of str
        Constants whose loss is written another way where they do.
    """

    table: Mapping[str, Operation]
    rank: int
    nodes: list[Node] = field(default_factory=list)
    place: Place = field(default_factory=lambda: Place(1, 1))
    called: str = ""
    rules: list[DataRule] = field(default_factory=list)
    rewrite: Callable[[Graph, str, tuple[Term, ...]], Term | None] | None = None
    has_labels: bool = False
    labels: set[str] = field(default_factory=set)
    _known: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def number(self, value: float) -> Term:
        """Add a literal."""
        return self._intern(NUMBER, (), (value, math.copysign(1.0, value)), ())

    def input(self, name: str, shape: Shape, is_variable: bool) -> Term:
        """Add a variable or a constant."""
        return self._intern(INPUT, (), (name, is_variable), shape)

    def apply(self, name: str, *operands: Term | float, **options: Any) -> Term:
        """Add an operation, simplified where that changes no value.

        Raises
        ------
        InvalidFunction
            The operands' shapes do not fit, or the result's rank is too high.
        """
        operation = self.table[name]
        terms = tuple([each if isinstance(each, Term) else self.number(each) for each in operands])
        values = tuple([options.get(option, default) for option, _, default in operation.options])
        shape = self._shape(operation, terms, values)
        if operation.is_macro and operation.definition is not None:
            return operation.definition(*(terms or (self,)), *values)
        return self._simplified(operation, terms, values, shape)

    def copied(self, node: Node, operands: Sequence[Term]) -> Term:
        """Add a node of another graph, or of this one, with other operands."""
        self.place, self.called = node.place, node.called
        if node.operation is NUMBER:
            return self.number(node.options[0])
        if node.operation is INPUT:
            return self.input(node.options[0], node.shape, node.options[1])
        return self.apply(node.operation.name, *operands, **node.named_options)

    def _shape(self, operation: Operation, terms: tuple[Term, ...], values: tuple[Any, ...]) -> Shape:
        shapes = [term.shape for term in terms]
        if operation.is_elementwise and not any(shapes):
            return ()
        try:
            shape = operation.shape(*shapes, *values)
        except ShapeFault as verdict:
            got = " and ".join(map(str, shapes)) or ", ".join(str(value) for value in values)
            got = shorten(got, LONGEST_REASON)
            why = shorten(str(verdict), LONGEST_REASON)
            if operation.is_elementwise:
                why = f"{why}.{hint_for_product(self, shapes)}".removesuffix(".")
            refuse("operand-shapes", self.place, operator=self.called, shapes=got, why=why)
        if len(shape) > self.rank:
            refuse(
                "rank-of-result",
                self.place,
                operator=self.called,
                shape=shorten(str(shape), LONGEST_REASON),
                limit=self.rank,
            )
        if math.prod(shape) > COUNTABLE:
            refuse("too-many-elements", self.place, OverBudget, count=math.prod(shape), limit=COUNTABLE)
        return shape

    def _simplified(
        self, operation: Operation, terms: tuple[Term, ...], values: tuple[Any, ...], shape: Shape
    ) -> Term:
        found = operation.shortcut(shape, *terms, *values) if operation.shortcut else None
        if found is None and self.rewrite is not None:
            found = self.rewrite(self, operation.name, terms)
        if found is None and operation.fused is not None:
            found = operation.fused(*terms, *values)
        if found is not None:
            return found
        if operation.is_elementwise and shape:
            sources = tuple([term.source() for term in terms])
            if sources != terms:
                small = operation.shape(*(term.shape for term in sources), *values)
                if small == shape:
                    return self._intern(operation, sources, values, shape)
                if all(term.size == 1 for term in sources):
                    return self._simplified(operation, sources, values, small).apply("broadcast", shape=shape)
        return self._intern(operation, terms, values, shape)

    def _intern(
        self, operation: Operation, terms: tuple[Term, ...], values: tuple[Any, ...], shape: Shape
    ) -> Term:
        operands = tuple([term.index for term in terms])
        key = (operation.name, operands, values)
        index = self._known.get(key)
        if index is None:
            if not len(self.nodes) % LOOKED_AT:
                look()
            index = self._known[key] = len(self.nodes)
            self.nodes.append(Node(operation, operands, values, shape, self.place, self.called))
        return Term(self, index, True in [term.is_guarded for term in terms])


def hint_for_product(graph: Graph, shapes: Sequence[Shape] = ()) -> str:
    """Say how a matrix product is written, where `*` stands between what one fits.

    Parameters
    ----------
    graph : Graph
        The program so far.
    shapes : sequence of tuple of int, optional
        Operands that do not fit each other, of an operation that is not part of it.
    """
    pairs = [
        [graph.nodes[each].shape for each in node.operands] for node in graph.nodes if node.called == "*"
    ]
    if graph.called == "*":
        pairs.append([*shapes])
    is_meant = any(len(pair) == 2 and _is_meant_as_product(*pair) for pair in pairs)
    return " A matrix product is written a @ b." if is_meant else ""


def _is_meant_as_product(first: Shape, second: Shape) -> bool:
    """Tell whether one is a matrix, the other a matrix of another shape or a vector, and they go together."""
    is_matrix = len(first) + len(second) in (3, 4) and max(len(first), len(second)) == 2
    return is_matrix and first != second and first[-1] == second[0]


@dataclass(slots=True, unsafe_hash=True)
class Term:
    """A node as something to calculate with; the derivative rules are written in terms.

    Nothing changes a term. It is not `frozen`, which takes three times as long to make, and a function
    never seen makes them by the thousand.

    A guarded term is a cotangent that came through the branch of a `where`: its zeros mark
    the elements not taken, and stay zeros whatever they are multiplied with, infinities and
    NaN included.
    """

    graph: Graph
    index: int
    is_guarded: bool = False

    @property
    def node(self) -> Node:
        """The node in the graph."""
        return self.graph.nodes[self.index]

    @property
    def shape(self) -> Shape:
        """The node's shape."""
        return self.graph.nodes[self.index].shape

    @property
    def size(self) -> int:
        """The node's number of elements."""
        return self.node.size

    @property
    def operands(self) -> list[Term]:
        """What the node is made of."""
        return [Term(self.graph, index) for index in self.node.operands]

    @property
    def value(self) -> float | None:
        """A literal's value, None for everything else."""
        return self.node.options[0] if self.node.operation is NUMBER else None

    def guarded(self) -> Term:
        """Mark as a cotangent whose zeros are final."""
        return Term(self.graph, self.index, True)

    def doubled(self) -> Term:
        """Multiply by 2, which rounds nothing, and so may be done in a number that is a factor already."""
        name = self.node.operation.name
        factor = self.made_by(name) if name in ("multiply", "divide") else None
        if factor is None or factor.value is None or self.is_guarded:
            return self * 2.0
        return self.graph.apply(name, 2.0 * factor.value, self.operands[1])

    def is_scaled(self) -> bool:
        """Tell whether it is a product or quotient that begins with a number."""
        is_product = self.node.operation.name in ("multiply", "divide")
        return is_product and self.operands[0].value is not None

    def stretched(self, shape: Shape) -> Term:
        """Repeat along new or stretched axes."""
        return self.apply("broadcast", shape=shape)

    def source(self) -> Term:
        """Return what is broadcast, when this is a broadcast; else this."""
        if self.node.operation.name != "broadcast":
            return self
        return Term(self.graph, self.node.operands[0], self.is_guarded)

    def made_by(self, name: str) -> Term | None:
        """Return the operand of the operation of this name that made the term; None when another did."""
        return Term(self.graph, self.node.operands[0]) if self.node.operation.name == name else None

    def apply(self, name: str, *others: Term | float, **options: Any) -> Term:
        """Apply an operation with this as the first operand."""
        return self.graph.apply(name, self, *others, **options)

    def __add__(self, other: Any) -> Term:
        return self.apply("add", other)

    def __radd__(self, other: float) -> Term:
        return self.graph.number(other).apply("add", self)

    def __sub__(self, other: Term | float) -> Term:
        return self.apply("subtract", other)

    def __rsub__(self, other: float) -> Term:
        return self.graph.number(other).apply("subtract", self)

    def __mul__(self, other: Any) -> Term:
        if self.is_guarded:
            return self.apply("guarded_multiply", other)
        if isinstance(other, Term) and other.is_guarded:
            return other.apply("guarded_multiply", self)
        return self.apply("multiply", other)

    def __rmul__(self, other: Any) -> Term:
        return self.graph.number(other) * self

    def __truediv__(self, other: Term | float) -> Term:
        return self.apply("guarded_divide" if self.is_guarded else "divide", other)

    def __rtruediv__(self, other: float) -> Term:
        return self.graph.number(other) / self

    def __matmul__(self, other: Term) -> Term:
        return self.apply("guarded_product" if self.is_guarded else "matrix_product", other)

    def __neg__(self) -> Term:
        return self.apply("negative")


TermFunction = Callable[..., Term]
"""From terms and options to a term: a rule of the operations table."""
