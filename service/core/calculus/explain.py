"""Where a result first became non-finite: the function's column, found by running it again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from service.core.arrays import is_finite
from service.core.calculus.compiler import Compiled
from service.core.calculus.differences import CHECK
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
    """
    if math.isfinite(value) and all(map(is_finite, gradient.values())):
        return
    where += _CHECKING if compiled.method is CHECK else ""
    if not math.isfinite(value):
        _explain(compiled, variables, constants, compiled.program.value, f"the value{where}", value)
    for name, slope in gradient.items():
        if is_finite(slope):
            continue
        element = np.unravel_index(int(np.argmin(np.isfinite(slope))), slope.shape)
        place = "".join(f"/{index}" for index in element)
        term = compiled.gradient.get(name, compiled.program.value)
        output = f"the derivative by {name}{place}{where}"
        _explain(compiled, variables, constants, term, output, float(slope[element]))


def _explain(
    compiled: Compiled,
    variables: Mapping[str, Array],
    constants: Mapping[str, Array],
    term: Term,
    output: str,
    value: float,
) -> NoReturn:
    """Run the program once more, watching every operation, and name the first bad one."""
    spoiled = _spoiled(compiled, variables, constants)
    origin = _origin(compiled.program.graph, term.index, spoiled)
    node = compiled.program.graph.nodes[origin]
    detail = fault("non-finite", output=output, value=value, operation=node.called).detail
    where = f"column {node.place.column}"
    if node.place.line > 1:
        where = f"line {node.place.line}, {where}"
    raise NonFiniteResult(Fault("non-finite", f"{where}: {detail}", FUNCTION_POINTER, *node.place))


def _spoiled(compiled: Compiled, variables: Mapping[str, Array], constants: Mapping[str, Array]) -> set[int]:
    """Return the operations with an infinite or NaN element in their results."""
    found: set[int] = set()

    def probe(index: int, result: Any) -> None:
        if not np.isfinite(result).all():
            found.add(index)

    outputs = [compiled.program.value, *compiled.gradient.values()]
    program = compiled.program
    source = write_source(program.graph, outputs, array_names(program), is_probed=True)
    with np.errstate(all="ignore"):
        run = make_function(source, "None")(**array_data(program, constants, lambda: None), probe=probe)
        run(*variables.values())
    return found


def _origin(graph: Graph, index: int, spoiled: set[int]) -> int:
    """Go back from a bad result to the first operation that made one of good operands."""
    while True:
        bad = [operand for operand in graph.nodes[index].operands if operand in spoiled]
        if not bad:
            return index
        index = bad[0]
