"""Fields take what the contract says, each of them, and nothing near it."""

import numpy as np
import pytest

from service.api import fields
from service.api.endpoints import make_schemas
from service.api.schemas import read
from service.core.exceptions import InvalidRequest
from service.core.limits import Limits
from tests.api.test_error_shape import RIGHT

SCHEMAS = make_schemas(Limits())

FIELDS = [
    pytest.param(path, name, id=f"{path}-{name}")
    for path, schema in SCHEMAS.items()
    for name in schema.fields
]

WRONG = {
    fields.Number: [True, "1", [], {}, [1]],
    fields.WholeNumber: [True, "1", [], {}, 5.5, 1e300],
    fields.Flag: [0, 1, "true", [], {}],
    fields.Text: [0, True, [], {}],
    fields.Choice: [0, True, [], {}, "unheard of", ""],
    fields.ArrayField: [0, 1.5, "1", True, {}, [], [[]], ["1"], [None], [[1], [2, 3]], [1, [2]], [{}]],
    fields.BooleanArray: [0, "1", True, {}, [], [1, 0], ["true"], [None], [[True], [True, False]]],
    fields.TensorMap: [0, "1", True, [], [1], {"x": "1"}, {"x": None}, {"x": True}, {"x": []}],
    fields.BoundsMap: [0, "1", [], {"x": 1}, {"x": {"low": 1}}, {"x": {"lower": "1"}}],
    fields.MapOf: [0, "1", [], {"x": 1}, {"x": {}}, {"x": {"on": "simplex"}}, {"x": {"onto": "cube"}}],
    fields.Group: [0, "1", True, [], {"size": 1}, {"size": "1", "of": ["X"]}, {"siz": 1, "of": ["X"]}],
    fields.NumberList: [0, "1", True, {}, [], ["1"], [None], [True], [[1]], [0]],
    fields.NameList: [0, "1", True, {}, [1], [None], [["a"]], ["a"] * 65],
    fields.Tensor: ["1", True, {}, [], [[]], ["1"], [None], [[1], [2, 3]]],
    fields.Object: [0, "1", True, [], [1]],
}


def faults_of(path, body):
    with pytest.raises(InvalidRequest) as refusal:
        read(SCHEMAS[path], body)
    return refusal.value.faults


@pytest.mark.parametrize(("path", "name"), FIELDS)
def test_a_value_of_another_kind_is_refused_at_its_field(path, name):
    for value in WRONG[type(SCHEMAS[path].fields[name])]:
        faults = faults_of(path, RIGHT[path] | {name: value})

        assert all(fault.pointer.split("/")[1] == name for fault in faults), (value, faults)


@pytest.mark.parametrize("value", [5, 5.0])
@pytest.mark.parametrize(("path", "name"), FIELDS)
def test_a_whole_number_may_be_written_with_a_point(path, name, value):
    if type(SCHEMAS[path].fields[name]) is not fields.WholeNumber:
        return

    taken = read(SCHEMAS[path], RIGHT[path] | {name: value})[name]

    assert taken == 5
    assert type(taken) is int


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ([1, True, 2], ["/x/1"]),
        ([["a", 1], [2, None]], ["/x/0/0", "/x/1/1"]),
        ([[[1]], [[1, 2]]], ["/x/1/0"]),
        ([[1, 2], 3, [4]], ["/x/1", "/x/2"]),
        ([1, [2], {}], ["/x/1"]),
        ([[1], []], ["/x/1"]),
        (["a"] * 30, [f"/x/{k}" for k in range(20)]),
        (np.ones((1,) * 9).tolist(), ["/x"]),
    ],
)
def test_an_array_is_refused_at_its_wrong_elements(given, pointers):
    assert [fault.pointer for fault in faults_of("/softmax", {"x": given})] == pointers


def test_an_array_of_too_many_elements_is_refused_with_the_limit():
    schema = make_schemas(Limits(elements=4))["/softmax"]

    assert read(schema, {"x": np.ones((2, 2))})["x"].shape == (2, 2)
    for x in (np.ones(5), np.ones((3, 2)).tolist(), [[1, 2, 3], [4, 5, "a"]]):
        with pytest.raises(InvalidRequest, match="at most 4 are allowed"):
            read(schema, {"x": x})


