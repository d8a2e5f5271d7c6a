"""The curvature at a point: the extreme eigenvalues of the Hessian, and what kind of point that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from service.core.arrays import Array
from service.core.calculus.budget import Price
from service.core.calculus.costs import ELEMENT_MICROSECONDS
from service.core.calculus.schedule import ELEMENT_BYTES

STATIONARY = 1e-6
"""A point is stationary where no element of the gradient is above this times max(1, |value|)."""
EIGENVALUE_OPERATIONS, EIGENVALUE_SQUARES = 0.1, 2
"""Elementary operations for the eigenvalues of a matrix of n by n, times n³, and copies of it meanwhile."""
FLAT = 1e-9
"""Eigenvalues below this times the largest magnitude count as 0."""


def with_eigenvalues(price: Price, size: int) -> Price:
    """Add to the price of a Hessian of so many elements its eigenvalues, which no deadline interrupts."""
    operations = EIGENVALUE_OPERATIONS * size**3
    return price._replace(
        plan=replace(price.plan, largest=max(price.plan.largest, operations)),
        operations=price.operations + operations,
        peak_bytes=price.peak_bytes + EIGENVALUE_SQUARES * ELEMENT_BYTES * size**2,
        seconds=price.seconds + 1e-6 * ELEMENT_MICROSECONDS * operations,
    )


def curvature_of(matrix: Array, gradient: Mapping[str, Array], value: float) -> dict[str, Any]:
    """Tell the extreme eigenvalues, and the kind of the point where it is stationary."""
    eigenvalues = np.linalg.eigvalsh(matrix)
    smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    answer: dict[str, Any] = {"smallest": smallest, "largest": largest}
    steepest = max(float(np.max(np.abs(each))) for each in gradient.values())
    if steepest <= STATIONARY * max(1.0, abs(value)):
        answer["kind"] = _kind(smallest, largest)
    return answer


def _kind(smallest: float, largest: float) -> str:
    bound = FLAT * max(abs(smallest), abs(largest))
    if smallest < -bound and largest > bound:
        return "saddle"
    if smallest > bound:
        return "minimum"
    return "maximum" if largest < -bound else "flat"
