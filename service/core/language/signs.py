"""What characters outside of the language mean where they come from, and what to write instead."""

from __future__ import annotations

import re
import unicodedata

from service.core.language.foreign import ALIASES, DROPPED
from service.core.language.operations import CONSTANTS, FUNCTIONS

SYMBOLS = {
    "−": "-", "–": "-", "—": "-", "‒": "-", "‑": "-", "ー": "-", "ｰ": "-", "×": "*", "·": "*", "⋅": "*",
    "∗": "*", "∘": "*", "⊙": "*", "•": "*", "・": "*", "∙": "*", "÷": "/", "∕": "/",
    "⁄": "/", "↑": "**", "←": "=", "≤": "<=", "≥": ">=",
    "≠": "!=", "≈": "==", "∧": "and", "∨": "or", "¬": "not a", "√": "sqrt(x)", "∛": "cbrt(x)",
    "∜": "x**(1/4)", "∑": "sum(x)", "Σ": "sum(x)", "∏": "prod(x)", "Π": "prod(x)", "‖": "norm(x)",
    "∥": "norm(x)", "⌊": "floor(x)", "⌋": "floor(x)", "⌈": "ceil(x)", "⌉": "ceil(x)", "⟨": "dot(a, b)",
    "⟩": "dot(a, b)", "ᵀ": ".T", "⊤": ".T", "π": "pi", "°": "*pi/180", "∞": "a large number",
    "、": ",", "。": ";", "…": "a loop or a sum over all elements",
    "∇": "the function alone; the answer has its gradient",
    "∂": "the function alone; the answer has its derivatives", "∫": "a sum over linspace(a, b, n)",
    "“": "names without quotes", "”": "names without quotes", "‘": "names without quotes",
    "’": "names without quotes", "′": "names without quotes", "\u00a0": "an ordinary space",
}  # fmt: skip
"""Signs of mathematics and typography that are not ASCII."""

CHARACTERS = {
    "'": " There are no strings; a transpose is x.T, a product of matrices a @ b.",
    '"': " There are no strings; a comment begins with #.",
    "^": " Write ** for a power.",
    "_": " A name begins with a letter, and numbers have no underscores.",
    "{": " Group with parentheses; statements are parted by ; or by new lines.",
    "}": " Group with parentheses; statements are parted by ; or by new lines.",
    "&": " Write: a and b.",
    "|": " Write: a or b; and abs(x) for a magnitude, norm(x) for a length.",
    "~": " Write: not a.",
    "!": " Write: not a, or != between two expressions.",
    "?": " Write where(condition, a, b).",
    "$": " Write the formula without dollar signs.",
    "`": " Write names without quotes.",
}
"""Characters that are often tried."""

FACTORIAL = " A factorial is exp(lgamma(x + 1))."
FORMULA = " A fit is the least of sum((y - model)**2)."
TRANSPOSE = " A transpose is x.T, a product of matrices a @ b."

TEX = {
    "frac": "(a)/(b)", "dfrac": "(a)/(b)", "tfrac": "(a)/(b)", "cdot": "*", "times": "*", "div": "/",
    "sum": "sum(x)", "prod": "prod(x)", "ln": "log(x)", "le": "<=", "leq": "<=", "ge": ">=", "geq": ">=",
    "ne": "!=", "neq": "!=", "lVert": "norm(x)", "rVert": "norm(x)", "Vert": "norm(x)", "lvert": "abs(x)",
    "rvert": "abs(x)", "vert": "abs(x)", "top": ".T", "left": "the parenthesis alone",
    "right": "the parenthesis alone", "operatorname": "the name alone", "text": "the name alone",
    "mathrm": "the name alone", "mathbf": "the name alone", "hat": "the name alone",
    "bar": "the name alone", "vec": "the name alone", "boldsymbol": "the name alone", "quad": "a space",
    "int": SYMBOLS["∫"], "nabla": SYMBOLS["∇"], "partial": SYMBOLS["∂"], "infty": SYMBOLS["∞"],
}  # fmt: skip
"""Commands of TeX."""

