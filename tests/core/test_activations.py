"""Softmax, sigmoid and their kin: accuracy, extremes, laws and refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

from service.core import activation_kernels as kernels
from service.core import activations
from service.core.activations import (
    log_sigmoid,
    log_softmax,
    logsumexp,
    norm,
    relu,
    sigmoid,
    softmax,
    softplus,
)
from service.core.exceptions import InvalidRequest, NonFiniteResult
from service.core.reduction_kernels import column_sums, maxima, row_sums, sums
from tests.core import golden, references, tolerances

ELEMENTWISE = [sigmoid, log_sigmoid, relu, softplus]
ALL = [*ELEMENTWISE, softmax, log_softmax, logsumexp, norm]
LARGEST = np.finfo(float).max

finite = st.floats(allow_nan=False, allow_infinity=False)
moderate = st.floats(-1e3, 1e3)
shapes = arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)
any_arrays = arrays.arrays(np.float64, shapes, elements=finite)
moderate_arrays = arrays.arrays(np.float64, shapes, elements=moderate)
moderate_vectors = arrays.arrays(np.float64, st.integers(1, 8), elements=moderate)


def of_each(function, x):
    return np.array([function(float(each)) for each in x])


@pytest.mark.parametrize("case", golden.ACTIVATIONS, ids=str)
def test_golden_values_are_met(case):
    result = getattr(activations, case.function)(*case.arguments, **case.options)

    assert_allclose(result, case.expected, rtol=case.tolerance, atol=0)


# Accuracy


TAILS = np.concatenate(
    [[-700.0, -500.0, -100.0, 0.0, 100.0, 500.0, 700.0], np.linspace(-50, 50, 201), np.logspace(-300, 2, 80)]
)


@pytest.mark.parametrize("function", [sigmoid, log_sigmoid, softplus], ids=lambda each: each.__name__)
def test_both_tails_have_full_relative_accuracy(function):
    x = np.concatenate([TAILS, -TAILS])

    result = function(x)

    assert_allclose(
        result, of_each(getattr(references, function.__name__), x), rtol=tolerances.ROUNDING, atol=0
    )


def test_sigmoid_stays_accurate_where_exp_of_minus_x_overflows():
    x = [-709.0, -715.0, -730.0, -744.0]

    result = sigmoid(x)

    smallest = np.nextafter(0, 1)
    assert_allclose(result, of_each(references.sigmoid, x), rtol=tolerances.ROUNDING, atol=smallest)
    assert (result > 0).all()


@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp, norm], ids=lambda each: each.__name__)
@given(x=moderate_vectors)
def test_functions_along_an_axis_agree_with_400_digits(function, x):
    result = function(x)

    expected = getattr(references, function.__name__)(x)
    # x - max is rounded before its exponential is taken, and a logarithm of a sum may cancel x.
    scale = tolerances.ROUNDING * (1 + np.max(np.abs(x)))
    rtol = scale if function in (softmax, log_softmax) else tolerances.ROUNDING
    assert_allclose(result, expected, rtol=rtol, atol=scale if function is logsumexp else 1e-307)


@pytest.mark.parametrize("gap", [1e-3, 1.0, 5.0, 20.0, 40.0, 300.0, 700.0])
def test_log_softmax_and_logsumexp_keep_their_digits_where_one_element_dominates(gap):
    x = [0.0, -gap, -gap - 1.0]

    assert_allclose(log_softmax(x), references.log_softmax(x), rtol=tolerances.ROUNDING, atol=0)
    assert_allclose(logsumexp(x), references.logsumexp(x), rtol=tolerances.ROUNDING, atol=0)


@pytest.mark.parametrize("axis", [None, -1, 0, 1, 2, -2])
def test_softmax_and_its_kin_agree_with_scipy_along_every_axis(axis):
    x = np.random.default_rng(7).normal(0, 30, (3, 4, 5))

    assert_allclose(softmax(x, axis), special.softmax(x, axis), rtol=tolerances.EXACT)
    # SciPy's takes the logarithm of a sum near 1, and has lost the digits of what is near 0.
    assert_allclose(log_softmax(x, axis), special.log_softmax(x, axis), rtol=0, atol=tolerances.EXACT)
    assert_allclose(logsumexp(x, axis), special.logsumexp(x, axis), rtol=tolerances.EXACT)


@pytest.mark.parametrize("axis", [None, -1, 0, (0, 2), (-1, 0), (0, 1, 2), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_have_the_shapes_and_values_of_numpy(axis, keepdims):
    x = np.random.default_rng(8).normal(0, 3, (2, 3, 4))

    total = np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
    length = np.sqrt(np.sum(x**2, axis=axis, keepdims=keepdims))

    for result, expected in [(logsumexp(x, axis, keepdims), total), (norm(x, axis, keepdims), length)]:
        assert result.shape == expected.shape
        assert_allclose(result, expected, rtol=tolerances.EXACT)


@pytest.mark.parametrize("name", ["expit", "log_expit"])
@given(x=moderate_arrays)
def test_sigmoid_is_as_accurate_as_scipy(name, x):
    function = {"expit": sigmoid, "log_expit": log_sigmoid}[name]

    assert_allclose(function(x), getattr(special, name)(x), rtol=tolerances.ROUNDING, atol=1e-307)


# Laws


@given(x=any_arrays, axis=st.sampled_from([None, -1, 0]), temperature=st.floats(1e-308, 1e308))
def test_softmax_of_anything_finite_is_a_probability_that_sums_to_one(x, axis, temperature):
    result = softmax(x, axis, temperature)

    assert ((result >= 0) & (result <= 1)).all()
    assert_allclose(np.sum(result, axis=axis), 1, rtol=tolerances.EXACT)


@given(x=moderate_arrays, shift=st.integers(-1000, 1000))
def test_softmax_is_unchanged_by_adding_a_constant(x, shift):
    whole = np.round(x * 1024) / 1024  # so that adding the constant rounds nothing

    assert_array_equal(softmax(whole), softmax(whole + shift))
    assert_array_equal(log_softmax(whole), log_softmax(whole + shift))


@given(x=moderate_arrays, axis=st.sampled_from([None, -1, 0]))
def test_softmax_is_the_exponential_of_log_softmax(x, axis):
    assert_allclose(softmax(x, axis), np.exp(log_softmax(x, axis)), rtol=tolerances.EXACT, atol=1e-307)


@given(x=moderate_arrays, temperature=st.floats(1e-3, 1e3))
def test_temperature_divides_the_scores(x, temperature):
    scaled = x / temperature

    spread = 1 + np.max(np.abs(scaled))
    assert_allclose(
        softmax(x, -1, temperature), softmax(scaled), rtol=tolerances.ROUNDING * spread, atol=1e-307
    )
    assert_allclose(
        log_softmax(x, -1, temperature), log_softmax(scaled), rtol=0, atol=tolerances.ROUNDING * spread
    )


@given(x=any_arrays)
def test_sigmoid_of_minus_x_is_the_rest_to_one(x):
    assert_allclose(sigmoid(x) + sigmoid(-x), 1, rtol=tolerances.ROUNDING)
    assert_array_equal(log_sigmoid(x), -softplus(-x))


@given(x=any_arrays, power=st.integers(-60, 60))
def test_norm_of_a_multiple_is_the_multiple_of_the_norm(x, power):
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.ldexp(x, power)
    if not np.isfinite(scaled).all() or (np.ldexp(scaled, -power) != x).any() or np.max(np.abs(x)) > 1e300:
        return
    with np.errstate(over="ignore"):
        expected = np.ldexp(norm(x), power)
    if np.isfinite(expected):
        smallest = np.ldexp(np.nextafter(0, 1), max(power, 0))  # what rounds the norm of tiny x is scaled too
        assert_allclose(norm(scaled), expected, rtol=tolerances.ROUNDING, atol=smallest)


# Extremes


@pytest.mark.parametrize("function", ALL, ids=lambda each: each.__name__)
@given(x=arrays.arrays(np.float64, shapes, elements=st.floats(-1e307, 1e307)))
def test_any_finite_input_gives_a_finite_result_without_a_floating_point_error(function, x):
    with np.errstate(all="raise"):
        result = function(x)

    assert np.isfinite(result).all()


@pytest.mark.parametrize("function", [*ELEMENTWISE, softmax, logsumexp], ids=lambda each: each.__name__)
def test_the_largest_and_smallest_numbers_are_no_exception(function):
    x = np.array([LARGEST, -LARGEST, 5e-324, -5e-324, 0.0, -0.0])

    with np.errstate(all="raise"):
        result = function(x)

    assert np.isfinite(result).all()
    assert not np.signbit(result[result == 0]).any(), "a zero is never negative"


def test_temperature_is_right_beside_subnormal_scores():
    assert_allclose(softmax([5e-324, 0.0], temperature=5e-324), softmax([1.0, 0.0]))
    assert_allclose(softmax([[5e-324, 0.0], [1e308, -1e308]], temperature=5e-324)[0], softmax([1.0, 0.0]))


def test_log_softmax_at_half_scale_is_right():
    result = log_softmax([1e308, -1e308, 0.0], temperature=1e308)

    assert_allclose(result, references.log_softmax([1.0, -1.0, 0.0]), rtol=tolerances.ROUNDING)


@pytest.mark.parametrize(
    ("x", "options"),
    [([1e308, -1e308], {}), ([0.0, -1e5], {"temperature": 1e-308})],
    ids=["scores", "temperature"],
)
def test_a_log_probability_beyond_float64_is_a_non_finite_result(x, options):
    with pytest.raises(NonFiniteResult) as caught:
        log_softmax(x, **options)

    assert [each.pointer for each in caught.value.faults] == ["/x/1"]
    assert caught.value.faults[0].detail == "/y/1 became -inf at log_softmax."


def test_a_norm_beyond_float64_is_a_non_finite_result():
    with pytest.raises(NonFiniteResult) as caught:
        norm([LARGEST, LARGEST])

    assert caught.value.faults[0].code == "non-finite"


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e-150, 1.0, 1e150, 1e200, 1e307])
def test_norm_neither_overflows_nor_underflows(scale):
    x = np.array([1.0, -2.0, 3.0, 0.0]) * scale

    assert_allclose(norm(x), references.norm(x), rtol=tolerances.ROUNDING, atol=np.nextafter(0, 1))


def test_norm_of_a_row_has_the_same_bits_whatever_its_neighbours():
    x = np.random.default_rng(3).normal(size=(50, 7))
    beside = np.concatenate([x, np.full((1, 7), 1e-200), np.full((1, 7), 1e200), np.zeros((1, 7))])

    assert_array_equal(norm(beside, -1)[:50], norm(x, -1))


def test_log_softmax_of_a_row_has_the_same_bits_whatever_its_neighbours():
    x = np.random.default_rng(4).normal(size=(50, 7))
    beside = np.concatenate([x, np.eye(7) * 100])

    assert_array_equal(log_softmax(beside)[:50], log_softmax(x))


# Masks


@pytest.mark.parametrize("axis", [-1, 1])
def test_a_masked_score_has_probability_zero_and_does_not_count(axis):
    x = np.array([[1.0, 1e308, 2.0], [-1e308, 0.5, 3.0]])
    mask = [[True, False, True], [False, True, True]]

    result = softmax(x, axis, mask=mask)

    assert_allclose(result[0], [special.expit(-1), 0, special.expit(1)])
    assert_allclose(result[1], [0, special.expit(-2.5), special.expit(2.5)])


@given(x=moderate_arrays, seed=st.integers(0, 1000), temperature=st.sampled_from([1.0, 0.3, 1e-308, 1e308]))
def test_masked_softmax_is_the_softmax_of_what_is_left(x, seed, temperature):
    mask = np.random.default_rng(seed).random(x.shape) < 0.6
    mask.flat[0] = True

    result = softmax(x, None, temperature, mask)

    assert_allclose(result[mask], softmax(x[mask], -1, temperature), rtol=tolerances.EXACT)
    assert (result[~mask] == 0).all()


def test_a_mask_of_true_changes_no_bit():
    x = np.random.default_rng(5).normal(size=(4, 5))

    assert_array_equal(softmax(x, mask=np.ones((4, 5), bool)), softmax(x))


@pytest.mark.parametrize(
    ("axis", "mask", "pointers"),
    [
        (-1, [[True, False], [False, False]], ["/mask/1"]),
        (1, [[False, False], [False, False]], ["/mask/0", "/mask/1"]),
        (0, [[True, False], [False, False]], ["/mask/0/1"]),
        (None, [[False, False], [False, False]], ["/mask"]),
    ],
)
def test_a_slice_with_nothing_left_is_refused_where_it_stands(axis, mask, pointers):
    with pytest.raises(InvalidRequest) as caught:
        softmax([[1, 2], [3, 4]], axis, mask=mask)

    assert [each.pointer for each in caught.value.faults] == pointers
    assert {each.code for each in caught.value.faults} == {"nothing-left"}


# Arguments


@pytest.mark.parametrize("function", ALL, ids=lambda each: each.__name__)
def test_the_argument_is_never_changed(function):
    x = np.array([[3.0, -4.0, 0.0], [1e200, 1e-200, -1.0]])
    before = x.copy()
    x.flags.writeable = False

    result = function(x)

    assert_array_equal(x, before)
    assert not np.shares_memory(result, x)


@pytest.mark.parametrize("function", ALL, ids=lambda each: each.__name__)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, np.float16, np.longdouble])
def test_other_numbers_are_cast_to_float64_at_the_door(function, dtype):
    x = np.array([[3, 4], [0, 1]], dtype)

    result = function(x)

    assert result.dtype == np.float64
    assert_array_equal(result, function([[3.0, 4.0], [0.0, 1.0]]))


@pytest.mark.parametrize("function", [*ELEMENTWISE, softmax, log_softmax], ids=lambda each: each.__name__)
def test_results_are_contiguous_whatever_the_argument_is(function):
    x = np.asfortranarray(np.random.default_rng(6).normal(size=(3, 4)))

    for given_array in (x, x[:, ::-2], x.T):
        result = function(given_array)
        assert result.flags.c_contiguous
        assert_array_equal(result, function(given_array.tolist()))


@pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda each: each.__name__)
def test_an_element_has_the_same_bits_in_a_large_array(function):
    x = np.random.default_rng(13).normal(0, 20, (7, 5_003))

    result = function(x)

    assert_array_equal(result, [function(row) for row in x])


@pytest.mark.parametrize("function", [*ELEMENTWISE, logsumexp, norm], ids=lambda each: each.__name__)
def test_a_bare_number_gives_an_array_of_rank_0(function):
    result = function(2.0)

    assert isinstance(result, np.ndarray)
    assert result.shape == ()
    assert float(result) == float(np.ravel(function([2.0]))[0])


REFUSALS = [
    (softmax, ([1, 2],), {"axis": 1}, "bad-axis", "/axis"),
    (softmax, ([1, 2],), {"axis": -2}, "bad-axis", "/axis"),
    (log_softmax, ([[1, 2]],), {"axis": 2}, "bad-axis", "/axis"),
    (logsumexp, (1.0,), {"axis": 0}, "bad-axis", "/axis"),
    (norm, ([[1, 2]],), {"axis": (0, 5)}, "bad-axis", "/axis"),
    (norm, ([[1, 2]],), {"axis": (0, -2)}, "repeated-axis", "/axis"),
    (softmax, ([1, 2],), {"axis": 0.5}, "out-of-range", "/axis"),
    (softmax, ([1, 2],), {"axis": True}, "out-of-range", "/axis"),
    (softmax, ([1, 2],), {"axis": "rows"}, "out-of-range", "/axis"),
    (softmax, ([1, 2],), {"temperature": 0}, "out-of-range", "/temperature"),
    (softmax, ([1, 2],), {"temperature": -1}, "out-of-range", "/temperature"),
    (softmax, ([1, 2],), {"temperature": np.inf}, "out-of-range", "/temperature"),
    (softmax, ([1, 2],), {"temperature": np.nan}, "out-of-range", "/temperature"),
    (softmax, ([1, 2],), {"temperature": 10**400}, "out-of-range", "/temperature"),
    (softmax, ([1, 2],), {"temperature": True}, "out-of-range", "/temperature"),
    (softmax, ([1, 2],), {"temperature": "1"}, "out-of-range", "/temperature"),
    (log_softmax, ([1, 2],), {"temperature": None}, "out-of-range", "/temperature"),
    (softmax, ([1, 2],), {"mask": [True]}, "shape-mismatch", "/mask"),
    (softmax, ([1, 2],), {"mask": [[True, True]]}, "shape-mismatch", "/mask"),
    (softmax, ([1, 2],), {"mask": [1, 0]}, "not-booleans", "/mask"),
    (softmax, ([[1], [2]],), {"mask": [[True], [True, False]]}, "not-booleans", "/mask"),
    (softmax, (3.0,), {}, "not-an-array", "/x"),
]


@pytest.mark.parametrize(("function", "arguments", "options", "code", "pointer"), REFUSALS)
def test_bad_arguments_are_refused_where_they_stand(function, arguments, options, code, pointer):
    with pytest.raises(InvalidRequest) as caught:
        function(*arguments, **options)

    assert [(each.code, each.pointer) for each in caught.value.faults] == [(code, pointer)]


NO_ARRAYS = [
    ([], "empty-array", "/x"),
    ([[], []], "empty-array", "/x"),
    (["1", "2"], "not-an-array", "/x"),
    ([b"1"], "not-an-array", "/x"),
    ([True, False], "not-an-array", "/x"),
    ([1j], "not-an-array", "/x"),
    ([None], "not-an-array", "/x"),
    ({"a": 1}, "not-an-array", "/x"),
    ([[1], [2, 3]], "not-an-array", "/x"),
    ([1, np.nan], "not-finite", "/x/1"),
    ([[1, 2], [np.inf, 0]], "not-finite", "/x/1/0"),
    ([1, 10**400], "not-finite", "/x"),
]


@pytest.mark.parametrize("function", ALL, ids=lambda each: each.__name__)
@pytest.mark.parametrize(("x", "code", "pointer"), NO_ARRAYS, ids=[str(row[0])[:20] for row in NO_ARRAYS])
def test_what_is_no_array_of_finite_numbers_is_refused(function, x, code, pointer):
    with pytest.raises(InvalidRequest) as caught:
        function(x)

    assert [(each.code, each.pointer) for each in caught.value.faults] == [(code, pointer)]


def test_integers_beyond_64_bits_are_numbers():
    assert_array_equal(relu([10**30, -(10**30)]), [1e30, 0.0])


def test_at_most_twenty_elements_are_named():
    with pytest.raises(InvalidRequest) as caught:
        softmax(np.full(100, np.nan))

    assert [each.pointer for each in caught.value.faults] == [f"/x/{index}" for index in range(20)]


# Kernels


STEP = 1e-20

ANALYTIC = {
    "sigmoid": (kernels.sigmoid_kernel, lambda x, v: sigmoid(x) * sigmoid(-x) * v),
    "log_sigmoid": (kernels.log_sigmoid_kernel, lambda x, v: sigmoid(-x) * v),
    "softplus": (kernels.softplus_kernel, lambda x, v: sigmoid(x) * v),
    "softmax": (
        lambda x: kernels.softmax_kernel(x, -1),
        lambda x, v: softmax(x) * (v - np.sum(softmax(x) * v, -1, keepdims=True)),
    ),
    "log_softmax": (
        lambda x: kernels.log_softmax_kernel(x, -1),
        lambda x, v: v - np.sum(softmax(x) * v, -1, keepdims=True),
    ),
    "logsumexp": (
        lambda x: kernels.logsumexp_kernel(x, -1, False),
        lambda x, v: np.sum(softmax(x) * v, -1),
    ),
}


@pytest.mark.parametrize("name", ANALYTIC)
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_kernels_carry_a_complex_step(name, scale):
    kernel, derivative = ANALYTIC[name]
    random = np.random.default_rng(11)
    x, direction = random.normal(0, scale, (20, 6)), random.normal(size=(20, 6))

    stepped = kernel(x + 1j * STEP * direction)

    assert_allclose(stepped.real, kernel(x), rtol=tolerances.ROUNDING)
    expected = derivative(x, direction)
    worst = np.max(np.abs(expected))
    assert_allclose(stepped.imag / STEP, expected, rtol=0, atol=tolerances.COMPLEX_STEP * worst)


@pytest.mark.parametrize("x", [-600.0, -40.0, -1e-3, -0.0, 0.0, 1e-3, 40.0, 600.0])
def test_a_complex_step_keeps_its_digits_in_both_tails(x):
    z = np.array(x + 1j * STEP)

    with np.errstate(under="ignore"):
        slopes = {
            name: float(np.imag(ANALYTIC[name][0](z)) / STEP)
            for name in ("sigmoid", "log_sigmoid", "softplus")
        }

    if abs(x) < 600:
        decay = references.sigmoid(-abs(x))
        assert_allclose(slopes["sigmoid"], decay * (1 - decay), rtol=tolerances.COMPLEX_STEP)
        assert_allclose(slopes["log_sigmoid"], references.sigmoid(-x), rtol=tolerances.COMPLEX_STEP)
        assert_allclose(slopes["softplus"], references.sigmoid(x), rtol=tolerances.COMPLEX_STEP)
    assert np.isfinite(list(slopes.values())).all()


def test_a_complex_step_keeps_its_digits_where_the_softmax_saturates():
    x = np.array([50.0, 0.0, -3.0])
    probabilities = np.array(references.softmax(x))

    for place in range(3):
        z = x + 1j * STEP * np.eye(3)[place]
        slope = kernels.softmax_kernel(z, -1).imag / STEP
        log_slope = kernels.log_softmax_kernel(z, -1).imag / STEP
        others = np.delete(probabilities, place).sum()
        own = probabilities[place] * others
        assert_allclose(slope[place], own, rtol=tolerances.COMPLEX_STEP)
        assert_allclose(log_slope[place], others, rtol=tolerances.COMPLEX_STEP)


@pytest.mark.parametrize("name", ANALYTIC)
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_kernels_keep_the_kind_of_numbers_and_leave_them_alone(name, dtype):
    x = np.random.default_rng(12).normal(size=(3, 4)).astype(dtype)
    before = x.copy()
    x.flags.writeable = False

    result = ANALYTIC[name][0](x)

    assert result.dtype == dtype
    assert_array_equal(x, before)


@pytest.mark.parametrize("name", ["sigmoid", "log_sigmoid", "softplus"])
@pytest.mark.parametrize("number", [0.5, 0.5 + 0j])
def test_elementwise_kernels_take_plain_numbers(name, number):
    kernel = ANALYTIC[name][0]

    assert kernel(number) == kernel(np.array([number]))[0]


def test_logsumexp_kernel_of_infinities_is_what_the_limit_says():
    rows = np.array([[-np.inf, -np.inf], [np.inf, 0.0], [-np.inf, 2.0], [np.inf, -np.inf]])

    with np.errstate(all="ignore"):
        result = kernels.logsumexp_kernel(rows, -1, False)

    assert_array_equal(result, [-np.inf, np.inf, 2.0, np.inf])


def test_norm_kernel_takes_empty_and_infinite_slices():
    with np.errstate(all="ignore"):
        assert_array_equal(kernels.norm_kernel(np.zeros((0, 3)), 0), np.zeros(3))
        assert_array_equal(kernels.norm_kernel(np.array([[np.inf, 1.0], [3.0, 4.0]]), -1), [np.inf, 5.0])
        assert np.isnan(kernels.norm_kernel(np.array([np.nan, 1.0])))


@pytest.mark.parametrize("shape", [(5_000, 2), (1_797, 10), (300, 1_000), (40, 3, 4), (7, 2), (5,)])
@pytest.mark.parametrize("axis", [0, -1])
def test_sums_by_a_product_are_those_of_numpy(shape, axis):
    x = np.random.default_rng(0).normal(size=shape)

    for array in (x, x + 1j * x[::-1], x[::2], np.swapaxes(x, 0, -1)):
        assert_allclose(sums(array, axis), np.sum(array, axis=axis, keepdims=True), rtol=1e-12, atol=1e-12)


def test_sums_by_a_product_keep_infinities_and_nan():
    x = np.ones((20, 10))
    x[3, 4], x[5, 6] = np.inf, np.nan

    assert_array_equal(row_sums(x), np.sum(x, axis=-1))
    assert_array_equal(column_sums(x, True), np.sum(x, axis=0, keepdims=True))


@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize("shape", [(5_000, 2), (40, 3, 4)])
def test_sums_by_a_product_are_written_where_they_belong(shape, keepdims):
    x = np.random.default_rng(0).normal(size=shape)

    for kernel, axis in ((row_sums, -1), (column_sums, -2)):
        wanted = np.sum(x, axis, keepdims=keepdims)
        out = np.empty(wanted.shape)
        assert np.shares_memory(kernel(x, keepdims, out), out)
        assert_allclose(out, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("top", [1.0, 1_000.0])
def test_what_is_subtracted_before_exp_is_written_where_it_belongs(top):
    x = np.random.default_rng(0).normal(size=(2_000, 10))
    x[5, 3] = top
    out = np.empty((2_000, 1))

    assert kernels.exponent_shift(x, -1, out) is out

    assert_array_equal(out, kernels.exponent_shift(x, -1))


@pytest.mark.parametrize("shape", [(5_000, 2), (40_000, 16), (3_000, 3, 4), (7, 2), (100, 40), (5,)])
def test_the_largest_of_short_rows_is_that_of_numpy(shape):
    x = np.random.default_rng(0).normal(size=shape)
    x[0, ...] = np.nan
    for array in (x, x + 1j * x[::-1]):
        assert_array_equal(maxima(array, -1), np.max(array, axis=-1, keepdims=True))
