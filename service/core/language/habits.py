"""What people write from habit, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from service.core.language.foreign import ALIASES, CALLED, VALUES
from service.core.language.operations import FUNCTIONS
from service.core.language.signs import is_behind_operand, signature_of, word_before, written_for
from service.core.suggestions import hint_for

ALONE = " Write its expression alone; a function that others call is f(x) = expression."
COMPREHENSION = " Functions and operators work on whole arrays: sum(x**2), or a loop for k in range(n): ..."
ARRAYS = " There are no lists; write stack(a, b), or concatenate(a, b)."
MATRIX = " There are no lists; the rows of a matrix are stack(stack(a, b), stack(c, d))."
PRODUCT = " Write * between the factors of a product."
DECLARATION = " Write name = expression, without a word before it."
ELEMENTS = (
    " Elements are not assigned; stack(a, b) and concatenate(a, b) make arrays, and a loop carries names."
)
EQUATION = (
    " A name is assigned where a statement begins; == compares, and a = b is solved as the least (a - b)**2."
)
CONDITION = " Ranges stand in the field bounds; another condition is a penalty in the function."
CELLS = " A range of cells is an array, sent with the request under a name of its own."
SLICE = " Slices stand in brackets and count from 0, as in x[1:]; whole numbers are arange(start, stop)."

WORDS = {
    "if": " Write where(condition, a, b).",
    "else": " Write where(condition, a, b).",
    "lambda": ALONE,
    "function": ALONE,
    "def": ALONE,
    "return": " The last statement is the value, without return.",
    "while": " Loops have a known number of rounds: for k in range(n): ...",
    "import": " All functions are known without importing them.",
    "from": " All functions are known without importing them.",
    "using": " All functions are known without importing them.",
    "is": " Compare with ==.",
    "in": " A loop is written for k in range(n): ...",
    "for": " A loop is written for k in range(n): ... with elements x[k].",
    "print": " The last statement is the value, without print.",
    "minimize": " Write the expression alone.",
    "maximize": " Write the expression alone, with a - before it.",
    "dx": " Write the function alone; the answer has its derivatives.",
    "where": " Write where(condition, a, b).",
    "subject": CONDITION,
    "such": CONDITION,
    "[": ARRAYS,
    "True": " Compare numbers, as in where(x > 0, a, b).",
    "False": " Compare numbers, as in where(x > 0, a, b).",
}
"""Words and signs of other languages, where they are met in place of something else."""

NAMES = {
    "float": " Everything is computed in float64; leave it out.",
    "int": " Everything is computed in float64; leave it out.",
    "TRUE": " Options are True and False.",
    "FALSE": " Options are True and False.",
    "true": " Options are True and False.",
    "false": " Options are True and False.",
    "return": WORDS["return"],
    "end": " The last element is x[-1], and a loop ends with the last line that is indented.",
}
"""Names of other languages, where nothing is assigned to them."""

DECLARING = frozenset(
    [
        "auto",
        "const",
        "double",
        "end",
        "float",
        "function",
        "int",
        "let",
        "local",
        "long",
        "my",
        "real",
        "static",
        "val",
        "var",
    ]
)
"""Words that stand before names elsewhere."""

EXTREMES = {
    "min": " Write the expression alone to minimize it, min(x) for the smallest element.",
    "max": " Write -(x) to maximize x, max(x) for the largest element.",
    "argmin": " Write the expression alone; the answer has where it is least.",
    "argmax": " Write -(x) to maximize x; the answer has where it is largest.",
}
"""Words before an expression that mean the problem, or the function."""

KEYWORDS = frozenset(
    ["as", "assert", "await", "class", "given", "of", "then", "to", "when", "with", "xor", "yield"]
)
"""Words that are no factor of a product."""

COMPARISONS = {"=>": ">=", "=<": "<=", "<>": "!=", "===": "==", "!==": "!=", ":=": "="}
"""Signs as others write them; their last one is met where something else is meant, of := the first."""

OF_R = {"%*": "a @ b", "%%": "a % b", "%/": "a // b"}
"""R's operators, by their first two signs; the second is met where an expression is meant."""

