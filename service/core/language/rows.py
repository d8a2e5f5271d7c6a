"""Makers of rows of the operations table, one for each kind of row."""

from __future__ import annotations

from typing import Any

from service.core.arrays import Shape
from service.core.language import shapes
from service.core.language.graph import TermFunction
from service.core.language.operation import Operation

AXIS = ("axis", "axis", None)
KEEPDIMS = ("keepdims", "flag", False)
"""Options of what acts along axes, all of them by default, and of what may leave them with size 1."""


def unary(name: str, meaning: str, derivative: TermFunction | None, **fields: Any) -> Operation:
    """Make the row of a function of one operand."""
    fields.setdefault("ufunc", name)
    fields.setdefault("array", f"{name}({{0}})")
    fields.setdefault("scalar", f"{name}({{0}})")
    return Operation(
        name,
        ("x",),
        meaning,
        shape=_first if "options" in fields else shapes.elementwise,
        derivatives=(derivative,),
        is_elementwise=True,
        **fields,
    )


def _first(shape: Shape, *options: object) -> Shape:
    """Keep the shape of the only operand."""
    return shape


def binary(
    name: str, meaning: str, first: TermFunction | None, second: TermFunction | None, **fields: Any
) -> Operation:
    """Make the row of an operator or function of two operands."""
    return Operation(
        name,
        ("a", "b"),
        meaning,
        shape=shapes.elementwise,
        derivatives=(first, second),
        is_elementwise=True,
        **fields,
    )


def operator(
    name: str,
    symbol: str,
    meaning: str,
    first: TermFunction | None,
    second: TermFunction | None,
    **fields: Any,
) -> Operation:
    """Make the row of an infix operator."""
    source = f"{{0}} {symbol} {{1}}"
    fields = {"array": source, "scalar": source, "is_function": False} | fields
    return binary(name, meaning, first, second, symbol=symbol, **fields)


def comparison(name: str, symbol: str, meaning: str, **fields: Any) -> Operation:
    """Make the row of a comparison, whose result is a condition."""
    return operator(name, symbol, meaning, None, None, is_condition=True, **fields)


def internal(
    name: str, operands: tuple[str, ...], array: str, scalar: str, cost: float = 2.0, **fields: Any
) -> Operation:
    """Make the row of what derivatives are made of, and no caller can name."""
    fields.setdefault("derivatives", (None,) * len(operands))
    return Operation(
        name,
        operands,
        name,
        shape=shapes.elementwise,
        array=array,
        scalar=scalar,
        cost=cost,
        is_elementwise=True,
        is_public=False,
        **fields,
    )


def macro(name: str, operands: tuple[str, ...], meaning: str, definition: Any, **fields: Any) -> Operation:
    """Make the row of an operation that is always written in terms of others."""
    return Operation(name, operands, meaning, array="", is_macro=True, definition=definition, **fields)
