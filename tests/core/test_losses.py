"""Losses: values, gradients, labels, reductions, what is not finite and what is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

from service.core import losses
from service.core.exceptions import InvalidRequest, NonFiniteResult
from service.core.language.formula import OPTIONS
from service.core.losses import EPSILON, LOSSES, REDUCTIONS, RULES, loss
from tests.core import golden, references, tolerances
from tests.fuzz.arithmetic import precise
from tests.fuzz.definitions import DEFINITIONS

OVER_ROWS = [name for name, row in LOSSES.items() if row.formula.total is not None]
OF_SIGNS = [name for name, row in LOSSES.items() if row.targets == "sign"]
FROM_PROBABILITIES = ["cross_entropy", "binary_cross_entropy", "kl_divergence"]
FROM_LOGITS = ["cross_entropy", "binary_cross_entropy"]
TAKE_LOGITS = [name for name, row in LOSSES.items() if row.takes_logits]
WAYS = [(name, False) for name in LOSSES] + [(name, True) for name in TAKE_LOGITS]
SHAPES = [(1,), (4,), (3, 4), (2, 3, 4)]
LARGEST = np.finfo(float).max

extreme = st.floats(-1e150, 1e150)
logits = st.floats(-1e307, 1e307)
probability = st.floats(0, 1)
pairs = st.tuples(arrays.array_shapes(min_dims=1, max_dims=3, max_side=4), st.integers(0, 2**32 - 1))


def problem(shape, seed, from_logits=False, name=""):
    """Make predictions and targets that a loss takes, away from kinks."""
    random = np.random.default_rng(seed)
    predictions = random.normal(0, 3, shape) if from_logits else random.uniform(0.02, 0.98, shape)
    targets = random.uniform(0.05, 0.95, shape)
    return predictions, np.where(targets < 0.5, -1.0, 1.0) if name in OF_SIGNS else targets


def value_of(name, p, t):
    """Compute a loss by its formula, unchecked, with the options' defaults."""
    formula = LOSSES[name].formula
    return formula.value(p, t, *(OPTIONS[option][1] for option in formula.options))


def codes_and_pointers(caught):
    return [(each.code, each.pointer) for each in caught.value.faults]


# Values


@pytest.mark.parametrize("case", golden.LOSSES, ids=str)
def test_golden_values_are_met(case):
    answer = loss(*case.arguments, **case.options)

    for key, expected in case.expected.items():
        assert_allclose(answer[key], expected, rtol=case.tolerance, atol=1e-16)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_losses_are_what_their_definitions_say(name, shape):
    p, t = problem(shape, 1, name=name)
    if name not in (*OF_SIGNS, "cosine_distance"):
        t.flat[0] = 0.0
    options = {"epsilon": 1e-3, "delta": 0.25, "quantile": 0.3, "label_smoothing": 0.2}
    used = {option: options[option] for option in LOSSES[name].formula.options}

    result = loss(name, p, t, reduction="none", **options)["losses"]

    expected = np.atleast_1d(DEFINITIONS[name](precise(p), precise(t), **used)).astype(float)
    assert_allclose(result, expected, rtol=tolerances.EXACT, atol=1e-15)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_losses_from_logits_agree_with_scipy(shape):
    z, t = problem(shape, 2, from_logits=True)

    rows = loss("cross_entropy", z, t, from_logits=True, reduction="none")["losses"]
    elements = loss("binary_cross_entropy", z, t, from_logits=True, reduction="none")["losses"]

    assert_allclose(
        rows, np.atleast_1d(-np.sum(t * special.log_softmax(z, -1), -1)), rtol=tolerances.EXACT, atol=1e-15
    )
    expected = -t * special.log_expit(z) - (1 - t) * special.log_expit(-z)
    assert_allclose(elements, expected, rtol=tolerances.EXACT)


@pytest.mark.parametrize("name", FROM_LOGITS)
def test_a_loss_from_logits_is_the_loss_of_their_probabilities(name):
    z, t = problem((5, 4), 3, from_logits=True, name=name)
    p = special.softmax(z, -1) if name == "cross_entropy" else special.expit(z)

    fused = loss(name, z, t, from_logits=True, label_smoothing=0.1)["loss"]

    assert fused == pytest.approx(
        loss(name, p, t, epsilon=0, label_smoothing=0.1)["loss"], rel=tolerances.EXACT
    )


