"""`/gradient` and `/gradient/field`: what a request may hold, and what is computed."""

from __future__ import annotations

from typing import Any

from service.api.fields import Choice, Flag, TensorMap, Text, positive
from service.api.schemas import Fields
from service.core.calculus.differences import METHODS
from service.core.calculus.field import gradient_field, quote_field
from service.core.calculus.gradient import gradient, quote
from service.core.limits import Deadline, Limits


def function_fields(limits: Limits) -> Fields:
    """List what every endpoint takes that differentiates a function."""
    return {
        "function": Text(required=True),
        "constants": TensorMap(limits, load_default=None),
        "method": Choice(METHODS, load_default="exact"),
        "h": positive(load_default=None),
    }


def checked_fields() -> Fields:
    """List the fields that ask for a check of the result, or for its price alone."""
    return {"verify": Flag(load_default=False), "dry_run": Flag(load_default=False)}


def skipping_fields() -> Fields:
    """List the field that leaves points out."""
    return {"skip_non_finite": Flag(load_default=False)}


def gradient_fields(limits: Limits) -> Fields:
    """List the fields of `/gradient`."""
    variables = {"variables": TensorMap(limits, least=1, required=True)}
    return function_fields(limits) | variables | checked_fields()


def gradient_at_a_point(arguments: dict[str, Any], deadline: Deadline, limits: Limits) -> dict[str, Any]:
    """Value and gradient of a function, or their quote."""
    if arguments.pop("dry_run"):
        return {"quote": quote(**arguments, limits=limits, deadline=deadline)}
    return gradient(**arguments, limits=limits, deadline=deadline)


def gradient_field_fields(limits: Limits) -> Fields:
    """List the fields of `/gradient/field`."""
    points = {"points": TensorMap(limits, lowest_rank=1, least=1, required=True)}
    return function_fields(limits) | points | skipping_fields() | checked_fields()


def gradient_at_points(arguments: dict[str, Any], deadline: Deadline, limits: Limits) -> dict[str, Any]:
    """Value and gradient of a function at many points, or their quote."""
    if arguments.pop("dry_run"):
        return {"quote": quote_field(**arguments, limits=limits, deadline=deadline)}
    return gradient_field(**arguments, limits=limits, deadline=deadline)
