"""How a request is checked against the schema of its endpoint; the fields stand with the endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError
from marshmallow.fields import Field

from service.api.arrays import kind_of
from service.api.fields import at
from service.api.hints import unknown_fields, with_example
from service.api.messages import fault
from service.core.exceptions import InvalidRequest, pointer_to

Fields = dict[str, Field[Any]]


class Envelope(Schema):
    """A schema whose fields read one by one what is given; the rest takes its default.

    `Schema.load` walks through all fields, and through hooks and nesting, which none of ours has: for a small
    request that took as long as the computation.

    Attributes
    ----------
    needed : frozenset of str
        Fields without a default.
    defaults : dict
        The values of all others.
    elsewhere : dict of str to str
        Fields of other endpoints, and which those are.
    """

    elsewhere: Mapping[str, str]

    def __init__(self) -> None:
        super().__init__()
        self.needed = frozenset(name for name, field in self.fields.items() if field.required)
        self.defaults = {
            name: field.load_default for name, field in self.fields.items() if name not in self.needed
        }


def envelope_of(fields: Fields, elsewhere: Mapping[str, str]) -> Envelope:
    """Make the schema of the requests that have these fields."""
    made: Envelope = Envelope.from_dict(dict(fields))()  # type: ignore[assignment]  # a subclass
    made.elsewhere = elsewhere
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
    faults = [] if data.keys() <= known.keys() else unknown_fields(data, tuple(known), schema.elsewhere)
    faults += [fault("missing-field", pointer_to(name)) for name in schema.needed - given.keys()]
    values = dict(schema.defaults)
    for name in filter(known.__contains__, given):
        try:
            values[name] = known[name].deserialize(given[name])
        except ValidationError as error:
            found: list[Any] = list(error.messages)  # our own faults, whatever Marshmallow's types say
            faults += [at(with_example(name, each), pointer_to(name)) for each in found]
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