@pytest.mark.parametrize("z", [0.0, 1e-3, 1.0, 30.0, 40.0, 300.0])
@pytest.mark.parametrize("t", [0.0, 1.0, 0.25, 1 - 2**-30])
@pytest.mark.parametrize("sign", [-1, 1])
def test_losses_from_logits_keep_their_digits_where_they_saturate(z, t, sign):
    binary = losses.binary_cross_entropy_from_logits(sign * z, t)
    rows = losses.cross_entropy_from_logits([sign * z, 0.0], [t, 1 - t])

    assert_allclose(
        binary, references.binary_cross_entropy_from_logits(sign * z, t), rtol=tolerances.ROUNDING, atol=0
    )
    expected = references.cross_entropy_from_logits([sign * z, 0.0], [t, 1 - t])
    assert_allclose(rows, expected, rtol=tolerances.ROUNDING, atol=0)


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-7])
def test_kl_divergence_of_close_distributions_keeps_its_digits(distance):
    t = np.array([0.25, 0.35, 0.4])
    p = t + distance * np.array([1.0, -3.0, 2.0])

    result = losses.kl_divergence(p, t)

    # What is left is the rounding of terms as large as the distance, not of logarithms of size 1.
    assert_allclose(result, references.kl_divergence(p, t), rtol=0, atol=4e-16 * distance)


@pytest.mark.parametrize("t", [0.0, 1.0])
def test_gradients_from_logits_keep_their_digits_where_they_saturate(t):
    answer = loss("binary_cross_entropy", [-40.0, 40.0], [t, t], from_logits=True, gradient=True)

    sides = np.array([references.sigmoid(-40.0), references.sigmoid(40.0)])
    assert_allclose(answer["gradient"], sides if t == 0 else -sides[::-1], rtol=tolerances.ROUNDING, atol=0)


# Terms of weight 0


@pytest.mark.parametrize("name", FROM_PROBABILITIES)
def test_a_target_of_zero_hides_the_logarithm_of_zero(name):
    answer = loss(name, [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], epsilon=0, reduction="none", gradient=True)

    assert_array_equal(answer["losses"], np.zeros(3 if name == "binary_cross_entropy" else 1))
    assert np.isfinite(answer["gradient"]).all()
    assert_array_equal(answer["gradient"], [1.0, -1.0, 1.0] if name == "binary_cross_entropy" else [0, -1, 0])


def test_a_target_of_zero_hides_a_log_probability_beyond_float64():
    answer = loss("cross_entropy", [1e308, -1e308], [1, 0], from_logits=True, gradient=True)

    assert answer["loss"] == 0.0
    assert_array_equal(answer["gradient"], [0.0, 0.0])


@pytest.mark.parametrize(
    ("name", "from_logits"), [way for way in WAYS if way[0] not in (*OF_SIGNS, "poisson")]
)
def test_no_loss_of_nothing_is_minus_zero(name, from_logits):
    p = [1e4, -1e4] if from_logits else [1.0, 0.0]

    answer = loss(name, p, [1.0, 0.0], from_logits=from_logits, epsilon=0, reduction="none", gradient=True)

    assert_array_equal(answer["losses"], np.zeros_like(answer["losses"]))
    assert not np.signbit(answer["losses"]).any()
    if name != "binary_cross_entropy":
        assert not np.signbit(answer["gradient"][answer["gradient"] == 0]).any()


@given(p=arrays.arrays(np.float64, (3, 4), elements=probability), seed=st.integers(0, 1000))
@pytest.mark.parametrize("name", FROM_PROBABILITIES)
def test_terms_of_weight_zero_do_not_count(name, p, seed):
    t = np.random.default_rng(seed).choice([0.0, 1.0], (3, 4))
    shown = np.where(t > 0, np.maximum(p, 1e-3), 0.0)  # where t is 0 the prediction is 0

    if name == "binary_cross_entropy":
        shown = np.where(t > 0, np.maximum(p, 1e-3), np.minimum(p, 0.999))
    result = loss(name, shown, t, epsilon=0, reduction="none")["losses"]

    with np.errstate(divide="ignore"):
        logarithms = np.where(
            t > 0, np.log(shown), np.log1p(-shown) if name == "binary_cross_entropy" else 0.0
        )
    expected = -logarithms if name == "binary_cross_entropy" else -np.sum(logarithms, -1)
    assert_allclose(result, expected, rtol=tolerances.EXACT, atol=2e-16)


