"""Calls of the language's own functions: their arguments, literal options and conditions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from service.core.exceptions import quote_text
from service.core.language.graph import Term
from service.core.language.operation import REQUIRED, Operation, ShapeFault
from service.core.language.parser import Instruction
from service.core.language.places import refuse
from service.core.language.shapes import axes_of
from service.core.language.values import NotLiteral, literal_of
from service.core.suggestions import hint_for

if TYPE_CHECKING:
    from service.core.language.expansion import Expansion


def length(expansion: Expansion, instruction: Instruction) -> int:
    """Return the length of the first axis, a whole number."""
    if len(instruction.arguments) != 1 or instruction.detail:
        got = len(instruction.arguments) + len(instruction.detail)
        place, hint = expansion.graph.place, BY_POSITION if instruction.detail else ""
        refuse("wrong-arity", place, signature="len(x)", expected="1 argument", got=got, hint=hint)
    term = expansion.operand(instruction.arguments[0])
    if not term.shape:
        refuse("no-length", expansion.graph.place)
    return term.shape[0]


def apply(expansion: Expansion, operation: Operation, instruction: Instruction) -> Term:
    """Apply a function to the arguments of a call."""
    arguments, extra = _arguments(expansion, operation, instruction)
    if len(arguments) < len(operation.operands[:1] if operation.is_variadic else operation.operands):
        _refuse_arity(expansion, operation, instruction)
    if len(extra) > len(operation.options):
        _refuse_arity(expansion, operation, instruction)
    options = _options(expansion, operation, instruction, extra)
    if operation.name == "where":
        return _where(expansion, instruction)
    operands = [expansion.operand(argument) for argument in arguments]
    if extra and operation.name in TWO_ARRAYS:
        _check_axis(expansion, operation, operands[0], options["axis"])
    operands = _read(expansion, operation, operands)
    return expansion.graph.apply(operation.name, *operands, **options)


def _check_axis(expansion: Expansion, operation: Operation, operand: Term, axis: Any) -> None:
    """Refuse a second argument that is no axis, and tell what may be meant by it."""
    try:
        axes_of(axis, len(operand.shape))
    except ShapeFault as verdict:
        why = f"{verdict}.{TWO_ARRAYS[operation.name]}".removesuffix(".")
        shape = str(operand.shape)
        refuse("operand-shapes", expansion.graph.place, operator=operation.name, shapes=shape, why=why)


def _read(expansion: Expansion, operation: Operation, operands: list[Term]) -> list[Term]:
    """Read operands as the operation means them."""
    try:
        return list(operation.read(*operands)) if operation.read else operands
    except ShapeFault as verdict:
        shapes = " and ".join(str(term.shape) for term in operands)
        refuse(
            "operand-shapes", expansion.graph.place, operator=operation.name, shapes=shapes, why=str(verdict)
        )


def _arguments(
    expansion: Expansion, operation: Operation, instruction: Instruction
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Part the positional arguments into operands and options; a tuple may hold operands of any number."""
    arguments, count = instruction.arguments, len(operation.operands)
    if not operation.is_variadic:
        return arguments[:count], arguments[count:]
    first = expansion.tape.instructions[arguments[0]] if arguments else None
    if first is not None and first.kind == "tuple":
        return first.arguments, arguments[1:]
    return arguments, ()


def _where(expansion: Expansion, instruction: Instruction) -> Term:
    """Choose by a condition; the result is NaN where the condition compares with NaN."""
    condition = expansion.condition(instruction.arguments[0])
    first, second = (expansion.operand(argument) for argument in instruction.arguments[1:])
    term = condition.term.apply("where", first, second)
    for compared in condition.compared:
        term = term.apply("defined", compared)
    return term


def _options(
    expansion: Expansion, operation: Operation, instruction: Instruction, extra: tuple[int, ...]
) -> dict[str, Any]:
    """Read the literal options, positional ones first."""
    given = dict(zip((name for name, _, _ in operation.options), extra, strict=False))
    kinds = {name: kind for name, kind, _ in operation.options}
    place = expansion.graph.place
    for keyword, argument in instruction.detail:
        if keyword not in kinds:
            refuse(
                "unknown-keyword",
                place,
                signature=operation.signature,
                got=quote_text(keyword),
                hint=_hint_for_keyword(keyword, kinds),
            )
        if keyword in given:
            refuse("repeated-keyword", place, got=quote_text(keyword))
        given[keyword] = argument
    for name, _, default in operation.options:
        if default is REQUIRED and name not in given:
            _refuse_arity(expansion, operation, instruction)
    return {name: _option(expansion, operation, name, kinds[name], given[name]) for name in given}


def _hint_for_keyword(keyword: str, kinds: Mapping[str, str]) -> str:
    """Hint at what an unknown keyword may mean; not at an option that the function does not have."""
    written = KEYWORDS.get(keyword, "")
    return "" if written.isidentifier() and written not in kinds else hint_for(keyword, kinds, KEYWORDS)


