"""The operations table: every operator and function of the language, and what derivatives need.

Adding an operation is one row in the module of its kind.
"""

from __future__ import annotations

from service.core.language.algebra import ALGEBRA
from service.core.language.arrangement import ARRANGEMENT
from service.core.language.cumulation import CUMULATION
from service.core.language.elementwise import ELEMENTWISE
from service.core.language.loss_operations import LOSS_OPERATIONS
from service.core.language.making import MAKING
from service.core.language.matrices import MATRICES
from service.core.language.neural import NEURAL
from service.core.language.operation import Operation
from service.core.language.operators import OPERATORS
from service.core.language.reductions import REDUCTIONS
from service.core.language.slopes import SLOPES
from service.core.language.sorting import SORTING
from service.core.language.special import SPECIAL
from service.core.language.structure import STRUCTURE

_ROWS = (
    *OPERATORS,
    *ELEMENTWISE,
    *SPECIAL,
    *REDUCTIONS,
    *CUMULATION,
    *SORTING,
    *STRUCTURE,
    *ARRANGEMENT,
    *MATRICES,
    *MAKING,
    *ALGEBRA,
    *NEURAL,
    *LOSS_OPERATIONS,
    *SLOPES,
)

OPERATIONS: dict[str, Operation] = {row.name: row for row in _ROWS}
"""All rows by name."""

FUNCTIONS: dict[str, Operation] = {row.name: row for row in _ROWS if row.is_public and row.is_function}
"""What a caller can call, by name."""

BINARY: dict[str, str] = {
    row.symbol: row.name for row in _ROWS if row.is_public and row.symbol and len(row.operands) == 2
}
"""Infix operators and comparisons, by symbol."""

UNARY: dict[str, str] = {row.symbol: row.name for row in (OPERATIONS["negative"], OPERATIONS["positive"])}
"""Prefix operators, by symbol."""

CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045}
"""Names that stand for numbers unless the caller binds them."""


SECOND_KINKS = "; second derivatives there are 0"
"""Where a derivative jumps, the derivative of the value that was chosen for it."""


def describe_operations() -> list[dict[str, str]]:
    """List every operator, function and constant: name, signature, meaning, derivative at kinks."""
    rows = [
        {
            "name": row.name if row.is_function else row.symbol,
            "kind": "function" if row.is_function else "operator",
            "signature": row.signature,
            "meaning": row.meaning,
            "kinks": f"{row.kinks}{SECOND_KINKS}" if row.kinks and not row.is_analytic else row.kinks,
        }
        for row in _ROWS
        if row.is_public
    ]
    rows.append(
        {
            "name": "@",
            "kind": "operator",
            "signature": "a @ b",
            "meaning": OPERATIONS["matmul"].meaning,
            "kinks": "",
        }
    )
    rows += [
        {"name": name, "kind": "constant", "signature": name, "meaning": repr(value), "kinks": ""}
        for name, value in CONSTANTS.items()
    ]
    return rows
