"""Maps: functions of any shape and their products with derivatives, compiled.

`/value`, `/jacobian` and `/hessian` evaluate them, at one point or for many rows of inputs at once.
A map is a program with inputs of its own beside the variables: tangents, of the variables' shapes, or the
cotangent, of the value's. Its outputs come from the transformations alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from service.core.arrays import Array, Shape, spans_of
from service.core.calculus.blocks import KEPT_BLOCKS, Block, Rows, blocks_of, make_block
from service.core.calculus.budget import Price
from service.core.calculus.buffers import limit_buffers
from service.core.calculus.cache import BoundedCache
from service.core.calculus.compiler import NODE_BYTES, expect_compiling, first_not_analytic
from service.core.calculus.costs import PARSING_SECONDS, microseconds_on_arrays
from service.core.calculus.generated import Maker, make_function, write_source
from service.core.calculus.inputs import array_data, array_names
from service.core.calculus.kernel import own_array
from service.core.calculus.namespaces import COMPLEX_NAMES
from service.core.calculus.reverse import differentiate, pull_back, push_forward
from service.core.calculus.schedule import ELEMENT_BYTES, ExecutionPlan, fresh, schedule
from service.core.calculus.substitution import for_large_arrays
from service.core.exceptions import InvalidFunction, fault, pointer_to, quote_text
from service.core.language.graph import Term, hint_for_product
from service.core.language.parser import parse_function
from service.core.language.places import refuse
from service.core.language.program import Program, check_constants, check_function, check_names
from service.core.limits import Check, Deadline, Limits, look, timed_by

Extended = tuple[dict[str, Term], list[Term]]
"""Inputs that a transformation adds, and its outputs."""

COTANGENT, TANGENT = "cotangent/", "tangent/"
"""Names of the inputs that transformations add; no name of the client's has a slash."""

CACHED_MAPS = 128
CACHED_BYTES = 32 * 1024 * 1024


def _value(program: Program, names: Sequence[str]) -> Extended:
    faults = [
        fault("unknown-output", pointer_to("outputs", position), got=quote_text(name))
        for position, name in enumerate(names)
        if name not in program.statements or name in names[:position]
    ]
    if faults:
        raise InvalidFunction(*faults)
    return {}, [program.value, *(program.statements[name] for name in names)]


def _gradient(program: Program, names: Sequence[str]) -> Extended:
    return {}, [program.value, *differentiate(program).values()]


def _cotangent_product(program: Program, names: Sequence[str]) -> Extended:
    cotangent = program.graph.input(COTANGENT, program.value.shape, True)
    products = pull_back([program.value], [cotangent], list(program.variables.values()))
    return {COTANGENT: cotangent}, [program.value, *products]


def _tangent_product(program: Program, names: Sequence[str]) -> Extended:
    tangents = _tangents(program)
    variables = list(program.variables.values())
    return tangents, [program.value, *push_forward([program.value], variables, list(tangents.values()))]


def _hessian_product(program: Program, names: Sequence[str]) -> Extended:
    variables = list(program.variables.values())
    gradient = list(differentiate(program).values())
    tangents = _tangents(program)
    products = pull_back(gradient, list(tangents.values()), variables)
    return tangents, [program.value, *gradient, *products]


def _tangents(program: Program) -> dict[str, Term]:
    return {
        f"{TANGENT}{name}": program.graph.input(f"{TANGENT}{name}", term.shape, True)
        for name, term in program.variables.items()
    }


def tangent_inputs(vectors: Mapping[str, Array]) -> dict[str, Array]:
    """Name vectors, one for each variable, as the inputs of a map with tangents."""
    return {f"{TANGENT}{name}": vector for name, vector in vectors.items()}


MAPS: dict[str, Callable[[Program, Sequence[str]], Extended]] = {
    "value": _value,
    "gradient": _gradient,
    "cotangent product": _cotangent_product,
    "tangent product": _tangent_product,
    "hessian product": _hessian_product,
}
"""The maps by name: from a checked function to the inputs that it adds and its outputs."""

SCALAR_MAPS = frozenset({"gradient", "hessian product"})
"""Those that are defined for scalar functions alone."""