TORCH = {"torch", "nn", "F"}
"""What PyTorch's functions are called by."""

MODULES = TORCH | {
    "K", "Math", "cmath", "jax", "jnp", "keras", "linalg", "math", "np", "numpy", "scipy", "sp", "special",
    "stats", "sym", "sympy", "tf",
}  # fmt: skip
"""What functions of other libraries are called by."""

DOTTED = frozenset("*/^+-<>='\\(")
"""What stands behind the dot of an operator, or of a call, on each element."""

_ATTRIBUTE = re.compile(r"\.[ \t]*([A-Za-z][A-Za-z0-9_.]{0,63})")
_OPTION = re.compile(r", \w+=[^,)]*")
_POWER = re.compile(r"\^[ \t]*(?:\{[ \t]*)?(-?[0-9]+)")
_TRANSPOSED = re.compile(r"\^[ \t]*(?:\{[ \t]*)?(?:T\b|\\top|\\intercal|')")
_TEX = re.compile(r"\\([A-Za-z]+)")
_GREEK = re.compile(r"GREEK (?:SMALL |CAPITAL )?(?:LETTER )?(?:FINAL |LUNATE )?(\w+)")
_GREEK_NAMES = {
    _GREEK.sub(r"\1", unicodedata.name(chr(code))).replace("LAMDA", "LAMBDA") for code in range(0x3B1, 0x3CA)
}
_LAST_WORD = re.compile(r"([A-Za-z][A-Za-z0-9_]*)[ \t]*$")


def word_before(text: str, position: int) -> str:
    """Return the name or word that stands right before a position, or nothing."""
    found = _LAST_WORD.search(text, max(position - 64, 0), position)
    return found[1] if found else ""


def is_behind_operand(text: str, position: int) -> bool:
    """Tell whether a position stands behind what may be an operand."""
    return re.search(r"[A-Za-z0-9_)\]][ \t]*$", text[max(position - 64, 0) : position]) is not None


def written_for(name: str, owner: str = "", path: str = "") -> str | None:
    """Return what is written for a function of another library, None where nothing is known of it."""
    whole = f"{owner}.{path or name}"
    keys = [whole, ".".join(whole.split(".")[-2:]), f"torch.{name}" if owner in TORCH else name, name]
    for key in keys:
        written = ALIASES.get(key, ALIASES.get(key.lower()))
        if written is not None:
            return written
    function = FUNCTIONS.get(name) or FUNCTIONS.get(name.lower())
    if function is not None:
        return signature_of(function.name)
    return name.lower() if name.lower() in CONSTANTS else None


def signature_of(name: str) -> str:
    """Write the call of a function, its options left out."""
    return _OPTION.sub("", FUNCTIONS[name].signature)


def hint_for_symbol(text: str, position: int) -> str:
    """Say how a character that is not ASCII is written."""
    character = text[position]
    if "#" in text[text.rfind("\n", 0, position) + 1 : position]:
        return " Comments are ASCII as well."
    if character in SYMBOLS:
        return f" Write {SYMBOLS[character]}."
    for tag, hint in (("<super>", _hint_for_exponent), ("<sub>", _hint_for_lowered)):
        if unicodedata.decomposition(character).startswith(tag):
            return hint(text, position, _run_of(text, position, tag))
    plain = unicodedata.normalize("NFKC", character).replace("⁄", "/")
    if plain.isascii():
        return CHARACTERS.get(plain, f" Write {plain}." if plain.strip() else " Write an ordinary space.")
    greek = _GREEK.match(unicodedata.name(plain[0], ""))
    if greek is not None:
        name = greek[1].replace("LAMDA", "LAMBDA")
        return f" Write its name, {name.lower() if plain.islower() else name.title()}."
    letter = unicodedata.normalize("NFKD", plain)[0]
    if letter.isascii() and letter.isalpha():
        return f" Names are of ASCII letters; write {letter}."
    return " Names are of ASCII letters, digits and underscores." if plain.isalpha() else ""


