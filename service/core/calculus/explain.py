"""Where a result first became non-finite: the function's column, found by running it again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from service.core.arrays import Array, is_finite
from service.core.calculus.compiler import Compiled
from service.core.calculus.differences import RICHARDSON, Method, step_at
from service.core.calculus.generated import make_function, write_source
from service.core.calculus.inputs import array_data, array_names
from service.core.exceptions import Fault, NonFiniteResult, fault, pointer_to
from service.core.language.graph import Graph, Node, Term
from service.core.language.places import FUNCTION_POINTER
from service.core.language.program import Program
from service.core.limits import Check, timed_by

ROOTS = dict.fromkeys(
    ("sqrt", "cbrt", "**"),
    " At 0 a root has no finite derivative; norm(x), of a sum of squares, and abs(x), of a square, have one.",
)
"""What helps, by the operation whose derivative is infinite at 0."""

NEGATIVE_BASES = {
    "**": " A negative base has no derivative by its exponent; it is to be a number or a constant.",
}
"""What helps, by the operation whose derivative is not a number."""

_CHECKING = ", taken by central differences for verification,"


def refuse_non_finite(
    compiled: Compiled,
    variables: Mapping[str, Array],
    constants: Mapping[str, Array],
    value: float,
    gradient: Mapping[str, Array],
    check: Check,
    where: str = "",
    h: float | None = None,
) -> None:
    """Raise `NonFiniteResult` when value or gradient is not finite.

    Parameters
    ----------
    compiled : Compiled
        What computed them.
    variables, constants : mapping of str to ndarray
        Where.
    value, gradient : float, mapping of str to ndarray
        The results.
    check : callable
        Called now and then, since what explains them takes as long as they did; raises when the time is up.
    where : str
        What the message adds to the output's name.
    h : float, optional
        The step of the numerical methods, when the client gave one.
    """
    if math.isfinite(value) and all(map(is_finite, gradient.values())):
        return
    where += _CHECKING if compiled.method is RICHARDSON else ""
    outputs = [compiled.program.value, *compiled.gradient.values()]
    watched = Watched(compiled.program, outputs, constants, check, compiled.namespace)
    if not math.isfinite(value):
        watched.refuse(f"the value{where}", value, compiled.program.value, [tuple(variables.values())])
    for name, element, number in not_finite(gradient):
        term = compiled.gradient.get(name, compiled.program.value)
        output = f"the derivative by {name}{pointer_to(*element)}{where}"
        places = moved(compiled.method, variables, name, element, h)
        watched.refuse(output, number, term, places)


def first_not_finite(array: Array) -> tuple[int, ...]:
    """Return the index of the first element that is infinite or NaN."""
    return tuple(map(int, np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)))


def not_finite(derivatives: Mapping[str, Array]) -> Iterator[tuple[str, tuple[int, ...], float]]:
    """Yield each derivative that is not finite by name, with the first such element and its index."""
    for name, derivative in derivatives.items():
        if not is_finite(derivative):
            index = first_not_finite(derivative)
            yield name, index, float(derivative[index])


@np.errstate(over="ignore")
def moved(
    method: Method, variables: Mapping[str, Array], name: str, element: Any, h: float | None
) -> list[tuple[Array, ...]]:
    """Return where a method evaluates for an element's derivative: at the point alone, or at its steps."""
    step = step_at(method, h, variables[name][element])
    signs = {"central": (1.0, -1.0), "forward": (1.0,), "complex_step": (1j,)}.get(method.name, (0.0,))
    found = []
    for sign in signs:
        kind = complex if sign == 1j else float
        arrays = {each: np.array(array, dtype=kind) for each, array in variables.items()}
        arrays[name][element] += sign * step
        found.append(tuple(arrays.values()))
    return found


