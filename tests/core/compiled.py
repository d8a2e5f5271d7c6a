"""Functions compiled anew, whatever the cache holds."""

import numpy as np

from service.core.calculus.compiler import compile_anew
from service.core.calculus.differences import METHODS
from service.core.limits import DEFAULT_LIMITS


def compiled(function, variables, constants=None, *, method="exact"):
    """Compile for shapes by name."""
    return compile_anew(function, variables, constants or {}, METHODS[method], False, DEFAULT_LIMITS)


def compiled_for(function, variables, constants=None, *, method="exact"):
    """Compile for the shapes of arrays by name."""
    shapes = [{name: np.shape(array) for name, array in of.items()} for of in (variables, constants or {})]
    return compiled(function, *shapes, method=method)
