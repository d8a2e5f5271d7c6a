"""How the inputs of a program are called in its generated source, and the data behind those names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.core.calculus.lowering import Lowered
from service.core.language.program import Program
from service.core.limits import Check

STEP = "h/"
"""The step among the inputs of a program on floats; no name of the client's has a slash."""


class InputNames(NamedTuple):
    """Names of all inputs by node, and in order those of the variables."""

    by_node: dict[int, str]
    variables: tuple[str, ...]


def array_names(program: Program) -> InputNames:
    """Name the inputs of a program on arrays."""
    variables = {term.index: f"v{position}" for position, term in enumerate(program.variables.values())}
    constants = {term.index: f"c{position}" for position, term in enumerate(program.constants.values())}
    return InputNames(variables | constants, tuple(variables.values()))


def array_data(program: Program, constants: Mapping[str, NDArray[Any]], check: Check) -> dict[str, Any]:
    """Return the constants and the clock by their names in a program on arrays."""
    data = {f"c{position}": constants[name] for position, name in enumerate(program.constants)}
    return {"check": check} | data


def float_names(lowered: Lowered, program: Program) -> InputNames:
    """Name the elements of variables and constants, and the step, in a program on floats."""
    names: dict[int, str] = {}
    variables: list[str] = []
    for name in program.variables:
        for term in lowered.inputs.get(name, ()):
            names[term.index] = f"v{len(variables)}"
            variables.append(names[term.index])
    for position, name in enumerate(program.constants):
        for element, term in enumerate(lowered.inputs.get(name, ())):
            names[term.index] = f"c{position}_{element}"
    names |= {term.index: "h" for term in lowered.inputs.get(STEP, ())}
    return InputNames(names, tuple(variables))


def float_data(
    lowered: Lowered, program: Program, constants: Mapping[str, NDArray[Any]], h: float | None
) -> dict[str, Any]:
    """Return the elements of the constants that are used, and the step if it is, by their names."""
    data: dict[str, Any] = {
        f"c{position}_{element}": value
        for position, name in enumerate(program.constants)
        if name in lowered.inputs
        for element, value in enumerate(np.ravel(constants[name]).tolist())
    }
    if STEP in lowered.inputs:
        data["h"] = h
    return data
