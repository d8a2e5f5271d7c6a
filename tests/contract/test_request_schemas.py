"""Every request schema of the document is the one that the code reads requests with, and no other."""

import numpy as np
import pytest

from service.api import fields
from service.api.endpoints import make_schemas
from service.api.schemas import read
from service.core.exceptions import InvalidRequest
from service.core.limits import Limits
from service.limits import DEFAULT_LIMITS
from tests.contract.document import operations, raw, request_examples, takes_null

COMPUTE = {operation.path: operation for operation in operations().values() if operation.request}

SCHEMAS = make_schemas(DEFAULT_LIMITS)


def number(field):
    return {"type": "number", "format": "double"} | bounds(field)


def whole(field):
    return {"type": "integer", "format": "int32"} | bounds(field)


def bounds(field):
    """Write a field's range as OpenAPI 3.0 does, with exclusive bounds as booleans."""
    written = {}
    if field.low is not None:
        written |= {"minimum": field.low} | ({"exclusiveMinimum": True} if field.is_open else {})
    if field.high is not None:
        written |= {"maximum": field.high} | ({"exclusiveMaximum": True} if field.is_below else {})
    return written


def tensor_map(field):
    written = {"type": "object", "maxProperties": field.limits.names, "additionalProperties": True}
    return written | ({"minProperties": field.least} if field.least else {})


def bounds_map(field):
    side = {"type": "object", "additionalProperties": False, "properties": {"lower": {}, "upper": {}}}
    return {"type": "object", "maxProperties": field.limits.names, "additionalProperties": side}


def number_list(field):
    return {
        "type": "array",
        "items": whole(field.item) if isinstance(field.item, fields.WholeNumber) else number(field.item),
        "minItems": 1,
        "maxItems": field.most,
    }


def group(field):
    required = [name for name, member in field.members.items() if member.required]
    members = {name: written(member) for name, member in field.members.items()}
    return {"type": "object", "required": required, "additionalProperties": False, "properties": members}


def map_of(field):
    return {
        "type": "object",
        "maxProperties": field.most,
        "additionalProperties": written(field.member),
    }


def text(field):
    """The one text is a function's, and the language holds it to its length."""
    return {"type": "string", "minLength": 1, "maxLength": DEFAULT_LIMITS.function_characters}


WRITTEN = {
    fields.ArrayField: lambda field: {"type": "array", "items": {}, "minItems": 1},
    fields.BooleanArray: lambda field: {"type": "array", "items": {}, "minItems": 1},
    fields.TensorMap: tensor_map,
    fields.BoundsMap: bounds_map,
    fields.NumberList: number_list,
    fields.NameList: lambda field: {"type": "array", "items": {"type": "string"}, "maxItems": field.most},
    fields.Tensor: lambda field: {},
    fields.TensorOrMap: lambda field: {},
    fields.Object: lambda field: {"type": "object", "additionalProperties": True},
    fields.Group: group,
    fields.MapOf: map_of,
    fields.Number: number,
    fields.WholeNumber: whole,
    fields.Flag: lambda field: {"type": "boolean"},
    fields.Text: text,
    fields.Choice: lambda field: {"type": "string", "enum": list(field.choices)},
}
"""How the document writes each kind of field."""


def written(field):
    """Write a Marshmallow field as the document should."""
    node = WRITTEN[type(field)](field)
    if not field.required:
        if "type" in node:
            node["nullable"] = True
        if field.load_default is not None:
            node["default"] = field.load_default
    return node


def without_words(node):
    if isinstance(node, dict):
        return {
            key: without_words(value)
            for key, value in node.items()
            if key not in ("description", "title", "x-enum-varnames")
        }
    if isinstance(node, list):
        return [without_words(item) for item in node]
    return node


CASES = [
    pytest.param(path, name, id=f"{path}-{name}")
    for path, schema in SCHEMAS.items()
    for name in sorted({*schema.fields, *COMPUTE[path].request["schema"]["properties"]})
]


def test_the_code_has_a_schema_for_every_operation_that_takes_a_body():
    assert SCHEMAS.keys() == COMPUTE.keys()


@pytest.mark.parametrize("path", COMPUTE)
def test_document_and_code_know_the_same_fields(path):
    node, schema = COMPUTE[path].request["schema"], SCHEMAS[path]

    assert node["properties"].keys() == schema.fields.keys()
    assert set(node["required"]) == {name for name, field in schema.fields.items() if field.required}


