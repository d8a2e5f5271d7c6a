"""The cost model: estimated time of a program on floats and on arrays, by measured constants."""

from __future__ import annotations

FLOAT_NODES = 600
"""Most operations of a program on floats."""
POINT_NODES = 3_000
"""Most operations of a program on floats whose every float becomes an array over points."""

FLOAT_MICROSECONDS = 0.035
CALL_MICROSECONDS = 0.9
ELEMENT_MICROSECONDS = 0.001
"""One operation on floats, one NumPy call, and one element of it."""
MICROSECONDS_TO_COMPILE = 10.0
"""One statement of generated source, for a function that was not seen before."""


PARSING_SECONDS = 8e-6
COMPILING_SECONDS = 25e-6
"""Processor time for a character of a function never seen, and for an operation of its program."""
COMPILING_BYTES = 16_384
"""Memory that an operation of the program takes while it is compiled."""


def microseconds_on_floats(nodes: int) -> float:
    """Estimate the time of one evaluation on floats, from its number of operations."""
    return FLOAT_MICROSECONDS * nodes


def microseconds_on_arrays(calls: int, operations: float) -> float:
    """Estimate the time of evaluations on arrays, from all NumPy calls and elementary operations."""
    return CALL_MICROSECONDS * calls + ELEMENT_MICROSECONDS * operations
