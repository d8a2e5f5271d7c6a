"""From a program to something that runs: generated source bound to its data.

A kernel is straight-line source for value and gradient. It can be called, and the descent writes
its loop around the same source, so that nothing is interpreted at every step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.calculus.kernels import ARRAY_NAMES, SCALAR_NAMES
from service.core.calculus.schedule import Schedule, schedule
from service.core.calculus.source import Writer
from service.core.language.graph import INPUT, Graph, Term

Array = NDArray[np.float64]
Namespace = dict[str, Any]
Shape = tuple[int, ...]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Source:
    """Generated statements, and the names they use.

    Attributes
    ----------
    slots : tuple of str
        Names of the inputs that vary.
    setup, body : tuple of str
        Statements that run once, and at every evaluation.
    outputs : tuple of str
        Names that hold the outputs afterwards.
    values : dict
        What literals and options the names stand for.
    """

    slots: tuple[str, ...]
    setup: tuple[str, ...]
    body: tuple[str, ...]
    outputs: tuple[str, ...]
    values: Namespace


def write_source(
    graph: Graph,
    outputs: Sequence[Term],
    inputs: Mapping[int, str],
    slots: Sequence[str],
    *,
    is_scalar: bool = False,
    is_probed: bool = False,
    planned: Schedule | None = None,
) -> Source:
    """Write the source of a program.

    Parameters
    ----------
    graph, outputs : Graph, sequence of Term
        The program and what it returns.
    inputs : mapping of int to str
        Names for its inputs, by node.
    slots : sequence of str
        Those of the names that vary.
    is_scalar, is_probed : bool
        As `Writer` takes them.
    planned : Schedule, optional
        Its schedule, when there is one already.
    """
    plan = planned or schedule(graph, outputs)
    writer = Writer(graph, is_scalar, is_probed)
    writer.bind_inputs(inputs)
    setup, body = writer.statements(plan.setup), writer.statements(plan.body)
    names = tuple(writer.name(term.index) for term in outputs)
    return Source(tuple(slots), tuple(setup), tuple(body), names, writer.values)


def define(source: Source, namespace: Namespace, result: str, name: str = "program") -> Callable[..., Any]:
    """Make a Python function of a source; `result` is the expression that it returns."""
    used = used_names((*source.body, result), namespace)
    parameters = ", ".join((*source.slots, *(f"{word}={word}" for word in used)))
    text = "\n    ".join([f"def {name}({parameters}):", *source.body, f"return {result}"])
    return define_text(text, namespace, name)


def define_text(text: str, namespace: Namespace, name: str) -> Callable[..., Any]:
    """Run the definition of one function and return it.

    Only source from `Writer` and the tables comes here; see `source`.
    """
    scope = dict(namespace)
    exec(compiled(text), scope)  # noqa: S102 - our own source, from our own tables
    function: Callable[..., Any] = scope[name]
    return function


_COMPILED: dict[str, Any] = {}
MOST_COMPILED = 512


def compiled(text: str) -> Any:
    """Compile generated source, or find it: equal programs have equal source."""
    code = _COMPILED.get(text)
    if code is None:
        code = compile(text, "<generated>", "exec", dont_inherit=True)
        while len(_COMPILED) >= MOST_COMPILED:
            _COMPILED.pop(next(iter(_COMPILED)), None)
        _COMPILED[text] = code
    return code


def forget_compiled() -> None:
    """Drop all compiled source; for measuring what a first request costs."""
    _COMPILED.clear()


def used_names(lines: Sequence[str], namespace: Namespace) -> list[str]:
    """Return the names of the namespace that the lines use, in a fixed order."""
    words = {word for line in lines for word in _WORD.findall(line)}
    return sorted(words & namespace.keys())


@dataclass(frozen=True)
class Kernel:
    """Value and gradient of a checked function, as source and as something to call.

    Attributes
    ----------
    slots : tuple of str
        Generated names of the inputs: one for every element of the variables when `is_scalar`
        (plain floats), else one for every variable (float64 arrays, never written to).
    body : tuple of str
        Statements that compute value and gradient from the slots.
    value : str
        Expression of the value after the body, a float.
    gradient : tuple of str
        Expressions of the gradient for each slot.
    namespace : dict
        What the names in the body refer to.
    is_scalar : bool
        Whether it runs on plain floats. Its body may then raise ArithmeticError or ValueError
        where NumPy would give an infinity or NaN; `evaluate` gives the numbers.
    shapes : dict of str to tuple of int
        The variables' shapes, in order.
    evaluations : int
        Evaluations of the function for one run of the body.
    careful : callable
        Makes the function that `evaluate` calls, on arrays, by slot or by variable.
    """

    slots: tuple[str, ...]
    body: tuple[str, ...]
    value: str
    gradient: tuple[str, ...]
    namespace: Namespace
    is_scalar: bool
    shapes: dict[str, Shape]
    evaluations: int
    careful: Callable[[], Callable[..., tuple[float, tuple[Any, ...]]]] = field(repr=False)

    @cached_property
    def _careful(self) -> Callable[..., tuple[float, tuple[Any, ...]]]:
        return self.careful()

    @cached_property
    def _direct(self) -> Callable[..., tuple[float, tuple[Any, ...]]]:
        result = f"{self.value}, ({', '.join(self.gradient)},)"
        return define(Source(self.slots, (), self.body, (), {}), self.namespace, result)

    def pack(self, variables: Mapping[str, Array]) -> tuple[Any, ...]:
        """Lay variables out as slots."""
        if not self.is_scalar:
            return tuple(np.asarray(variables[name], dtype=np.float64) for name in self.shapes)
        return tuple(value for name in self.shapes for value in np.ravel(variables[name]).tolist())

    def unpack(self, slots: Sequence[Any]) -> dict[str, Array]:
        """Lay slots out as variables, in arrays of their own."""
        if not self.is_scalar:
            pairs = zip(self.shapes.items(), slots, strict=True)
            return {name: _own(value, shape) for (name, shape), value in pairs}
        variables: dict[str, Array] = {}
        position = 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape, dtype=int))
            variables[name] = np.array(slots[position : position + size], dtype=np.float64).reshape(shape)
            position += size
        return variables

    def evaluate(self, slots: Sequence[Any]) -> tuple[float, tuple[Any, ...]]:
        """Compute value and gradient; infinities and NaN are results here, not errors."""
        with np.errstate(all="ignore"):
            if not self.is_scalar:
                return self._direct(*slots)
            variables = self.unpack(slots)
            value, gradient = self._careful(*variables.values())
            flat = (element for part in gradient for element in np.ravel(part).tolist())
            return value, tuple(flat)

    def run(self, slots: Sequence[Any]) -> tuple[float, tuple[Any, ...]]:
        """Compute value and gradient the fast way, and the careful way where that raises."""
        if self.is_scalar:
            try:
                return self._direct(*slots)
            except (ArithmeticError, ValueError):
                pass
        return self.evaluate(slots)


def _own(value: Any, shape: Shape) -> Array:
    """Copy into a contiguous float64 array of the shape."""
    return np.array(np.broadcast_to(value, shape), dtype=np.float64, order="C")


def array_namespace(source: Source, data: Namespace) -> Namespace:
    """Bind the names of an array program, and run its setup."""
    return _bound(source, {**ARRAY_NAMES, **source.values, **data})


def scalar_namespace(source: Source, data: Namespace) -> Namespace:
    """Bind the names of a program on floats, and run its setup.

    Raises
    ------
    ArithmeticError, ValueError
        What depends on constants alone is not finite; the array program can say more.
    """
    return _bound(source, {**SCALAR_NAMES, **source.values, **data})


def _bound(source: Source, namespace: Namespace) -> Namespace:
    if not source.setup:
        return namespace
    made = sorted({line.split(" = ", 1)[0] for line in source.setup if " = " in line})
    result = f"({', '.join(made)},)"
    setup = Source((), (), source.setup, (), {})
    with np.errstate(all="ignore"):
        values = define(setup, {word: namespace[word] for word in namespace if word not in made}, result)()
    return {**namespace, **dict(zip(made, values, strict=True))}


def input_names(graph: Graph) -> dict[int, tuple[str, bool]]:
    """Return name and kind of every input, by node."""
    return {
        index: (node.options[0], node.options[1])
        for index, node in enumerate(graph.nodes)
        if node.operation is INPUT
    }
