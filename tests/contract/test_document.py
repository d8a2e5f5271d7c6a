"""The document read as a product: valid, whole, and of the constructs that every generator understands."""

import re

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from service import __version__
from service.api.endpoints import ENDPOINTS
from service.core.descent.optimizers import OPTIMIZERS
from service.core.descent.options import OPTIONS
from tests.contract.document import (
    JSON,
    PROBLEM,
    check,
    operations,
    raw,
    request_examples,
    schema,
    takes_null,
)

REQUESTS = [name for name in raw()["components"]["schemas"] if name.endswith("Request")]
PARTS_OF_REQUESTS = ["Bound", "Batch", "Projection", "RandomStarts"]
OPEN = [
    name
    for name, node in raw()["components"]["schemas"].items()
    if node["type"] == "object" and "properties" in node and name not in [*REQUESTS, *PARTS_OF_REQUESTS]
]


def method_name(path):
    """Name the method that a generated client has for a path: its words, joined as methods are."""
    first, *others = path.strip("/").split("/")
    return first + "".join(map(str.title, others))


def nodes(node=None, path=""):
    """Every mapping of the document with its place, examples left out."""
    node = raw() if node is None else node
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key not in ("example", "examples"):
                yield from nodes(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from nodes(item, f"{path}/{index}")


def properties():
    """Every property of every schema: (schema, name, node)."""
    return [
        pytest.param(node, id=f"{name}.{field}")
        for name, owner in raw()["components"]["schemas"].items()
        for field, node in owner.get("properties", {}).items()
    ]


def test_the_document_is_valid_openapi_3_0_3():
    faults = list(OpenAPIV30SpecValidator(raw()).iter_errors())

    assert raw()["openapi"] == "3.0.3"
    assert faults == []


def test_the_document_has_the_version_of_the_service():
    assert raw()["info"]["version"] == __version__


def test_operations_have_the_names_that_make_good_methods():
    names = {operation.path: name for name, operation in operations().items() if operation.method == "POST"}

    assert names == {path: method_name(path) for path in ENDPOINTS}
    assert names["/descent/sweep"] == "descentSweep"
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in operations())


@pytest.mark.parametrize("operation", operations().values(), ids=operations())
def test_every_operation_tells_what_it_does(operation):
    node = operation.node

    assert node["summary"]
    assert node["description"]
    assert node["tags"][0] in [tag["name"] for tag in raw()["tags"]]
    assert all(response["description"] for response in node["responses"].values())


@pytest.mark.parametrize("operation", operations().values(), ids=operations())
def test_every_operation_promises_one_form_of_error(operation):
    failures = {status: node for status, node in operation.node["responses"].items() if status != "200"}

    assert "default" in failures
    assert all(node["content"][PROBLEM]["schema"] == schema("Problem") for node in failures.values())
    assert all(node["content"][PROBLEM]["examples"] for node in failures.values())
    if operation.method == "POST":
        assert {"400", "413", "415", "422", "500", "503"} <= failures.keys()


@pytest.mark.parametrize("operation", operations().values(), ids=operations())
def test_every_answer_is_promised_with_its_headers(operation):
    for response in operation.node["responses"].values():
        assert {"X-Request-ID", "Cache-Control"} <= response["headers"].keys()


@pytest.mark.parametrize("operation", operations().values(), ids=operations())
def test_every_json_operation_has_examples(operation):
    content = operation.node["responses"]["200"]["content"].get(JSON)
    if content and operation.name != "getOpenapiJson":
        assert content.get("examples") or content.get("example")
    if operation.request:
        assert operation.request["examples"].keys() == content["examples"].keys()


@pytest.mark.parametrize("node", properties())
def test_every_field_is_described(node):
    named = node.get("$ref", "").rpartition("/")[2]

    assert (schema(named) if named else node)["description"].strip()


@pytest.mark.parametrize("name", raw()["components"]["schemas"])
def test_every_schema_is_described(name):
    assert schema(name)["description"].strip()


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_are_closed_and_their_defaults_stand_in_words_too(name):
    assert schema(name)["additionalProperties"] is False
    for field, node in schema(name)["properties"].items():
        default = node.get("default")
        if isinstance(default, str):
            assert f"`{default}`" in node["description"], field
        elif default is not None and not isinstance(default, bool) and field != "axis":
            assert f"efault {default:,g}" in node["description"], field


