"""The operations table: every operator and function of the language, and what derivatives need.

Adding an operation is one row in the module of its kind.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from service.core.language.algebra import ALGEBRA
from service.core.language.arrangement import ARRANGEMENT
from service.core.language.cumulation import CUMULATION
from service.core.language.derivative_operations import DERIVATIVE_OPERATIONS
from service.core.language.elementwise import ELEMENTWISE
from service.core.language.loss_operations import LOSS_OPERATIONS
from service.core.language.making import MAKING
from service.core.language.matrices import MATRICES
from service.core.language.neural import NEURAL
from service.core.language.operation import Operation
from service.core.language.operators import OPERATORS
from service.core.language.reductions import REDUCTION
from service.core.language.sorting import SORTING
from service.core.language.special import SPECIAL
from service.core.language.structure import PRODUCTS, STRUCTURE

GROUPS: dict[str, tuple[Operation, ...]] = {
    "operators": OPERATORS,
    "element by element": (*ELEMENTWISE, *SPECIAL),
    "reductions": (*REDUCTION, *CUMULATION, *SORTING),
    "laying out": (*STRUCTURE, *ARRANGEMENT, *MATRICES),
    "making": MAKING,
    "linear algebra": (*PRODUCTS, *ALGEBRA),
    "neural": NEURAL,
    "losses": LOSS_OPERATIONS,
    "derivatives": DERIVATIVE_OPERATIONS,
}
"""All rows, by what they are about."""

_ROWS = tuple(row for rows in GROUPS.values() for row in rows)

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


@dataclass(frozen=True)
class Notation:
    """What the grammar knows and no operation is by itself."""

    name: str
    kind: str
    group: str
    signature: str
    meaning: str
    example: str
    kinks: str = ""


_NOTATIONS = (
    Notation("@", "operator", "operators", "a @ b", "matrix product", "ones((2, 3)) @ arange(3)"),
    Notation("and", "operator", "operators", "a and b", "whether both hold", "where(0 < 1 and 1 < 2, 5, 6)"),
    Notation("or", "operator", "operators", "a or b", "whether one holds", "where(0 > 1 or 1 < 2, 5, 6)"),
    Notation("not", "operator", "operators", "not a", "whether it does not hold", "where(not 0 > 1, 5, 6)"),
    Notation(".T", "operator", "operators", "x.T", "axes in reversed order", "ones((2, 3)).T"),
    Notation(
        "len", "function", "laying out", "len(x)", "size of the first axis, a whole number", "len(eye(3))"
    ),
    *(Notation(name, "constant", "constants", name, repr(value), name) for name, value in CONSTANTS.items()),
)


def _second_kinks(row: Operation) -> str:
    """Say what second derivatives are, unless the row does."""
    is_said = not row.kinks or row.is_analytic or "second derivatives" in row.kinks
    return "" if is_said else SECOND_KINKS


def _notation(row: Operation, group: str) -> Notation:
    """Describe an operation."""
    return Notation(
        row.name if row.is_function else row.symbol,
        "function" if row.is_function else "operator",
        group if row.is_function else "operators",
        row.signature,
        row.meaning,
        row.example,
        row.kinks + _second_kinks(row),
    )


def describe_operations() -> list[dict[str, str]]:
    """List operators, functions and constants: name, kind, group, signature, meaning, example, kinks."""
    rows = (_notation(row, group) for group, rows in GROUPS.items() for row in rows if row.is_public)
    order = (*GROUPS, "constants")
    return [asdict(row) for row in sorted((*rows, *_NOTATIONS), key=lambda row: order.index(row.group))]
