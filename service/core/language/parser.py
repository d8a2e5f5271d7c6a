"""From text to a tape: the statements as a flat list of instructions, in the order of evaluation.

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

from service.core.exceptions import Fault, InvalidFunction, KobaiError, fault, quote_text
from service.core.limits import Limits

FUNCTION_POINTER = "/function"

HINTS = {
    "'": " There are no strings.",
    '"': " There are no strings.",
    ".": " There are no attributes and methods; call functions as sum(x).",
    "#": " There are no comments.",
    "^": " Write ** for a power.",
    "_": " A name begins with a letter, and numbers have no underscores.",
    "{": " Group with parentheses.",
    "\\": " Every statement stands on one line.",
}
"""What to do instead, for characters that are often tried."""

EXPECTED = (
    ({"NAME", "NUMBER", "INTEGER", "LPAR"}, "a number, a name or an opening parenthesis"),
    ({"PLUS", "TIMES"}, "an operator"),
    ({"INTEGER", "COLON"}, "a literal integer or a slice"),
    ({"INTEGER"}, "a literal integer"),
    ({"RPAR"}, ")"),
    ({"COMMA"}, "a comma"),
    ({"RSQB"}, "]"),
    ({"COLON"}, "a colon"),
    ({"_END"}, "the end of the statement"),
)
"""Sets of acceptable tokens, and how they are called in an error; each token is named once."""

COMPARISONS = frozenset({"LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "EQUAL", "NOT_EQUAL"})
OPENING = frozenset({"LPAR", "LSQB"})
CLOSING = frozenset({"RPAR", "RSQB"})


class Place(NamedTuple):
    """Where something stands in the text, 1-based."""

    line: int
    column: int


Item = int | tuple[int | None, int | None, int | None]
"""One subscript: an integer, or a slice's start, stop and step."""


class Keyword(NamedTuple):
    """A call's option: its name, and the tape's entry of its value."""

    name: Token
    value: int


class Instruction(NamedTuple):
    """One entry of the tape; `arguments` are indices of earlier entries.

    `kind` is number, name, unary, binary, comparison, index, call, tuple, flag or bind.
    `text` is the operator, the name or the number as written; `detail` what the kind adds to it:
    a number's value, an index's items, a call's keywords.
    """

    kind: str
    text: str
    place: Place
    arguments: tuple[int, ...] = ()
    detail: Any = None


class Tape(NamedTuple):
    """A parsed function: its instructions, the index of its value, and its canonical text."""

    instructions: tuple[Instruction, ...]
    value: int
    canonical: str


def refuse(code: str, place: Place, error: type[KobaiError] = InvalidFunction, **values: Any) -> NoReturn:
    """Raise an error, `InvalidFunction` mostly, at a place of the text."""
    where = f"column {place.column}" if place.line == 1 else f"line {place.line}, column {place.column}"
    raise error(Fault(code, f"{where}: {fault(code, **values).detail}", FUNCTION_POINTER, *place))


class _Parse(threading.local):
    """What one parse writes down; one for each thread, since the parser itself is shared."""

    limits: Limits
    seen: list[Token]
    tape: list[Instruction]


_PARSE = _Parse()