def test_the_wrong_elements_of_several_fields_are_named_together():
    faults = faults_of("/loss", {"loss": "hubber", "predictions": [1, "2"], "targets": [None], "delta": 0})

    assert [fault.pointer for fault in faults] == ["/delta", "/loss", "/predictions/1", "/targets/0"]
    assert "Did you mean huber?" in faults[1].detail


@pytest.mark.parametrize(
    ("path", "given", "pointer", "code"),
    [
        ("/descent/sweep", {"random_starts": {"count": "3"}}, "/random_starts/count", "not-a-number"),
        ("/descent/sweep", {"random_starts": {"count": None}}, "/random_starts/count", "missing-field"),
        ("/descent/sweep", {"random_starts": {"count": 1_025}}, "/random_starts/count", "out-of-range"),
        (
            "/descent/sweep",
            {"random_starts": {"count": 2, "seed": [1]}},
            "/random_starts/seed",
            "not-a-number",
        ),
        (
            "/descent/sweep",
            {"random_starts": {"count": 2, "spread": {"x": "1"}}},
            "/random_starts/spread/x",
            "not-a-tensor",
        ),
        ("/descent", {"batch": {"size": None, "of": ["X"]}}, "/batch/size", "missing-field"),
        ("/descent", {"batch": {"size": 1, "of": ["X"], "seed": "0"}}, "/batch/seed", "not-a-number"),
        ("/descent", {"batch": {"size": 1, "of": np.ones((1, 2))}}, "/batch/of/0", "not-a-string"),
        ("/value", {"outputs": np.ones(1)}, "/outputs/0", "not-a-string"),
        (
            "/descent",
            {"project": {"x": {"onto": "sphere", "radius": True}}},
            "/project/x/radius",
            "not-a-number",
        ),
    ],
)
def test_a_member_of_an_object_is_refused_as_a_field_is(path, given, pointer, code):
    (found,) = faults_of(path, RIGHT[path] | given)

    assert (found.pointer, found.code) == (pointer, code)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/descent/sweep", {"random_starts": {"count": 2, "seed": None, "spread": None}}),
        ("/descent", {"batch": {"size": 1, "of": ["X"], "seed": None}}),
    ],
)
def test_null_stands_for_an_absent_member_of_an_object(path, given):
    ((name, members),) = given.items()

    taken = read(SCHEMAS[path], RIGHT[path] | given)[name]

    assert None not in taken.values()
    assert taken.keys() <= members.keys()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/gradient", "constants"),
        ("/descent", "bounds"),
        ("/descent", "project"),
        ("/descent/sweep", "bounds"),
    ],
)
def test_an_object_of_what_is_optional_may_be_empty(path, name):
    assert read(SCHEMAS[path], RIGHT[path] | {name: {}})[name] == {}


def test_a_spread_by_name_may_be_empty():
    starts = {"random_starts": {"count": 2, "spread": {}}}

    assert read(SCHEMAS["/descent/sweep"], RIGHT["/descent/sweep"] | starts)["random_starts"]["spread"] == {}


def test_bounds_may_leave_a_side_away():
    bounds = {"x": {"lower": None, "upper": 1}, "y": {"lower": [0, 1]}, "z": {}}

    taken = read(SCHEMAS["/descent"], RIGHT["/descent"] | {"bounds": bounds})["bounds"]

    assert {name: list(sides) for name, sides in taken.items()} == {"x": ["upper"], "y": ["lower"], "z": []}


@pytest.mark.parametrize(
    ("path", "written", "meant"),
    [
        ("/descent", "lr", "learning_rate"),
        ("/descent", "LR", "learning_rate"),
        ("/descent", "step_size", "learning_rate"),
        ("/descent", "max_iter", "steps"),
        ("/descent", "maxiter", "steps"),
        ("/descent", "eps", "epsilon"),
        ("/descent", "ftol", "tolerance_value"),
        ("/descent", "xtol", "tolerance_step"),
        ("/descent", "gtol", "tolerance"),
        ("/descent", "wd", "weight_decay"),
        ("/descent", "batch_size", "batch"),
        ("/descent", "warmup_steps", "warmup"),
        ("/descent/sweep", "n_starts", "random_starts"),
        ("/jacobian", "vector", "tangents"),
        ("/hessian", "vector", "vectors"),
        ("/descent", "tol", "tolerance"),
        ("/descent", "x0", "variables"),
        ("/descent", "solver", "optimizer"),
        ("/descent/sweep", "lr", "learning_rates"),
        ("/gradient", "eps", "h"),
        ("/gradient", "fun", "function"),
        ("/softmax", "dim", "axis"),
        ("/softmax", "logits", "x"),
        ("/loss", "y_true", "targets"),
        ("/loss", "y_pred", "predictions"),
    ],
)
def test_a_field_is_known_by_what_other_libraries_call_it(path, written, meant):
    with pytest.raises(InvalidRequest) as refusal:
        read(make_schemas(Limits())[path], {written: 1})

    (hint,) = [fault.detail for fault in refusal.value.faults if fault.pointer == f"/{written}"]
    assert hint == f"There is no such field. Write {meant}."