def _run_of(text: str, position: int, tag: str) -> str:
    """Return the characters from there that are raised or lowered alike, as they are on the line."""
    end = position
    while end < len(text) and unicodedata.decomposition(text[end]).startswith(tag):
        end += 1
    return unicodedata.normalize("NFKC", text[position:end]).replace("−", "-")


def _hint_for_lowered(text: str, position: int, run: str) -> str:
    name = word_before(text, position)
    if name in FUNCTIONS:
        return f" Write {signature_of(f'{name}{run}' if f'{name}{run}' in FUNCTIONS else name)}."
    if run.isdigit():
        return f" Write {name}{run} for a name, {name or 'x'}[0] for the first element."
    return f" Functions work on whole arrays; write {name or 'x'}."


def _hint_for_exponent(text: str, position: int, exponent: str) -> str:
    """Say how a power is written, behind the name of a function too: sin²x."""
    name = word_before(text, position)
    if name not in FUNCTIONS:
        return f" Write **{exponent}."
    inverse = f"arc{name}"
    if exponent == "-1":
        return f" Write {inverse}(x)." if inverse in FUNCTIONS else f" Write 1/{name}(x)."
    return f" Write {name}(x)**{exponent}."


def hint_for_character(text: str, position: int) -> str:
    """Say what to write in place of a character that is not part of the language."""
    character = text[position : position + 1]
    if character == ".":
        return _hint_for_attribute(text, position)
    if character == "\\":
        return _hint_for_backslash(text, position)
    if character == "^":
        return _hint_for_caret(text, position)
    if character == "!" and is_behind_operand(text, position):
        return FACTORIAL
    if character == "~" and is_behind_operand(text, position):
        return FORMULA
    if text[position : position + 2] == "|>":
        return " Call functions as sum(x)."
    return CHARACTERS.get(character, "")


def _hint_for_caret(text: str, position: int) -> str:
    power, name = _POWER.match(text, position), word_before(text, position)
    if name in FUNCTIONS:
        return _hint_for_exponent(text, position, power[1]) if power else f" Write {signature_of(name)}."
    return TRANSPOSE if _TRANSPOSED.match(text, position) else CHARACTERS["^"]


def _hint_for_backslash(text: str, position: int) -> str:
    """Say what TeX's command, MATLAB's division or the end of a line stands for."""
    command = _TEX.match(text, position)
    if command is None:
        is_last = not text[position + 1 :].partition("\n")[0].strip()
        return (
            " Inside parentheses an expression goes on in the next line."
            if is_last
            else " Write solve(A, b)."
        )
    name = command[1]
    written = TEX.get(name) or written_for(name)
    if written:
        return f" Write {written}."
    if name.upper() not in _GREEK_NAMES and text[position - 1 : position].isalnum():
        return " Write solve(A, b)."
    return f" Write {name}."


def _hint_for_attribute(text: str, position: int) -> str:
    """Say how a function of a module or a method is called."""
    found = _ATTRIBUTE.match(text, position)
    owner = word_before(text, position)
    if found is None:
        is_dotted = text[position + 1 : position + 2] in DOTTED
        return " Operators and functions work element by element without a dot." if is_dotted else ""
    path = found[1].strip(".")
    name = path.rpartition(".")[2]
    written = written_for(name, owner, path)
    if written:
        return f" Write {written}."
    if path in ("rm", "omit") and owner == "na":
        return " Leave it out: every number of a request is finite."
    if owner in ("self", "this", "params", "args") or name in ("symbols", "Symbol"):
        return " The names are those of the variables and constants of the request, written alone."
    if written == "" or owner in MODULES:
        return f" Nothing here is like {name}; GET /functions lists all functions."
    if name in DROPPED:
        return f" Leave .{name} out: everything is computed in float64."
    return " There are no attributes and methods; call functions as sum(x)."