# Label smoothing


@pytest.mark.parametrize("from_logits", [False, True])
def test_label_smoothing_mixes_the_targets_with_the_uniform_ones(from_logits):
    p, t = problem((3, 4), 4, from_logits)
    given_options = {"from_logits": from_logits, "reduction": "none", "gradient": True}

    smooth = loss("cross_entropy", p, t, label_smoothing=0.3, **given_options)

    mixed = loss("cross_entropy", p, 0.7 * t + 0.3 / 4, **given_options)
    assert_allclose(smooth["losses"], mixed["losses"], rtol=tolerances.EXACT)
    assert_allclose(smooth["gradient"], mixed["gradient"], rtol=tolerances.EXACT, atol=1e-15)


# Gradients


def central(name, p, t, direction, options):
    h = 1e-5
    return (
        loss(name, p + h * direction, t, **options)["loss"]
        - loss(name, p - h * direction, t, **options)["loss"]
    ) / (2 * h)


@pytest.mark.parametrize(("name", "from_logits"), WAYS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_gradients_agree_with_central_differences_in_random_directions(name, from_logits, shape, reduction):
    options = {
        "from_logits": from_logits,
        "delta": 0.2,
        "label_smoothing": 0.1,
        "epsilon": 1e-2,
        "reduction": reduction,
    }
    for seed in range(3):
        p, t = problem(shape, seed, from_logits, name=name)
        direction = np.random.default_rng(seed + 100).normal(size=shape)

        gradient = loss(name, p, t, gradient=True, **options)["gradient"]

        slope = np.sum(gradient * direction)
        scale = max(1.0, float(np.sum(np.abs(gradient * direction))))
        assert abs(slope - central(name, p, t, direction, options)) <= tolerances.CENTRAL * scale


def test_the_check_of_gradients_fails_on_a_rule_wrong_by_a_thousandth():
    p, t = problem((3, 4), 5)
    direction = np.random.default_rng(105).normal(size=(3, 4))

    wrong = 1.001 * np.sum(loss("squared_error", p, t, gradient=True)["gradient"] * direction)

    assert abs(wrong - central("squared_error", p, t, direction, {})) > tolerances.CENTRAL


COMPLEX_WAYS = [way for way in WAYS if LOSSES[way[0]].is_analytic]


@pytest.mark.parametrize(("name", "from_logits"), COMPLEX_WAYS)
@pytest.mark.parametrize("shape", [(4,), (3, 4)], ids=str)
def test_formulas_carry_a_complex_step_in_predictions(name, from_logits, shape):
    p, t = problem(shape, 6, from_logits, name=name)
    row = LOSSES[name]
    formula = row.from_logits if from_logits else row.formula
    options = [{"epsilon": 1e-3, "label_smoothing": 0.1}[option] for option in formula.options]
    direction = np.random.default_rng(7).normal(size=shape)

    stepped = formula.value(p + 1e-20j * direction, t, *options)

    slopes = formula.derivative(p, t, *options) * direction
    expected = np.sum(slopes, -1) if name in OVER_ROWS else slopes
    assert_allclose(stepped.real, formula.value(p, t, *options), rtol=tolerances.EXACT, atol=1e-15)
    worst = np.max(np.abs(slopes))
    assert_allclose(stepped.imag / 1e-20, expected, rtol=0, atol=tolerances.COMPLEX_STEP * worst)


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("squared_error", lambda p, t: 2 * (t - p)),
        ("half_squared_error", lambda p, t: t - p),
        ("cross_entropy", lambda p, t: -np.log(p + EPSILON)),
        ("binary_cross_entropy", lambda p, t: np.log(1 - p + EPSILON) - np.log(p + EPSILON)),
        ("kl_divergence", lambda p, t: np.log(t) - np.log(p) + 1),
    ],
)
def test_formulas_carry_a_complex_step_in_targets(name, slope):
    p, t = problem((5,), 8, name=name)
    direction = np.random.default_rng(9).normal(size=5)

    stepped = np.sum(value_of(name, p, t + 1e-20j * direction)).imag / 1e-20

    assert stepped == pytest.approx(np.sum(slope(p, t) * direction), rel=tolerances.COMPLEX_STEP)