@pytest.mark.parametrize(
    ("path", "field", "written", "meant"),
    [
        ("/descent", "optimizer", "sgd", "gradient_descent"),
        ("/descent", "optimizer", "SGD", "gradient_descent"),
        ("/descent", "optimizer", "nag", "nesterov"),
        ("/descent", "optimizer", "L-BFGS-B", "lbfgs"),
        ("/descent", "schedule", "StepLR", "step"),
        ("/descent", "schedule", "MultiStepLR", "milestones"),
        ("/descent", "schedule", "ReduceLROnPlateau", "plateau"),
        ("/descent", "schedule", "SGDR", "cosine_restarts"),
        ("/descent", "method", "3-point", "central"),
        ("/descent", "method", "central_difference", "central"),
        ("/loss", "loss", "cosine", "cosine_distance"),
        ("/loss", "loss", "quantile", "pinball"),
        ("/loss", "reduction", "total", "sum"),
        ("/loss", "loss", "mse", "squared_error"),
        ("/loss", "loss", "BCE", "binary_cross_entropy"),
        ("/loss", "loss", "kl", "kl_divergence"),
        ("/loss", "reduction", "avg", "mean"),
    ],
)
def test_a_choice_is_known_by_what_other_libraries_call_it(path, field, written, meant):
    with pytest.raises(InvalidRequest) as refusal:
        read(make_schemas(Limits())[path], {field: written})

    (detail,) = [fault.detail for fault in refusal.value.faults if fault.pointer == f"/{field}"]
    assert detail.endswith(f" Write {meant}.")


@pytest.mark.parametrize("word", ["momentum_", "learnin_rate", "hstory", "stepss"])
def test_likeness_is_for_misspellings(word):
    with pytest.raises(InvalidRequest) as refusal:
        read(make_schemas(Limits())["/descent"], {word: 1})

    assert any("Did you mean" in fault.detail for fault in refusal.value.faults)


@pytest.mark.parametrize("word", ["zzz", "speed", "color", "name", "seed"])
def test_a_word_that_is_like_none_gets_no_suggestion(word):
    with pytest.raises(InvalidRequest) as refusal:
        read(make_schemas(Limits())["/gradient"], {word: 1})

    assert all("Did you mean" not in fault.detail for fault in refusal.value.faults)


@pytest.mark.parametrize(
    ("path", "more", "pointer", "names"),
    [
        ("/sigmoid", {"speed": 1}, "/speed", "x, log, upstream"),
        ("/descent", {"bounds": {"x": {"min": 0}}}, "/bounds/x/min", "lower, upper"),
        (
            "/descent",
            {"project": {"x": {"onto": "sphere", "size": 2}}},
            "/project/x/size",
            "onto, sum, radius",
        ),
        ("/descent", {"batch": {"size": 1, "of": ["x"], "shuffle": 1}}, "/batch/shuffle", "size, of, seed"),
    ],
)
def test_few_fields_are_named_where_another_is_not_known(client, path, more, pointer, names):
    response = client.post(path, json=RIGHT[path] | more)

    (found,) = [each for each in response.json["errors"] if each["code"] == "unknown-field"]
    assert (found["pointer"], found["detail"]) == (pointer, f"There is no such field. There are {names}.")


@pytest.mark.parametrize(("path", "field"), [("/jacobian", "tangents"), ("/hessian", "vectors")])
def test_the_variables_are_named_where_another_is_meant(client, path, field):
    whole = {name: value for name, value in RIGHT[path].items() if name != "curvature"}

    response = client.post(path, json=whole | {field: {"elsewhere": 1}})

    (found,) = response.json["errors"]
    assert found["pointer"] == f"/{field}/elsewhere"
    assert found["detail"] == "There is no variable of this name; the variables are x."
