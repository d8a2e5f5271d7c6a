"""From a tape and shapes to a checked program: names, literals and shapes are all right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from service.core.arrays import Shape
from service.core.exceptions import Fault, InvalidFunction, InvalidRequest, fault, pointer_to, quote_text
from service.core.language.expansion import Expansion
from service.core.language.graph import Graph, Term
from service.core.language.names import name_faults
from service.core.language.operations import OPERATIONS
from service.core.language.parser import Tape
from service.core.language.rewrites import Rewrite, Rewriter
from service.core.limits import Limits


@dataclass(frozen=True, slots=True)
class Program:
    """A checked function.

    Attributes
    ----------
    graph : Graph
        Its operations with their shapes.
    value : Term
        The last statement.
    variables, constants : dict
        Inputs by name.
    statements : dict
        Named statements, by name.
    rewrites : tuple of Rewrite
        Formulas that are computed by other functions than they are written with.
    """

    graph: Graph
    value: Term
    variables: dict[str, Term]
    constants: dict[str, Term]
    statements: dict[str, Term]
    rewrites: tuple[Rewrite, ...] = ()

    def shapes(self) -> dict[str, Shape]:
        """Shape of every variable, constant and statement, and of the value."""
        named = {**self.variables, **self.constants, **self.statements, "value": self.value}
        return {name: term.shape for name, term in named.items()}

    @property
    def variable_shapes(self) -> dict[str, Shape]:
        """Shape of every variable."""
        return {name: term.shape for name, term in self.variables.items()}

    @property
    def variable_size(self) -> int:
        """Number of elements of all variables."""
        return sum([term.size for term in self.variables.values()])

    def copied(self, graph: Graph, copies: Mapping[int, Term]) -> Program:
        """Return the program in another graph.

        Parameters
        ----------
        graph : Graph
            The other graph.
        copies : mapping of int to Term
            Terms there by the index of the original; names whose terms have no copy are left out.
        """

        def known(terms: Mapping[str, Term]) -> dict[str, Term]:
            return {name: copies[term.index] for name, term in terms.items() if term.index in copies}

        return replace(
            self,
            graph=graph,
            value=copies.get(self.value.index, self.value),
            variables=known(self.variables),
            constants=known(self.constants),
            statements=known(self.statements),
        )


def check_names(variables: Iterable[str], constants: Iterable[str]) -> None:
    """Refuse names that the language cannot hold.

    Raises
    ------
    InvalidFunction
        With a fault for each such name, at the variable or constant.
    """
    faults = [
        found
        for where, names in (("variables", variables), ("constants", constants))
        for name in names
        for found in name_faults(name, pointer_to(where, name))
    ]
    twice = set(variables) & set(constants)
    faults += [
        fault("name-twice", pointer_to("variables", name), got=quote_text(name)) for name in sorted(twice)
    ]
    if faults:
        raise InvalidFunction(*faults)


def check_function(
    tape: Tape,
    variables: Mapping[str, Shape],
    constants: Mapping[str, Shape],
    limits: Limits,
    is_analytic: bool = False,
    has_labels: bool = False,
) -> Program:
    """Give every instruction its operation and shape.

    Parameters
    ----------
    tape : Tape
        The parsed text.
    variables, constants : mapping of str to tuple of int
        Shapes by name; the names have passed `check_names`.
    limits : Limits
        Bounds the rank.
    is_analytic : bool
        Whether naive formulas are left that would be rewritten to what the complex step refuses.
    has_labels : bool
        Whether constants that can be labels hold 0 and 1 alone.

    Raises
    ------
    InvalidFunction
        A name, a literal or a shape does not fit; the fault has the line and column.
    """
    rewriter = Rewriter(is_analytic)
    graph = Graph(OPERATIONS, limits.rank, rewrite=rewriter, has_labels=has_labels)
    expansion = Expansion(tape, graph, variables, constants, limits)
    value = expansion.run()
    graph.rewrite = None
    unused = [name for name in variables if name not in expansion.used]
    if unused:
        raise InvalidFunction(*map(_unused, unused))
    inputs = expansion.variables, expansion.constants
    return Program(expansion.graph, value, *inputs, expansion.statements, (*rewriter.found,))


def _unused(name: str) -> Fault:
    return fault("unused-variable", pointer_to("variables", name), got=quote_text(name))


def check_constants(program: Program, constants: Mapping[str, NDArray[Any]]) -> None:
    """Refuse constants that index, are class labels or are targets, and hold anything else.

    Raises
    ------
    InvalidRequest
        With a fault for each such element, at its place in the request.
    """
    for rule in dict.fromkeys(program.graph.rules):
        wrong = rule.faults(constants[rule.name])
        if wrong:
            raise InvalidRequest(*wrong)