def test_a_complex_step_of_kl_divergence_keeps_its_digits_where_targets_are_met():
    t = np.array([0.25, 0.75])

    stepped = value_of("kl_divergence", t + 1e-20j * np.array([1.0, 0.0]), t)

    assert stepped.imag / 1e-20 == pytest.approx(-1.0, rel=tolerances.COMPLEX_STEP)


def test_the_gradient_at_the_kink_of_absolute_error_is_zero():
    answer = loss("absolute_error", [1, 2, 3], [1, 1, 5], gradient=True)

    assert_array_equal(answer["gradient"], [0.0, 1.0, -1.0])


def test_the_gradient_of_huber_is_continuous_at_delta():
    answer = loss("huber", [0.5, np.nextafter(0.5, 1), -0.5], [0, 0, 0], delta=0.5, gradient=True)

    assert_array_equal(answer["gradient"], [0.5, 0.5, -0.5])


# Labels


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)], ids=str)
def test_labels_mean_one_hot_targets(from_logits, shape):
    p, _ = problem(shape, 10, from_logits)
    labels = np.random.default_rng(11).integers(0, 4, shape[:-1] or (1,))
    one_hot = np.eye(4)[labels].reshape(shape)
    options = {"from_logits": from_logits, "label_smoothing": 0.1, "reduction": "none", "gradient": True}

    by_label = loss("cross_entropy", p, labels, **options)

    by_target = loss("cross_entropy", p, one_hot, **options)
    assert_array_equal(by_label["losses"], by_target["losses"])
    assert_array_equal(by_label["gradient"], by_target["gradient"])


def test_targets_of_the_same_shape_are_never_labels():
    answer = loss("cross_entropy", [1.0], [0.5], epsilon=0)

    assert answer["loss"] == 0.0


def test_the_label_of_one_vector_may_be_a_bare_number():
    assert losses.cross_entropy([0.25, 0.75], 1, epsilon=0) == -np.log(0.75)


@pytest.mark.parametrize(
    ("predictions", "labels", "pointers"),
    [
        ([0.2, 0.3, 0.5], [3], ["/targets/0"]),
        ([0.2, 0.3, 0.5], [1.5], ["/targets/0"]),
        ([[0.5, 0.5]] * 4, [-1, 0, 2, -100], ["/targets/0", "/targets/2", "/targets/3"]),
        ([[[0.5, 0.5]] * 2] * 2, [[0, 1], [2, 0]], ["/targets/1/0"]),
        ([[1.0]] * 30, [7] * 30, [f"/targets/{index}" for index in range(20)]),
        ([[0.5, 0.5]], [1e300], ["/targets/0"]),
    ],
)
def test_a_label_that_names_no_class_is_refused(predictions, labels, pointers):
    with pytest.raises(InvalidRequest) as caught:
        loss("cross_entropy", predictions, labels)

    assert codes_and_pointers(caught) == [("bad-label", pointer) for pointer in pointers]


def test_a_refused_label_is_shown_with_the_labels_that_exist():
    with pytest.raises(InvalidRequest) as caught:
        loss("cross_entropy", [[0.2, 0.3, 0.5]], [3])

    assert caught.value.faults[0].detail == "Must be a whole number from 0 to 2 (a class label), got 3."


# Reductions