@dataclass(frozen=True)
class Watched:
    """A program whose results are not all finite.

    Attributes
    ----------
    program, outputs : Program, sequence of Term
        What is run; its variables are all inputs that vary.
    constants : mapping of str to ndarray
        Data by name.
    check : callable
        Called now and then.
    namespace : mapping, optional
        Functions to call in place of the table's.
    """

    program: Program
    outputs: Sequence[Term]
    constants: Mapping[str, Array]
    check: Check
    namespace: Mapping[str, Any] | None = None

    def refuse(self, output: str, value: float, term: Term, places: Sequence[tuple[Array, ...]]) -> NoReturn:
        """Run the program once more, watching every operation, and name the first bad one.

        Parameters
        ----------
        output, value : str, float
            What is not finite, in words, and what it became.
        term : Term
            Where in the program it is computed.
        places : sequence of tuple of ndarray
            Inputs to look at, in this order.
        """
        graph = self.program.graph
        node, became, number = term.node, repr(value), value
        for arguments in places:
            spoiled = self._spoiled(arguments)
            if term.index in spoiled.numbers:
                origin = spoiled.origin(term.index)
                node = graph.nodes[origin]
                number = spoiled.numbers[origin]
                if not _is_alike(number, value):
                    became = f"{value!r}, from {number!r}"
                break
        operation = node.called or f"{node.options[0]} + h"  # a variable alone is finite but for a step
        detail = fault("non-finite", output=output, value=became, operation=operation).detail
        if output.startswith("the derivative"):
            detail += (NEGATIVE_BASES if math.isnan(number) else ROOTS).get(node.called, "")
        where = f"column {node.place.column}"
        if node.place.line > 1:
            where = f"line {node.place.line}, {where}"
        raise NonFiniteResult(Fault("non-finite", f"{where}: {detail}", FUNCTION_POINTER, *node.place))

    def _spoiled(self, arguments: tuple[Array, ...]) -> _Spoiled:
        """Run the program, and find what is infinite or NaN."""
        graph, names = self.program.graph, array_names(self.program)
        spoiled = _Spoiled(graph)
        with timed_by(self.check), np.errstate(all="ignore"):
            source = write_source(graph, self.outputs, names, is_probed=True, own=self.namespace)
            data = array_data(self.program, self.constants, self.check)
            make_function(source, "None")(**data, probe=spoiled.look)(*arguments)
        return spoiled


def _is_alike(first: float, second: float) -> bool:
    return first == second or (math.isnan(first) and math.isnan(second))


class _Spoiled:
    """Operations of a graph whose results are infinite or NaN.

    Attributes
    ----------
    numbers : dict of int to float
        Of each the first such element.
    """

    def __init__(self, graph: Graph) -> None:
        self.numbers: dict[int, float] = {}
        self._nodes = graph.nodes
        choices = [node.operands for node in graph.nodes if self._chooses(node)]
        self._compared = {index for operands in choices for index in operands}
        self._holds: dict[int, Array] = {}

    def _chooses(self, node: Node) -> bool:
        """Tell whether a condition chooses among the other operands."""
        return not node.operation.is_condition and any(
            self._nodes[operand].operation.is_condition for operand in node.operands[:1]
        )

    def look(self, index: int, result: Any) -> None:
        """Look at a result; keep where conditions hold, and where what they choose among is bad."""
        real = np.real(result)
        is_bad = ~(np.isfinite(real) & np.isfinite(np.imag(result)))
        if is_bad.any():
            self.numbers[index] = float(np.ravel(real)[np.argmax(is_bad)])
        if index in self._compared:
            self._holds[index] = result if self._nodes[index].operation.is_condition else is_bad

    def origin(self, index: int) -> int:
        """Go back from a bad result to the first operation that made one of good operands."""
        origins, waiting, seen = [], [index], {index}
        while waiting:
            each = waiting.pop()
            bad = [operand for operand in self._taken(self._nodes[each]) if operand in self.numbers]
            if not bad:
                origins.append(each)
            waiting += [operand for operand in bad if operand not in seen]
            seen.update(bad)
        return min(origins)

    def _taken(self, node: Node) -> Sequence[int]:
        """Return the operands of a node; where a condition chooses among them, the bad ones that it chose."""
        if not self._chooses(node):
            return node.operands
        condition, *others = node.operands
        holds = self._holds[condition]
        sides = (holds, np.logical_not(holds))
        pairs = [(each, side) for each, side in zip(others, sides, strict=False) if each in self._holds]
        return [each for each, side in pairs if (self._holds[each] & side).any()]
