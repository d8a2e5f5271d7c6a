"""One row of the operations table: all that an operation is.

Adding an operation is one row and its test cases in `tests/core/operation_cases.py`. A row of an
element-wise function has its `array` and `scalar` source and the derivative by each operand. One that is
not element-wise has a rule for `batch` (`again("name")` where NumPy takes leading axes by itself,
`along("name")` where it has the option axis) and, where programs on floats shall hold it, for `lower` or a
`definition` in simpler operations. Differentiating, batching and lowering read the row and know no name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.core.arrays import Shape

if TYPE_CHECKING:
    from service.core.language.graph import Term


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
    example : str
        A text that uses it and needs no variables.
    options : tuple of (str, kind, default)
        Literal keywords; the kind is a key of the checker's table of literals.
    shape : callable
        From the operands' shapes and the options to the result's shape; raises `ShapeFault`.
    cost : float or callable
        Elementary operations per element of the larger of operands and result, or, from the
        operands' shapes, of all together.
    workspace : float
        Arrays of the size of the larger of operands and result that it needs meanwhile.
    reduced_workspace : float
        Further arrays that it needs, of the size of the first operand reduced along its axis: along an axis
        of one element they are as large as the operand.
    array : str
        Source of the operation on arrays, `{0}` the first operand, `{axis}` an option.
    suited : callable
        From the operands' shapes and the options to source for arrays that is faster for these shapes,
        empty where there is none. `{out}` in it is an array of the result's shape, or None.
    ufunc : str
        Name of the NumPy ufunc that computes the same and can write into an operand's buffer.
    out : str
        Source that writes the result into `{out}`, an array of its shape, where that is not a ufunc.
    of_parts : str
        Source of a reduction's result from a list `{0}` of those of parts of the operand, where there is one.
    into : str
        Source that writes into the first operand's buffer, where that is not a ufunc.
    frame, gap : str
        Source of the result without the first operand, and of the index of that operand in it, where the
        operand can be written there directly.
    scalar : str
        Source of an element-wise operation on plain floats; empty when it has a definition, or runs on
        arrays alone.
    derivatives : tuple of callables
        For each operand: from the result's cotangent g, the result y and the operands to the
        operand's cotangent, all as terms; options follow. None where there is no derivative. The rules
        are differentiated in turn, so they use operations that have rules themselves.
    accumulate : callable
        From a cotangent that is known, this result and its operands and options to their sum, where that
        costs less than an addition.
    batch : callable
        From the operands with a leading axis, and the options, to the result with a leading axis: one of
        `service.core.language.batching`, or written there. Element-wise operations need none.
    lower : callable
        From the graph on floats, the node and its operands' elements to the result's elements: one of
        `service.core.language.elements`, or written there. Element-wise operations and those with a
        definition need none; without one a program that uses the operation runs on arrays alone.
    lowered_size : callable
        From the operands' shapes to the number of operations on floats, where that is not about the
        result's number of elements.
    read : callable
        From the operands of a client's call to those that are meant: a constant may stand for something
        else. Raises `ShapeFault` for what is refused there though it broadcasts.
    definition : callable
        The operation in terms of simpler ones, where there is no scalar source.
    on_arrays : callable
        The operation on large arrays in terms of others, which share work and memory with what else is
        computed of the same operands, or None; never differentiated.
    beside : str
        The operation that has to be needed of the same operands, where `on_arrays` gains only then.
    fused : callable
        From the operands and options to a term of the same value that stays exact where this one
        would not, or None: what an operand was made of may allow it.
    shortcut : callable
        From the result's shape, the operands and options to a cheaper term of the same value, or None: one of
        `service.core.language.shortcuts`.
    symbol : str
        The operator's sign, for those that have one.
    usage : str
        How it is written, where that does not follow from the sign.
    is_elementwise, is_view, is_macro : bool
        Whether it acts element by element; only lays elements out anew; is always replaced by
        its definition.
    may_copy, may_skip, is_condition : bool
        Whether a view keeps the elements in their order, so that of some operands it is a copy; whether it
        may leave out, repeat or reverse them, so that no product reads it as it stands; whether the results
        are true or false.
    copies_skipping : bool
        Whether it copies operands that are views with `may_skip`.
    is_in_blocks : bool
        Whether its kernel takes a large array block by block, and needs the workspace of a block alone.
    is_analytic, is_nonnegative : bool
        Whether the complex step may pass through it; whether no result is below 0.
    is_public, is_function, is_variadic : bool
        Whether a client can use it; whether by a call rather than a sign; whether with any number of
        operands of at least one, which only a macro may have.
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
    reduced_workspace: float = 0.0
    suited: Callable[..., str] | None = None
    ufunc: str = ""
    out: str = ""
    of_parts: str = ""
    into: str = ""
    frame: str = ""
    gap: str = ""
    scalar: str = ""
    kinks: str = ""
    example: str = ""
    accumulate: Callable[..., Term] | None = None
    batch: Callable[..., Term] | None = None
    lower: Callable[..., Any] | None = None
    lowered_size: Callable[..., int] | None = None
    read: Callable[..., tuple[Term, ...]] | None = None
    definition: Callable[..., Term] | None = None
    on_arrays: Callable[..., Term | None] | None = None
    beside: str = ""
    fused: Callable[..., Term | None] | None = None
    shortcut: Callable[..., Term | None] | None = None
    symbol: str = ""
    usage: str = ""
    is_elementwise: bool = False
    is_analytic: bool = True
    is_public: bool = True
    is_function: bool = True
    is_variadic: bool = False
    is_view: bool = False
    may_copy: bool = False
    may_skip: bool = False
    copies_skipping: bool = False
    is_in_blocks: bool = False
    is_condition: bool = False
    is_macro: bool = False
    is_nonnegative: bool = False

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """Name values of its options, which stand in the options' order."""
        return dict(zip([name for name, _, _ in self.options], values, strict=True))

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
