"""Programs drawn from the operations table, and what each must give, computed from its tree."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from service.core.language.constants import DOMAINS as DOMAINS_OF_TARGETS
from service.core.language.losses import LOSSES
from service.core.language.operation import REQUIRED
from service.core.language.operations import OPERATIONS
from tests.fuzz import constructs
from tests.fuzz.arithmetic import mp, precise
from tests.fuzz.constructs import COMPARISONS, written
from tests.fuzz.definitions import DEFINITIONS, length, logarithm, pair_of

DRAWN = sorted(
    row.name
    for row in OPERATIONS.values()
    if row.is_public and row.name in DEFINITIONS and row.name not in COMPARISONS
)
"""Every operation that a caller can write, the comparisons aside, which stand in `where` alone."""

OFTEN = ["where", "index"] * 15
"""What has more ways of being written than the others."""

CANCELLING = {
    "softmax": lambda y, change, x: y * change(x),
    "log_softmax": lambda y, change, x: change(x),
    "cosine_distance": lambda y, change, p, t: sum(change(logarithm(length(x, -1))) for x in pair_of(p, t)),
    "cholesky": lambda y, change, a: y * change(np.full(y.shape, logarithm(length(a, None)))),
}
"""What rounding adds to derivatives that are differences, 1 - y and the like: right to a rounding error
of their terms. Factors of the operand and of the result y do not show it, which leave a sum of 1 or a
length of 1 as it is. By y, by what rounding changes in an array, and by the operands."""

WHOLE = (("power", 1), ("cross_entropy", 1), ("one_hot", 0))
"""Operands by operation and place for which a number differs from all beside it: they are not rounded."""

SOLVING = ("inv", "solve", "solve_triangular", "det", "logdet", "cholesky")
"""Many operations in one, each with its rounding error."""

STEEP = ("sqrt", "cbrt")
"""At 0 their derivatives are infinite, and nothing of it is left where what follows has a derivative of 0."""

LARGEST = mp.mpf("1e80")
"""No number on the way is larger, nor smaller than its inverse unless it is 0: float64 can hold them all."""


@dataclass(frozen=True, eq=False)
class Node:
    """A place of the tree: a number, a name, or an operation on other places."""

    text: str
    operation: str
    operands: tuple[Node, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    number: float = 0.0

    @property
    def is_data(self):
        """Whether it stands for numbers that no rounding has touched."""
        return self.operation in ("number", "constant")


@dataclass(frozen=True, eq=False)
class Program:
    """A function with a place to evaluate it at; `is_refused` where NumPy or the contract refuses it.

    `whole` is the array, under the same statements, that the function makes one number of.
    """

    function: str
    value: Node
    whole: Node
    variables: dict[str, np.ndarray]
    constants: dict[str, np.ndarray]
    is_analytic: bool
    is_refused: bool


class Evaluation:
    """The values of nodes at a point, each computed once.

    With a seed every operand and every result is changed by a rounding error or two, always the same
    ones: what comes out differs from the exact result by as much as float64 may. For derivatives those
    of `ABSOLUTE` are changed by more.
    """

    def __init__(self, scope, seed=None, is_for_derivatives=False):
        self.scope = scope
        self.is_for_derivatives = is_for_derivatives
        self.random = None if seed is None else np.random.default_rng(seed)
        self.found = {}

    def __call__(self, node):
        if node not in self.found:
            self.found[node] = self.compute(node)
        return self.found[node]

    def compute(self, node):
        if node.operation == "number":
            return np.array(mp.mpf(node.number), dtype=object)
        if node.operation in ("variable", "constant"):
            return self.scope[node.text]
        operands = [self.operand(node, place) for place in range(len(node.operands))]
        result = DEFINITIONS[node.operation](*operands, **node.options)
        result = self.rounded(result, 2.0**-49 if node.operation in SOLVING else 2.0**-52)
        if self.random and self.is_for_derivatives and node.operation in CANCELLING:
            changed = result + CANCELLING[node.operation](result, self.change, *operands)
            result = np.asarray(changed, dtype=object)
        return result

    def operand(self, node, place):
        operand = node.operands[place]
        array = self(operand)
        if node.operation in COMPARISONS:
            return array  # comparing rounds nothing: what is compared with itself stays equal
        if operand.is_data and (node.operation, place) in WHOLE:
            if node.operation == "cross_entropy" and is_labels(operand, array, self(node.operands[0])):
                return one_hot(array, self(node.operands[0]).shape[-1])
            return array
        return self.rounded(array)

    def change(self, array):
        return self.rounded(array) - array

    def rounded(self, array, size=2.0**-52):
        array = np.asarray(array)
        if self.random is None or array.dtype != object:
            return array
        errors = self.random.uniform(-size, size, array.shape)
        return np.asarray(array * (1 + precise(errors)), dtype=object)


def is_labels(operand, labels, predictions):
    """A constant of one rank less holds class labels."""
    return operand.operation == "constant" and labels.shape == predictions.shape[:-1] and predictions.ndim > 0


def one_hot(labels, count):
    if any(label != int(label) or not 0 <= label < count for label in labels.flat):
        raise ValueError("no label")
    classes = np.array([mp.mpf(place) for place in range(count)], dtype=object)
    return np.where(labels[..., None] == classes, mp.mpf(1), mp.mpf(0))


def is_tame(array):
    """Tell whether all numbers are real and of a size that float64 holds, their squares included."""
    return array.dtype != object or all(
        mp.isfinite(x) and (x == 0 or 1 / LARGEST < abs(x) < LARGEST) for x in array.flat
    )


# What a program is drawn from.

NUMBERS = ("0", "1", "2", "3.", "0.5", ".25", "1e-3", "10")
SHAPES = ((), (3,), (2, 3), (3, 3), (3, 2), (2, 1), (1, 3), (1, 1), (2, 1, 2), (1,))

ELEMENTS = {
    "ordinary": lambda random, shape: random.uniform(-2, 2, shape),
    "positive": lambda random, shape: random.uniform(0.2, 2, shape),
    "tied": lambda random, shape: random.integers(-1, 3, shape).astype(float),
    "in the tails": lambda random, shape: random.choice([-40.0, 30.0, 0.0, -0.5, 20.0], shape),
    "tiny": lambda random, shape: random.choice([1e-20, -3e-9, 2e-5, 1e-12], shape),
}
KINDS = (
    "ordinary",
    "ordinary",
    "ordinary",
    "positive",
    "positive",
    "tied",
    "in the tails",
    "in the tails",
    "tiny",
)

TARGETS = ("a fraction each", "one-hot", "labels", "a row", "a number", "another rank")


def axis_of(random, shape):
    """Draw an axis or several of them."""
    rank = len(shape)
    if random.random() < 0.5:
        return random.randrange(-rank, rank) if rank else 0
    return tuple(random.sample(range(rank), random.randint(0, rank)))


def axes_of(random, shape):
    rank = len(shape)
    return tuple(axis - rank * random.randint(0, 1) for axis in random.sample(range(rank), rank))


def shape_of(random, shape):
    """Draw another shape for as many elements."""
    size = math.prod(shape)
    return random.choice([-1, (size,), (-1, 1), (1, size), (2, -1)])


OPTIONS = {
    "axis": axis_of,
    "axes": axes_of,
    "shape": shape_of,
    "flag": lambda random, shape: random.random() < 0.5,
    "positive": lambda random, shape: random.choice([0.3, 1.0, 2.5]),
    "non-negative": lambda random, shape: random.choice([0.0, 1e-7, 0.01]),
    "fraction": lambda random, shape: random.choice([0.0, 0.1, 0.5]),
    "inside": lambda random, shape: random.choice([0.1, 0.5, 0.9]),
    "size": lambda random, shape: random.randint(1, 4),
    "number": lambda random, shape: random.choice([0.0, 0.25, 1.0, 2.5, 3.0, -1.0]),
    "whole": lambda random, shape: random.randint(-2, 2),
    "wholes": lambda random, shape: random.choice([random.randint(-2, 2), (1, -2), (3,)]),
    "count": lambda random, shape: random.randint(1, 2),
}
"""How an option is drawn, by its kind in the table, for a first operand of a shape."""


class Unlucky(Exception):
    """Nothing that fits was drawn."""


class Draft:
    """A program that grows, operation by operation, at one point."""

    def __init__(self, random):
        self.random = random
        self.variables, self.constants, self.scope = {}, {}, {}
        self.statements, self.stated, self.made = [], [], []
        self.refused, self.is_bare = None, self.is_so(0.3)
        self.value_of = Evaluation(self.scope)
        self.leaves = [self.array("variable", name) for name in "xxyy"]
        self.leaves += [self.array("constant", name) for name in "cd"]

    def is_so(self, probability):
        return self.random.random() < probability

    def array(self, operation, name, shape=None, values=None):
        """Add a variable or a constant."""
        if name not in self.scope:
            shape = self.random.choice(SHAPES) if shape is None else shape
            if 0 in (shape if values is None else np.shape(values)):
                raise Unlucky  # arrays of a request have elements
            if values is None:
                make = ELEMENTS[self.random.choice(KINDS)]
                values = make(np.random.default_rng(self.random.randrange(2**32)), shape)
            (self.variables if operation == "variable" else self.constants)[name] = np.asarray(
                values, dtype=float
            )
            self.scope[name] = precise(values)
        return Node(name, operation)

    def constant(self, shape, values=None):
        return self.array("constant", f"t{len(self.constants)}", shape, values)

    def leaf(self):
        if self.is_so(0.8):
            return self.random.choice(self.leaves)
        text = self.random.choice(NUMBERS)
        return Node(text, "number", number=float(text))

    def node(self):
        """Draw something that there is, rather what came last; variables alone for a bare program."""
        if self.is_bare:
            return self.random.choice(self.leaves[:4])
        return (
            self.random.choice([*self.made[-2:], *self.made[-1:]])
            if self.made and self.is_so(0.75)
            else self.leaf()
        )

    def is_target(self, name, node):
        """Tell whether data may be the targets of a loss."""
        domain = DOMAINS_OF_TARGETS.get(LOSSES[name].targets)
        is_computed = any(each.operation == "variable" for each in walk(node))
        return is_computed or domain is None or all(map(domain[1], map(float, self.value_of(node).flat)))

    def target(self, predictions, name):
        """Draw targets of every kind that the contract takes, and one that it refuses."""
        kind, shape = self.random.choice(TARGETS), predictions.shape
        random, classes = np.random.default_rng(self.random.randrange(2**32)), max(1, *shape[-1:], 1)
        labels = random.integers(0, classes, shape[:-1])
        if kind == "labels" and shape:
            return self.constant(None, labels)
        if kind == "one-hot" and shape and shape[-1]:
            return self.constant(None, np.eye(classes)[labels])
        shapes = {"a row": (*(1 for _ in shape[:-1]), *shape[-1:]), "a number": (), "another rank": shape[1:]}
        numbers = [-1.0, 1.0] if LOSSES[name].targets == "sign" else [0.0, 1.0, 0.25, 0.7]
        return self.constant(None, random.choice(numbers, shapes.get(kind, shape)))

    def apply(self, name, *operands, text="", **options):
        """Write an operation on nodes; return None where it has no value."""
        if None in operands:
            return None
        node = Node(text or self.text(name, operands, options), name, operands, options)
        try:
            value = self.value_of(node)
        except (ValueError, IndexError):
            self.refused = node
            return None
        return node if value.ndim <= 8 and value.size <= 60 and len(node.text) < 300 else None

    def text(self, name, operands, options):
        row, texts = OPERATIONS[name], [operand.text for operand in operands]
        if name == "index":
            return f"{texts[0]}[{', '.join(map(written, options['items']))}]"
        if row.symbol and not (row.is_function and self.is_so(0.5)):
            return f"({f' {row.symbol} '.join(texts)})" if len(texts) == 2 else f"({row.symbol}{texts[0]})"
        for place, (option, _, _) in enumerate(row.options):
            if option in options:
                is_positional = (
                    len(texts) == len(row.operands) + place
                    and not row.is_variadic
                    and "=" not in "".join(texts[-1:])
                    and self.is_so(0.5)
                )
                texts.append(f"{'' if is_positional else option + '='}{written(options[option])}")
        return f"{name}({', '.join(texts)})"

    def operand(self, name, place):
        """Draw an operand, most often made such that the operation has a value for it."""
        if OPERATIONS[name].operands[place : place + 1] == ("condition",):
            return constructs.condition(self)
        node, wish = self.node(), DOMAINS.get((name, place))
        if name == "cholesky":  # whose derivative is for symmetric matrices alone
            return wish(self, node)
        return wish(self, node) if wish and self.is_so(0.8 - 0.4 * self.is_bare) else node

    def grow(self, name):
        """Add an operation on what there is."""
        row = OPERATIONS[name]
        count = self.random.randint(1, 3) if row.is_variadic else len(row.operands)
        operands = [self.operand(name, place) for place in range(count)]
        if None in operands:
            raise Unlucky
        if row.operands == ("p", "t") and self.is_so(0.7):
            operands[1] = self.target(self.value_of(operands[0]), name)
        if row.operands == ("p", "t") and not self.is_target(name, operands[1]):
            raise Unlucky
        if name in STEEP and any(x == 0 for x in self.value_of(operands[0]).flat):
            raise Unlucky
        shape = self.value_of(operands[0]).shape if operands else self.random.choice(SHAPES)
        options = {
            option: OPTIONS[kind](self.random, shape)
            for option, kind, default in row.options
            if kind in OPTIONS and (default is REQUIRED or self.is_so(0.5))
        }
        if name == "index":
            options["items"] = constructs.items(self, shape)
        node = self.apply(name, *operands, **options)
        if node is None or not is_tame(self.value_of(node)):
            raise Unlucky
        self.made.append(self.bound(constructs.by_own_function(self, node) if self.is_so(0.15) else node))

    def bound(self, node):
        """Give a node a name, now and then, and always before its text grows."""
        if len(node.text) < 60 and self.is_so(0.5):
            return node
        name = f"s{len(self.statements)}"
        looped = constructs.loop(self, node, name) if self.is_so(0.2) else None
        if looped is not None and is_tame(self.value_of(looped)):
            self.stated.append(looped)
            return looped
        del self.statements[int(name[1:]) :]
        self.statements += constructs.assigned(self, node, name)
        self.stated.append(node)
        return self.renamed(node, name)

    def renamed(self, node, text):
        """Return a node that is written in another way, with the value that it has."""
        other = Node(text, node.operation, node.operands, node.options, node.number)
        self.value_of.found[other] = self.value_of(node)
        return other

    def number(self, value):
        return number(value)

    def symbol(self, name):
        return OPERATIONS[name].symbol

    def scalar(self, node):
        """Make one number of a node."""
        array = self.value_of(node)
        way = self.random.choice(["sum", "mean", "weighted", "square", "index", "index", "index"])
        if array.size == 1 and way != "square":
            return node
        if way == "index" and array.size:
            return self.apply("index", node, items=tuple(self.random.randrange(size) for size in array.shape))
        if way == "weighted" and array.size:
            return self.apply("sum", self.apply("multiply", node, self.constant(array.shape)))
        if way == "square":
            node = self.apply("square", node)
        return self.apply("mean" if way == "mean" and array.size else "sum", node)


def number(value):
    return Node(repr(value), "number", number=value)


def positive(draft, node):
    return draft.apply("add", draft.apply("square", node), number(0.5))


def within_one(draft, node):
    return draft.apply("multiply", number(0.9), draft.apply("sin", node))


def above_one(draft, node):
    return draft.apply("add", draft.apply("square", node), number(1.5))


def regular(draft, node):
    """Make a symmetric matrix without small eigenvalues."""
    if draft.value_of(node).ndim != 2:
        node = draft.array("variable", "z", (2, 2))
    product = draft.apply("dot", node, draft.apply("transpose", node))
    return product and draft.apply("add", product, draft.apply("eye", n=draft.value_of(product).shape[0]))


def probability(draft, node):
    return draft.apply("sigmoid", node)


def distribution(draft, node):
    has_axis = draft.value_of(node).ndim > 0 and draft.is_so(0.6)
    return draft.apply("softmax" if has_axis else "sigmoid", node)


DOMAINS = {
    ("log", 0): positive,
    ("log1p", 0): positive,
    ("sqrt", 0): positive,
    ("divide", 1): positive,
    ("power", 0): positive,
    ("arcsin", 0): within_one,
    ("arccos", 0): within_one,
    ("arctanh", 0): within_one,
    ("arccosh", 0): above_one,
    ("log2", 0): positive,
    ("log10", 0): positive,
    ("lgamma", 0): positive,
    ("digamma", 0): positive,
    ("inv", 0): regular,
    ("det", 0): regular,
    ("logdet", 0): regular,
    ("solve", 0): regular,
    ("solve_triangular", 0): regular,
    ("cholesky", 0): regular,
    ("binary_cross_entropy", 0): probability,
    ("cross_entropy", 0): distribution,
    ("kl_divergence", 0): distribution,
    ("kl_divergence", 1): distribution,
    ("poisson", 0): positive,
}
"""What an operand is usually made by, by operation and place, where few numbers would do as they are."""


def program(name, number):
    """Draw the program of a number around an operation."""
    random = Random(f"{name} {number}")  # noqa: S311 - the same programs every time
    while True:
        try:
            return drawn(Draft(random), name)
        except Unlucky:
            continue


def drawn(draft, name):
    around = [
        [draft.random.choice(DRAWN + OFTEN) for _ in range(draft.random.randint(0, most))] for most in (1, 2)
    ]
    is_refusal_kept = draft.is_so(0.1)
    names = [name] if draft.is_bare else [*around[0], name, *around[1]]
    choices = [draft.leaf()]
    for each in names:
        try:
            draft.grow(each)
        except Unlucky:
            if draft.refused and is_refusal_kept:
                return finished(draft, draft.refused, draft.refused, True)
            if each == name:
                raise
        else:
            choices += [draft.made[-1]] * (5 if each == name else 2)
    whole = draft.random.choice(choices)
    value = draft.scalar(whole)
    if value is None or not is_tame(draft.value_of(value)):
        raise Unlucky
    return finished(draft, value, whole, False)


def finished(draft, value, whole, is_refused):
    """Keep the names that the text mentions; mention a variable at least, and the others now and then."""
    text = "\n".join([*draft.statements, value.text])
    unused = [name for name in draft.variables if name not in words_of(text)]
    if len(unused) == len(draft.variables) or draft.is_so(0.2):
        text = "\n".join([*(f"u{name} = {name}" for name in unused), text])
    words = words_of(text)
    return Program(
        text,
        value,
        whole,
        {name: array for name, array in draft.variables.items() if name in words},
        {name: array for name, array in draft.constants.items() if name in words},
        not any(map(has_corner, [*draft.stated, value])),
        is_refused,
    )


def has_corner(node):
    """Tell whether something of a variable goes through an operation that the complex step may not."""
    row = OPERATIONS.get(node.operation)
    has_variable = any(each.operation == "variable" for each in walk(node))
    return has_variable and ((row and not row.is_analytic) or any(map(has_corner, node.operands)))


def walk(node):
    yield node
    for operand in node.operands:
        yield from walk(operand)


def words_of(text):
    return set(re.findall(r"\w+", text))
