"""What the core raises, and the table of messages it raises them with.

    KobaiError
    ├── InvalidRequest      an argument of the wrong type, range or shape
    ├── InvalidFunction     a function text that cannot be understood or checked
    ├── NonFiniteResult     a value or gradient that float64 cannot hold
    ├── OverBudget          a quote beyond a limit
    └── DeadlineExceeded    the time was up, or the client went away

Every error carries faults. A fault's ``pointer`` is a JSON Pointer into the arguments by
their names (``/variables/x``), so that whoever received the arguments can pass it on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MOST_FAULTS = 20
"""As many faults are named in one refusal."""

QUOTED_CHARACTERS = 60
"""Longest excerpt of a client's text that a message repeats."""

LONGEST_VALUE, LONGEST_MESSAGE = 500, 1_000
"""Characters of a value in a message, and of a message: both have room for all that the tables list."""

LONGEST_KEY = 100
"""Characters of a key that a pointer repeats; names have at most 64."""

MESSAGES: dict[str, str] = {
    # arrays and numbers
    "not-finite": "Must be a finite number.",
    "not-an-array": "Must be an array of numbers, got {got}.",
    "empty-array": "An array needs at least one element.",
    "too-many-elements": "Has {count} elements; at most {limit} are allowed.",
    "shape-mismatch": "{first} has shape {first_shape} and {second} has shape {second_shape}; {rule}.",
    "out-of-range": "Must be {rule}, got {got}.",
    "bad-axis": "axis {axis} does not exist in an array of rank {rank}; use {low} to {high}.",
    "bad-label": "Must be a whole number from 0 to {high} (a class label), got {got}.",
    "bad-index-value": "Must be a whole number from {low} to {high} (an index), got {got}.",
    "not-a-probability": "Must be a probability between 0 and 1, got {got}.{hint}",
    "nothing-counts": "The mask leaves no loss.",
    "no-weight": "All weights are 0, so there is no mean.",
    "negative": "Must be 0 or above, got {got}.",
    "not-a-sign": "Must be 1 or -1, got {got}.",
    "not-booleans": "Must be an array of booleans, true where an element counts.",
    "nothing-left": "The mask leaves no element in this slice, so it has no softmax.",
    "step-lost": "The step {h} is lost in rounding: {where} + h equals {where}, which is {value}. Use a larger h.",
    "step-aside": "The step {h} along the line is lost in rounding beside an element of {value}. Use a larger h.",
    "missing-option": "{option} is needed by {needed_by}.",
    "contradicts-state": "The state belongs to {expected}. Send what the state was made with.",
    "bad-state": "This is not a state that an earlier answer gave: {why}. Send it back unchanged, or leave it out.",
    "empty-bounds": "lower is above upper ({lower} > {upper}).",
    "unknown-name-here": "There is no variable of this name; the variables are {known}.",
    "both-products": "Tangents and cotangents ask for different products; give one of them.",
    "curvature-of-product": "Curvature needs the whole Hessian; leave out vectors.",
    "not-a-list-of-names": "Must be a list of names, got {got}.",
    "unknown-key": "There is no such key; the keys are {known}.",
    "not-with": "{option} does not go with {other}.{hint}",
    "wrong-shape": "Has the shape {got}; the shape here is {expected}.",
    "points-and-variables": "Takes the place of variables; give one of them.",
    "unknown-output": "{got} is no name of a statement, or is wanted twice.",
    "first-axis": "Has {got} points, {other} has {expected}; the first axis counts the points and is the same for all names.",
    # the function's text
    "too-long": "The function has {count} characters; at most {limit} are allowed.",
    "too-many-tokens": "The function has more than {limit} tokens.",
    "too-deep": "Parentheses, brackets and calls are nested more than {limit} deep.",
    "empty-function": "The function is empty; write an expression such as x[0]**2 + x[1]**2.",
    "not-ascii": "{got} is not an ASCII character; the language is written in ASCII alone.{hint}",
    "bad-character": "{got} is not part of the language.{hint}",
    "unexpected-token": "Unexpected {got}; expected {expected}.{hint}",
    "unexpected-end": "The function ends here; expected {expected}.",
    "bad-indentation": "The line is indented by {got}; the other lines of this loop are by {expected}.",
    "empty-loop": "The loop has no body; write statements behind its colon, or on indented lines.",
    "too-many-loops": "Loops are nested more than {limit} deep.",
    "not-a-range": "A loop goes over range(stop) or range(start, stop, step), got {got}.",
    "bad-range": "A loop goes over range(stop) or range(start, stop, step) of whole numbers that are known from the text, such as 10 or len(x), its step not 0.",
    "loop-shape": "{got} has shape {after} at the end of a round of the loop and {before} at its beginning; a name that the next round reads keeps its shape.",
    "too-many-operations": "The function has more than {limit} operations when its loops and functions are expanded (setting KOBAI_FUNCTION_OPERATIONS).",
    "unequal-unpacking": "{names} names are assigned {values}.{hint}",
    "no-value": "The last statement is the function's value, an expression or the assignment of one; a loop, a function or several names are none.{hint}",
    "repeated-argument": "The argument {got} stands twice.",
    "arguments-of-function": "{signature} was called with {got}.",
    "not-whole": "{what} is a whole number that is known before anything runs: an integer, len(x), a loop's variable, or + - * // % of them.",
    "no-length": "A scalar has no length.",
    "number-overflow": "The number {got} overflows float64.",
    "bad-name": "{got} is not a name: a letter, then at most 63 letters, digits or underscores.{hint}",
    "unknown-name": "Unknown name {got}.{hint}",
    "unknown-function": "Unknown function {got}.{hint}",
    "function-as-value": "{got} is a function; call it: {signature}.",
    "not-a-function": "{got} is not a function and cannot be called. Elements stand in brackets, as in x[0]; a product has a *.",
    "name-is-reserved": "{got} is reserved; choose another name.",
    "name-taken": "{got} is a variable or a constant of the request, which no statement assigns; choose another name.",
    "name-twice": "{got} stands in both variables and constants.",
    "unused-variable": "The variable {got} does not occur in the function.",
    "misplaced-comparison": "A comparison, and, or, not stand only in the first argument of where(condition, a, b).{hint}",
    "needs-comparison": "This is no comparison; where(condition, a, b), and, or, not take comparisons, such as where(x > 0, x, 0).",
    "wrong-arity": "{signature} takes {expected}, got {got}.{hint}",
    "unknown-keyword": "{signature} has no keyword {got}.{hint}",
    "positional-after-keyword": "A positional argument stands after a keyword argument.{hint}",
    "unnamed-statement": "Only the last statement may omit its name; write name = expression.{hint}",
    "misplaced-literal": "Tuples, True, False and None stand only as options of a function, None also in an index.",
    "repeated-keyword": "{got} is given twice.",
    "needs-literal": "{keyword} of {signature} must be {expected}, written in the text: no variable or constant is known before it runs.{hint}",
    "bad-literal": "{keyword} of {signature} must be {expected}, got {got}.",
    "bad-index": "An index is a whole number, a slice, None, ... or a constant of whole numbers, got {got}.",
    "bad-bound": "A slice's bound is a whole number that is known before anything runs, got {got}.",
    "index-out-of-range": "Index {index} is out of range for axis {axis} of size {size}.",
    "too-many-indices": "{count} indices for an array of rank {rank}.",
    "zero-step": "A slice's step cannot be zero.",
    "empty-result": "This leaves no element: the shape is {shape}.",
    "operand-shapes": "{operator} got {shapes}: {why}.",
    "repeated-axis": "axis {axis} stands twice.",
    "rank-of-result": "{operator} gives the shape {shape}; the highest rank is {limit}.",
    "not-scalar": "The value has shape {shape}; a gradient needs a scalar. Wrap it, for example in sum(...) or mean(...).{hint}",
    "not-analytic": "{got} is not complex-analytic, so complex_step refuses it; use exact or central.",
    # results and budgets
    "non-finite": "{output} became {value} at {operation}.",
    "over-limit": "{what}: asked {asked} {unit}, allowed {allowed} (setting {setting}).",
    "answer-over-limit": "The answer with its {what}: asked {asked} numbers, allowed {allowed} (setting {setting}).{hint}",
    "deadline": "The deadline passed before there was an answer.",
    "deadline-waiting": "The deadline passed before there was an answer; {waited} s of the time went by waiting for other computations.",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where."""

    code: str
    detail: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    within: tuple[int, int] | None = None


def fault(
    code: str,
    pointer: str = "",
    *,
    line: int | None = None,
    column: int | None = None,
    **values: object,
) -> Fault:
    """Make a fault from its row in `MESSAGES`."""
    return Fault(code, fill(MESSAGES[code], values), pointer, line, column)


def fill(template: str, values: Mapping[str, object]) -> str:
    """Put values into a message.

    The template is ours; whatever comes from the client is only ever a value in it. Texts are passed
    through `quote_text` by those who have them; no message grows with what it quotes in any case.

    >>> len(fill("Got {got}.", {"got": "x" * 1_000_000})) <= LONGEST_MESSAGE
    True
    """
    short = {
        name: shorten(value, LONGEST_VALUE) if isinstance(value, str) else value
        for name, value in values.items()
    }
    return shorten(template.format_map(short), LONGEST_MESSAGE)


def quote_text(text: str) -> str:
    r"""Quote a client's text for a message: shortened, controls and non-ASCII escaped.

    >>> quote_text("x\n")
    "'x\\n'"
    """
    return ascii(shorten(str(text), QUOTED_CHARACTERS))


def shorten(text: str, most: int) -> str:
    """Cut a text to so many characters.

    >>> shorten("0123456789", 8)
    '01234...'
    """
    return text if len(text) <= most else text[: most - 3] + "..."


def pointer_to(*keys: str | int) -> str:
    """Build a JSON Pointer (RFC 6901) from object keys and array indices; longer keys are cut short.

    >>> pointer_to("variables", "x", 1)
    '/variables/x/1'
    """
    short = (shorten(str(key), LONGEST_KEY) for key in keys)
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in short)


def order_of_key(key: str) -> tuple[bool, int, str]:
    """Return what keys of a pointer are sorted by: indices come first, as numbers.

    >>> sorted(["x", "10", "9"], key=order_of_key)
    ['9', '10', 'x']
    """
    # Of two rows of digits the longer is the larger number; int() would refuse thousands of them.
    return (False, len(key), key) if key.isdecimal() else (True, 0, key)


def _order(found: Fault) -> tuple[list[tuple[bool, int, str]], int, int]:
    return list(map(order_of_key, found.pointer.split("/"))), found.line or 0, found.column or 0


class KobaiError(Exception):
    """Root of everything that the core raises on purpose.

    Attributes
    ----------
    faults : tuple of Fault
        What is wrong, sorted by place, at most `MOST_FAULTS` of all that were given.

    Examples
    --------
    >>> error = InvalidRequest(fault("empty-array", "/x/10"), fault("empty-array", "/x/9"))
    >>> [each.pointer for each in error.faults]
    ['/x/9', '/x/10']
    """

    def __init__(self, *faults: Fault) -> None:
        self.faults = tuple(sorted(faults, key=_order)[:MOST_FAULTS])
        super().__init__("; ".join(each.detail for each in self.faults))


class InvalidRequest(KobaiError):
    """An argument has the wrong type, range or shape."""


class InvalidFunction(KobaiError):
    """The function's text cannot be understood, or does not fit its arguments."""


class NonFiniteResult(KobaiError):
    """A result is infinite or not a number; its place in the function is known."""


class OverBudget(KobaiError):
    """The quote of a request exceeds a limit."""


class DeadlineExceeded(KobaiError):
    """The time was up, or the client went away, before there was an answer."""