@pytest.mark.parametrize(("name", "from_logits"), WAYS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sum_and_mean_reduce_what_none_gives(name, from_logits, shape):
    p, t = problem(shape, 12, from_logits, name=name)
    answers = {
        kind: loss(name, p, t, from_logits=from_logits, reduction=kind, gradient=True) for kind in REDUCTIONS
    }

    each = answers["none"]["losses"]

    assert each.shape == ((shape[:-1] or (1,)) if name in OVER_ROWS else shape)
    assert answers["sum"]["loss"] == pytest.approx(np.sum(each), rel=tolerances.ROUNDING)
    assert answers["mean"]["loss"] == pytest.approx(np.mean(each), rel=tolerances.ROUNDING)
    assert_array_equal(answers["none"]["gradient"], answers["sum"]["gradient"])
    assert_allclose(
        answers["mean"]["gradient"] * each.size, answers["sum"]["gradient"], rtol=tolerances.ROUNDING
    )
    assert answers["sum"]["gradient"].shape == shape


def test_the_reduction_is_the_sum_when_none_is_named():
    assert loss("squared_error", [1, 2], [0, 0]) == {"loss": 5.0}


def test_a_mean_is_finite_where_the_sum_is_not():
    assert loss("absolute_error", [1e308, 1e308], [0, 0], reduction="mean") == {"loss": 1e308}


OPTION_PRODUCT = list(
    itertools.product(LOSSES, [False, True], REDUCTIONS, [None, 0.0, 0.1], [0.0, 0.5], [(4,), (2, 4)])
)


def test_every_combination_of_options_gives_a_finite_answer_of_the_right_shape():
    for name, from_logits, reduction, epsilon, smoothing, shape in OPTION_PRODUCT:
        p, t = problem(shape, 13, name=name)

        answer = loss(
            name,
            p,
            t,
            from_logits=from_logits,
            epsilon=epsilon,
            label_smoothing=smoothing,
            reduction=reduction,
            gradient=True,
        )

        assert set(answer) == {"losses" if reduction == "none" else "loss", "gradient"}
        assert all(np.isfinite(value).all() for value in answer.values())
        assert answer["gradient"].shape == shape
        assert reduction == "none" or type(answer["loss"]) is float


# Options


@pytest.mark.parametrize(("name", "from_logits"), WAYS)
def test_an_option_that_the_loss_does_not_use_is_ignored(name, from_logits):
    p, t = problem((2, 3), 14, name=name)
    row = LOSSES[name]
    used = (row.from_logits if from_logits else row.formula).options
    unused = {option: -1.0 for option in OPTIONS if option not in used}

    answer = loss(name, p, t, from_logits=from_logits, **unused)

    assert answer == loss(name, p, t, from_logits=from_logits)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in TAKE_LOGITS])
def test_from_logits_is_ignored_by_losses_without_logits(name):
    p, t = problem((2, 3), 15, name=name)

    assert loss(name, p, t, from_logits=True) == loss(name, p, t)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("cross_entropy", "epsilon", -1e-9),
        ("cross_entropy", "epsilon", np.inf),
        ("cross_entropy", "epsilon", np.nan),
        ("cross_entropy", "epsilon", True),
        ("binary_cross_entropy", "epsilon", -1),
        ("binary_cross_entropy", "epsilon", "0"),
        ("huber", "delta", 0),
        ("huber", "delta", -1),
        ("huber", "delta", np.inf),
        ("huber", "delta", None),
        ("cross_entropy", "label_smoothing", 1),
        ("cross_entropy", "label_smoothing", -0.1),
        ("cross_entropy", "label_smoothing", np.nan),
        ("cross_entropy", "reduction", "total"),
        ("cross_entropy", "reduction", None),
    ],
)
def test_an_option_out_of_range_is_refused(name, option, value):
    with pytest.raises(InvalidRequest) as caught:
        loss(name, [[0.5, 0.5]], [[0.5, 0.5]], **{option: value})

    assert codes_and_pointers(caught) == [("out-of-range", f"/{option}")]


@pytest.mark.parametrize("name", ["hinged", "", "Huber", None, 1, ["huber"]])
def test_an_unknown_loss_is_refused_with_the_known_ones(name):
    with pytest.raises(InvalidRequest) as caught:
        loss(name, [1], [1])

    assert codes_and_pointers(caught) == [("out-of-range", "/loss")]
    assert all(known in caught.value.faults[0].detail for known in LOSSES)


def test_every_option_of_every_row_has_a_rule():
    for row in LOSSES.values():
        for formula in filter(None, (row.formula, row.from_logits)):
            assert set(formula.options) <= set(OPTIONS)
            assert (formula.total is not None) == (row.name in OVER_ROWS)
        assert row.meaning
    assert {kind for kind, _ in OPTIONS.values()} <= set(RULES)


