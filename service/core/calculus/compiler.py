"""The compiler: from the text of a function and the shapes of its data to something that runs.

What is compiled depends on the text, the shapes, and how derivatives are taken, never on data: targets that
can be labels of 0 and 1 have a program beside the general one, which is bound where they are. It is
kept in a cache under the text as it came, not a canonical form: errors quote columns, and equal
functions that are spaced differently have different ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Shape
from service.core.calculus.blocks import KEPT_BLOCKS, Block
from service.core.calculus.buffers import SMALLEST
from service.core.calculus.cache import BoundedCache
from service.core.calculus.costs import COMPILING_BYTES, COMPILING_SECONDS, FLOAT_NODES, PARSING_SECONDS
from service.core.calculus.differences import METHODS, Method, difference_terms
from service.core.calculus.emit import Emitted
from service.core.calculus.inputs import STEP
from service.core.calculus.lowering import Lowered, lower
from service.core.calculus.reverse import differentiate
from service.core.calculus.schedule import ELEMENT_BYTES, ExecutionPlan, schedule
from service.core.calculus.substitution import for_large_arrays
from service.core.exceptions import quote_text
from service.core.language.constants import holds_labels
from service.core.language.graph import Node, Term, hint_for_product
from service.core.language.parser import parse_function
from service.core.language.places import refuse
from service.core.language.program import Program, check_function, check_names
from service.core.limits import NO_DEADLINE, Deadline, Limits, look, timed_by

CACHED_FUNCTIONS = 256
CACHED_BYTES = 64 * 1024 * 1024
NODE_BYTES = 2_000
"""Estimated memory that a compiled function needs for every operation of its programs."""


@dataclass(frozen=True)
class Compiled:
    """A checked function with a way to differentiate it.

    Attributes
    ----------
    text : str
        As the client wrote it.
    program : Program
        With the gradient's operations when the method is exact.
    method : Method
        How derivatives are taken.
    is_analytic : bool
        Whether the complex step can differentiate the function.
    has_kinks : bool
        Whether the function may have kinks or jumps.
    gradient : dict of str to Term
        Derivatives by variable when the method is exact, else empty.
    plan : ExecutionPlan
        Of value and gradient together when the method is exact, else of the value alone.
    emitted : Emitted
        Its sources.
    make_for_labels : callable, optional
        Compiles the same for constants that hold 0 and 1 alone, where large ones can be such labels.
    blocks : BoundedCache
        Its batched programs by size.
    """

    text: str
    program: Program
    method: Method
    is_analytic: bool
    has_kinks: bool
    gradient: dict[str, Term]
    plan: ExecutionPlan
    emitted: Emitted
    make_for_labels: Callable[[], Compiled] | None = field(default=None, repr=False)
    blocks: BoundedCache[Block] = field(default_factory=lambda: BoundedCache(KEPT_BLOCKS), repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """A name of the text."""
        return sha256(self.text.encode()).hexdigest()[:32]

    @property
    def shapes(self) -> dict[str, Shape]:
        """The variables' shapes."""
        return self.program.variable_shapes

    @cached_property
    def evaluations(self) -> int:
        """Evaluations of the function for value and gradient at one point."""
        return self.emitted.evaluations

    @cached_property
    def operations(self) -> float:
        """Planned operations for value and gradient at one point."""
        return self.plan.operations * self.evaluations

    @cached_property
    def is_faster_on_floats(self) -> bool:
        """Whether the cost model puts floats before arrays."""
        return self.emitted.microseconds_on_floats <= self.emitted.microseconds_on_arrays

    @cached_property
    def size(self) -> int:
        """Elements of all variables."""
        return self.program.variable_size

    @cached_property
    def peak_bytes(self) -> int:
        """Planned memory of value and gradient at one point."""
        return self.plan.peak_bytes + self.method.tensors * ELEMENT_BYTES * self.size

    @cached_property
    def seconds(self) -> float:
        """Estimated processor time for value and gradient at one point."""
        return 1e-6 * min(self.emitted.microseconds_on_floats, self.emitted.microseconds_on_arrays)

    @cached_property
    def for_labels(self) -> Compiled:
        """What to bind where constants that can be labels hold 0 and 1 alone, within the same quote."""
        made = self.make_for_labels() if self.make_for_labels else self
        return made if made.peak_bytes <= self.peak_bytes else self

    def for_data(self, constants: Mapping[str, NDArray[Any]]) -> Compiled:
        """Return what to bind to these constants."""
        if self.make_for_labels is None:
            return self
        labels = (constants[name] for name in self.program.graph.labels)
        return self.for_labels if all(holds_labels(array) for array in labels) else self

    @property
    def namespace(self) -> Mapping[str, Any] | None:
        """Functions that the method calls in place of the table's."""
        return self.emitted.namespace

    @property
    def nodes(self) -> int:
        """Operations of its programs, used or not."""
        lowered = self.emitted.lowered
        count = len(self.program.graph.nodes) * (2 if self.make_for_labels else 1)
        return count + (len(lowered.graph.nodes) if lowered else 0)


_COMPILED: BoundedCache[Compiled] = BoundedCache(
    CACHED_FUNCTIONS, CACHED_BYTES, lambda compiled: NODE_BYTES * compiled.nodes
)


def function_cache() -> BoundedCache[Compiled]:
    """Return the cache of compiled functions, for its counters."""
    return _COMPILED


PATIENCE_SECONDS = 0.05
"""How long compiling may go on beyond the deadline: most functions are ready by then, and a descent can
answer with its start."""
LONG_PROGRAM = 1_000
"""Operations from which the source is written with the program, not when it is first needed, and there is no
other program for labels."""