@dataclass(frozen=True)
class FunctionMap:
    """A compiled map.

    Attributes
    ----------
    program : Program
        The function.
    inputs : dict of str to Term
        Variables, and behind them what the transformation added.
    outputs : list of Term
        The value first.
    on_arrays : Program
        The same with all inputs as variables, and large arrays written by what shares work.
    results : list of Term
        The outputs in it.
    plan : ExecutionPlan
        Of one evaluation of it.
    is_analytic : bool
        Whether the complex step can differentiate the function.
    """

    program: Program
    inputs: dict[str, Term]
    outputs: list[Term]
    on_arrays: Program
    results: list[Term]
    plan: ExecutionPlan
    is_analytic: bool
    blocks: BoundedCache[Block] = field(default_factory=lambda: BoundedCache(KEPT_BLOCKS), repr=False)

    @cached_property
    def extended(self) -> Program:
        """The program with all inputs as variables."""
        return dataclasses.replace(self.program, variables=self.inputs)

    @cached_property
    def seconds(self) -> float:
        """Estimated processor time of one evaluation."""
        return 1e-6 * microseconds_on_arrays(len(self.plan.body), self.plan.operations)

    def price(self, evaluations: int, peak_bytes: int) -> Price:
        """Return the price of so many evaluations, in so much memory."""
        operations, seconds = self.plan.operations * evaluations, self.seconds * evaluations
        return Price(self.program, self.plan, operations, evaluations, peak_bytes, seconds)

    @cached_property
    def size(self) -> int:
        """Number of elements of all variables."""
        return self.program.variable_size

    @cached_property
    def maker(self) -> Maker:
        """Makes the function from the inputs' arrays to those of the outputs."""
        names = array_names(self.on_arrays)
        source = write_source(self.on_arrays.graph, self.results, names, order=self.plan)
        return make_function(source)

    @cached_property
    def complex_maker(self) -> Maker:
        """Makes the same function of complex arrays."""
        source = write_source(self.program.graph, self.outputs, array_names(self.extended), own=COMPLEX_NAMES)
        return make_function(source)

    def bind(self, constants: Mapping[str, Array], check: Check, *, is_complex: bool = False) -> Maker:
        """Return the function for the data of a request."""
        check_constants(self.program, constants)
        with timed_by(check):
            maker = self.complex_maker if is_complex else self.maker
        with np.errstate(all="ignore"):
            function: Maker = maker(**array_data(self.program, constants, check))
        return function

    @np.errstate(all="ignore")
    def evaluate(
        self, inputs: Mapping[str, Array], constants: Mapping[str, Array], check: Check
    ) -> list[Array]:
        """Compute the outputs, in arrays of their own."""
        if self.plan.memory:
            limit_buffers()
        results = self.bind(constants, check)(*(inputs[name] for name in self.inputs))
        return [
            own_array(result, term.shape, is_fresh=is_fresh)
            for result, (term, is_fresh) in zip(results, self._fresh, strict=True)
        ]

    @cached_property
    def _fresh(self) -> list[tuple[Term, bool]]:
        return fresh(self.plan.body, self.results)

    @np.errstate(all="ignore")
    def evaluate_rows(
        self,
        parts: Sequence[Rows],
        rows_of: Callable[[Rows], Mapping[str, Array]],
        inputs: Mapping[str, Array],
        constants: Mapping[str, Array],
        check: Check,
        shared: int = 0,
    ) -> list[Array]:
        """Compute the outputs for many rows of some inputs.

        Parameters
        ----------
        parts : sequence of Rows
            The blocks.
        rows_of : callable
            From a block to its rows of the inputs that differ, each with as many as the block's size.
        inputs : mapping of str to ndarray
            The other inputs.
        constants, check
            As `evaluate` takes them.
        shared : int
            How many of the first outputs are the same for all rows.

        Returns
        -------
        list of ndarray
            The shared outputs, and each other with the rows as first axis.
        """
        limit_buffers()
        check_constants(self.program, constants)
        count = parts[-1].start + parts[-1].used
        first, results = [], [np.empty((count, *term.shape)) for term in self.outputs[shared:]]
        function = None
        for part in parts:
            check()
            rows = rows_of(part)
            if function is None:
                with timed_by(check):
                    block = self.block(tuple(rows), part.size)
                    function = block.maker(**array_data(block.program, constants, check))
            found = function(*({**inputs, **rows}[name] for name in self.inputs))
            for result, each in zip(results, found[shared:], strict=True):
                result[part.slice] = each[: part.used]
            first = [np.array(each[0]) for each in found[:shared]]
        return first + results

    def block(self, chosen: tuple[str, ...], size: int) -> Block:
        """Return the batched program."""
        return self.blocks.get_or_make((chosen, size), make_block, self.extended, self.outputs, chosen, size)

    def rows(self, count: int, limits: Limits) -> list[Rows]:
        """Part rows into blocks that fit the memory."""
        return blocks_of(self.plan, count, limits)