def test_an_option_that_no_loss_has_is_a_mistake_of_the_program():
    with pytest.raises(TypeError, match="detla"):
        loss("huber", [1], [1], detla=2.0)


# Shapes


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "cross_entropy"])
@pytest.mark.parametrize(
    ("predictions", "targets"),
    [((3,), (3, 1)), ((3,), (1,)), ((2, 3), (3,)), ((2, 3), (2,)), ((4,), (3,))],
    ids=str,
)
def test_shapes_that_differ_are_refused_and_never_broadcast(name, predictions, targets):
    with pytest.raises(InvalidRequest) as caught:
        loss(name, np.full(predictions, 0.5), np.full(targets, 0.5))

    assert codes_and_pointers(caught) == [("shape-mismatch", "/targets")]
    detail = caught.value.faults[0].detail
    assert f"predictions has shape {predictions}" in detail
    assert f"targets has shape {targets}" in detail


@pytest.mark.parametrize(
    ("predictions", "targets"),
    [((3,), (3, 1)), ((3,), (2,)), ((2, 3), (3,)), ((2, 3), (1,)), ((2, 3), (2, 1)), ((1, 3), (1, 1, 3))],
    ids=str,
)
def test_cross_entropy_says_which_shapes_it_takes(predictions, targets):
    with pytest.raises(InvalidRequest) as caught:
        loss("cross_entropy", np.full(predictions, 0.5), np.zeros(targets))

    assert codes_and_pointers(caught) == [("shape-mismatch", "/targets")]
    assert "class labels" in caught.value.faults[0].detail


@pytest.mark.parametrize("name", OVER_ROWS)
def test_a_loss_over_the_last_axis_needs_one(name):
    with pytest.raises(InvalidRequest) as caught:
        loss(name, 0.5, 0.5)

    assert codes_and_pointers(caught) == [("not-an-array", "/predictions")]


@pytest.mark.parametrize("argument", ["predictions", "targets"])
@pytest.mark.parametrize(
    ("value", "code", "place"),
    [
        ([], "empty-array", ""),
        (["1"], "not-an-array", ""),
        ([True], "not-an-array", ""),
        ([np.nan], "not-finite", "/0"),
    ],
)
def test_what_is_no_array_of_finite_numbers_is_refused(argument, value, code, place):
    arguments = {"predictions": [1.0], "targets": [1.0], argument: value}

    with pytest.raises(InvalidRequest) as caught:
        loss("squared_error", **arguments)

    assert codes_and_pointers(caught) == [(code, f"/{argument}{place}")]


# Probabilities


@pytest.mark.parametrize("name", FROM_PROBABILITIES)
@pytest.mark.parametrize("wrong", [-0.1, 1.1, -5e-324, np.nextafter(1, 2), 1e308])
def test_predictions_that_are_no_probabilities_are_refused(name, wrong):
    with pytest.raises(InvalidRequest) as caught:
        loss(name, [[0.5, 0.5], [wrong, 0.5]], [[0.5, 0.5], [0.5, 0.5]])

    assert codes_and_pointers(caught) == [("not-a-probability", "/predictions/1/0")]


def test_at_most_twenty_predictions_are_named():
    with pytest.raises(InvalidRequest) as caught:
        loss("binary_cross_entropy", [2.0] * 50, [0.0] * 50)

    assert codes_and_pointers(caught) == [
        ("not-a-probability", f"/predictions/{index}") for index in range(20)
    ]


@pytest.mark.parametrize("name", ["cross_entropy", "kl_divergence"])
def test_rows_that_do_not_sum_to_one_are_computed_as_given(name):
    answer = loss(name, [0.5, 0.9, 1.0], [1.0, 1.0, 0.0], epsilon=0)

    assert answer["loss"] == pytest.approx(-np.log(0.5) - np.log(0.9), rel=tolerances.ROUNDING)


@pytest.mark.parametrize("name", FROM_LOGITS)
def test_logits_may_be_any_finite_number(name):
    assert np.isfinite(loss(name, [-3.0, 7.0], [1.0, 0.0], from_logits=True)["loss"])


