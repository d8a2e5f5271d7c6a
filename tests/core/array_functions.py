"""Functions of arrays from programs as they are: no results in places, no rewriting for large arrays."""

from service.core.calculus.generated import make_function, write_source
from service.core.calculus.inputs import array_names


def array_function(program, outputs):
    """Make the function from the variables' arrays to those of the outputs, a tuple."""
    source = write_source(program.graph, outputs, array_names(program))
    return make_function(source, f"({', '.join(source.outputs)},)")