LOGIC = {"and", "or", "not"}
"""Words that are no operand."""

EQUALITY = " Compare with ==, as in where(x == 1, a, b)."
ASSIGNMENT = " Write = in place of <-."
AS_A_NUMBER = " where(condition, 1, 0) is a number."
AS_AN_INDEX = " The sum of the chosen elements is sum(where(condition, x, 0))."
UNPACKING = " The elements of an array are assigned one by one: a, b = x[0], x[1]."
BODY = " It is part of a loop, whose body goes on to the end of its line; what comes after begins a new line."
NO_VALUE = {
    "definition": " Write the expression alone, or call the function in another statement.",
    "loop": " Write the name of the result in another line.",
}
"""What makes a value of the last statement, by its kind."""

_WORD = re.compile(r"[A-Za-z]+")
_HEAD = re.compile(r"[\w \t,()\[\]=]*")
_DECLARED = re.compile(r"[ \t]*(?:" + "|".join(sorted(DECLARING)) + r")\b")
_SUFFIX = re.compile(r"[0-9.](?:[dD][0-9]+|[fFlLj]|(?<=0)[xX][0-9a-fA-F]+)\b")
_CELLS = re.compile(r"\b\$?[A-Z]{1,3}\$?[0-9]+:\$?[A-Z]{1,3}\$?[0-9]+")
_COMPREHENDS = re.compile(r"\bfor\b")
_PARTED_BY_BLANKS = re.compile(r"[0-9.][ \t]+[0-9.]")  # the numbers of a list in MATLAB
_LOOP = re.compile(r"(?:^|[;\n])[ \t]*for\b[^:;\n]*$")  # up to its colon
_OF_FUNCTION = re.compile(r"\bfunction[ \t]*\([^()]*\)$")


def hint_for_call(name: str, known: Iterable[str], options: Mapping[str, str]) -> str:
    """Say what the call of an unknown function may mean; of R's densities with log=TRUE, their logarithm."""
    if name in WORDS:
        return WORDS[name]
    if options.get("log") in ("TRUE", "True", "T") and f"{name}.log" in ALIASES:
        return f" Write {ALIASES[f'{name}.log']}."
    written = CALLED.get(name, ALIASES.get(name))
    return " Nothing here is like it." if written == "" else hint_for(name, known, {**ALIASES, **CALLED})


def hint_for_name(name: str, known: Iterable[str]) -> str:
    """Say what an unknown name may mean where it is not called."""
    return NAMES.get(name) or hint_for(name, known, VALUES)


def hint_for_token(text: str, position: int, found: str) -> str:
    """Say what to write in place of a token that does not fit."""
    before = text[:position].rstrip(" \t")
    line = text[text.rfind("\n", 0, position) + 1 :].partition("\n")[0]
    if _is_arrow(line) or _OF_FUNCTION.search(before):
        return ALONE
    for start, end in ((position - 2, position + 1), (position - 1, position + 1), (position, position + 2)):
        sign = COMPARISONS.get(text[max(start, 0) : end])
        if sign is not None:
            return f" Write {sign}."
    loop = _LOOP.search(before)
    if loop and (found in (":", ",") or "range" not in loop[0]):
        return WORDS["for"]
    return _hint_for_sign(text, position, found, before) or _hint_for_words(text, position, found, before)


def _is_arrow(line: str) -> bool:
    """Tell whether a line begins with a function written by an arrow: x => x*x, f = (x, y) -> x*y."""
    behind = _HEAD.sub("", line, count=1)
    head = line[: len(line) - len(behind)]
    is_closed = head.count("(") == head.count(")")
    return is_closed and (behind.startswith("->") or (behind.startswith(">") and head.endswith("=")))


