"""Where a result first became non-finite: the function's column, found by running it again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from service.core.arrays import is_finite
from service.core.calculus.compiler import Compiled
from service.core.calculus.differences import CHECK, step_at
from service.core.calculus.generated import make_function, write_source
from service.core.calculus.inputs import array_data, array_names
from service.core.calculus.template import Array
from service.core.exceptions import Fault, NonFiniteResult, fault
from service.core.language.graph import Graph, Term
from service.core.language.parser import FUNCTION_POINTER

_CHECKING = ", taken by central differences for verification,"


def refuse_non_finite(
    compiled: Compiled,
    variables: Mapping[str, Array],
    constants: Mapping[str, Array],
    value: float,
    gradient: Mapping[str, Array],
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
    where : str
        What the message adds to the output's name.
    h : float, optional
        The step of the numerical methods, when the client gave one.
    """
    if math.isfinite(value) and all(map(is_finite, gradient.values())):
        return
    where += _CHECKING if compiled.method is CHECK else ""
    at = Point(compiled, variables, constants)
    if not math.isfinite(value):
        at.refuse(f"the value{where}", value, compiled.program.value, [tuple(variables.values())])
    for name, slope in gradient.items():
        if is_finite(slope):
            continue
        element = np.unravel_index(int(np.argmin(np.isfinite(slope))), slope.shape)
        place = "".join(f"/{index}" for index in element)
        term = compiled.gradient.get(name, compiled.program.value)
        output = f"the derivative by {name}{place}{where}"
        at.refuse(output, float(slope[element]), term, at.moved(name, element, h))


@dataclass(frozen=True)
class Point:
    """A function at a point where a result is not finite."""

    compiled: Compiled
    variables: Mapping[str, Array]
    constants: Mapping[str, Array]

    def moved(self, name: str, element: Any, h: float | None) -> list[tuple[Array, ...]]:
        """Return where the method evaluates for an element's derivative: there alone, or at its steps."""
        method, x = self.compiled.method, self.variables[name][element]
        step = step_at(method, h, x)
        signs = {"central": (1.0, -1.0), "forward": (1.0,), "complex_step": (1j,)}.get(method.name, (0.0,))
        found = []
        for sign in signs:
            array = self.variables[name].astype(complex if sign == 1j else float)
            array[element] += sign * step
            found.append(tuple({**self.variables, name: array}.values()))
        return found

    def refuse(self, output: str, value: float, term: Term, places: Sequence[tuple[Array, ...]]) -> NoReturn:
        """Run the program once more, watching every operation, and name the first bad one."""
        graph = self.compiled.program.graph
        node, became = term.node, repr(value)
        for arguments in places:
            spoiled = self._spoiled(arguments)
            if term.index in spoiled:
                origin = _origin(graph, term.index, spoiled)
                node = graph.nodes[origin]
                if not _is_alike(spoiled[origin], value):
                    became = f"{value!r}, from {spoiled[origin]!r}"
                break
        detail = fault("non-finite", output=output, value=became, operation=node.called).detail
        where = f"column {node.place.column}"
        if node.place.line > 1:
            where = f"line {node.place.line}, {where}"
        raise NonFiniteResult(Fault("non-finite", f"{where}: {detail}", FUNCTION_POINTER, *node.place))

    def _spoiled(self, arguments: tuple[Array, ...]) -> dict[int, float]:
        """Return by operation an infinite or NaN element of its result, where there is one."""
        found: dict[int, float] = {}

        def probe(index: int, result: Any) -> None:
            real = np.real(result)
            is_bad = ~(np.isfinite(real) & np.isfinite(np.imag(result)))
            if is_bad.any():
                found[index] = float(np.ravel(real)[np.argmax(is_bad)])

        compiled, program = self.compiled, self.compiled.program
        outputs = [program.value, *compiled.gradient.values()]
        names = array_names(program)
        source = write_source(program.graph, outputs, names, is_probed=True, own=compiled.namespace)
        with np.errstate(all="ignore"):
            data = array_data(program, self.constants, lambda: None)
            make_function(source, "None")(**data, probe=probe)(*arguments)
        return found


def _is_alike(first: float, second: float) -> bool:
    return first == second or (math.isnan(first) and math.isnan(second))


def _origin(graph: Graph, index: int, spoiled: Mapping[int, float]) -> int:
    """Go back from a bad result to the first operation that made one of good operands."""
    origins, waiting, seen = [], [index], {index}
    while waiting:
        each = waiting.pop()
        bad = [operand for operand in graph.nodes[each].operands if operand in spoiled]
        if not bad:
            origins.append(each)
        waiting += [operand for operand in bad if operand not in seen]
        seen.update(bad)
    return min(origins)
