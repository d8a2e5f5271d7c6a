"""A gradient held against an independent one that is accurate itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from service.core.arrays import Array
from service.core.calculus.compiler import Compiled
from service.core.calculus.differences import RICHARDSON, SMALLEST_NUMBER, Method, differences, step_at
from service.core.calculus.explain import refuse_non_finite
from service.core.calculus.inputs import array_data
from service.core.calculus.kernel import bind
from service.core.exceptions import pointer_to
from service.core.limits import Deadline

ROUNDING = float(np.finfo(np.float64).eps)
"""Relative error of what is exact but for rounding."""

COMPARED_TENSORS = 6
"""Tensors of the variables' size that a comparison holds: both gradients, their errors, and what it makes."""

LARGEST = float(np.finfo(np.float64).max)


@np.errstate(all="ignore")
def verification(
    judge: Compiled,
    variables: Mapping[str, Array],
    constants: Mapping[str, Array],
    derivatives: Mapping[str, Array],
    deadline: Deadline,
) -> dict[str, Any]:
    """Compare a gradient with that of a judge, as `compare` does."""
    deadline.check()
    if judge.method is not RICHARDSON:
        kernel = bind(judge, constants, None, deadline.check)
        value, slots = kernel.evaluate(kernel.pack(variables))
        others = kernel.unpack_gradient(slots)
        errors = errors_of(judge.method, variables, others)
    else:
        function = judge.emitted.value_on_arrays(**array_data(judge.program, constants, deadline.check))
        arrays = [variables[name] for name in judge.shapes]
        found, columns = differences(function, arrays, RICHARDSON, None, deadline.check)
        value = float(found.item())
        parts = {
            name: np.reshape(each, (-1, 2)).T.reshape(2, *judge.shapes[name])
            for name, each in zip(judge.shapes, columns, strict=True)
        }
        others, errors = ({name: part[row] for name, part in parts.items()} for row in (0, 1))
    refuse_non_finite(judge, variables, constants, value, others, deadline.check)
    return compare(derivatives, others, errors, judge.method.name)


@np.errstate(all="ignore")
def compare(
    derivatives: Mapping[str, Array],
    others: Mapping[str, Array],
    errors: Mapping[str, Array],
    method: str,
    pointer: Callable[..., str] = pointer_to,
) -> dict[str, Any]:
    """Compare two gradients element by element.

    Parameters
    ----------
    derivatives, others, errors : mapping of str to ndarray
        The gradient, that of the judge, and the error of the judge's own, where it estimates one; else
        it errs by rounding.
    method : str
        The judge's.
    pointer : callable
        From a name and an index to where the answer has the element.

    Returns
    -------
    dict
        ``method``, ``max_absolute_error``, ``max_relative_error``, ``worst``, the pointer of the element
        with the largest relative error, and ``estimated_error``, the judge's own relative error there.
    """
    absolute, relative, worst, own = 0.0, -1.0, "", ROUNDING
    for name, derivative in derivatives.items():
        difference = np.abs(derivative - others[name])
        scale = np.maximum(np.abs(derivative), np.abs(others[name]))
        ratio = np.divide(difference, scale, out=np.zeros_like(difference), where=scale > 0)
        absolute = max(absolute, min(float(np.max(difference)), LARGEST))
        position = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        if ratio[position] > relative:
            relative, worst = float(ratio[position]), pointer(name, *map(int, position))
            own = ROUNDING
            if name in errors:
                own = _ratio(float(errors[name][position]), float(scale[position]))
    return {
        "method": method,
        "max_absolute_error": absolute,
        "max_relative_error": relative,
        "worst": worst,
        "estimated_error": own,
    }


def errors_of(
    method: Method, variables: Mapping[str, Array], derivatives: Mapping[str, Array]
) -> dict[str, Array]:
    """Estimate what a complex step loses: rounding, and an imaginary part that is too small for a number."""
    if not method.is_complex:
        return {}
    steps = {name: step_at(method, None, variables[name]) for name in derivatives}
    return {
        name: ROUNDING * np.abs(derivative) + SMALLEST_NUMBER / steps[name]
        for name, derivative in derivatives.items()
    }


def _ratio(error: float, scale: float) -> float:
    """Divide an error by what it is an error of; float64's largest number where that overflows."""
    return min(error / scale, LARGEST) if scale else 0.0