def _option(expansion: Expansion, operation: Operation, name: str, kind: str, argument: int) -> Any:
    """Read one literal option."""
    wanted, is_right = LITERALS[kind]
    where = expansion.place_of(argument)
    try:
        value = literal_of(expansion.results[argument])
    except NotLiteral:
        hint = TWO_ARRAYS.get(operation.name, "") if name == "axis" else ""
        refuse(
            "needs-literal", where, keyword=name, signature=operation.signature, expected=wanted, hint=hint
        )
    if not is_right(value):
        refuse(
            "bad-literal",
            where,
            keyword=name,
            signature=operation.signature,
            expected=wanted,
            got=quote_text(repr(value)),
        )
    return float(value) if kind in NUMERIC else value


TWO_ARRAYS = {
    "max": " The larger of two is maximum(a, b).",
    "min": " The smaller of two is minimum(a, b).",
    "sum": " The sum of two is a + b.",
    "prod": " The product of two is a * b.",
    "norm": " norm is the 2-norm; the 1-norm is sum(abs(x)), the largest element max(abs(x)).",
}
"""Hints for a reduction whose second argument is no axis: what the client may have meant."""

BY_POSITION = " Arrays are given in this order, without names."
"""Hint for a call that names an operand."""

A_TUPLE = " Several sizes or axes are one argument, in parentheses: (2, 3)."
"""Hint for too many arguments of a function that takes a shape."""

MORE_ARGUMENTS = {"log": " The logarithm to base b is log(x) / log(b)."}
"""Hints for a wrong number of arguments, by function."""

KEYWORDS = {
    "dim": "axis",
    "keepdim": "keepdims",
    "eps": "epsilon",
    "beta": "delta",
    "newshape": "shape",
    "axes": "axis",
    "correction": "ddof",
    "unbiased": "ddof",
    "dtype": "the call without it; everything is float64",
    "device": "the call without it; everything is float64",
    "reduction": "sum(...) or mean(...) around the call",
    "weights": "sum(w * x) / sum(w)",
    "p": "norm(x) for the 2-norm, sum(abs(x)) for the 1-norm, max(abs(x)) for the largest element",
    "a_min": "clip(x, low, high)",
    "a_max": "clip(x, low, high)",
    "min": "maximum(x, low)",
    "max": "minimum(x, high)",
    "ord": "norm(x) for the 2-norm, sum(abs(x)) for the 1-norm, max(abs(x)) for the largest element",
}
"""Names of options in other libraries, and what to write instead."""


def _is_whole(value: Any) -> bool:
    return type(value) is int


def _is_axis(value: Any) -> bool:
    return value is None or type(value) in (int, tuple)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


LITERALS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "axis": ("an integer or a tuple of integers", _is_axis),
    "axes": ("a tuple of integers", lambda value: value is None or type(value) is tuple),
    "shape": ("an integer or a tuple of integers", lambda value: type(value) in (int, tuple)),
    "flag": ("True or False", lambda value: type(value) is bool),
    "positive": ("a number above 0", lambda value: _is_number(value) and value > 0),
    "non-negative": ("a number of at least 0", lambda value: _is_number(value) and value >= 0),
    "fraction": ("a number of at least 0 and below 1", lambda value: _is_number(value) and 0 <= value < 1),
    "inside": ("a number above 0 and below 1", lambda value: _is_number(value) and 0 < value < 1),
    "number": ("a number", _is_number),
    "whole": ("a whole number", _is_whole),
    "wholes": ("a whole number or a tuple of them", lambda value: type(value) in (int, tuple)),
    "count": ("a whole number of at least 1", lambda value: _is_whole(value) and value >= 1),
    "size": ("a whole number of at least 0", lambda value: _is_whole(value) and value >= 0),
}
"""By kind of literal options: the words for its values in an error, and the test of a valid value."""

NUMERIC = frozenset({"inside", "positive", "non-negative", "fraction", "number"})
"""Kinds whose values are float64 like everything that is computed with."""


def _refuse_arity(expansion: Expansion, operation: Operation, instruction: Instruction) -> NoReturn:
    required = [name for name, _, default in operation.options if default is REQUIRED]
    count = len(operation.operands) + len(required)
    options = {name: kind for name, kind, _ in operation.options}
    keywords = [keyword for keyword, _ in instruction.detail]
    named = [keyword for keyword in keywords if keyword in required]
    is_spread = len(instruction.arguments) > count and not {"shape", "axes"}.isdisjoint(options.values())
    hint = A_TUPLE if is_spread else MORE_ARGUMENTS.get(operation.name, "")
    refuse(
        "wrong-arity",
        expansion.graph.place,
        signature=operation.signature,
        expected="arrays" if operation.is_variadic else f"{count} argument{'s' if count != 1 else ''}",
        got=len(instruction.arguments) + len(named),
        hint=hint if options.keys() >= set(keywords) else BY_POSITION,
    )