# Extremes


@pytest.mark.parametrize("name", FROM_LOGITS)
@given(z=arrays.arrays(np.float64, (2, 3), elements=logits), seed=st.integers(0, 1000))
def test_losses_from_any_logits_are_finite_without_a_floating_point_error(name, z, seed):
    t = np.random.default_rng(seed).random((2, 3))

    with np.errstate(all="raise"):
        answer = loss(name, z, t, from_logits=True, reduction="none", gradient=True)

    assert (answer["losses"] >= 0).all()
    assert np.isfinite(answer["gradient"]).all()


@pytest.mark.parametrize("name", [*FROM_PROBABILITIES[:2], "squared_error", "huber", "absolute_error"])
@given(
    p=arrays.arrays(np.float64, (2, 3), elements=probability),
    t=arrays.arrays(np.float64, (2, 3), elements=probability),
)
def test_losses_of_any_probabilities_are_finite_without_a_floating_point_error(name, p, t):
    with np.errstate(all="raise"):
        answer = loss(name, p, t, reduction="none", gradient=True)

    assert np.isfinite(answer["losses"]).all()
    assert np.isfinite(answer["gradient"]).all()


@given(
    p=arrays.arrays(np.float64, (5,), elements=extreme), t=arrays.arrays(np.float64, (5,), elements=extreme)
)
def test_huber_of_anything_is_what_its_two_branches_say(p, t):
    result = losses.huber(p, t, delta=2.0)

    distance = np.abs(p - t)
    with np.errstate(over="ignore", under="ignore"):
        expected = np.where(distance <= 2, distance**2 / 2, 2 * (distance - 1))
    assert_allclose(result, expected, rtol=tolerances.ROUNDING, atol=1e-307)


def test_half_squared_error_reaches_the_largest_number():
    assert losses.half_squared_error([1.5e154], [0.0])[0] == pytest.approx(1.125e308)


NON_FINITE = [
    (
        "cross_entropy",
        [[0.5, 0.5], [1.0, 0.0]],
        [0, 1],
        {},
        "/loss",
        "/predictions/1/1",
        "the logarithm of predictions/1/1",
    ),
    (
        "cross_entropy",
        [[0.5, 0.5], [1.0, 0.0]],
        [0, 1],
        {"reduction": "none"},
        "/losses/1",
        "/predictions/1/1",
        "the logarithm of predictions/1/1",
    ),
    (
        "cross_entropy",
        [0.0, 1.0],
        [0],
        {"reduction": "none"},
        "/losses/0",
        "/predictions/0",
        "the logarithm of predictions/0",
    ),
    (
        "cross_entropy",
        [0.5, 0.0],
        [0],
        {"label_smoothing": 0.1},
        "/loss",
        "/predictions/1",
        "the logarithm of predictions/1",
    ),
    (
        "cross_entropy",
        [0.5, 0.5],
        [LARGEST, 0.0],
        {"epsilon": 0.1, "label_smoothing": 0},
        "/gradient/0",
        "/predictions/0",
        "the derivative by predictions/0",
    ),
    (
        "cross_entropy",
        [1e308, -1e308],
        [1],
        {"from_logits": True},
        "/loss",
        "/predictions/1",
        "the log_softmax of predictions/1",
    ),
    (
        "binary_cross_entropy",
        [0.5, 1.0],
        [0, 0],
        {},
        "/loss",
        "/predictions/1",
        "the logarithm of predictions/1",
    ),
    (
        "binary_cross_entropy",
        [[0.5, 0.0]],
        [[0, 1]],
        {"reduction": "none"},
        "/losses/0/1",
        "/predictions/0/1",
        "the logarithm of predictions/0/1",
    ),
    (
        "kl_divergence",
        [[0.5, 0.5], [0.0, 1.0]],
        [[0.5, 0.5], [0.5, 0.5]],
        {},
        "/loss",
        "/predictions/1/0",
        "the logarithm of the target or of predictions/1/0",
    ),
    (
        "kl_divergence",
        [1e-320, 1.0],
        [1.0, 0.0],
        {"gradient": True},
        "/gradient/0",
        "/predictions/0",
        "the derivative by predictions/0",
    ),
    ("kl_divergence", [1e-300] * 4, [6e304] * 4, {}, "/loss", "/predictions", "the sum over predictions"),
    (
        "squared_error",
        [1, 1e200],
        [1, 0],
        {},
        "/loss",
        "/predictions/1",
        "the square of the error of predictions/1",
    ),
    ("absolute_error", [1e308], [-1e308], {}, "/loss", "/predictions/0", "the error of predictions/0"),
    ("huber", [1e308], [-1e308], {}, "/loss", "/predictions/0", "the error of predictions/0"),
    ("absolute_error", [1e308, 1e308], [0, 0], {}, "/loss", "/predictions", "the sum of the losses"),
    (
        "half_squared_error",
        [1e160, 0],
        [0, 0],
        {"reduction": "none"},
        "/losses/0",
        "/predictions/0",
        "the square of the error of predictions/0",
    ),
]