@pytest.mark.parametrize("name", OPEN)
def test_answers_stay_open_for_fields_to_come(name):
    assert "additionalProperties" not in schema(name)


def test_no_schema_needs_a_union_or_is_typed_by_nothing():
    for path, node in nodes():
        assert not {"oneOf", "anyOf", "allOf", "not", "discriminator"} & node.keys(), path
        if "$ref" in node:
            assert set(node) == {"$ref"}, f"{path}: what stands beside a reference is ignored"


def test_whole_numbers_have_a_format_and_exclusive_bounds_are_booleans():
    for path, node in nodes(raw()["components"]["schemas"]):
        if node.get("type") == "integer":
            assert node.get("format") in ("int32", "int64"), path
        if node.get("type") == "number":
            assert node.get("format") == "double", path
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            assert node.get(exclusive, True) is True, path
            assert exclusive not in node or bound in node, path


def test_only_an_optional_field_may_be_null():
    for name in REQUESTS:
        for field, node in schema(name)["properties"].items():
            assert takes_null(node) is (field not in schema(name)["required"]), f"{name}.{field}"


def test_nullable_widens_a_type():
    """Without `type` beside it, it means nothing (OpenAPI 3.0.3, section 4.7.24.1)."""
    for path, node in nodes():
        assert "nullable" not in node or "type" in node, path


def test_numbers_in_the_examples_are_numbers_to_every_yaml_reader():
    """YAML 1.1 takes 1e-7 for a text and 1.0e-7 for a number."""
    in_examples = [
        text for _, _, request, answer in request_examples() for text in strings((request, answer))
    ]

    assert not [text for text in in_examples if re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", text)]


def strings(node):
    """Every text in a value."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from strings(item)


@pytest.mark.parametrize(
    ("operation", "name", "request_", "answer"),
    [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in request_examples()],
)
def test_every_example_fits_its_schema(operation, name, request_, answer):
    check(request_, operation.request["schema"])
    check(answer, operation.response(200, JSON)["schema"])


def test_weight_decay_names_the_optimizers_that_have_none():
    described = re.search(r"for all but (.*?)\. ", " ".join(schema("WeightDecay")["description"].split()))[1]

    without = {name for name, row in OPTIMIZERS.items() if "weight_decay" not in row.options}
    assert set(re.findall(r"`(\w+)`", described)) == without


def test_lbfgs_names_the_options_of_rules_that_it_ignores():
    ignored = re.search(r"ignores (.*?), and keeps", " ".join(schema("Optimizer")["description"].split()))[1]

    of_rules = {name for name, row in OPTIONS.items() if row.is_of_rules and name not in ("batch", "project")}
    assert set(re.findall(r"`(\w+)`", ignored)) == of_rules | {"weight_decay"}


def test_a_sweep_takes_what_a_descent_takes():
    descent, sweep = schema("DescentRequest")["properties"], schema("DescentSweepRequest")["properties"]

    assert descent.keys() - sweep.keys() == {"state", "ticks"}
    assert sweep.keys() - descent.keys() == {"learning_rates", "starts", "random_starts", "answers"}
    for field in descent.keys() & sweep.keys():
        assert without_words(descent[field]) == without_words(sweep[field]), field


def test_a_run_of_a_sweep_is_the_answer_of_a_descent():
    answer, run = schema("DescentResponse"), schema("SweepRun")

    assert set(run["required"]) - set(answer["required"]) == {"learning_rate", "verdict"}
    for field in answer["properties"]:
        assert without_words(answer["properties"][field]) == without_words(run["properties"][field]), field


def without_words(node):
    """Copy a schema without its descriptions."""
    if isinstance(node, dict):
        return {key: without_words(value) for key, value in node.items() if key != "description"}
    return node


def test_values_of_named_enumerations_have_names_of_their_own():
    """Go declares the values of all of them in one scope."""
    names = [
        name.lower()
        for node in raw()["components"]["schemas"].values()
        for name in node.get("x-enum-varnames", node.get("enum", ()))
    ]

    assert len(names) == len(set(names))


def test_the_document_says_that_it_asks_for_no_key_and_names_no_address():
    assert raw()["security"] == []
    assert [server["url"] for server in raw()["servers"]] == ["/"]


@pytest.mark.parametrize("name", ["DescentResponse", "SweepRun"])
def test_the_state_of_an_answer_is_never_null(name):
    assert "nullable" not in schema(name)["properties"]["state"]
