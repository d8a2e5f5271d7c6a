"""From a tape and shapes to a checked program: names, literals and shapes are all right."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from service.core.exceptions import Fault, InvalidFunction, fault, pointer_to, quote_text
from service.core.language.graph import Graph, Term
from service.core.language.operation import REQUIRED, Operation, Shape
from service.core.language.operations import BINARY, CONSTANTS, FUNCTIONS, OPERATIONS, UNARY
from service.core.language.parser import Instruction, Place, Tape, refuse
from service.core.language.ranges import UNDEFINED, worst_of
from service.core.limits import Limits

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
RESERVED = frozenset({"True", "False"})


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
    """

    graph: Graph
    value: Term
    variables: dict[str, Term]
    constants: dict[str, Term]
    statements: dict[str, Term]

    def shapes(self) -> dict[str, Shape]:
        """Shape of every variable, constant and statement, and of the value."""
        named = {**self.variables, **self.constants, **self.statements, "value": self.value}
        return {name: term.shape for name, term in named.items()}


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
        for found in _name_faults(name, pointer_to(where, name))
    ]
    twice = set(variables) & set(constants)
    faults += [
        fault("name-twice", pointer_to("variables", name), got=quote_text(name)) for name in sorted(twice)
    ]
    if faults:
        raise InvalidFunction(*faults)


def _name_faults(name: str, pointer: str) -> list[Fault]:
    if not NAME.fullmatch(name):
        return [fault("bad-name", pointer, got=quote_text(name))]
    if name in FUNCTIONS:
        return [fault("name-is-function", pointer, got=quote_text(name))]
    return [fault("name-is-reserved", pointer, got=quote_text(name))] if name in RESERVED else []