@pytest.mark.parametrize(("name", "p", "t", "options", "output", "pointer", "operation"), NON_FINITE)
def test_what_float64_cannot_hold_is_reported_with_its_cause(name, p, t, options, output, pointer, operation):
    options = {"epsilon": 0, "gradient": "/gradient" in output, **options}

    with pytest.raises(NonFiniteResult) as caught:
        loss(name, p, t, **options)

    (found,) = caught.value.faults
    assert (found.code, found.pointer) == ("non-finite", pointer)
    assert found.detail.startswith(f"{output} became ")
    assert found.detail.endswith(f" at {operation}.")


# Functions and arguments


@pytest.mark.parametrize(("name", "from_logits"), WAYS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_function_returns_what_reduction_none_gives(name, from_logits, shape):
    p, t = problem(shape, 16, from_logits, name=name)
    function = getattr(losses, name + ("_from_logits" if from_logits else ""))

    result = function(p, t)

    assert isinstance(result, np.ndarray)
    assert result.shape == (shape[:-1] if name in OVER_ROWS else shape)
    expected = loss(name, p, t, from_logits=from_logits, reduction="none")["losses"]
    assert_array_equal(np.atleast_1d(result), expected)


@pytest.mark.parametrize(("name", "from_logits"), WAYS)
def test_the_arguments_are_never_changed(name, from_logits):
    p, t = problem((2, 3), 17, from_logits, name=name)
    before = p.copy(), t.copy()
    p.flags.writeable = t.flags.writeable = False

    answer = loss(name, p, t, from_logits=from_logits, label_smoothing=0.1, reduction="none", gradient=True)

    assert_array_equal(p, before[0])
    assert_array_equal(t, before[1])
    for value in answer.values():
        assert not np.shares_memory(value, p)
        assert not np.shares_memory(value, t)
        assert value.flags.c_contiguous


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in OF_SIGNS])
def test_integers_are_the_same_as_floats(name):
    p, t = np.array([[0, 1], [1, 1]]), np.array([[0, 1], [0, 1]])

    answer = loss(name, p, t, gradient=True)

    floats = loss(name, p.astype(float), t.astype(float), gradient=True)
    assert answer["loss"] == floats["loss"]
    assert_array_equal(answer["gradient"], floats["gradient"])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("first", "second"),
    [((3, 4), (4,)), ((4,), (3, 4)), ((3, 1), (3, 4)), ((3, 4), (3, 1)), ((), (4,)), ((4,), ())],
    ids=str,
)
def test_formulas_broadcast_for_the_language(name, first, second):
    p, t = problem(first, 18, name=name)[0], problem(second, 19, name=name)[1]

    result = value_of(name, p, t)

    shape = np.broadcast_shapes(first, second)
    assert_allclose(
        result,
        value_of(name, *(np.broadcast_to(each, shape).copy() for each in (p, t))),
        rtol=tolerances.ROUNDING,
    )


def test_formulas_smooth_over_the_broadcast_classes():
    p, t = np.full(4, 0.25), np.ones((3, 1))

    result = LOSSES["cross_entropy"].formula.value(p, t, 0.0, 0.2)

    assert_allclose(result, np.full(3, np.log(4) * 4 * (0.8 + 0.05)), rtol=tolerances.EXACT)
