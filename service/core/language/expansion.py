"""From a tape to a graph: statements are run on terms, loops unrolled and functions of the client expanded.

How much comes of it is counted while it happens, and foreseen where that is cheap, so that no text makes
more than the limit before it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from service.core.arrays import Shape
from service.core.exceptions import quote_text
from service.core.language import calls, habits, indexing
from service.core.language.forecast import Forecast
from service.core.language.graph import Graph, Term
from service.core.language.names import name_faults
from service.core.language.operation import ShapeFault
from service.core.language.operations import BINARY, CONSTANTS, FUNCTIONS, UNARY
from service.core.language.parser import Instruction, Name, Statement, Tape
from service.core.language.places import Place, refuse
from service.core.language.ranges import UNDEFINED, worst_of
from service.core.language.values import Condition, Literal, Slice, Value, whole_result
from service.core.limits import Limits

COUNTED = frozenset({"unary", "binary", "comparison", "logic", "inverse", "index", "transposed", "call"})
"""Instructions that make operations."""

ORDER = " A function is defined before whatever calls it, and does not call itself."
"""Hint for the call of a function that the text defines further on."""


@dataclass(frozen=True, slots=True)
class ClientFunction:
    """A function of the client: its statement, what its body sees, and the operations that a call makes."""

    statement: Statement
    names: dict[str, Value]
    functions: dict[str, ClientFunction]
    cost: int


class Expansion:
    """One run over a tape.

    Attributes
    ----------
    graph : Graph
        The operations so far.
    variables, constants, statements : dict of str to Term
        Inputs, and what named statements outside of functions hold at the end.
    used : set of str
        Variables that were read.
    """

    def __init__(
        self,
        tape: Tape,
        graph: Graph,
        variables: Mapping[str, Shape],
        constants: Mapping[str, Shape],
        limits: Limits,
    ) -> None:
        self.tape = tape
        self.graph = graph
        self.variables = {name: graph.input(name, shape, True) for name, shape in variables.items()}
        self.constants = {name: graph.input(name, shape, False) for name, shape in constants.items()}
        self.names: dict[str, Value] = {**self.variables, **self.constants}
        self.functions: dict[str, ClientFunction] = {}
        self.statements: dict[str, Term] = {}
        self.used: set[str] = set()
        self.results: list[Any] = [None] * len(tape.instructions)
        self.call: Place | None = None
        self.worst: dict[int, int] = {}
        self.count = 0
        self.limit = limits.function_operations
        self.forecast = Forecast(tape, COUNTED, self.limit)

    def run(self) -> Term:
        """Run all statements and return the value of the last one."""
        self._check_calls()
        self._run(self.tape.statements)
        (value,) = self.tape.statements[-1].values
        return self.operand(value)

    def _run(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            self.STATEMENTS[statement.kind](self, statement)

    def _check_calls(self) -> None:
        """Refuse calls of undefined functions before their arguments are checked."""
        statements = list(self.tape.all_statements())
        functions = [each.names[0].text for each in statements if each.kind == "definition"]
        known = {"len", *CONSTANTS, *FUNCTIONS, *self.names}
        known.update(name.text for each in statements for name in each.names)
        for instruction in self.tape.instructions:
            if instruction.kind == "call" and instruction.text not in known:
                options = {name: self.tape.instructions[value].text for name, value in instruction.detail}
                hint = habits.hint_for_call(instruction.text, [*functions, *FUNCTIONS], options)
                refuse("unknown-function", instruction.place, got=quote_text(instruction.text), hint=hint)

    # statements

    def _assignment(self, statement: Statement) -> None:
        self._evaluate(statement)
        values = [self._bindable(value) for value in statement.values]
        for name, value in zip(statement.names, values, strict=True):
            self._check_name(name)
            self.names[name.text] = value
            self.statements[name.text] = self._term(value)

    def _unnamed(self, statement: Statement) -> None:
        self._evaluate(statement)
        self.operand(statement.values[0])

    def _definition(self, statement: Statement) -> None:
        """Keep a function; its body sees the arguments and everything assigned before it."""
        seen: set[str] = set()
        for name in statement.names:
            self._check_spelling(name)
        for name in statement.names[1:]:
            if name.text in seen:
                refuse("repeated-argument", name.place, got=quote_text(name.text))
            seen.add(name.text)
        cost = self.forecast.cost(statement, {name: each.cost for name, each in self.functions.items()})
        self.functions[statement.names[0].text] = ClientFunction(
            statement, dict(self.names), dict(self.functions), cost
        )

    def _loop(self, statement: Statement) -> None:
        """Run a loop's body for every whole number of its range."""
        self._evaluate(statement)
        arguments = [self.results[value] for value in statement.values]
        if len(arguments) > 3 or any(type(each) is not int for each in arguments) or arguments[2:] == [0]:
            refuse("bad-range", statement.place)
        name, rounds = statement.names[0], range(*arguments)
        self._check_name(name)
        least = self.forecast.least(statement.body, self._whole_names(), rounds, name.text)
        self._spend(0, least, statement.place)
        carried = self.forecast.carried(statement.body, self.names)
        for number in rounds:
            before = {each: self._shape(each) for each in carried}
            self.names[name.text] = number
            self._spend(1, 0, statement.place)
            self._run(statement.body)
            for each, shape in before.items():
                if self._shape(each) != shape:
                    refuse(
                        "loop-shape",
                        statement.place,
                        got=quote_text(each),
                        before=shape,
                        after=self._shape(each),
                    )

    STATEMENTS: ClassVar[dict[str, Callable[[Expansion, Statement], None]]] = {
        "assignment": _assignment,
        "unnamed": _unnamed,
        "definition": _definition,
        "loop": _loop,
    }

    def _check_spelling(self, name: Name) -> None:
        for found in name_faults(name.text, ""):
            refuse(found.code, name.place, got=quote_text(name.text), hint="")

    def _check_name(self, name: Name) -> None:
        self._check_spelling(name)
        if name.text in self.variables or name.text in self.constants:
            refuse("name-taken", name.place, got=quote_text(name.text))

    def _whole_names(self) -> dict[str, int]:
        """Return what whole expressions may refer to: whole numbers, and lengths under `len(name)`."""
        whole = {name: value for name, value in self.names.items() if isinstance(value, int)}
        lengths = {
            f"len({name})": value.shape[0]
            for name, value in self.names.items()
            if isinstance(value, Term) and value.shape
        }
        return whole | lengths

    def _shape(self, name: str) -> Shape:
        value = self.names[name]
        return value.shape if isinstance(value, Term) else ()

    # expressions

    def _evaluate(self, statement: Statement) -> None:
        graph, instructions = self.graph, self.tape.instructions
        for position in range(statement.start, statement.stop):
            instruction = instructions[position]
            graph.place, graph.called = self._seen(instruction.place), instruction.text
            if instruction.kind in COUNTED:
                self._spend(1, 0, graph.place)
            self.results[position] = self.EXPRESSIONS[instruction.kind](self, instruction)

    def _spend(self, operations: int, foreseen: int, place: Place) -> None:
        """Count operations, and refuse what will be too many at least."""
        self.count += operations
        if self.count + foreseen > self.limit:
            refuse("too-many-operations", place, limit=self.limit)

    def place_of(self, argument: int) -> Place:
        """Return where an instruction stands for the client."""
        return self._seen(self.tape.instructions[argument].place)

    def _seen(self, place: Place) -> Place:
        """Return a place, or that of the call that is expanded, with the place within the function."""
        return place if self.call is None else Place(self.call.line, self.call.column, place[:2])

    def operand(self, argument: int) -> Term:
        """Return the term of an instruction; refuse conditions and literals."""
        return self._term(self._bindable(argument))

    def _bindable(self, argument: int) -> Term | int:
        value = self.results[argument]
        if isinstance(value, Condition):
            refuse("misplaced-comparison", self.place_of(argument), hint=habits.AS_A_NUMBER)
        if isinstance(value, Literal):
            refuse("misplaced-literal", self.place_of(argument))
        return value  # type: ignore[no-any-return]

    def _term(self, value: Value) -> Term:
        return self.graph.number(float(value)) if isinstance(value, int) else value  # type: ignore[return-value]

    def condition(self, argument: int) -> Condition:
        """Return the condition of an instruction; refuse anything else."""
        value = self.results[argument]
        if not isinstance(value, Condition):
            refuse("needs-comparison", self.place_of(argument))
        return value

    def _number(self, instruction: Instruction) -> Value:
        value = instruction.detail
        return value if isinstance(value, int) else self.graph.number(value)

    def _literal(self, instruction: Instruction) -> Value:
        return Literal(instruction.detail)

    def _tuple(self, instruction: Instruction) -> Value:
        return Literal(tuple([self.results[argument] for argument in instruction.arguments]))

    def _slice(self, instruction: Instruction) -> Value:
        bounds = [None if argument < 0 else self._bound(argument) for argument in instruction.arguments]
        return Literal(Slice(*bounds))

    def _bound(self, argument: int) -> int:
        value = self.results[argument]
        if type(value) is not int:
            refuse("bad-bound", self.place_of(argument), got=self._shown(argument))
        return value

    def _shown(self, argument: int) -> str:
        """Quote a subscript: a name or number as it is written, anything else by its operator."""
        return quote_text(self.tape.instructions[argument].text)

    def _name(self, instruction: Instruction) -> Value:
        name = instruction.text
        if name in self.names:
            value = self.names[name]
            if value is self.variables.get(name):
                self.used.add(name)
            return value
        if name in CONSTANTS:
            return self.graph.number(CONSTANTS[name])
        if name in FUNCTIONS or name in self.functions:
            signature = FUNCTIONS[name].signature if name in FUNCTIONS else self.signature(name)
            refuse("function-as-value", self.graph.place, got=quote_text(name), signature=signature)
        refuse("unknown-name", self.graph.place, got=quote_text(name), hint=self._hint_for_name(name))

    def _hint_for_name(self, name: str) -> str:
        base = name.rstrip("0123456789")
        value, digits = self.names.get(base), name[len(base) :][:20]
        if digits and isinstance(value, Term):
            return (
                f" Write {base}[{digits}] for an element of {base}."
                if value.shape
                else f" Write {base}**{digits}."
            )
        if len(name) > 1 and all(letter in self.names or letter in CONSTANTS for letter in name):
            return f" Write {'*'.join(name[:20])} for a product."
        return habits.hint_for_name(name, [*self.names, *FUNCTIONS])

    def _unary(self, instruction: Instruction) -> Value:
        value = self.results[instruction.arguments[0]]
        if type(value) is int:
            return -value if instruction.text == "-" else value
        return self.graph.apply(UNARY[instruction.text], self.operand(instruction.arguments[0]))

    def _binary(self, instruction: Instruction) -> Value:
        first, second = (self.results[argument] for argument in instruction.arguments)
        if type(first) is int and type(second) is int:
            whole = whole_result(instruction.text, first, second)
            if whole is not None:
                return whole
        left, right = (self.operand(argument) for argument in instruction.arguments)
        return self.graph.apply(BINARY[instruction.text], left, right)

    def _comparison(self, instruction: Instruction) -> Value:
        """Compare neighbours; a chain holds where all of it does."""
        terms = [self.operand(argument) for argument in instruction.arguments]
        found: Term | None = None
        for (sign, place), left, right in zip(instruction.detail, terms, terms[1:], strict=False):
            self.graph.place, self.graph.called = self._seen(place), sign
            each = self.graph.apply(BINARY[sign], left, right)
            found = each if found is None else found.apply("logical_and", each)
        if found is None:
            raise ValueError("a comparison has two operands")
        return Condition(found, tuple(term for term in terms if worst_of(term, self.worst) is UNDEFINED))

    def _logic(self, instruction: Instruction) -> Value:
        first, second = (self.condition(argument) for argument in instruction.arguments)
        term = first.term.apply(f"logical_{instruction.text}", second.term)
        return Condition(term, first.compared + second.compared)

    def _inverse(self, instruction: Instruction) -> Value:
        condition = self.condition(instruction.arguments[0])
        return Condition(condition.term.apply("logical_not"), condition.compared)

    def _transposed(self, instruction: Instruction) -> Value:
        return self.operand(instruction.arguments[0]).apply("transpose")

    def _index(self, instruction: Instruction) -> Value:
        base = self.operand(instruction.arguments[0])
        items = [self._item(argument) for argument in instruction.arguments[1:]]
        try:
            return indexing.index(base, items)
        except ShapeFault as verdict:
            refuse("operand-shapes", self.graph.place, operator="[", shapes=base.shape, why=verdict)

    def _item(self, argument: int) -> Any:
        """Read one subscript."""
        value = self.results[argument]
        if type(value) is int:
            return value
        if isinstance(value, Literal):
            return value.value
        if isinstance(value, Condition):
            refuse("misplaced-comparison", self.place_of(argument), hint=habits.AS_AN_INDEX)
        if indexing.constant_of(value) is None:
            refuse("bad-index", self.place_of(argument), got=self._shown(argument))
        return value

    # calls

    def _call(self, instruction: Instruction) -> Value:
        name = instruction.text
        if name in self.functions:
            return self._call_of_client(self.functions[name], instruction)
        if name == "len":
            return calls.length(self, instruction)
        operation = FUNCTIONS.get(name)
        if operation is not None:
            return calls.apply(self, operation, instruction)
        if name in self.names or name in CONSTANTS:
            refuse("not-a-function", self.graph.place, got=quote_text(name))
        refuse("unknown-function", self.graph.place, got=quote_text(name), hint=ORDER)

    def _call_of_client(self, function: ClientFunction, instruction: Instruction) -> Value:
        """Run the body of a client's function on the arguments."""
        arguments = function.statement.names[1:]
        if instruction.detail or len(instruction.arguments) != len(arguments):
            count = len(instruction.arguments)
            got = "a named argument" if instruction.detail else f"{count} argument{'s' if count != 1 else ''}"
            signature = self.signature(instruction.text)
            refuse("arguments-of-function", self.graph.place, signature=signature, got=got)
        given = [self._bindable(argument) for argument in instruction.arguments]
        self._spend(0, function.cost, self.graph.place)
        before = self.names, self.functions, self.call
        self.names = function.names | dict(zip((name.text for name in arguments), given, strict=True))
        self.functions = function.functions
        self.call = self.call or self.graph.place
        self._evaluate(function.statement)
        value = self._bindable(function.statement.values[0])
        self.names, self.functions, self.call = before
        return value

    def signature(self, name: str) -> str:
        """Write the call of a client's function."""
        arguments = ", ".join(argument.text for argument in self.functions[name].statement.names[1:])
        return quote_text(f"{name}({arguments})").strip("'")

    EXPRESSIONS: ClassVar[dict[str, Callable[[Expansion, Instruction], Value]]] = {
        "number": _number,
        "name": _name,
        "unary": _unary,
        "binary": _binary,
        "comparison": _comparison,
        "logic": _logic,
        "inverse": _inverse,
        "index": _index,
        "slice": _slice,
        "transposed": _transposed,
        "call": _call,
        "tuple": _tuple,
        "literal": _literal,
    }
