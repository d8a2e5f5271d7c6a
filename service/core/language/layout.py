"""The layout of a text: where statements end, which lines belong to a loop, what opens a definition.

It stands between lexer and parser. Newlines inside brackets go; others, and semicolons, become ends of
statements; the body of a loop, on its own line or on indented ones, is put between two tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lark import Token, UnexpectedCharacters

from service.core.language.places import place_of, refuse
from service.core.limits import Limits

OPENING = frozenset({"LPAR", "LSQB"})
CLOSING = frozenset({"RPAR", "RSQB"})
MOST_LOOPS = 4
"""How deep loops may be nested."""
TAB = 8
"""A tab moves to the next multiple of so many columns, as in Python."""


@dataclass(slots=True)
class _Body:
    """An open loop with indented lines: the indentation of its `for`, and of its lines when one is known."""

    header: int
    lines: int | None = None


@dataclass(slots=True)
class LayoutPass:
    """One pass over the tokens of a text.

    Attributes
    ----------
    first : Token
        The first token of the statement that is parsed at present.
    """

    limits: Limits
    first: Token = field(default_factory=lambda: Token("_END", "", line=1, column=1))
    _bodies: list[_Body] = field(default_factory=list)
    _inline: int = 0

    def arrange(self, stream: Iterable[Token]) -> Iterator[Token]:
        """Pass the tokens on as the grammar knows them."""
        indent: int | None = None
        for statement, end in _statements(self._counted(stream)):
            if statement and indent is not None:
                yield from self._begin_line(statement[0], indent)
            if statement:
                yield from self._statement(statement, indent or 0)
                indent = None
            if end is None:
                break
            if end.type == "_PARTIAL":
                continue
            if end.type == "_NEWLINE":
                indent = len(end[1:].replace("\r", "").expandtabs(TAB))
                yield from self._end_line(end)
            yield Token.new_borrow_pos("_END", ";" if end.type == "_SEMICOLON" else "\n", end)
        for _ in range(self._inline + len(self._bodies)):
            yield Token("_DEDENT", "")

    def _counted(self, stream: Iterable[Token]) -> Iterator[Token]:
        """Count tokens and nesting, and leave out newlines inside brackets."""
        count = depth = 0
        for token in stream:
            if token.type == "_NEWLINE" and depth:
                continue
            count += 1
            if count > self.limits.function_tokens:
                refuse("too-many-tokens", place_of(token), limit=self.limits.function_tokens)
            if token.type in OPENING:
                depth += 1
                if depth > self.limits.function_nesting:
                    refuse("too-deep", place_of(token), limit=self.limits.function_nesting)
            elif token.type in CLOSING:
                depth = max(depth - 1, 0)
            yield token

    def _begin_line(self, token: Token, indent: int) -> Iterator[Token]:
        """Close the loops that this line does not belong to."""
        while self._bodies and indent <= self._bodies[-1].header:
            self._bodies.pop()
            yield Token.new_borrow_pos("_DEDENT", "", token)
            yield Token.new_borrow_pos("_END", "\n", token)
        if not self._bodies:
            return
        if self._bodies[-1].lines is None:
            self._bodies[-1].lines = indent
        elif self._bodies[-1].lines != indent:
            refuse("bad-indentation", place_of(token), expected=self._bodies[-1].lines, got=indent)

    def _end_line(self, end: Token) -> Iterator[Token]:
        """Close the loops whose bodies stand on the line."""
        for _ in range(self._inline):
            yield Token.new_borrow_pos("_DEDENT", "", end)
        self._inline = 0

    def _statement(self, tokens: list[Token], indent: int) -> Iterator[Token]:
        """Pass a statement on; a loop's header is followed by its body, here or on the next lines."""
        self.first = tokens[0]
        if not _is_loop(tokens):
            yield from _with_definition(tokens)
            return
        if self._inline + len(self._bodies) == MOST_LOOPS:
            refuse("too-many-loops", place_of(tokens[0]), limit=MOST_LOOPS)
        colon = _end_of_header(tokens)
        yield Token.new_borrow_pos("_FOR", tokens[0], tokens[0])
        yield tokens[1]
        yield Token.new_borrow_pos("_IN", tokens[2], tokens[2])
        yield from tokens[3 : colon + 1]
        if colon == len(tokens):
            return
        yield Token.new_borrow_pos("_INDENT", "", tokens[colon])
        body = tokens[colon + 1 :]
        if body:
            self._inline += 1
            yield from self._statement(body, indent)
        else:
            self._bodies.append(_Body(indent))


def _statements(tokens: Iterable[Token]) -> Iterator[tuple[list[Token], Token | None]]:
    """Yield each statement's tokens with what ended it.

    What stands before a character that is no token comes out first: the parser may refuse it earlier.
    """
    statement: list[Token] = []
    try:
        for token in tokens:
            if token.type in ("_NEWLINE", "_SEMICOLON"):
                yield statement, token
                statement = []
            else:
                statement.append(token)
    except UnexpectedCharacters:
        yield statement, Token("_PARTIAL", "")
        raise
    yield statement, None


def _is_loop(tokens: list[Token]) -> bool:
    """Tell whether a statement is a loop; `for` and `in` stay names elsewhere."""
    types = [token.type for token in tokens[:3]]
    return types == ["NAME"] * 3 and tokens[0] == "for" and tokens[2] == "in"


def _end_of_header(tokens: list[Token]) -> int:
    """Return the position of the colon outside of brackets, or the number of tokens."""
    depth = 0
    for position, token in enumerate(tokens):
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if token.type == "COLON" and depth == 0:
            return position
    return len(tokens)


def _with_definition(tokens: list[Token]) -> list[Token]:
    """Mark the name of a function that is defined: a call with an equals sign behind it."""
    if [token.type for token in tokens[:2]] != ["NAME", "LPAR"]:
        return tokens
    closing = next((position for position, token in enumerate(tokens) if token.type == "RPAR"), len(tokens))
    if closing + 1 < len(tokens) and tokens[closing + 1].type == "_ASSIGN":
        return [Token.new_borrow_pos("DEFINED", tokens[0], tokens[0]), *tokens[1:]]
    return tokens
