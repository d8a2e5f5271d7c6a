"""`/descent` and `/descent/sweep`: what a request may hold, and what is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request
from marshmallow.fields import Field

from service.api.exchange import current
from service.api.fields import (
    BoundsMap,
    Choice,
    Flag,
    Group,
    MapOf,
    NameList,
    Number,
    NumberList,
    Object,
    TensorMap,
    TensorOrMap,
    WholeNumber,
    positive,
)
from service.api.formats import wanted_format
from service.api.gradients import function_fields
from service.api.schemas import Fields
from service.api.streaming import stream, wants_stream
from service.core.descent import descent, sweep
from service.core.descent.options import OPTIONS, Option
from service.core.descent.projections import SETS, SIZES
from service.core.descent.starts import MOST_STARTS
from service.core.descent.sweeps import ANSWERS
from service.core.limits import Deadline, Limits
from service.limits import ServiceLimits


def _range(row: Option, limits: Limits) -> dict[str, Any]:
    return {"low": row.low, "high": row.highest(limits), "is_open": row.is_open, "is_below": row.is_below}


def batch_members(limits: Limits) -> Fields:
    """List the fields of a batch."""
    return {
        "size": WholeNumber(low=1, required=True),
        "of": NameList(limits.names, required=True),
        "seed": WholeNumber(low=0, load_default=0),
    }


def random_members(limits: Limits) -> Fields:
    """List the fields of random starts."""
    return {
        "count": WholeNumber(low=1, high=MOST_STARTS, required=True),
        "seed": WholeNumber(low=0, load_default=0),
        "spread": TensorOrMap(limits, load_default=None),
    }


def projection() -> Group:
    """Make the field of a projection."""
    members: Fields = {"onto": Choice(SETS, required=True)}
    return Group(members | {name: positive(load_default=1) for name in SIZES}, required=True)


OPTION_FIELDS: dict[str, Callable[..., Field[Any]]] = {
    "number": lambda row, limits, **more: Number(**_range(row, limits), **more),
    "integer": lambda row, limits, **more: WholeNumber(**_range(row, limits), **more),
    "integers": lambda row, limits, **more: NumberList(WholeNumber(low=row.low), row.most, **more),
    "flag": lambda row, limits, **more: Flag(**more),
    "choice": lambda row, limits, **more: Choice(row.choices, **more),
    "bounds": lambda row, limits, **more: BoundsMap(limits, **more),
    "project": lambda row, limits, **more: MapOf(projection(), limits.names, **more),
    "batch": lambda row, limits, **more: Group(batch_members(limits), **more),
}
"""The field of each kind of option."""

DESCENT_ALONE = ("state", "ticks")
"""Fields of `/descent` that a sweep has not."""


def option_field(row: Option, limits: Limits) -> Field[Any]:
    """Make the field of an option; a default that the optimizers do not share is filled in by the core."""
    return OPTION_FIELDS[row.kind](row, limits, load_default=None if row.varies else row.default)


def descent_fields(limits: Limits) -> Fields:
    """List the fields of `/descent`."""
    return (
        function_fields(limits)
        | {"variables": TensorMap(limits, least=1, required=True)}
        | {name: option_field(row, limits) for name, row in OPTIONS.items()}
        | {"deadline_ms": WholeNumber(low=1, load_default=None), "state": Object(load_default=None)}
    )


def descent_path(
    arguments: dict[str, Any], deadline: Deadline, limits: ServiceLimits
) -> dict[str, Any] | Response:
    """Minimise a function from a start; as a stream when the client asks for one."""
    if wants_stream(request):
        return stream(arguments, deadline, limits)
    answer = descent(**arguments, limits=limits, deadline=deadline, answer_numbers=_room(limits))
    current().ended = (answer["status"],)
    return answer


def _room(limits: ServiceLimits) -> int:
    """Return for how many numbers the answer has room in the format that the client prefers."""
    return wanted_format(request).numbers_within(limits)


def sweep_fields(limits: Limits) -> Fields:
    """List the fields of `/descent/sweep`."""
    shared = {name: field for name, field in descent_fields(limits).items() if name not in DESCENT_ALONE}
    return shared | {
        "learning_rates": NumberList(positive(), limits.sweep, load_default=None),
        "starts": TensorMap(limits, lowest_rank=1, load_default=None),
        "random_starts": Group(random_members(limits), load_default=None),
        "answers": Choice(ANSWERS, load_default="all"),
    }


def descent_sweep(arguments: dict[str, Any], deadline: Deadline, limits: ServiceLimits) -> dict[str, Any]:
    """Minimise a function with several learning rates."""
    answer = sweep(**arguments, limits=limits, deadline=deadline, answer_numbers=_room(limits))
    current().ended = [run["status"] for run in answer["runs"]]
    return answer
