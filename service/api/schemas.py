"""One schema for each operation: its fields, their defaults and ranges, as `openapi.yaml` has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError
from marshmallow.fields import Field

from service.api.fields import (
    ArrayField,
    BooleanArray,
    BoundsMap,
    Choice,
    Flag,
    Number,
    NumberList,
    Object,
    TensorMap,
    Text,
    Whole,
    at,
    kind_of,
    unknown_fields,
)
from service.core.calculus.differences import METHODS
from service.core.descent import OPTIMIZERS, SCHEDULES
from service.core.exceptions import InvalidRequest, fault, pointer_to
from service.core.limits import Limits
from service.core.losses import LOSSES

Fields = dict[str, Field[Any]]

REDUCTIONS = ("sum", "mean", "none")


def _positive(**more: Any) -> Number:
    return Number(low=0, is_open=True, **more)


def _fraction(**more: Any) -> Number:
    """Make a number of at least 0 and below 1."""
    return Number(low=0, high=1, is_below=True, **more)


def _softmax(limits: Limits) -> Fields:
    return {
        "x": ArrayField(limits, required=True),
        "axis": Whole(load_default=-1, allow_none=True),
        "temperature": _positive(load_default=1.0),
        "log": Flag(load_default=False),
        "mask": BooleanArray(limits, load_default=None),
    }


def _sigmoid(limits: Limits) -> Fields:
    return {"x": ArrayField(limits, required=True), "log": Flag(load_default=False)}


def _loss(limits: Limits) -> Fields:
    return {
        "loss": Choice(tuple(LOSSES), required=True),
        "predictions": ArrayField(limits, required=True),
        "targets": ArrayField(limits, required=True),
        "from_logits": Flag(load_default=False),
        "epsilon": Number(low=0, load_default=None),
        "delta": _positive(load_default=1.0),
        "label_smoothing": _fraction(load_default=0.0),
        "reduction": Choice(REDUCTIONS, load_default="sum"),
        "gradient": Flag(load_default=False),
    }


def _function(limits: Limits) -> Fields:
    return {
        "function": Text(required=True),
        "constants": TensorMap(limits, load_default=None),
        "method": Choice(tuple(METHODS), load_default="exact"),
        "h": _positive(load_default=None),
    }


def _checked(limits: Limits) -> Fields:
    return {"verify": Flag(load_default=False), "dry_run": Flag(load_default=False)}


def _gradient(limits: Limits) -> Fields:
    variables = {"variables": TensorMap(limits, least=1, required=True)}
    return _function(limits) | variables | _checked(limits)


def _field(limits: Limits) -> Fields:
    points = {"points": TensorMap(limits, lowest_rank=1, least=1, required=True)}
    return _function(limits) | points | _checked(limits)


def _path(limits: Limits) -> Fields:
    """List what a descent and a sweep share."""
    return _function(limits) | {
        "variables": TensorMap(limits, least=1, required=True),
        "optimizer": Choice(tuple(OPTIMIZERS), load_default="gradient_descent"),
        "steps": Whole(low=1, high=limits.steps, load_default=100),
        "momentum": _fraction(load_default=0.9),
        "decay": _fraction(load_default=0.99),
        "beta1": _fraction(load_default=0.9),
        "beta2": _fraction(load_default=0.999),
        "epsilon": _positive(load_default=None),
        "schedule": Choice(tuple(SCHEDULES), load_default="constant"),
        "schedule_rate": _positive(load_default=None),
        "schedule_every": Whole(low=1, load_default=None),
        "clip_norm": _positive(load_default=None),
        "bounds": BoundsMap(limits, load_default=None),
        "tolerance": _positive(load_default=None),
        "deadline_ms": Whole(low=1, load_default=None),
        "history": Whole(low=0, high=limits.history, load_default=0),
        "history_variables": Flag(load_default=True),
    }


def _descent(limits: Limits) -> Fields:
    own = {"learning_rate": _positive(load_default=0.01), "state": Object(load_default=None)}
    return _path(limits) | own


def _sweep(limits: Limits) -> Fields:
    return _path(limits) | {"learning_rates": NumberList(_positive(), limits.sweep, required=True)}


TABLE = {
    "/softmax": _softmax,
    "/sigmoid": _sigmoid,
    "/loss": _loss,
    "/gradient": _gradient,
    "/gradient/field": _field,
    "/descent": _descent,
    "/descent/sweep": _sweep,
}
"""The fields of each operation, by path."""


class Envelope(Schema):
    """A schema whose fields are asked one by one, and only for what is given; the rest takes its default.

    `Schema.load` walks through all fields, and through hooks and nesting, which none of ours has: for a small
    request that took as long as the computation.

    Attributes
    ----------
    needed : frozenset of str
        Fields without a default.
    defaults : dict
        The values of all others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.needed = frozenset(name for name, field in self.fields.items() if field.required)
        self.defaults = {
            name: field.load_default for name, field in self.fields.items() if name not in self.needed
        }


def make_schemas(limits: Limits) -> dict[str, Envelope]:
    """Make the schema of every operation, once for an application."""
    return {path: _envelope(path, make(limits)) for path, make in TABLE.items()}


def _envelope(path: str, fields: Fields) -> Envelope:
    made: Envelope = Envelope.from_dict(dict(fields), name=path)()  # type: ignore[assignment]  # a subclass
    return made


def read(schema: Envelope, data: Any) -> dict[str, Any]:
    """Hold a request against its schema.

    Raises
    ------
    InvalidRequest
        With every fault found, each at its field.
    """
    if type(data) is not dict:
        raise InvalidRequest(fault("not-an-object", got=kind_of(data)))
    known = schema.fields
    given = _without_absent(known, data)
    faults = [] if data.keys() <= known.keys() else unknown_fields(data, tuple(known))
    faults += [fault("missing-field", pointer_to(name)) for name in schema.needed - given.keys()]
    values = dict(schema.defaults)
    for name in filter(known.__contains__, given):
        try:
            values[name] = known[name].deserialize(given[name])
        except ValidationError as error:
            found: list[Any] = list(error.messages)  # our own faults, whatever Marshmallow's types say
            faults += [at(each, pointer_to(name)) for each in found]
    if faults:
        raise InvalidRequest(*faults)
    return values


def _without_absent(known: Mapping[str, Field[Any]], data: Mapping[str, Any]) -> dict[str, Any]:
    """Drop nulls: for an optional field null means absent, unless the field says what it means."""
    return {
        name: value
        for name, value in data.items()
        if value is not None or (name in known and (known[name].required or _takes_null(known[name])))
    }


def _takes_null(known: Field[Any]) -> bool:
    return bool(known.allow_none) and known.load_default is not None