class _Gate:
    """Lark's hook between lexer and parser: counts tokens and nesting, and keeps what it saw."""

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Pass tokens on while they are within the limits."""
        limits, seen, depth = _PARSE.limits, _PARSE.seen, 0
        for token in stream:
            seen.append(token)
            if len(seen) > limits.function_tokens:
                refuse("too-many-tokens", _place(token), limit=limits.function_tokens)
            if token.type in OPENING:
                depth += 1
                if depth > limits.function_nesting:
                    refuse("too-deep", _place(token), limit=limits.function_nesting)
            elif token.type in CLOSING:
                depth = max(depth - 1, 0)
            elif depth and token.type == "_END" and token == "\n":
                refuse("newline-in-brackets", _place(token))
            yield token


class _Recorder(Transformer[Token, Any]):
    """Writes the tape: a method per rule of the grammar, each returning its entry's index."""

    def _write(self, kind: str, token: Token, arguments: tuple[int, ...] = (), detail: Any = None) -> int:
        tape = _PARSE.tape
        tape.append(Instruction(kind, str(token), _place(token), arguments, detail))
        return len(tape) - 1

    def program(self, children: list[int]) -> list[int]:
        return children

    def assignment(self, children: list[Any]) -> int:
        return self._write("bind", children[0], (children[1],))

    def unnamed(self, children: list[int]) -> int:
        return children[0]

    def number(self, children: list[Token]) -> int:
        value = float(children[0])
        if math.isinf(value):
            refuse("number-overflow", _place(children[0]), got=quote_text(children[0]))
        return self._write("number", children[0], detail=value)

    def name(self, children: list[Token]) -> int:
        return self._write("name", children[0])

    def unary(self, children: list[Any]) -> int:
        return self._write("unary", children[0], (children[1],))

    def binary(self, children: list[Any]) -> int:
        return self._write("binary", children[1], (children[0], children[2]))

    def comparison(self, children: list[Any]) -> int:
        return self._write("comparison", children[1], (children[0], children[2]))

    def index(self, children: list[Any]) -> int:
        return self._write("index", children[1], (children[0],), tuple(children[2:]))

    def bound(self, children: list[Token]) -> int:
        magnitude = int(children[-1])
        return -magnitude if children[0] == "-" else magnitude

    def integer(self, children: list[int]) -> Item:
        return children[0]

    def slice(self, children: list[Any]) -> Item:
        bounds: list[int | None] = [None, None, None]
        position = 0
        for child in children:
            if isinstance(child, Token):
                position += 1
            else:
                bounds[position] = child
        return bounds[0], bounds[1], bounds[2]

    def tuple(self, children: list[int]) -> int:
        first = _PARSE.tape[children[0]].place if children else Place(1, 1)
        return self._write("tuple", Token("LPAR", "(", line=first.line, column=first.column), (*children,))

    def true(self, children: list[Token]) -> int:
        return self._write("flag", children[0], detail=True)

    def false(self, children: list[Token]) -> int:
        return self._write("flag", children[0], detail=False)

    def keyword(self, children: list[Any]) -> Keyword:
        return Keyword(children[0], children[1])

    def call(self, children: list[Any]) -> int:
        positional: list[int] = []
        keywords: dict[str, int] = {}
        for child in children[1:]:
            if isinstance(child, int):
                if keywords:
                    refuse("positional-after-keyword", _PARSE.tape[child].place)
                positional.append(child)
                continue
            keyword, value = child
            if keyword in keywords:
                refuse("repeated-keyword", _place(keyword), got=quote_text(keyword))
            keywords[str(keyword)] = value
        return self._write("call", children[0], (*positional,), (*keywords.items(),))


_LARK = Lark(
    Path(__file__).with_name("grammar.lark").read_text(encoding="ascii"),
    parser="lalr",
    lexer="basic",
    start="program",
    transformer=_Recorder(),
    postlex=_Gate(),
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
        The instructions in order of evaluation; the last statement is the value.

    Raises
    ------
    InvalidFunction
        The text is not a sentence of the language; the fault has the line and column.
    """
    _check_characters(text, limits)
    _PARSE.limits, _PARSE.seen, _PARSE.tape = limits, [], []
    try:
        statements: list[int] = cast(Any, _LARK).parse(text)
    except UnexpectedCharacters as error:
        place = Place(error.line, error.column)
        refuse("bad-character", place, got=quote_text(error.char), hint=HINTS.get(error.char, ""))
    except UnexpectedToken as error:
        _refuse_token(error, text)
    if not statements:
        raise InvalidFunction(fault("empty-function", FUNCTION_POINTER, line=1, column=1))
    tape = (*_PARSE.tape,)
    for position, statement in enumerate(statements[:-1]):
        if tape[statement].kind != "bind":
            refuse("unnamed-statement", _place(_first_tokens()[position]))
    written = [";" if token.type == "_END" else token for token in _PARSE.seen]
    return Tape(tape, statements[-1], " ".join(written))


def _place(token: Token) -> Place:
    return Place(token.line or 1, token.column or 1)


def _check_characters(text: str, limits: Limits) -> None:
    """Refuse what no token can hold, before the lexer sees it."""
    if len(text) > limits.function_characters:
        raise InvalidFunction(
            fault("too-long", FUNCTION_POINTER, count=len(text), limit=limits.function_characters)
        )
    if not text.isascii():
        offset = next(offset for offset, character in enumerate(text) if not character.isascii())
        refuse("not-ascii", _place_at(text, offset), got=quote_text(text[offset]))


def _place_at(text: str, offset: int) -> Place:
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _first_tokens() -> list[Token]:
    """Return the first token of each statement that is not empty."""
    seen = _PARSE.seen
    starts = (index for index, token in enumerate(seen) if index == 0 or seen[index - 1].type == "_END")
    return [seen[index] for index in starts if seen[index].type != "_END"]


def _refuse_token(error: UnexpectedToken, text: str) -> NoReturn:
    token = error.token
    remaining, expected = set(error.accepts), []
    for tokens, name in EXPECTED:
        if tokens <= remaining:
            remaining -= tokens
            expected.append(name)
    wanted = " or ".join(expected) or "the end of the statement"
    if token.type == "$END":
        refuse("unexpected-end", _place_at(text, len(text)), expected=wanted)
    if token.type in COMPARISONS:
        refuse("misplaced-comparison", _place(token))
    got = "end of the line" if token == "\n" else quote_text(token)
    refuse("unexpected-token", _place(token), got=got, expected=wanted)
