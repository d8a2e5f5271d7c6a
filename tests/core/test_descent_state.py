"""A descent that goes on from its state is the descent that never stopped, bit for bit."""

import copy
import itertools
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.jsonio import dumps, loads
from service.core import descent
from service.core.descent import OPTIMIZERS, SCHEDULES
from service.core.descent.state import KEYS, write_state, write_states
from service.core.exceptions import InvalidRequest

ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2) + sum(M**2)/100 + s**4"
START = {"x": [-1.2, 1.0], "M": [[0.5, -0.25], [0.0, 3.0]], "s": 1.5}
SQUARE = "x[0]**2 + x[1]**2"
PLAIN = {"x": [-3.0, 4.0]}
LIMITED = {"bounds": {"x": {"lower": -1.1, "upper": [1, 2]}, "s": {"lower": 0.5}}}
SCHEDULED = {"schedule_rate": 0.97, "schedule_every": 7, "schedule_at": [20, 65, 80]}

WAYS = [
    *({"optimizer": optimizer, "schedule": "constant"} | more
      for optimizer, more in itertools.product(OPTIMIZERS, ({}, {"clip_norm": 3.0}, LIMITED))),
    *({"optimizer": optimizer, "schedule": schedule}
      for optimizer, schedule in itertools.product(("gradient_descent", "adam"), SCHEDULES)),
    *({"schedule": schedule, "warmup": 70} | LIMITED for schedule in SCHEDULES),
    {"line_search": True},
    {"line_search": True} | LIMITED,
    {"optimizer": "adamw", "weight_decay": 0.3},
    {"weight_decay": 0.3},
]  # fmt: skip


def through_json(state):
    """Send a state to a caller and back."""
    return loads(dumps(state), 32)


def rest(function, start, first, then, options, carry=through_json):
    """Run `first` steps, and `then` more from the state."""
    half = descent(function, start, steps=first, **options)
    return descent(function, start, steps=then, state=carry(half["state"]), **options)


def assert_same_end(whole, resumed):
    for name in ("variables", "value", "gradient_norm", "status", "best", "state"):
        assert dumps(resumed[name]) == dumps(whole[name]), name


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_sixty_steps_and_forty_are_a_hundred(way):
    options = way | SCHEDULED | {"learning_rate": 1e-3}
    whole = descent(ROSENBROCK, START, steps=100, **options)

    assert_same_end(whole, rest(ROSENBROCK, START, 60, 40, options))


