"""From text to a tape: statements, and a flat list of instructions in the order of evaluation.

Lark's LALR parser calls back at every reduction, which is the order in which an expression is
evaluated, so the tape is written directly: there is no tree, and nothing recurses over its depth.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from service.core.exceptions import InvalidFunction, fault, quote_text
from service.core.language import habits, signs
from service.core.language.layout import LayoutPass
from service.core.language.places import FUNCTION_POINTER, Place, place_of, refuse
from service.core.limits import Limits

EXPECTED: tuple[tuple[str, set[str], str], ...] = (
    ("NUMBER", {"NAME", "LPAR"}, "a number, a name or an opening parenthesis"),
    ("TIMES", {"LPAR", "_ASSIGN"}, "an operator"),
    ("NAME", set(), "a name"),
    ("LPAR", set(), "an opening parenthesis"),
    ("RPAR", set(), ")"),
    ("COMMA", set(), "a comma"),
    ("_ASSIGN", set(), "="),
    ("RSQB", set(), "]"),
    ("COLON", set(), "a colon"),
    ("_END", set(), "the end of the statement"),
)
"""Tokens that tell what is acceptable, others that are then not named, and how it is called in an error."""

COMPARISONS = frozenset({"LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "EQUAL", "NOT_EQUAL"})


class Instruction(NamedTuple):
    """One entry of the tape; `arguments` are indices of earlier entries, or -1 where there is none.

    `kind` names what it does: `number`, `name`, `unary`, `binary`, `comparison`, `logic`, `inverse`,
    `index`, `slice`, `transposed`, `call`, `tuple` or `literal`. `text` is the operator, the name or
    the number as written; `detail` what the kind adds to it: a number's value, a comparison's operators
    with their places, a call's keywords.
    """

    kind: str
    text: str
    place: Place
    arguments: tuple[int, ...]
    detail: Any


class Keyword(NamedTuple):
    """A call's option: its name, and the tape's entry of its value."""

    name: Token
    value: int


class Name(NamedTuple):
    """A name that a statement assigns, and where it stands."""

    text: str
    place: Place


class Statement(NamedTuple):
    """One statement: the tape's instructions from `start` to before `stop`, and what is made of them.

    `kind` is `assignment` (of `values` to `names`), `unnamed` (a value alone), `definition` (of the
    function `names[0]` with the other names as arguments) or `loop` (over `names[0]`, with the arguments
    of `range` as values and a `body`).
    """

    kind: str
    place: Place
    start: int
    stop: int
    names: tuple[Name, ...]
    values: tuple[int, ...]
    body: tuple[Statement, ...] = ()


Statements = tuple[Statement, ...]


class Tape(NamedTuple):
    """A parsed function: its instructions, and its statements, which refer to them."""

    instructions: tuple[Instruction, ...]
    statements: tuple[Statement, ...]

    def all_statements(self) -> Iterator[Statement]:
        """Iterate over the statements, those within loops included."""
        return _all_of(self.statements)


class _Parse(threading.local):
    """What one parse writes down; one for each thread, since the parser itself is shared."""

    layout: LayoutPass
    tape: list[Instruction]
    start: int


_PARSE = _Parse()


class _Arranged:
    """Lark's hook between lexer and parser."""

    always_accept = ("_NEWLINE", "_SEMICOLON")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Pass the tokens on in the order that the grammar knows."""
        return _PARSE.layout.arrange(stream)


class _Recorder(Transformer[Token, Any]):
    """Writes the tape: a method per rule of the grammar, each returning its entry's index."""

    def _write(self, kind: str, token: Token, arguments: tuple[int, ...] = (), detail: Any = None) -> int:
        tape = _PARSE.tape
        tape.append(Instruction(kind, str(token), place_of(token), arguments, detail))
        return len(tape) - 1

    def _statement(self, kind: str, names: list[Token], values: list[int]) -> Statement:
        """Make a statement of all instructions since the one before."""
        start, _PARSE.start = _PARSE.start, len(_PARSE.tape)
        named = tuple([Name(str(name), place_of(name)) for name in names])
        return Statement(kind, place_of(_PARSE.layout.first), start, _PARSE.start, named, (*values,))

    # statements

    def program(self, children: list[Statements]) -> Statements:
        return children[0]

    def block(self, children: list[Statement]) -> Statements:
        return (*children,)

    def assignment(self, children: list[Any]) -> Statement:
        return self._statement("assignment", children[:1], children[1:])

    def augmented(self, children: list[Any]) -> Statement:
        name, operator, value = children
        before = self._write("name", name)
        sign = Token.new_borrow_pos("SIGN", operator[:-1], operator)
        return self._statement("assignment", [name], [self._write("binary", sign, (before, value))])

    def unpacking(self, children: list[Any]) -> Statement:
        names = [child for child in children if isinstance(child, Token)]
        values = children[len(names) :]
        if len(names) != len(values):
            given, hint = f"{len(values)} values", ""
            if len(values) == 1:
                given, hint = "one value", habits.UNPACKING
            refuse("unequal-unpacking", place_of(names[0]), names=len(names), values=given, hint=hint)
        return self._statement("assignment", names, values)

    def definition(self, children: list[Any]) -> Statement:
        return self._statement("definition", children[:-1], children[-1:])

    def unnamed(self, children: list[int]) -> Statement:
        return self._statement("unnamed", [], children)

    def header(self, children: list[Any]) -> Statement:
        name, function, *values = children[:-1]
        if function != "range":
            refuse("not-a-range", place_of(function), got=quote_text(function))
        return self._statement("loop", [name], values)

    def loop(self, children: list[Any]) -> Statement:
        header, body = children
        if not body:
            refuse("empty-loop", header.place)
        return cast("Statement", header)._replace(body=body)

    # expressions

    def number(self, children: list[Token]) -> int:
        value = float(children[0])
        if math.isinf(value):
            refuse("number-overflow", place_of(children[0]), got=quote_text(children[0]))
        return self._write("number", children[0], detail=value)

    def integer(self, children: list[Token]) -> int:
        index = self.number(children)
        _PARSE.tape[index] = _PARSE.tape[index]._replace(detail=int(children[0]))
        return index

    def name(self, children: list[Token]) -> int:
        return self._write("name", children[0])

    def unary(self, children: list[Any]) -> int:
        return self._write("unary", children[0], (children[1],))

    def binary(self, children: list[Any]) -> int:
        return self._write("binary", children[1], (children[0], children[2]))

    def comparison(self, children: list[Any]) -> int:
        signs = [(str(sign), place_of(sign)) for sign in children[1::2]]
        return self._write("comparison", children[1], (*children[::2],), signs)

    def logic(self, children: list[Any]) -> int:
        return self._write("logic", children[1], (children[0], children[2]))

    def inverse(self, children: list[Any]) -> int:
        return self._write("inverse", children[0], (children[1],))

    def transposed(self, children: list[Any]) -> int:
        return self._write("transposed", children[1], (children[0],))

    def index(self, children: list[Any]) -> int:
        return self._write("index", children[1], (children[0], *children[2:]))

    def slice(self, children: list[Any]) -> int:
        bounds, position = [-1, -1, -1], 0
        for child in children:
            if isinstance(child, Token):
                position += 1
            else:
                bounds[position] = child
        colon = next(child for child in children if isinstance(child, Token))
        return self._write("slice", colon, (*bounds,))

    def tuple(self, children: list[int]) -> int:
        first = _PARSE.tape[children[0]].place if children else Place(1, 1)
        return self._write("tuple", Token("LPAR", "(", line=first.line, column=first.column), (*children,))

    def true(self, children: list[Token]) -> int:
        return self._write("literal", children[0], detail=True)

    def false(self, children: list[Token]) -> int:
        return self._write("literal", children[0], detail=False)

    def none(self, children: list[Token]) -> int:
        return self._write("literal", children[0], detail=None)

    def ellipsis(self, children: list[Token]) -> int:
        return self._write("literal", children[0], detail=...)

    def keyword(self, children: list[Any]) -> Keyword:
        return Keyword(children[0], children[1])

    def call(self, children: list[Any]) -> int:
        positional: list[int] = []
        keywords: dict[str, int] = {}
        for child in children[1:]:
            if isinstance(child, int):
                if keywords:
                    hint = habits.EQUALITY if children[0] == "where" else ""
                    refuse("positional-after-keyword", _PARSE.tape[child].place, hint=hint)
                positional.append(child)
                continue
            keyword, value = child
            if keyword in keywords:
                refuse("repeated-keyword", place_of(keyword), got=quote_text(keyword))
            keywords[str(keyword)] = value
        return self._write("call", children[0], (*positional,), (*keywords.items(),))


