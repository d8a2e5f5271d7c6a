"""Hessians of scalar functions, their products with vectors, and the curvature at a point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from service.core.arrays import Array, spans_of
from service.core.calculus.budget import Price, quote_of
from service.core.calculus.curvature import curvature_of, with_eigenvalues
from service.core.calculus.differences import RICHARDSON, Method, judge_for
from service.core.calculus.explain import not_finite
from service.core.calculus.gradient import Tensors, method_named, shapes_of
from service.core.calculus.jacobian import derive
from service.core.calculus.line import with_step
from service.core.calculus.maps import TANGENT, split, tangent_inputs, unit_rows
from service.core.calculus.parts import Part
from service.core.calculus.schedule import ELEMENT_BYTES
from service.core.calculus.task import Found, Task
from service.core.calculus.template import Derivatives
from service.core.exceptions import InvalidRequest, fault, pointer_to
from service.core.limits import DEFAULT_LIMITS, Deadline, Limits

HESSIAN_METHODS = ("exact", "central")
"""Methods of Hessians: exact, or central differences of the exact gradient."""

SQUARES = 5
"""Matrices of all second derivatives that are alive at once, while they are made symmetric and parted."""


def hessian(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    curvature: bool = False,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Compute value, gradient and all second derivatives of a scalar function.

    Parameters
    ----------
    function, variables, constants, h, verify, limits, deadline
        As `gradient` takes them.
    method : {"exact", "central"}
        Differentiation of the gradient, or central differences of the exact gradient.
    curvature : bool
        Whether to tell the smallest and the largest eigenvalue, and the kind of a stationary point.

    Returns
    -------
    dict
        ``value``, ``gradient`` (ndarray by name), ``hessian`` (by name, by name: the shape of the first
        followed by that of the second, symmetric to the bit); with `curvature` ``curvature``:
        ``smallest``, ``largest`` and, where the point is stationary, ``kind``: minimum, maximum, saddle,
        or flat where an eigenvalue is 0; with `verify` ``verification``.

    Raises
    ------
    InvalidFunction, InvalidRequest, OverBudget, NonFiniteResult, DeadlineExceeded
        As `gradient` does.

    Notes
    -----
    As many products with unit vectors as there are elements, in blocks of one batched program.

    Examples
    --------
    >>> hessian("x[0]**2 - x[1]**2", {"x": [0, 0]}, curvature=True)["curvature"]
    {'smallest': -2.0, 'largest': 2.0, 'kind': 'saddle'}
    """
    _check_method(method)
    task = Task(function, variables, constants, method, h, limits, deadline)
    return derive(task, WholeHessian(task, curvature), "hessian", verify=verify)


