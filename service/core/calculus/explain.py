"""Where a result first became non-finite: the function's column, found by running it again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from service.core.arrays import is_finite
from service.core.calculus.differences import CHECK
from service.core.calculus.generated import make_program, write_source
from service.core.calculus.kernel import Array
from service.core.calculus.plan import Plan
from service.core.exceptions import Fault, NonFiniteResult, fault
from service.core.language.graph import Graph, Term
from service.core.language.parser import FUNCTION_POINTER

_CHECKING = ", taken by central differences for verification,"


def refuse_non_finite(
    plan: Plan,
    variables: Mapping[str, Array],
    constants: Mapping[str, Array],
    value: float,
    gradient: Mapping[str, Array],
    where: str = "",
) -> None:
    """Raise `NonFiniteResult` when value or gradient is not finite.

    Parameters
    ----------
    plan : Plan
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
    where += _CHECKING if plan.method is CHECK else ""
    if not math.isfinite(value):
        _explain(plan, variables, constants, plan.program.value, f"the value{where}", value)
    for name, slope in gradient.items():
        if is_finite(slope):
            continue
        element = np.unravel_index(int(np.argmin(np.isfinite(slope))), slope.shape)
        place = "".join(f"/{index}" for index in element)
        term = plan.gradient.get(name, plan.program.value)
        output = f"the derivative by {name}{place}{where}"
        _explain(plan, variables, constants, term, output, float(slope[element]))


def _explain(
    plan: Plan,
    variables: Mapping[str, Array],
    constants: Mapping[str, Array],
    term: Term,
    output: str,
    value: float,
) -> NoReturn:
    """Run the program once more, watching every operation, and name the first bad one."""
    spoiled = _spoiled(plan, variables, constants)
    origin = _origin(plan.graph, term.index, spoiled)
    node = plan.graph.nodes[origin]
    detail = fault("non-finite", output=output, value=value, operation=node.called).detail
    where = f"column {node.place.column}"
    if node.place.line > 1:
        where = f"line {node.place.line}, {where}"
    raise NonFiniteResult(Fault("non-finite", f"{where}: {detail}", FUNCTION_POINTER, *node.place))


def _spoiled(plan: Plan, variables: Mapping[str, Array], constants: Mapping[str, Array]) -> set[int]:
    """Return the operations with an infinite or NaN element in their results."""
    found: set[int] = set()

    def probe(index: int, result: Any) -> None:
        if not np.isfinite(result).all():
            found.add(index)

    outputs = [plan.program.value, *plan.gradient.values()]
    slots = plan.variable_slots()
    source = write_source(plan.graph, outputs, plan.input_names(), slots, is_probed=True)
    with np.errstate(all="ignore"):
        run = make_program(source, "None")(**plan.data(constants, lambda: None), probe=probe)
        run(*variables.values())
    return found


def _origin(graph: Graph, index: int, spoiled: set[int]) -> int:
    """Go back from a bad result to the first operation that made one of good operands."""
    while True:
        bad = [operand for operand in graph.nodes[index].operands if operand in spoiled]
        if not bad:
            return index
        index = bad[0]
