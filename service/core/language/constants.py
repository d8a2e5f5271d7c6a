"""What a request's constants have to hold where they index, are class labels or are targets of a loss.

The rules follow from the function's text and shapes; the data are checked by them before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Mask, shown, where_not
from service.core.exceptions import Fault, fault, pointer_to

DOMAINS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "probability": ("not-a-probability", lambda x: (x >= 0.0) & (x <= 1.0)),
    "non-negative": ("negative", lambda x: x >= 0.0),
    "sign": ("not-a-sign", lambda x: (x == 1.0) | (x == -1.0)),
}
"""By kind of predictions or targets: the code of the fault, and the test of valid elements."""


def holds_labels(array: NDArray[Any]) -> bool:
    """Tell whether every element is 0 or 1."""
    return bool(np.logical_or(array == 0.0, array == 1.0).all())


class IndexRule(NamedTuple):
    """A constant that indexes or holds class labels: whole numbers in a range."""

    name: str
    low: int
    high: int
    is_label: bool

    def faults(self, array: NDArray[Any]) -> list[Fault]:
        """Return a fault for each element that is wrong, at its place in the request."""
        code = "bad-label" if self.is_label else "bad-index-value"
        is_right = (array == np.floor(array)) & (array >= self.low) & (array <= self.high)
        return _faults(code, self.name, array, is_right, low=self.low, high=self.high)


class DomainRule(NamedTuple):
    """A constant that is the targets of a loss, which stands at a line and column of the function."""

    name: str
    kind: str
    line: int
    column: int

    def faults(self, array: NDArray[Any]) -> list[Fault]:
        """Return a fault for each element that is wrong, at its place in the request."""
        code, is_right = DOMAINS[self.kind]
        return _faults(code, self.name, array, is_right(array), line=self.line, column=self.column)


def _faults(code: str, name: str, array: NDArray[Any], is_right: Mask, **values: Any) -> list[Fault]:
    """Return a fault for each element of a constant that is not right."""
    return [
        fault(code, pointer_to("constants", name, *at), got=shown(float(array[at])), hint="", **values)
        for at in where_not(is_right)
    ]


DataRule = IndexRule | DomainRule
