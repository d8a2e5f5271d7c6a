"""Generated source made into functions: compiled once, then bound to data as often as wanted.

The functions of a source are written inside one that takes its data, runs what depends on data
alone, and returns them. So a request binds a program that is known already with a single call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from service.core.calculus.cache import BoundedCache
from service.core.calculus.inputs import InputNames
from service.core.calculus.long_programs import in_parts
from service.core.calculus.namespaces import ARRAY_NAMES, FLOAT_NAMES
from service.core.calculus.schedule import ExecutionOrder, ExecutionPlan, schedule
from service.core.calculus.source import SourceWriter, used_once
from service.core.language.graph import Graph, Term
from service.core.limits import look

Namespace = dict[str, Any]
Maker = Callable[..., Any]
"""From data by name to the functions bound to it."""

BUILTINS: Namespace = {
    "float": float,
    "range": range,
    "ArithmeticError": ArithmeticError,
    "ValueError": ValueError,
}
"""All of Python's own names that generated source can reach."""

CACHED_CODES = 512
CACHED_BYTES = 32 * 1024 * 1024
CODE_BYTES = 40
"""Estimated memory of compiled source for every character of it."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Source:
    """Generated statements, and the names they use.

    Attributes
    ----------
    slots, data : tuple of str
        Names of the inputs that vary, and of those that a request brings once.
    setup, body : tuple of str
        Statements that run once, and at every evaluation.
    outputs : tuple of str
        Names that hold the outputs afterwards.
    names : dict
        What all other names stand for, whatever the data: functions, literals and options.
    places : tuple of str
        Statements that make the memory of a bound function and the places in it.
    """

    slots: tuple[str, ...]
    data: tuple[str, ...]
    setup: tuple[str, ...]
    body: tuple[str, ...]
    outputs: tuple[str, ...]
    names: Namespace
    places: tuple[str, ...] = ()

    @property
    def made(self) -> set[str]:
        """Names that the body assigns and does not set to None again."""
        return {line.partition(" = ")[0] for line in self.body if not line.endswith(" = None")}


@dataclass(frozen=True, slots=True)
class Function:
    """The arguments and statements of a function to generate."""

    arguments: Sequence[str]
    lines: Sequence[str]


def write_source(
    graph: Graph,
    outputs: Sequence[Term],
    inputs: InputNames,
    *,
    is_on_floats: bool = False,
    order: ExecutionOrder | None = None,
    own: Mapping[str, Any] | None = None,
    is_probed: bool = False,
    is_placed: bool = False,
    targets: Mapping[int, str] | None = None,
) -> Source:
    """Write the source of a program.

    Parameters
    ----------
    graph, outputs : Graph, sequence of Term
        The program and what it returns.
    inputs : InputNames
        Names for its inputs; the variables are the slots.
    is_on_floats, is_probed, is_placed, targets
        As `SourceWriter` takes them.
    order : ExecutionOrder, optional
        Its schedule, when there is one already.
    own : mapping, optional
        Functions to call in place of the table's.
    """
    steps = order or schedule(graph, outputs)
    once = used_once(steps.body, (term.index for term in outputs)) if is_on_floats else frozenset()
    writer = SourceWriter(graph, is_on_floats, is_probed, once, is_placed, targets or {})
    writer.bind_inputs(inputs.by_node)
    setup, body = writer.statements(steps.setup), writer.statements(steps.body)
    places = writer.places(steps.memory) if isinstance(steps, ExecutionPlan) else []
    names = tuple(writer.name(term.index) for term in outputs)
    slots = frozenset(inputs.variables)
    data = [name for name in inputs.by_node.values() if name not in slots]
    data += [] if is_on_floats else ["check", "probe"] if is_probed else ["check"]
    called = {**(FLOAT_NAMES if is_on_floats else ARRAY_NAMES), **writer.values, **(own or {})}
    known = {*inputs.by_node.values(), *data, *_assigned((*setup, *places)), *writer.targets.values()}
    body, parts = in_parts(body, known, words_of(names), words_of)
    for name, (arguments, lines) in parts.items():
        look()
        called[name] = _part(name, Function(arguments, lines), called)
    return Source(inputs.variables, tuple(data), tuple(setup), tuple(body), names, called, tuple(places))


def _part(name: str, function: Function, names: Namespace) -> Any:
    """Compile a part of a long program."""
    return make_functions(Source((), (), (), (), (), names), {name: function})()


def make_function(source: Source, result: str | None = None) -> Maker:
    """Make the function of a source that returns an expression, or the tuple of all outputs."""
    result = f"({', '.join(source.outputs)},)" if result is None else result
    return make_functions(source, {"program": Function(source.slots, (*source.body, f"return {result}"))})


def make_functions(
    source: Source,
    functions: Mapping[str, Function],
    own: Mapping[str, Any] | None = None,
    numbers: Sequence[str] = (),
) -> Maker:
    """Compile functions around a source.

    Parameters
    ----------
    source : Source
        Its setup is run and its names are known.
    functions : mapping of str to Function
        By name; only source from `SourceWriter` and from the tables comes here.
    own : mapping, optional
        Further names whatever the data.
    numbers : sequence of str
        Further names that the data brings.

    Returns
    -------
    callable
        From the data, by name, to the function, or a tuple when they are several.
    """
    names = {**source.names, **(own or {})}
    data = (*source.data, *numbers)
    before = (*source.setup, *source.places)
    held = {*names, *data, *_assigned(before)}
    definitions, used = list[str](), words_of(before)
    for name, function in functions.items():
        words = (words_of(function.lines) & held).difference(function.arguments)
        definitions += _definition(name, function, sorted(words))
        used |= words
    lines = [*before, *definitions, f"return {', '.join(functions)}"]
    parameters = [*(word for word in data if word in used), "**others"]
    text = "\n".join([f"def bind({', '.join(parameters)}):", *indented(lines)])
    scope = {"__builtins__": BUILTINS, **names}
    exec(compiled(text), scope)  # noqa: S102 - our own source, from our own tables
    maker: Maker = scope.pop("bind")  # its globals are the scope: without the cycle it is freed at once
    return maker


def _assigned(lines: Iterable[str]) -> list[str]:
    """Return the names that statements give a value."""
    return [line.split(" = ", 1)[0] for line in lines]


def _definition(name: str, function: Function, used: Sequence[str]) -> list[str]:
    """Write one definition; what it uses from around it become its local names, which are the fastest."""
    parameters = ", ".join([*function.arguments, *(f"{word}={word}" for word in used)])
    return [f"def {name}({parameters}):", *indented(function.lines)]


def indented(lines: Sequence[str]) -> list[str]:
    """Indent statements by one level."""
    return [f"    {line}" for line in lines]


def renamed(lines: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Give other names to some of those in the lines."""
    return _WORD.sub(lambda word: names.get(word[0], word[0]), "\n".join(lines)).splitlines()


def words_of(lines: Sequence[str]) -> set[str]:
    """Return every name in the lines."""
    return set(_WORD.findall("\n".join(lines)))


_CODES: BoundedCache[tuple[CodeType, int]] = BoundedCache(CACHED_CODES, CACHED_BYTES, lambda entry: entry[1])


def compiled(text: str) -> CodeType:
    """Compile generated source, or find it: functions that differ in names, spaces or numbers share it."""
    return _CODES.get_or_make(text, compile_text, text)[0]


def compile_text(text: str) -> tuple[CodeType, int]:
    """Compile generated source; returns the bytes of it that a cache counts, too."""
    return compile(text, "<generated>", "exec", dont_inherit=True), CODE_BYTES * len(text)


def code_cache() -> BoundedCache[tuple[CodeType, int]]:
    """Return the cache of compiled source, for its counters."""
    return _CODES