@pytest.mark.parametrize(("path", "name"), CASES)
def test_a_field_is_documented_as_it_is_read(path, name):
    node = COMPUTE[path].request["schema"]["properties"][name]

    assert without_words(node) == written(SCHEMAS[path].fields[name])


@pytest.mark.parametrize("path", COMPUTE)
def test_a_field_that_the_document_does_not_know_is_refused(path):
    request = first_example(path) | {"surprise": 1}

    with pytest.raises(InvalidRequest) as refusal:
        read(SCHEMAS[path], request)

    assert [fault.pointer for fault in refusal.value.faults] == ["/surprise"]


@pytest.mark.parametrize(("path", "name"), CASES)
def test_null_is_taken_where_the_document_says_so_and_means_absent(path, name):
    request = first_example(path)
    request.pop(name, None)
    node = COMPUTE[path].request["schema"]["properties"][name]

    if not takes_null(node):
        with pytest.raises(InvalidRequest):
            read(SCHEMAS[path], request | {name: None})
        return

    absent, null = read(SCHEMAS[path], request)[name], read(SCHEMAS[path], request | {name: None})[name]
    if name == "axis":
        assert (absent, null) == (-1, None)
    else:
        assert absent == null == node.get("default")


@pytest.mark.parametrize(("path", "name"), CASES)
def test_a_default_may_be_sent(path, name):
    node = COMPUTE[path].request["schema"]["properties"][name]
    if "default" not in node:
        return
    request = first_example(path)
    request.pop(name, None)

    assert read(SCHEMAS[path], request | {name: node["default"]})[name] == read(SCHEMAS[path], request)[name]


BOUNDS = [
    pytest.param(path, name, bound, id=f"{path}-{name}-{bound}")
    for path, operation in COMPUTE.items()
    for name, node in operation.request["schema"]["properties"].items()
    for bound in ("minimum", "maximum")
    if bound in node
]


@pytest.mark.parametrize(("path", "name", "bound"), BOUNDS)
def test_bounds_are_where_the_document_puts_them(path, name, bound):
    node = COMPUTE[path].request["schema"]["properties"][name]
    limit, is_exclusive = node[bound], node.get("exclusive" + bound.capitalize(), False)
    outwards = -1 if bound == "minimum" else 1
    beyond = limit + outwards if node["type"] == "integer" else float(np.nextafter(limit, outwards * np.inf))
    request = first_example(path)

    for value, is_taken in ((limit, not is_exclusive), (beyond, False)):
        if is_taken:
            assert read(SCHEMAS[path], request | {name: value})[name] == value
        else:
            with pytest.raises(InvalidRequest) as refusal:
                read(SCHEMAS[path], request | {name: value})
            assert refusal.value.faults[0].pointer == f"/{name}"


def first_example(path):
    """The first example of an operation, complete and right."""
    return next(dict(request) for operation, _, request, _ in request_examples() if operation.path == path)


def test_limits_in_the_document_are_the_defaults():
    """Changing a default changes the schema that the code makes, and so fails the comparison above."""
    narrow = make_schemas(Limits(steps=7, history=5, sweep=3, names=2))

    assert narrow["/descent"].fields["steps"].high == 7
    assert narrow["/descent"].fields["history"].high == 5
    assert narrow["/descent/sweep"].fields["learning_rates"].most == 3
    assert narrow["/gradient"].fields["variables"].limits.names == 2


def test_numbers_in_the_introduction_are_the_limits_in_force():
    text = " ".join(raw()["info"]["description"].split())
    limits = DEFAULT_LIMITS

    for phrase in (
        f"rank 1 to {limits.rank}",
        f"1 to {limits.elements:,} elements",
        f"at most {limits.function_characters:,} ASCII characters",
        f"at most {limits.body_bytes >> 20} MiB",
        f"within {limits.deadline_default_ms // 1000} seconds",
    ):
        assert phrase in text, phrase
    for path in ("/descent", "/descent/sweep"):
        words = COMPUTE[path].request["schema"]["properties"]["deadline_ms"]["description"]
        assert f"{limits.deadline_ms:,}" in words
        assert f"{limits.deadline_default_ms:,}" in words
