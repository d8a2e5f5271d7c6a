"""What people write from habit, and what to write instead."""

from __future__ import annotations

import re

from service.core.language.operations import CONSTANTS, FUNCTIONS
from service.core.suggestions import ALIASES

SYMBOLS = {
    "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "∕": "/",
    "²": "**2", "³": "**3", "⁴": "**4", "¹": "**1", "½": "1/2", "π": "pi", "≤": "<=", "≥": ">=", "≠": "!=",
    "√": "sqrt(x)", "∑": "sum(x)", "Σ": "sum(x)", "∏": "prod(x)", "‖": "norm(x)", "∞": "a large number",
    "“": "names without quotes", "”": "names without quotes", "‘": "names without quotes",
    "’": "names without quotes", "\u00a0": "an ordinary space",
}  # fmt: skip
"""Signs of mathematics and typography that are not ASCII."""

CHARACTERS = {
    "'": " There are no strings; a transpose is x.T.",
    '"': " There are no strings.",
    "^": " Write ** for a power.",
    "_": " A name begins with a letter, and numbers have no underscores.",
    "{": " Group with parentheses.",
    "\\": " Inside parentheses an expression may go on in the next line.",
    "&": " Write: a and b.",
    "|": " Write: a or b; and abs(x) for a magnitude.",
    "~": " Write: not a.",
    "!": " Write: not a, or != between two expressions.",
    "?": " Write where(condition, a, b).",
    "$": " Write the formula without dollar signs.",
}
"""Characters that are often tried."""

WORDS = {
    "if": " Write where(condition, a, b).",
    "else": " Write where(condition, a, b).",
    "lambda": " Define a function as f(x) = expression.",
    "def": " Define a function as f(x) = expression.",
    "return": " The last statement is the value.",
    "while": " Loops have a known number of rounds: for k in range(n): ...",
    "import": " All functions are known without importing them.",
    "from": " All functions are known without importing them.",
    "is": " Compare with ==.",
    "in": " A loop is written for k in range(n): ...",
    "for": " A loop is written for k in range(n): ...",
    "[": " There are no lists; write stack(a, b), or concatenate(a, b).",
    "True": " Compare numbers, as in where(x > 0, a, b).",
    "False": " Compare numbers, as in where(x > 0, a, b).",
    "=": " Compare with ==; a name is assigned at the beginning of a statement.",
}
"""Words and signs of other languages, where they are met in place of something else."""

COMPARISONS = {"=>": ">=", "=<": "<=", "<>": "!="}
"""Comparisons as others write them; their second sign is met where an expression is meant."""

LOGIC = {"and", "or", "not"}
"""Words that are no operand."""

EQUALITY = " Compare with ==, as in where(x == 1, a, b)."
UNPACKING = " The elements of an array are assigned one by one: a, b = x[0], x[1]."
BODY = " It is part of a loop, whose body goes on to the end of its line; what comes after begins a new line."
VALUES = {
    "definition": " Write the expression alone, or call the function in another statement.",
    "loop": " Write the name of the result in another line.",
}
"""What makes a value of the last statement, by its kind."""

TORCH = {"torch", "nn", "F"}
"""What PyTorch's functions are called by."""

_ATTRIBUTE = re.compile(r"\.[ \t]*([A-Za-z][A-Za-z0-9_.]{0,63})")
_OWNER = re.compile(r"([A-Za-z][A-Za-z0-9_]*)[ \t]*$")
_WORD = re.compile(r"[A-Za-z]+")
_OPTION = re.compile(r", \w+=[^,)]*")


def hint_for_symbol(character: str) -> str:
    """Say how a character that is not ASCII is written."""
    return f" Write {SYMBOLS[character]}." if character in SYMBOLS else ""


def hint_for_character(text: str, position: int) -> str:
    """Say what to write in place of a character that is not part of the language."""
    if text[position : position + 1] == ".":
        return _hint_for_attribute(text, position)
    return CHARACTERS.get(text[position : position + 1], "")


def _hint_for_attribute(text: str, position: int) -> str:
    """Say how a function of a module or a method is called."""
    found = _ATTRIBUTE.match(text, position)
    name = found[1].rpartition(".")[2] if found else ""
    owner = _OWNER.search(text[:position])
    is_torch = owner is not None and owner[1] in TORCH
    written = ALIASES.get(f"torch.{name}" if is_torch else name) or ALIASES.get(name)
    function = FUNCTIONS.get(name) or FUNCTIONS.get(name.lower())
    if written is None and function is not None:
        written = _OPTION.sub("", function.signature)
    if written:
        return f" Write {written}."
    if name in CONSTANTS:
        return f" Write {name}."
    if text[position + 1 : position + 2] in ("*", "/", "^"):
        return " Operators work element by element without a dot."
    return " There are no attributes and methods; call functions as sum(x)."


def hint_for_token(text: str, position: int, found: str) -> str:
    """Say what to write in place of a token that does not fit."""
    comparison = COMPARISONS.get(text[max(position - 1, 0) : position] + found)
    if comparison is not None:
        return f" Write {comparison}."
    before = text[:position].rstrip(" \t")
    if found in (":", ",") and before.rpartition("\n")[2].lstrip().startswith("for "):
        return WORDS["for"]
    word = _OWNER.search(before)
    is_behind_operand = before[-1:] in (")", "]") or before[-1:].isdigit() or word is not None
    if found == "," and is_behind_operand and not (word and word[1] in LOGIC):
        is_number = before[-1:].isdigit() and text[position + 1 : position + 2].isdigit()
        return " Numbers have a decimal point." if is_number else " Write stack(a, b) for a vector."
    if found in WORDS:
        return WORDS[found]
    if word is not None and word[1] in WORDS:
        return WORDS[word[1]]
    if word is not None and word[1] in FUNCTIONS and found[0].isalnum():
        return f" Write {_OPTION.sub('', FUNCTIONS[word[1]].signature)}."
    if _WORD.match(found) and before[-1:].isdigit():
        return " Write * between the factors of a product."
    if found == "(" and before[-1:] in "0123456789)]":
        return " Write * between the factors of a product."
    return ""