@pytest.mark.parametrize("method", ["exact", "central", "forward", "complex_step"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_so_it_is_with_every_method_on_arrays(method, optimizer):
    start = {"x": np.linspace(-1, 1, 700)}
    options = {"method": method, "optimizer": optimizer, "learning_rate": 0.01}
    whole = descent("sum(x**4 - x**2)", start, steps=5, **options)

    assert_same_end(whole, rest("sum(x**4 - x**2)", start, 3, 2, options))


@given(
    cuts=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    schedule=st.sampled_from(sorted(SCHEDULES)),
    rate=st.floats(1e-4, 12),
    tolerance=st.sampled_from([None, 1e-3]),
)
def test_a_run_may_be_cut_anywhere(cuts, optimizer, schedule, rate, tolerance):
    options = {"optimizer": optimizer, "schedule": schedule, "learning_rate": rate, "tolerance": tolerance}
    options |= SCHEDULED
    whole = descent(SQUARE, PLAIN, steps=sum(cuts), **options)

    part = {"state": None}
    for steps in cuts:
        part = descent(SQUARE, PLAIN, steps=steps, state=part["state"], **options)

    assert_same_end(whole, part)


def test_records_and_counts_are_those_of_the_request():
    half = descent(SQUARE, PLAIN, steps=60)
    more = descent(SQUARE, PLAIN, steps=40, state=half["state"], history=3)

    assert (more["steps"], more["evaluations"]) == (40, 41)
    assert [record["step"] for record in more["history"]] == [60, 80, 100]


def test_cosine_keeps_its_length_when_none_is_given():
    half = descent(SQUARE, PLAIN, schedule="cosine", steps=60)
    same = descent(SQUARE, PLAIN, schedule="cosine", steps=20, schedule_every=60, state=half["state"])
    left_out = descent(SQUARE, PLAIN, schedule="cosine", steps=20, state=half["state"])

    assert (
        same["value"]
        == left_out["value"]
        == descent(SQUARE, PLAIN, schedule="cosine", steps=80, schedule_every=60)["value"]
    )


def test_the_variables_of_the_request_give_names_and_shapes_alone():
    half = descent(SQUARE, PLAIN, steps=3)

    assert_same_end(
        descent(SQUARE, PLAIN, steps=5), descent(SQUARE, {"x": [7, 7]}, steps=2, state=half["state"])
    )


def test_what_is_written_out_contradicts_no_default():
    half = descent(SQUARE, PLAIN, steps=3, optimizer="adam", method="central", bounds={"x": {"lower": -9}})
    explicit = {"epsilon": 1e-8, "beta1": 0.9, "h": 1e-4, "bounds": {"x": {"lower": [-9, -9], "upper": None}}}

    more = descent(
        SQUARE,
        PLAIN,
        steps=3,
        optimizer="adam",
        method="central",
        state=half["state"],
        tolerance=1.0,
        **explicit,
    )

    assert more["steps"] == 3


@pytest.mark.parametrize(
    "write", [json.dumps, lambda state: json.dumps(state).replace("-0.0", "0").replace(".0", "")]
)
def test_a_state_survives_readers_that_tell_neither_zeros_nor_whole_numbers_apart(write):
    """JavaScript reads -0.0 and writes 0, and writes 4.0 as 4."""
    half = descent("sum(x**2)", {"x": [-0.0, 4.0, 1.0]}, steps=2, learning_rate=0.5, tolerance=1e-9)
    text = write(json.loads(dumps(half["state"])))

    assert (
        descent("sum(x**2)", {"x": [1, 1, 1]}, learning_rate=0.5, state=json.loads(text))["status"]
        == "stalled"
    )


CONTRADICTIONS = {
    "/function": {"function": "x[0]**2 +  x[1]**2"},
    "/method": {"method": "central"},
    "/learning_rate": {"learning_rate": 0.02},
    "/optimizer": {"optimizer": "adam"},
    "/momentum": {"momentum": 0.8},
    "/schedule": {"schedule": "constant"},
    "/schedule_every": {"schedule_every": 50},
    "/clip_norm": {"clip_norm": None},
    "/bounds": {"bounds": {"x": {"lower": [-9.0, -8.0]}}},
}


@pytest.mark.parametrize(("pointer", "change"), CONTRADICTIONS.items(), ids=CONTRADICTIONS)
def test_an_option_that_contradicts_the_state_is_refused(pointer, change):
    made = {
        "function": SQUARE, "optimizer": "momentum", "schedule": "cosine", "schedule_every": 40,
        "clip_norm": 1.0, "bounds": {"x": {"lower": -9.0}},
    }  # fmt: skip
    half = descent(variables=PLAIN, **made)

    with pytest.raises(InvalidRequest) as refused:
        descent(variables=PLAIN, **made | change, state=half["state"])

    assert refused.value.faults[0].code == "contradicts-state"
    assert refused.value.faults[0].pointer == pointer


def test_another_step_of_the_method_is_refused():
    half = descent(SQUARE, PLAIN, method="central")

    with pytest.raises(InvalidRequest, match=r"belongs to h 0\.0001, this request asks for h 0\.001"):
        descent(SQUARE, PLAIN, method="central", h=1e-3, state=half["state"])


@pytest.mark.parametrize(
    "change",
    [
        {"constants": {"c": 2.0}},
        {"variables": {"x": 7.0}},
        {"tolerance": 1e-9, "tolerance_value": 1e-12, "tolerance_step": 1e-12, "target": 0.0},
        {"history": 2, "history_variables": False},
    ],
    ids=str,
)
def test_what_does_not_change_the_update_may_differ_from_the_state(change):
    made = {"function": "(x - c)**2", "variables": {"x": 1.0}, "constants": {"c": 0.0}, "learning_rate": 0.25}
    half = descent(**made, steps=1)

    goal = change.get("constants", made["constants"])["c"]
    assert descent(**made | change, steps=1, state=half["state"])["variables"]["x"] == 0.5 + (goal - 0.5) / 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clip_norm": None}, "belongs to clip_norm 1.0, this request asks for clip_norm null."),
        ({"line_search": True}, "belongs to line_search false, this request asks for line_search true."),
        ({"bounds": {"x": {"lower": 0}}}, "belongs to another value of bounds than this request gives."),
        ({"bounds": None}, "belongs to another value of bounds than this request gives."),
        ({"function": "sum(x**4)"}, "belongs to another function than this request gives."),
    ],
)
def test_a_contradicted_state_is_spoken_of_in_the_words_of_json(change, said):
    made = {"function": SQUARE, "variables": PLAIN, "clip_norm": 1.0, "bounds": {"x": {"lower": -9.0}}}
    half = descent(**made)

    with pytest.raises(InvalidRequest, match=re.escape(said)):
        descent(**made | change, state=half["state"])