_LARK = Lark(
    Path(__file__).with_name("grammar.lark").read_text(encoding="ascii"),
    parser="lalr",
    lexer="basic",
    start="program",
    transformer=_Recorder(),
    postlex=_Arranged(),
)


def parse_function(text: str, limits: Limits) -> Tape:
    """Parse a function's text.

    Parameters
    ----------
    text : str
        Statements of the function language.
    limits : Limits
        Bounds the characters, tokens and nesting.

    Returns
    -------
    Tape
        The instructions in order of evaluation, and the statements; the last one is the value.

    Raises
    ------
    InvalidFunction
        The text is not a sentence of the language; the fault has the line and column.
    """
    _check_characters(text, limits)
    _PARSE.layout, _PARSE.tape, _PARSE.start = LayoutPass(limits), [], 0
    try:
        statements: tuple[Statement, ...] = cast(Any, _LARK).parse(text)
    except UnexpectedCharacters as error:
        place = Place(error.line, error.column)
        hint = signs.hint_for_character(text, error.pos_in_stream or 0)
        refuse("bad-character", place, got=quote_text(error.char), hint=hint)
    except UnexpectedToken as error:
        _refuse_token(error, text)
    if not statements:
        raise InvalidFunction(fault("empty-function", FUNCTION_POINTER, line=1, column=1))
    for statement in _all_of(statements):
        _check_arrow(statement, text)
        if statement.kind == "unnamed" and statement is not statements[-1]:
            hint = "" if statement in statements else habits.BODY
            refuse("unnamed-statement", statement.place, hint=hint)
    last = statements[-1]
    if last.kind not in ("unnamed", "assignment") or len(last.values) != 1:
        refuse("no-value", last.place, hint=habits.NO_VALUE.get(last.kind, ""))
    return Tape((*_PARSE.tape,), statements)