def compile_function(
    function: str,
    variables: Mapping[str, Shape],
    constants: Mapping[str, Shape],
    method: Method,
    has_step: bool,
    limits: Limits,
    most: int = FLOAT_NODES,
    deadline: Deadline = NO_DEADLINE,
) -> Compiled:
    """Compile a function, or find it in the cache.

    Parameters
    ----------
    function : str
        The text.
    variables, constants : mapping of str to tuple of int
        Shapes by name.
    method, has_step : Method, bool
        How derivatives are taken, and whether the client gives the step.
    limits : Limits
        Bounds text and rank.
    most : int
        The most operations of the program on floats.
    deadline : Deadline
        Looked at between the steps, and told beforehand what they will take.

    Raises
    ------
    InvalidFunction
        The text, a name, a shape or the method does not fit.
    DeadlineExceeded
        The time was up.
    """
    shapes = (*variables.items(),), (*constants.items(),)
    key = (function, *shapes, method, has_step, limits.of_functions, most)
    return _COMPILED.get_or_make(
        key, compile_anew, function, variables, constants, method, has_step, limits, most, deadline
    )


def compile_anew(
    function: str,
    variables: Mapping[str, Shape],
    constants: Mapping[str, Shape],
    method: Method,
    has_step: bool,
    limits: Limits,
    most: int = FLOAT_NODES,
    deadline: Deadline = NO_DEADLINE,
    has_labels: bool = False,
) -> Compiled:
    """Parse, check, differentiate, schedule and emit a function, as `compile_function` takes it.

    With `has_labels` it is for constants that hold 0 and 1 alone where they can be labels.
    """
    with timed_by(partial(deadline.check, PATIENCE_SECONDS)):
        check_names(variables, constants)
        deadline.expect(PARSING_SECONDS * len(function))
        tape = parse_function(function, limits)
        look()
        is_real = not method.is_complex
        program = check_function(tape, variables, constants, limits, not is_real, has_labels)
        obstacles = list(_not_analytic(program))
        has_kinks = any(node.operation.kinks for node in obstacles)
        _check_value(program, method)
        expect_compiling(program, limits, deadline)
        gradient = differentiate(program) if method is METHODS["exact"] else {}
        look()
        element_bytes = (1 if is_real else 2) * ELEMENT_BYTES
        arrays, derivatives = for_large_arrays(program, [*gradient.values()]) if is_real else (program, [])
        plan = schedule(arrays.graph, [arrays.value, *derivatives], element_bytes, is_tiled=is_real)
        look()
        lowered = _lower(program, [*gradient.values()], method, has_step, most)
        emitted = Emitted(arrays, method, derivatives, plan, lowered)
        make_for_labels = None
        is_long = len(plan.body) > LONG_PROGRAM
        if is_real and not has_labels and not is_long and _has_large_labels(program):
            given = function, {**variables}, {**constants}, method, has_step, limits, most
            make_for_labels = partial(compile_anew, *given, has_labels=True)
        if is_long:
            _ = emitted.on_arrays  # written now, while the clock is looked at
        made = function, program, method, not obstacles, has_kinks, gradient, plan, emitted
        return Compiled(*made, make_for_labels)


def expect_compiling(program: Program, limits: Limits, deadline: Deadline) -> None:
    """Announce the time and the memory that a checked function still takes until it is compiled."""
    count = len(program.graph.nodes)
    deadline.expect(COMPILING_SECONDS * count, min(COMPILING_BYTES * count, limits.peak_bytes))


def _has_large_labels(program: Program) -> bool:
    return any(program.constants[name].size >= SMALLEST for name in program.graph.labels)


def _check_value(program: Program, method: Method) -> None:
    """Refuse a value that has no gradient, or none by the method."""
    if program.value.size != 1:
        hint = hint_for_product(program.graph)
        refuse("not-scalar", program.value.node.place, shape=program.value.shape, hint=hint)
    if method.is_complex:
        refuse_not_analytic(program)


def refuse_not_analytic(program: Program) -> None:
    """Refuse the complex step for a function that is not analytic.

    Raises
    ------
    InvalidFunction
        Naming the operation and its column.
    """
    obstacle = first_not_analytic(program)
    if obstacle is not None:
        refuse("not-analytic", obstacle.place, got=quote_text(obstacle.called))


def first_not_analytic(program: Program) -> Node | None:
    """Return the first operation that the complex step may not pass through, None when there is none."""
    return next(_not_analytic(program), None)


def _not_analytic(program: Program) -> Iterator[Node]:
    """Yield the operations that the complex step may not pass through."""
    active = {term.index for term in program.variables.values()}
    for index, node in enumerate(program.graph.nodes):
        if active.isdisjoint(node.operands):
            continue
        active.add(index)
        if not node.operation.is_analytic:
            yield node


def _lower(
    program: Program, gradient: list[Term], method: Method, has_step: bool, most: int
) -> Lowered | None:
    """Write value and gradient on floats when they are small enough, numerical differences included."""
    if not method.is_lowered:
        return None
    lowered = lower(program.graph, [program.value, *gradient], most)
    if lowered is None:
        return None
    elements = [
        term for name, term in program.variables.items() for term in lowered.elements(name, term.size)
    ]
    if not method.evaluations:
        return lowered
    if len(lowered.graph.nodes) * len(elements) * method.evaluations > most:
        return None
    value = lowered.outputs[0].reshape(-1)[0]
    step = None
    if has_step:
        step = lowered.graph.input(STEP, (), False)
        lowered.inputs[STEP] = [step]
    terms = difference_terms(lowered.graph, value, elements, method, step)
    lowered.outputs += [np.array(term, dtype=object) for term in terms]
    return lowered