def hvp(
    function: str,
    variables: Tensors,
    vectors: Tensors,
    constants: Tensors | None = None,
    *,
    method: str = "exact",
    h: float | None = None,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Multiply the Hessian with vectors, without computing it.

    Parameters
    ----------
    vectors : mapping of str to array_like
        By variable, of its shape; those of absent names are 0.
    function, variables, constants, method, h, verify, limits, deadline
        As `hessian` takes them.

    Returns
    -------
    dict
        ``value``, ``gradient``, ``product`` (ndarray by name, of the variable's shape) and, with `verify`,
        ``verification``.

    Raises
    ------
    InvalidFunction, InvalidRequest, OverBudget, NonFiniteResult, DeadlineExceeded
        As `hessian` does.

    Notes
    -----
    The derivative of the gradient weighted with the vectors: about as much work as two gradients.

    Examples
    --------
    >>> hvp("sum(x**3)", {"x": [1, 2]}, {"x": [1, 1]})["product"]["x"]
    array([ 6., 12.])
    """
    _check_method(method)
    task = Task(function, variables, constants, method, h, limits, deadline)
    part = HessianProduct(task, task.like_variables(vectors, "vectors"))
    return derive(task, part, "product", verify=verify)


def quote_hessian(
    function: str,
    variables: Tensors,
    constants: Tensors | None = None,
    *,
    vectors: Tensors | None = None,
    method: str = "exact",
    h: float | None = None,
    curvature: bool = False,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Tell what a Hessian, or a product with it, would cost.

    Parameters
    ----------
    function, variables, constants, vectors, method, h, curvature, verify, limits, deadline
        As `hessian` and `hvp` take them.

    Returns
    -------
    dict
        As `quote` returns it.
    """
    _check_method(method)
    task = Task(function, variables, constants, method, h, limits, deadline)
    part: Part = WholeHessian(task, curvature)
    if vectors is not None:
        part = HessianProduct(task, task.like_variables(vectors, "vectors"))
    return quote_of(part.prices(verify), limits)


def _check_method(method: str) -> None:
    if method_named(method).name not in HESSIAN_METHODS:
        rule = f"one of {', '.join(HESSIAN_METHODS)}"
        raise InvalidRequest(fault("out-of-range", "/method", rule=rule, got=repr(method)))


class _SecondDerivatives(Part):
    """What both parts of a Hessian share: differences are those of the exact gradient."""

    def judge(self) -> Method:
        """Return the independent method: no complex step, which would differentiate the exact gradient."""
        return judge_for(self.task.method, is_analytic=False)

    def _sizes(self) -> int:
        return self.task.map("gradient").size

    def _numerical_price(self, method: Method, elements: int, kept: int) -> Price:
        known = self.task.map("gradient")
        # The gradient as one vector, made of those by variables, is what the differences are of.
        kept += (2 + method.arrays) * known.size
        return known.price(method.evaluations_for(elements), known.plan.peak_bytes + ELEMENT_BYTES * kept)

    def _gradient(self) -> Callable[..., Array]:
        """Return the gradient as one vector, behind the value, of arrays in the order of the variables."""
        task = self.task
        known = task.map("gradient")
        bound = known.bind(task.constants, task.deadline.check)

        def function(*arrays: Array) -> Array:
            results = zip(bound(*arrays), known.outputs, strict=True)
            return np.concatenate([np.broadcast_to(each, term.shape).reshape(-1) for each, term in results])

        return function

    def _found(self, vector: Array, derivatives: Derivatives, errors: Derivatives) -> Found:
        """Take value and gradient from the vector of both."""
        task = self.task
        gradient = split(vector[1:], shapes_of(task.variables))
        self.gradient = gradient
        return Found(vector[0].reshape(task.map("gradient").outputs[0].shape), derivatives, errors)

    def answer(self, value: Array, name: str, derivatives: Derivatives) -> dict[str, Any]:
        """Return the answer, which holds the gradient too."""
        return {"value": float(value.item()), "gradient": self.gradient, name: self.shown(derivatives)}

    def watch_gradient(self) -> None:
        """Refuse a gradient that is not finite."""
        for name, index, number in not_finite(self.gradient):
            place = 1 + list(self.gradient).index(name)
            self.watch("gradient", {}, f"the derivative by {name}{pointer_to(*index)}", number, place)


class WholeHessian(_SecondDerivatives):
    """All second derivatives."""

    hint = " Products with vectors cost a few evaluations."

    def __init__(self, task: Task, curvature: bool) -> None:
        super().__init__(task)
        self.has_curvature = curvature
        self.matrix: Array = np.zeros((0, 0))

    def price(self, method: Method) -> Price:
        """Return what it costs by a method."""
        size = self._sizes()
        if method.evaluations:
            found = self._numerical_price(method, size, self.kept())
        else:
            found = self.task.price(self.task.map("hessian product"), size, self.kept())
        is_first = self.has_curvature and method is self.task.method
        return with_eigenvalues(found, size) if is_first else found

    def kept(self) -> int:
        """Count the numbers of the matrix."""
        return SQUARES * self._sizes() ** 2

    def _exact(self) -> Found:
        task = self.task
        known, shapes = task.map("hessian product"), shapes_of(task.variables)
        parts, count = known.rows(known.size, task.limits), len(shapes)
        units = unit_rows(TANGENT, shapes)
        found = known.evaluate_rows(
            parts, units, task.variables, task.constants, task.deadline.check, shared=1 + count
        )
        first = [each.reshape(-1) for each in found[: 1 + count]]
        matrix = np.concatenate([each.reshape(len(each), -1) for each in found[1 + count :]], axis=1)
        return self._laid_out(np.concatenate(first), matrix)

    @np.errstate(all="ignore")
    def _numerical(self, method: Method) -> Found:
        vector, found = self.task.differentiate(self._gradient(), method)
        rows = np.concatenate(found)
        if method is RICHARDSON:
            return self._laid_out(vector, rows[:, 0, 1:], rows[:, 1, 1:])
        return self._laid_out(vector, rows[:, 1:])

    def _laid_out(self, vector: Array, matrix: Array, errors: Array | None = None) -> Found:
        """Make the matrix symmetric to the bit, and part it by variables."""
        half = 0.5 * matrix  # before the sum, which may be beyond float64
        matrix = half + half.T
        if not self.matrix.size:
            self.matrix = matrix
        return self._found(vector, self._blocks(matrix), {} if errors is None else self._blocks(errors))

    def _blocks(self, matrix: Array) -> Derivatives:
        """Part a matrix by the names of its rows and columns, with a slash between them."""
        shapes = shapes_of(self.task.variables)
        return {
            f"{name}/{other}": part.reshape((*shape, *shapes[other]))
            for (name, shape), span in zip(shapes.items(), spans_of(shapes.values()), strict=True)
            for other, part in split(matrix[span], shapes).items()
        }

    def refuse_non_finite(self, method: Method, derivatives: Derivatives) -> None:
        """Refuse derivatives that are not finite."""
        self.watch_gradient()
        for pair, index, number in not_finite(derivatives):
            name, _, other = pair.partition("/")
            rank = self.task.variables[name].ndim
            first, second = pointer_to(*index[:rank]), pointer_to(*index[rank:])
            output = f"the second derivative by {name}{first} and {other}{second}"
            vectors = {each: np.zeros(array.shape) for each, array in self.task.variables.items()}
            vectors[name][index[:rank]] = 1.0
            names = list(self.task.variables)
            place = 1 + len(names) + names.index(other)
            self.watch("hessian product", tangent_inputs(vectors), output, number, place)

    def shown(self, derivatives: Derivatives) -> Any:
        """Return the blocks by both names."""
        names = list(self.task.variables)
        return {name: {other: derivatives[f"{name}/{other}"] for other in names} for name in names}

    def answer(self, value: Array, name: str, derivatives: Derivatives) -> dict[str, Any]:
        """Return the answer, with the curvature when it is wanted."""
        answer = super().answer(value, name, derivatives)
        if self.has_curvature:
            self.task.deadline.check()
            answer["curvature"] = curvature_of(self.matrix, self.gradient, float(value.item()))
        return answer

    def pointer(self, name: str, *element: int) -> str:
        """Point to an element of a block."""
        return pointer_to(*name.split("/"), *element)


class HessianProduct(_SecondDerivatives):
    """The product of the Hessian with vectors."""

    def __init__(self, task: Task, vectors: Mapping[str, Array]) -> None:
        super().__init__(task)
        self.vectors = vectors

    def price(self, method: Method) -> Price:
        """Return what it costs by a method."""
        if method.evaluations:
            return with_step(self._numerical_price(method, 1, self.kept()), self._sizes())
        return self.task.price(self.task.map("hessian product"), 1, self.kept())

    def kept(self) -> int:
        """Count the numbers of the product."""
        return 2 * self._sizes()

    def check_step(self) -> None:
        """Leave it to where the step is taken: elements that do not move lose none."""

    def _exact(self) -> Found:
        task = self.task
        known = task.map("hessian product")
        inputs = {**task.variables, **tangent_inputs(self.vectors)}
        found = known.evaluate(inputs, task.constants, task.deadline.check)
        count = len(task.variables)
        self.gradient = dict(zip(task.variables, found[1 : 1 + count], strict=True))
        return Found(found[0], dict(zip(task.variables, found[1 + count :], strict=True)))

    @np.errstate(all="ignore")
    def _numerical(self, method: Method) -> Found:
        task = self.task
        vector, found = task.differentiate_along(self._gradient(), self.vectors, method)
        derivatives, *errors = (split(each[1:], shapes_of(task.variables)) for each in np.atleast_2d(found))
        return self._found(vector, derivatives, errors[0] if errors else {})

    def refuse_non_finite(self, method: Method, derivatives: Derivatives) -> None:
        """Refuse a product that is not finite."""
        self.watch_gradient()
        for name, index, number in not_finite(derivatives):
            output = f"the product by {name}{pointer_to(*index)}"
            place = 1 + len(derivatives) + list(derivatives).index(name)
            self.watch("hessian product", tangent_inputs(self.vectors), output, number, place)