STATE = descent(ROSENBROCK, START, optimizer="adam", steps=5)["state"]


def changed(*path, to):
    state = json.loads(dumps(STATE))
    place = state
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return state


DAMAGED = {
    "empty": {},
    "of other keys": {"step": 3},
    "with a key more": {**STATE, "more": 1},
    "without its seal": {key: value for key, value in STATE.items() if key != "seal"},
    "of another seal": {**STATE, "seal": "0" * 32},
    "whose seal is no text": {**STATE, "seal": [1, 2]},
    "of another version": {**STATE, "version": 99},
    "of a version that is a list": {**STATE, "version": [1, 1]},
    "of another step": changed("step", to=6),
    "of another variable": changed("variables", "x", 0, to=0.0),
    "of another best": changed("best", "value", to=0.0),
    "of another moment": changed("moments", "v", "s", to=0.5),
    "with a word for a number": changed("variables", "x", to="1"),
    "ragged": changed("variables", "x", to=[[1], 2]),
    "with a list of words": changed("variables", "x", to=["1"]),
    "with null in it": changed("variables", "x", to=[None, 1.0]),
    "of lists alone": {key: [] for key in KEYS},
    "of nulls alone": dict.fromkeys(KEYS),
}


@pytest.mark.parametrize("state", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_state_is_refused(state):
    with pytest.raises(InvalidRequest) as refused:
        descent(ROSENBROCK, START, optimizer="adam", state=through_json(state))

    assert refused.value.faults[0].pointer == "/state"
    assert "Send it back unchanged" in refused.value.faults[0].detail


FORGED = {
    "variables": [1.0],
    "moments": {},
    "best": {"step": 1},
    "step": [1, 2],
    "start_value": None,
    "options": [],
}


@pytest.mark.parametrize(("key", "value"), FORGED.items(), ids=FORGED)
def test_a_forged_state_is_refused(key, value):
    content = {name: part for name, part in STATE.items() if name not in ("seal", "version")}

    with pytest.raises(InvalidRequest):
        descent(ROSENBROCK, START, optimizer="adam", state=through_json(write_state(content | {key: value})))


def test_forged_moments_that_have_no_root_end_like_any_run():
    made = descent(SQUARE, PLAIN, optimizer="adam")["state"]
    content = {name: part for name, part in made.items() if name not in ("seal", "version")}
    content["moments"] = {"m": {"x": [0, 0]}, "v": {"x": [-1e9, -1e9]}}

    assert descent(SQUARE, PLAIN, optimizer="adam", state=write_state(content))["steps"] <= 100


@pytest.mark.parametrize(
    "start", [{"x": [1, 1], "M": [[0.5, -0.25]], "s": 1.5}, {"x": [1, 1, 1], "M": START["M"], "s": 1.5}]
)
def test_variables_of_another_shape_are_refused(start):
    with pytest.raises(InvalidRequest, match="other names or shapes"):
        descent(ROSENBROCK, start, optimizer="adam", state=STATE)


def test_a_state_is_not_changed_by_its_use():
    before = copy.deepcopy(STATE)

    descent(ROSENBROCK, START, optimizer="adam", state=STATE)

    assert dumps(STATE) == dumps(before)


def test_states_that_differ_in_numbers_are_sealed_together_as_they_are_alone():
    draw = np.random.default_rng(0).normal
    contents = [
        {
            "function": "f",
            "h": None,
            "options": {"learning_rate": rate, "line_search": False, "bounds": {"x": {"lower": 0.0}}},
            "step": step,
            "moments": {"m": {"x": draw(size=(2, 3)), "y": draw(size=())}},
            "numbers": {},
            "best": {"value": -0.0, "variables": {"x": np.zeros((2, 3))}},
        }
        for step, rate in enumerate([1, 0.5, 0.25])
    ]

    assert [state["seal"] for state in write_states(contents)] == [
        write_state(content)["seal"] for content in contents
    ]
