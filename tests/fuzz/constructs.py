"""What is written in another way than it is computed: conditions, indices, loops, functions, reassignment.

Each writes what the tree knows as plain operations.
"""

from __future__ import annotations

import re

import numpy as np

COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")

CONDITIONS = (*COMPARISONS, "logical_and", "logical_or", "logical_not")

STEADY = ("sin", "tanh", "sigmoid", "arctan", "abs", "softplus", "square")
"""What a loop may apply to its own result without end: the shape stays, and the size of numbers nearly."""

SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}


def condition(draft, depth=2):
    """Draw a comparison, a chain of them, or conditions joined by `and`, `or` and `not`."""
    way = draft.random.choice(["one", "one", "chain", "and", "or", "not"] if depth else ["one"])
    if way == "one":
        return draft.apply(draft.random.choice(COMPARISONS), draft.node(), draft.node())
    if way == "chain":
        return chain(draft)
    parts = [condition(draft, depth - 1) for _ in range(1 if way == "not" else 2)]
    if None in parts:
        return None
    text = f"(not {parts[0].text})" if way == "not" else f"({parts[0].text} {way} {parts[1].text})"
    return draft.apply(f"logical_{way}", *parts, text=text)


def chain(draft):
    """Write a < b <= c, which is a < b and b <= c."""
    first, middle, last = (draft.node() for _ in range(3))
    signs = [draft.random.choice(["less", "less_equal", "greater"]) for _ in range(2)]
    pairs = [draft.apply(signs[0], first, middle), draft.apply(signs[1], middle, last)]
    if None in pairs:
        return None
    symbols = [draft.symbol(sign) for sign in signs]
    text = f"({first.text} {symbols[0]} {middle.text} {symbols[1]} {last.text})"
    return draft.apply("logical_and", *pairs, text=text)


class Places(np.ndarray):
    """An index array, with the name of the constant that holds it."""

    name = ""


def places(draft, size):
    """Add a constant of whole numbers that indexes an axis."""
    random = np.random.default_rng(draft.random.randrange(2**32))
    values = random.integers(-size, size, draft.random.choice([(2,), (3,), (2, 2), ()]))
    array = np.asarray(values).view(Places)
    array.name = draft.constant(None, values).text
    return array


def items(draft, shape):
    """Draw integers, slices, new axes, an ellipsis and index arrays; a scalar has no axis to index."""
    is_fancy = draft.is_so(0.3)
    drawn: list = []
    for size in shape[: draft.random.randint(1, len(shape) or 1)] or (1,):
        if size and is_fancy and draft.is_so(0.6):
            drawn.append(places(draft, size))
        elif size and draft.is_so(0.5):
            drawn.append(draft.random.randrange(-size, size))
        else:
            drawn.append(part(draft.random))
        if draft.is_so(0.15):
            drawn.insert(draft.random.randint(0, len(drawn)), None)
    if draft.is_so(0.15):
        drawn.insert(draft.random.choice([0, len(drawn)]), ...)
    return tuple(drawn)


def part(random):
    """Draw a slice."""
    start, stop = (random.choice([None, None, -3, -1, 0, 1, 2]) for _ in range(2))
    return slice(start, stop, random.choice([None, None, 1, 2, -1, -2]))


def written(item):
    """Write a subscript or an option as it stands in a function."""
    if isinstance(item, slice):
        parts = ["" if bound is None else str(bound) for bound in (item.start, item.stop, item.step)]
        return ":".join(parts[: 3 if parts[2] else 2])
    return item.name if isinstance(item, Places) else "..." if item is ... else repr(item)


def indexed(x, items):
    """Index as NumPy does; index arrays parted by something else are refused."""
    arrays = [place for place, item in enumerate(items) if isinstance(item, (Places, int))]
    is_fancy = any(isinstance(item, Places) for item in items)
    if is_fancy and arrays != list(range(arrays[0], arrays[-1] + 1)):
        raise ValueError("index arrays are parted")
    plain = [np.asarray(item) if isinstance(item, Places) else item for item in items]
    return np.asarray(x[tuple(plain)], dtype=object)


def assigned(draft, node, name):
    """Write statements that give a node a name, now and then by assigning the name twice."""
    first, *others = node.operands or (None,)
    if first is None or first.operation in (*CONDITIONS, "number") or not draft.is_so(0.3):
        return [f"{name} = {node.text}"]
    before = f"{name} = {first.text}"
    if node.operation in SIGNS and draft.is_so(0.5):
        return [before, f"{name} {SIGNS[node.operation]}= {others[0].text}"]
    text = draft.text(node.operation, (draft.renamed(first, name), *others), node.options)
    return [before, f"{name} = {text}"]


def by_own_function(draft, node):
    """Write an operation as a function of the caller, and its call."""
    operands = node.operands
    if not operands or node.operation == "index" or any(each.operation in CONDITIONS for each in operands):
        return node
    number = len(draft.statements)
    names = [f"p{place}" for place in range(len(operands))]
    inside = [draft.renamed(each, name) for each, name in zip(operands, names, strict=True)]
    body = draft.text(node.operation, inside, node.options)
    draft.statements.append(f"f{number}({', '.join(names)}) = {body}")
    return draft.renamed(node, f"f{number}({', '.join(each.text for each in operands)})")


def loop(draft, node, name):
    """Write a loop over a name that holds a node, and return what the name holds afterwards."""
    rounds = draft.random.randint(1, 3)
    operation, with_counter = draft.random.choice(STEADY), draft.is_so(0.4)
    length = draft.value_of(node).shape[:1]
    reads_rows = draft.is_so(0.3) and length == (rounds,) and draft.value_of(node).ndim == 1
    inside = "k*0.25" if with_counter else f"{node.text}[k]" if reads_rows else ""
    end = f"len({node.text})" if reads_rows and re.fullmatch(r"\w+", node.text) else str(rounds)
    result, shape = node, draft.value_of(node).shape
    for k in range(rounds):
        result = draft.apply(operation, result)
        if with_counter:
            result = draft.apply("add", result, draft.number(k * 0.25))
        elif reads_rows:
            result = draft.apply("add", result, draft.apply("index", node, items=(k,)))
        if result is None or draft.value_of(result).shape != shape:
            return None
    body = draft.text(operation, (draft.renamed(node, name),), {})
    body = f"{name} = {body} + {inside}" if inside else f"{name} = {body}"
    space = draft.random.choice([" ", "\n    ", f"\n    unread = {name} + k\n    "])
    draft.statements += [f"{name} = {node.text}", f"for k in range({end}):{space}{body}"]
    return draft.renamed(result, name)