_MAPS: BoundedCache[FunctionMap] = BoundedCache(
    CACHED_MAPS, CACHED_BYTES, lambda known: NODE_BYTES * len(known.program.graph.nodes)
)


def map_cache() -> BoundedCache[FunctionMap]:
    """Return the cache of compiled maps, for its counters."""
    return _MAPS


def compile_map(
    kind: str,
    function: str,
    variables: Mapping[str, Shape],
    constants: Mapping[str, Shape],
    limits: Limits,
    deadline: Deadline,
    names: Sequence[str] = (),
) -> FunctionMap:
    """Compile a map, or find it in the cache.

    Parameters
    ----------
    kind : str
        A row of `MAPS`.
    function : str
        The text.
    variables, constants : mapping of str to tuple of int
        Shapes by name.
    limits : Limits
        Bounds text and rank.
    deadline : Deadline
        When to give up.
    names : sequence of str
        Statements whose values are outputs too.

    Raises
    ------
    InvalidFunction
        The text, a name or a shape does not fit.
    """
    key = (kind, function, (*variables.items(),), (*constants.items(),), limits.of_functions, (*names,))
    return _MAPS.get_or_make(
        key, _compile_anew, kind, function, variables, constants, limits, deadline, names
    )


def _compile_anew(
    kind: str,
    function: str,
    variables: Mapping[str, Shape],
    constants: Mapping[str, Shape],
    limits: Limits,
    deadline: Deadline,
    names: Sequence[str],
) -> FunctionMap:
    with timed_by(deadline.check):
        check_names(variables, constants)
        deadline.expect(PARSING_SECONDS * len(function))
        program = check_function(parse_function(function, limits), variables, constants, limits)
        _check_value(program, kind)
        look()
        is_analytic = first_not_analytic(program) is None
        expect_compiling(program, limits, deadline)
        added, outputs = MAPS[kind](program, names)
        inputs = program.variables | added
        on_arrays, results = for_large_arrays(dataclasses.replace(program, variables=inputs), outputs)
        plan = schedule(on_arrays.graph, results, is_tiled=True)
        look()
        return FunctionMap(program, inputs, outputs, on_arrays, results, plan, is_analytic)


def _check_value(program: Program, kind: str) -> None:
    value = program.value
    if kind in SCALAR_MAPS and value.size != 1:
        hint = hint_for_product(program.graph)
        refuse("not-scalar", value.node.place, shape=value.shape, hint=hint)
    if not value.size:
        refuse("empty-result", value.node.place, shape=value.shape)


def peak_bytes_of(known: FunctionMap, count: int, limits: Limits, kept: int) -> int:
    """Plan the memory of many rows: that of a block, and what is kept of all of them, in elements."""
    size = known.rows(count, limits)[0].size if count > 1 else 1
    return known.plan.peak_bytes * size + ELEMENT_BYTES * kept


def unit_rows(prefix: str, shapes: Mapping[str, Shape]) -> Callable[[Rows], dict[str, Array]]:
    """Return a function that makes the unit vectors of a block, over the elements of all inputs in turn."""

    def rows_of(part: Rows) -> dict[str, Array]:
        total = sum(math.prod(shape) for shape in shapes.values())
        flat = np.zeros((part.size, total))
        flat[np.arange(part.used), np.arange(part.start, part.start + part.used)] = 1.0
        return split(flat, {f"{prefix}{name}": shape for name, shape in shapes.items()})

    return rows_of


def split(flat: Array, shapes: Mapping[str, Shape]) -> dict[str, Array]:
    """Part the last axis into arrays by name."""
    lead = flat.shape[:-1]
    return {
        name: np.ascontiguousarray(flat[..., span]).reshape((*lead, *shape))
        for (name, shape), span in zip(shapes.items(), spans_of(shapes.values()), strict=True)
    }