def _hint_for_sign(text: str, position: int, found: str, before: str) -> str:
    """Say what to write in place of a sign."""
    if found == "[" and not is_behind_operand(text, position):
        return _hint_for_list(text, position)
    if found == "=":
        return _hint_for_equals(before)
    if found == "@" and text[position + 1 : position + 2] == "(":
        return ALONE
    if found == ";":
        is_loop = before.rpartition("\n")[2].lstrip().startswith("for")
        return WORDS["for"] if is_loop else " Arguments are parted by commas."
    if found in ("%", "//") and before[-1:] in ("", ";", "\n"):
        return " A comment begins with #."
    if found == "...":
        return " Inside parentheses an expression goes on in the next line."
    if found == ":" and before.endswith(":"):
        return ""
    if found == ":":
        return _hint_for_colon(text, position)
    if (
        before.endswith("%") and text[position : position + 2] in ("*%", "/%")
    ) or f"{before[-1:]}{found}" == "%%":
        return f" Write {OF_R['%' + found]}."
    return ""


def _hint_for_list(text: str, position: int) -> str:
    """Say what to write for a list, by what is in it."""
    depth = 0
    for place in range(position, len(text)):
        depth += (text[place] in "([") - (text[place] in ")]")
        if depth == 0:
            if _COMPREHENDS.search(text, position, place):
                return COMPREHENSION
            return ARRAYS if _PARTED_BY_BLANKS.search(text, position, place) else " Group with parentheses."
        if depth == 1 and text[place] == ";":
            return ARRAYS
        if depth == 1 and text[place] == "," and not _COMPREHENDS.search(text, position, place):
            return MATRIX if text[position + 1 :].lstrip()[:1] == "[" else ARRAYS
    return ARRAYS


def _hint_for_equals(before: str) -> str:
    line = before.rpartition("\n")[2]
    if not line.strip():
        return " Write the expression alone, without = before it."
    if _DECLARED.match(line):
        return DECLARATION
    return ELEMENTS if line.endswith("]") else EQUATION


def _hint_for_colon(text: str, position: int) -> str:
    path = re.match(r"::[ \t]*(\w+)", text[position : position + 70])
    if path is None:
        return CELLS if _CELLS.search(text[max(position - 9, 0) : position + 9]) else SLICE
    written = written_for(path[1], word_before(text, position))
    return f" Write {written}." if written else f" Write {path[1]} without what stands before it."


def _hint_for_words(text: str, position: int, found: str, before: str) -> str:
    """Say what to write in place of a word, or of what stands behind one."""
    word = word_before(text, position)
    is_number_before = not word and (before[-1:].isdigit() or before[-1:] == ".")
    is_behind = is_behind_operand(text, position)
    if _SUFFIX.match(text, max(position - 1, 0)):
        return " Numbers are written as 1.5 or 1e3, without letters behind."
    if is_number_before and found[:1].isdigit():
        return " Numbers have no blanks and one decimal point."
    if found == "," and is_behind and word not in LOGIC:
        is_number = before[-1:].isdigit() and text[position + 1 : position + 2].isdigit()
        return " Numbers have a decimal point." if is_number else " Write stack(a, b) for a vector."
    if text.startswith("s.t", position):
        return CONDITION
    if found in WORDS:
        return COMPREHENSION if found == "for" and is_behind else WORDS[found]
    if word in WORDS:
        return WORDS[word]
    if word in DECLARING:
        is_function = word == "function" or text[position + len(found) :].lstrip().startswith("(")
        return ALONE if is_function else DECLARATION
    if not found[:1].isalnum() and found != "(":
        return ""
    if word in EXTREMES:
        return EXTREMES[word]
    if word in FUNCTIONS and not is_number_before:
        return f" Write {signature_of(word)}."
    if ALIASES.get(found.lower(), "").startswith("a "):
        return f" Write {ALIASES[found.lower()]}."
    if ALIASES.get(word) and found != "(" and word not in LOGIC:
        return f" Write {ALIASES[word]}."
    is_factor = _WORD.match(found) or is_number_before or before[-1:] in (")", "]") or word
    is_word = word in LOGIC or word in KEYWORDS or found in KEYWORDS
    return PRODUCT if is_behind and is_factor and not is_word else ""
