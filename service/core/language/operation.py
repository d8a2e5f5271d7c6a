"""One row of the operations table: what an operation is to the checker, the generator and the caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.core.language.graph import Term

Shape = tuple[int, ...]


class ShapeFault(Exception):
    """Shapes that do not fit an operation; the text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One row of the operations table.

    Attributes
    ----------
    name, operands : str, tuple of str
        How it is called; the operands' names as in the signature.
    meaning, kinks : str
        One line each for `GET /functions`.
    options : tuple of (str, kind, default)
        Literal keywords; the kind is a key of the checker's table of literals.
    shape : callable
        From the operands' shapes and the options to the result's shape; raises `ShapeFault`.
    cost : float or callable
        Elementary operations per element of the larger of operands and result, or, from the
        operands' shapes, of all together.
    workspace : float
        Arrays of the size of the larger of operands and result that it needs meanwhile.
    array : str
        Source of the operation on arrays, `{0}` the first operand, `{axis}` an option.
    ufunc : str
        Name of the NumPy ufunc that computes the same and can write into an operand's buffer.
    into : str
        Source that writes into the first operand's buffer, where that is not a ufunc.
    scalar : str
        Source of the operation on plain floats; empty when it is lowered to others.
    derivatives : tuple of callables
        For each operand: from the result's cotangent g, the result y and the operands to the
        operand's cotangent, all as terms. None where there is no derivative.
    definition : callable
        The operation in terms of simpler ones, where there is no scalar source.
    fused : callable
        From the operands and options to a term of the same value that stays exact where this one
        would not, or None: what an operand was made of may allow it.
    symbol : str
        The operator's sign, for those that have one.
    usage : str
        How it is written, where that does not follow from the sign.
    is_elementwise, is_view, is_macro : bool
        Whether it acts element by element; only lays elements out anew; is always replaced by
        its definition.
    is_analytic, is_nonnegative : bool
        Whether the complex step may pass through it; whether no result is below 0.
    is_public, is_function : bool
        Whether a caller can use it; whether by a call rather than a sign.
    """

    name: str
    operands: tuple[str, ...]
    meaning: str
    shape: Callable[..., Shape]
    array: str
    derivatives: tuple[Callable[..., Term] | None, ...] = ()
    options: tuple[tuple[str, str, Any], ...] = ()
    cost: float | Callable[..., float] = 1.0
    workspace: float = 0.0
    ufunc: str = ""
    into: str = ""
    scalar: str = ""
    kinks: str = ""
    definition: Callable[..., Term] | None = None
    fused: Callable[..., Term | None] | None = None
    symbol: str = ""
    usage: str = ""
    is_elementwise: bool = False
    is_analytic: bool = True
    is_public: bool = True
    is_function: bool = True
    is_view: bool = False
    is_macro: bool = False
    is_nonnegative: bool = False

    @property
    def signature(self) -> str:
        """The call as a person writes it."""
        if self.usage:
            return self.usage
        if not self.is_function:
            return f" {self.symbol} ".join(self.operands) if len(self.operands) > 1 else f"{self.symbol}x"
        options = tuple(f"{name}={default!r}" for name, _, default in self.options if default is not REQUIRED)
        required = tuple(name for name, _, default in self.options if default is REQUIRED)
        return f"{self.name}({', '.join(self.operands + required + options)})"


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()
"""The default of an option that has none."""