def _check_arrow(statement: Statement, text: str) -> None:
    """Refuse R's assignment, which is a comparison with a negative here."""
    value = _PARSE.tape[statement.values[0]] if statement.kind == "unnamed" else None
    if value is None or value.kind != "comparison" or value.text != "<":
        return
    line = text.split("\n")[value.place.line - 1]
    if line[value.place.column : value.place.column + 1] == "-":
        refuse("misplaced-comparison", value.place, hint=habits.ASSIGNMENT)


def _all_of(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Yield all statements, then those within loops."""
    yield from statements
    for statement in statements:
        waiting = [*statement.body]
        while waiting:
            found = waiting.pop(0)
            yield found
            waiting += found.body


def _check_characters(text: str, limits: Limits) -> None:
    """Refuse what no token can hold, before the lexer sees it."""
    if len(text) > limits.function_characters:
        raise InvalidFunction(
            fault("too-long", FUNCTION_POINTER, count=len(text), limit=limits.function_characters)
        )
    if not text.isascii():
        offset = next(offset for offset, character in enumerate(text) if not character.isascii())
        hint = signs.hint_for_symbol(text, offset)
        refuse("not-ascii", _place_at(text, offset), got=quote_text(text[offset]), hint=hint)


def _place_at(text: str, offset: int) -> Place:
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _refuse_token(error: UnexpectedToken, text: str) -> NoReturn:
    token = error.token
    remaining, expected = set(error.accepts), []
    for token_type, implied, name in EXPECTED:
        if token_type in remaining:
            remaining -= implied
            expected.append(name)
    wanted = " or ".join(expected) or "the end of the statement"
    if token.type in ("$END", "_DEDENT") and not token:
        refuse("unexpected-end", _place_at(text, len(text)), expected=wanted)
    hint = habits.hint_for_token(text, token.start_pos or 0, str(token))
    if token.type in COMPARISONS and not hint:
        refuse("misplaced-comparison", place_of(token), hint=habits.AS_A_NUMBER)
    got = "end of the line" if token == "\n" else quote_text(token)
    refuse("unexpected-token", place_of(token), got=got, expected=wanted, hint=hint)
