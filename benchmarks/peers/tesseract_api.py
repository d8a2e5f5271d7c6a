"""Tesseract Core's own runtime with the seed's function and its Jacobian built in, as its docs write it."""

from typing import Any

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64


class InputSchema(BaseModel):
    """A point."""

    x: Differentiable[Array[(2,), Float64]]


class OutputSchema(BaseModel):
    """The value there."""

    value: Differentiable[Float64]


def apply(inputs: InputSchema) -> OutputSchema:
    """Compute x0**2 + x1**2."""
    return OutputSchema(value=inputs.x[0] ** 2 + inputs.x[1] ** 2)


def jacobian(inputs: InputSchema, jac_inputs: set[str], jac_outputs: set[str]) -> dict[str, Any]:
    """Compute its derivative, 2 x."""
    return {"value": {"x": 2 * np.asarray(inputs.x)}}


def abstract_eval(abstract_inputs: Any) -> dict[str, Any]:
    """Tell the shape of the value."""
    return {"value": {"shape": [], "dtype": "float64"}}