def check_function(
    tape: Tape, variables: Mapping[str, Shape], constants: Mapping[str, Shape], limits: Limits
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

    Raises
    ------
    InvalidFunction
        A name, a literal or a shape does not fit; the fault has the line and column.
    """
    checker = _Checker(tape, variables, constants, limits)
    for position, instruction in enumerate(tape.instructions):
        checker.graph.place, checker.graph.called = instruction.place, instruction.text
        checker.terms.append(checker.RULES[instruction.kind](checker, instruction, position))
    checker.check_all_variables_used()
    value = checker.terms[tape.value]
    if not isinstance(value, Term):
        refuse("misplaced-literal", tape.instructions[tape.value].place)
    return Program(checker.graph, value, checker.variables, checker.constants, checker.statements)


class _Checker:
    """One pass over a tape; `terms` holds what each instruction became."""

    def __init__(
        self, tape: Tape, variables: Mapping[str, Shape], constants: Mapping[str, Shape], limits: Limits
    ) -> None:
        self.tape = tape
        self.graph = Graph(OPERATIONS, limits.rank)
        self.variables = {name: self.graph.input(name, shape, True) for name, shape in variables.items()}
        self.constants = {name: self.graph.input(name, shape, False) for name, shape in constants.items()}
        self.bound: dict[str, Term] = {**self.variables, **self.constants}
        self.statements: dict[str, Term] = {}
        self.used: set[str] = set()
        self.terms: list[Any] = []

    def number(self, instruction: Instruction, position: int) -> Term:
        return self.graph.number(instruction.detail)

    def literal(self, instruction: Instruction, position: int) -> None:
        """Leave tuples and flags to the call whose option they are."""

    def name(self, instruction: Instruction, position: int) -> Term:
        name = instruction.text
        self.used.add(name)
        if name in self.bound:
            return self.bound[name]
        if name in CONSTANTS:
            return self.graph.number(CONSTANTS[name])
        if name in FUNCTIONS:
            refuse(
                "function-as-value",
                instruction.place,
                got=quote_text(name),
                signature=FUNCTIONS[name].signature,
            )
        hint = _nearest(name, [*self.bound, *FUNCTIONS])
        refuse("unknown-name", instruction.place, got=quote_text(name), hint=hint)

    def bind(self, instruction: Instruction, position: int) -> Term:
        name = instruction.text
        for found in _name_faults(name, ""):
            refuse(found.code, instruction.place, got=quote_text(name))
        if name in self.bound:
            refuse("name-taken", instruction.place, got=quote_text(name))
        term = self.operand(instruction.arguments[0], instruction.place)
        self.bound[name] = self.statements[name] = term
        return term

    def unary(self, instruction: Instruction, position: int) -> Term:
        return self.graph.apply(
            UNARY[instruction.text], self.operand(instruction.arguments[0], instruction.place)
        )

    def binary(self, instruction: Instruction, position: int) -> Term:
        left, right = (self.operand(argument, instruction.place) for argument in instruction.arguments)
        return self.graph.apply(BINARY[instruction.text], left, right)

    def index(self, instruction: Instruction, position: int) -> Term:
        return self.operand(instruction.arguments[0], instruction.place).apply(
            "index", items=instruction.detail
        )

    def call(self, instruction: Instruction, position: int) -> Term:
        name = instruction.text
        operation = FUNCTIONS.get(name)
        if operation is None:
            if name in self.bound or name in CONSTANTS:
                refuse("not-a-function", instruction.place, got=quote_text(name))
            hint = _nearest(name, FUNCTIONS)
            refuse("unknown-function", instruction.place, got=quote_text(name), hint=hint)
        count = len(operation.operands)
        positional = instruction.arguments
        if not count <= len(positional) <= count + len(operation.options):
            _refuse_arity(operation, instruction)
        operands = [self.operand(argument, instruction.place) for argument in positional[:count]]
        self._check_conditions(operation, instruction)
        term = self.graph.apply(name, *operands, **self._options(operation, instruction))
        return self._defined(operands[0], term) if operation.name == "where" else term

    def _defined(self, condition: Term, term: Term) -> Term:
        """Make a result NaN where the condition that it depends on compares with NaN."""
        compared = [Term(self.graph, index) for index in condition.node.operands]
        if max(map(worst_of, compared)) < UNDEFINED:
            return term
        return term.apply("defined", *compared)

    def _check_conditions(self, operation: Operation, instruction: Instruction) -> None:
        """Comparisons stand as the first argument of where, and nothing else does."""
        for position, argument in enumerate(instruction.arguments):
            found = self.tape.instructions[argument]
            wanted = operation.name == "where" and position == 0
            if wanted and found.kind != "comparison":
                refuse("needs-comparison", found.place)
            if found.kind == "comparison" and not wanted:
                refuse("misplaced-comparison", found.place)

    def _options(self, operation: Operation, instruction: Instruction) -> dict[str, Any]:
        """Read the literal options, positional ones first."""
        extra = instruction.arguments[len(operation.operands) :]
        given = dict(zip((name for name, _, _ in operation.options), extra, strict=False))
        kinds = {name: kind for name, kind, _ in operation.options}
        for keyword, argument in instruction.detail:
            if keyword not in kinds:
                hint = _nearest(keyword, kinds)
                refuse(
                    "unknown-keyword",
                    instruction.place,
                    signature=operation.signature,
                    got=quote_text(keyword),
                    hint=hint,
                )
            if keyword in given:
                refuse("repeated-keyword", instruction.place, got=quote_text(keyword))
            given[keyword] = argument
        for name, _, default in operation.options:
            if default is REQUIRED and name not in given:
                _refuse_arity(operation, instruction)
        return {name: self._literal(operation, name, kinds[name], given[name]) for name in given}

    def _literal(self, operation: Operation, name: str, kind: str, argument: int) -> Any:
        """Read one literal option from the tape."""
        wanted, is_right = LITERALS[kind]
        value = self._literal_value(argument)
        if value is not None and is_right(value):
            return float(value) if kind in NUMERIC else value
        place = self.tape.instructions[argument].place
        code = "needs-literal" if value is None else "bad-literal"
        refuse(
            code,
            place,
            keyword=name,
            signature=operation.signature,
            expected=wanted,
            got=quote_text(repr(value)),
        )

    def _literal_value(self, argument: int) -> Any:
        """Return the value of a literal, None for everything else."""
        found = self.tape.instructions[argument]
        if found.kind == "number":
            return int(found.text) if found.text.isdigit() else found.detail
        if found.kind == "flag":
            return found.detail
        if found.kind == "unary":
            value = self._signed_number(found)
            return -value if value is not None and found.text == "-" else value
        if found.kind == "tuple":
            items = tuple(self._literal_value(item) for item in found.arguments)
            return None if any(type(item) is not int for item in items) else items
        return None

    def _signed_number(self, found: Instruction) -> Any:
        operand = self.tape.instructions[found.arguments[0]]
        return self._literal_value(found.arguments[0]) if operand.kind == "number" else None

    def operand(self, argument: int, place: Place) -> Term:
        """Return an argument's term; a literal tuple or flag is none."""
        term = self.terms[argument]
        if term is None:
            refuse("misplaced-literal", self.tape.instructions[argument].place)
        return term  # type: ignore[no-any-return]

    def check_all_variables_used(self) -> None:
        """Refuse variables that the text does not mention."""
        unused = [name for name in self.variables if name not in self.used]
        if unused:
            raise InvalidFunction(
                *(
                    fault("unused-variable", pointer_to("variables", name), got=quote_text(name))
                    for name in unused
                )
            )

    RULES: ClassVar[dict[str, Callable[[_Checker, Instruction, int], Term | None]]] = {
        "number": number,
        "name": name,
        "bind": bind,
        "unary": unary,
        "binary": binary,
        "comparison": binary,
        "index": index,
        "call": call,
        "tuple": literal,
        "flag": literal,
    }


def _is_whole(value: Any) -> bool:
    return type(value) is int


def _is_whole_or_tuple(value: Any) -> bool:
    return type(value) in (int, tuple)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


LITERALS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "axis": ("an integer or a tuple of integers", _is_whole_or_tuple),
    "axes": ("a tuple of integers", lambda value: type(value) is tuple),
    "shape": ("an integer or a tuple of integers", _is_whole_or_tuple),
    "flag": ("True or False", lambda value: type(value) is bool),
    "positive": ("a number above 0", lambda value: _is_number(value) and value > 0),
    "non-negative": ("a number of at least 0", lambda value: _is_number(value) and value >= 0),
    "fraction": ("a number of at least 0 and below 1", lambda value: _is_number(value) and 0 <= value < 1),
}
"""Kinds of literal options: how an error calls them, and which values are right."""


NUMERIC = frozenset({"positive", "non-negative", "fraction"})
"""Kinds whose values are float64 like everything that is computed with."""


def _refuse_arity(operation: Operation, instruction: Instruction) -> NoReturn:
    required = [name for name, _, default in operation.options if default is REQUIRED]
    count = len(operation.operands) + len(required)
    refuse(
        "wrong-arity",
        instruction.place,
        signature=operation.signature,
        expected=f"{count} argument{'s' if count != 1 else ''}",
        got=len(instruction.arguments) + len(instruction.detail),
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:64], list(known), 1)
    return f" Did you mean {close[0]}?" if close else ""
