"""The new losses, and weights, class weights and masks of all, against a plain reading of PyTorch's rules."""

import itertools

import numpy as np
import pytest

from service.core import gradient, losses
from service.core.exceptions import InvalidRequest, NonFiniteResult
from service.core.losses import loss

random = np.random.default_rng(9)
LOGITS = random.normal(size=(4, 3))
P = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
SOFT = random.dirichlet([1, 1, 1], 4)
LABELS = np.array([0, 2, 1, 2])
CLASS_WEIGHTS = np.array([0.5, 2.0, 1.25])
WEIGHTS = np.array([1.0, 0.5, 0.0, 3.0])
MASK = np.array([True, True, False, True])


def expected(targets, smoothing, reduction, class_weights, weights, mask):
    """Write the cross entropy as PyTorch documents it: a sum over classes, a mean by label weights."""
    total, divisor, each = 0.0, 0.0, []
    for row in range(4):
        is_label = np.ndim(targets) == 1
        t = np.eye(3)[targets[row]] if is_label else targets[row]
        t = t * (1 - smoothing) + smoothing / 3
        w = np.ones(3) if class_weights is None else class_weights
        factor = (1.0 if weights is None else weights[row]) * (1.0 if mask is None else mask[row])
        value = factor * -np.sum(w * t * np.log(P[row]))
        each.append(value)
        total += value
        divisor += factor * (w[targets[row]] if is_label else 1.0)
    return {"sum": total, "mean": total / divisor, "none": np.array(each)}[reduction]


ALL = list(
    itertools.product(
        [LABELS, SOFT],
        [0.0, 0.2],
        ["sum", "mean", "none"],
        [None, CLASS_WEIGHTS],
        [None, WEIGHTS],
        [None, MASK],
        [False, True],
    )
)


@pytest.mark.parametrize(
    ("targets", "smoothing", "reduction", "class_weights", "weights", "mask", "logits"), ALL
)
def test_cross_entropy_with_every_combination_of_weights(
    targets, smoothing, reduction, class_weights, weights, mask, logits
):
    options = {
        "from_logits": logits, "epsilon": 0, "label_smoothing": smoothing, "reduction": reduction,
        "class_weights": class_weights, "weights": weights, "mask": mask,
    }  # fmt: skip

    answer = loss("cross_entropy", LOGITS if logits else P, targets, gradient=True, **options)

    found = answer["losses" if reduction == "none" else "loss"]
    wanted = expected(targets, smoothing, reduction, class_weights, weights, mask)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    x = LOGITS if logits else P
    direction = random.normal(size=x.shape) * 1e-6

    def value(moved):
        reduced = {**options, "reduction": "sum" if reduction == "none" else reduction}
        return loss("cross_entropy", moved, targets, **reduced)["loss"]

    slope = (value(x + direction) - value(x - direction)) / 2
    assert np.sum(answer["gradient"] * direction) == pytest.approx(slope, rel=1e-5, abs=1e-12)
    if mask is not None:
        assert not answer["gradient"][~mask].any()


ELEMENTWISE = [
    name for name in losses.LOSSES if name not in ("cross_entropy", "kl_divergence", "cosine_distance")
]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_weights_and_masks_multiply_losses_of_elements(name):
    p, t = random.uniform(0.1, 0.9, (2, 3)), np.where(random.random((2, 3)) < 0.5, 1.0, 1.0)
    weights, mask = random.random(3), np.array([[True, False, True], [True, True, False]])
    plain = loss(name, p, t, reduction="none", gradient=True)

    answers = {
        kind: loss(name, p, t, reduction=kind, weights=weights, mask=mask, gradient=True)
        for kind in ("none", "sum", "mean")
    }

    factors = weights * mask
    np.testing.assert_allclose(answers["none"]["losses"], factors * plain["losses"], rtol=1e-14)
    assert answers["sum"]["loss"] == pytest.approx(np.sum(factors * plain["losses"]), rel=1e-13)
    assert answers["mean"]["loss"] == pytest.approx(
        np.sum(factors * plain["losses"]) / factors.sum(), rel=1e-13
    )
    np.testing.assert_allclose(answers["sum"]["gradient"], factors * plain["gradient"], rtol=1e-14)
    np.testing.assert_allclose(
        answers["mean"]["gradient"], factors * plain["gradient"] / factors.sum(), rtol=1e-13
    )


def test_what_a_mask_or_a_weight_of_zero_leaves_out_may_be_infinite():
    answer = loss(
        "cross_entropy", [[1.0, 0.0], [0.5, 0.5]], [1, 0], epsilon=0, mask=[False, True], gradient=True
    )

    assert answer["loss"] == -np.log(0.5)
    assert answer["gradient"][0].tolist() == [0.0, 0.0]
    assert loss("binary_cross_entropy", [0.0, 0.5], [1, 0], epsilon=0, weights=[0, 1])["loss"] == -np.log(0.5)


def test_a_single_vector_has_one_weight():
    answer = loss("cross_entropy", [0.25, 0.75], [1], epsilon=0, weights=[2.0], mask=[True], reduction="none")

    assert answer["losses"] == pytest.approx([-2 * np.log(0.75)])
    assert loss("cross_entropy", [0.25, 0.75], [1], epsilon=0, weights=2.0)["loss"] == pytest.approx(
        -2 * np.log(0.75)
    )


@pytest.mark.parametrize(
    ("options", "code", "pointer"),
    [
        ({"weights": [1, -1, 1, 1]}, "negative", "/weights/1"),
        ({"weights": [1, 1, 1]}, "shape-mismatch", "/weights"),
        ({"weights": np.ones((4, 1))}, "shape-mismatch", "/weights"),
        ({"weights": [0, 0, 0, 0], "reduction": "mean"}, "no-weight", "/weights"),
        ({"class_weights": [1, 1]}, "shape-mismatch", "/class_weights"),
        ({"class_weights": [1, 1, -2]}, "negative", "/class_weights/2"),
        ({"class_weights": [0, 0, 0], "reduction": "mean"}, "no-weight", "/class_weights"),
        ({"mask": [True, False]}, "shape-mismatch", "/mask"),
        ({"mask": [1, 0, 1, 1]}, "not-booleans", "/mask"),
        ({"mask": [False] * 4}, "nothing-counts", "/mask"),
    ],
)
def test_weights_that_do_not_fit_are_refused(options, code, pointer):
    with pytest.raises(InvalidRequest) as caught:
        loss("cross_entropy", P, LABELS, **options)

    assert [(fault.code, fault.pointer) for fault in caught.value.faults] == [(code, pointer)]


def test_class_weights_of_other_losses_are_ignored():
    assert loss("huber", [1.0], [0.0], class_weights=[3.0]) == loss("huber", [1.0], [0.0])


NEW = [
    ("hinge", [0.5, -2.0, 3.0, 1.0], [1, 1, 1, -1], {}, [0.5, 3.0, 0.0, 2.0], [-1, -1, 0, 1]),
    ("hinge", [1.0, -1.0], [1, -1], {}, [0.0, 0.0], [0, 0]),
    ("log_cosh", [1e-8, 0.5, -800.0], [0, 0, 0], {}, [5e-17, np.log(np.cosh(0.5)), 800 - np.log(2)],
     [1e-8, np.tanh(0.5), -1]),
    ("poisson", [0.5, 2.0], [1, 0], {"epsilon": 0}, [0.5 - np.log(0.5), 2.0], [1 - 2, 1]),
    ("poisson", [0.5, -2.0], [1, 3], {"from_logits": True}, [np.exp(0.5) - 0.5, np.exp(-2) + 6],
     [np.exp(0.5) - 1, np.exp(-2) - 3]),
    ("pinball", [1.0, 3.0, 2.0], [2, 1, 2], {"quantile": 0.9}, [0.9, 0.2, 0.0], [-0.9, 0.1, 0.0]),
    ("pinball", [1.0, 3.0], [2, 1], {}, [0.5, 1.0], [-0.5, 0.5]),
    ("cosine_distance", [3.0, 4.0], [4, 3], {}, [1 - 24 / 25], [-(4 - 3 * 24 / 25) / 25,
                                                               -(3 - 4 * 24 / 25) / 25]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "p", "t", "options", "values", "slopes"), NEW)
def test_the_values_and_gradients_of_further_losses(name, p, t, options, values, slopes):
    answer = loss(name, p, t, reduction="none", gradient=True, **options)

    np.testing.assert_allclose(answer["losses"], values, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(answer["gradient"], slopes, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize(
    ("name", "p", "t", "pointer"),
    [
        ("hinge", [1.0], [0.5], "/targets/0"),
        ("poisson", [-1.0], [1.0], "/predictions/0"),
        ("poisson", [1.0], [-1.0], "/targets/0"),
        ("binary_cross_entropy", [0.5, 0.5], [3, -1], "/targets/0"),
        ("binary_cross_entropy", [0.5, 0.5], [1, -1], "/targets/1"),
        ("kl_divergence", [0.5, 0.5], [1.5, -0.5], "/targets/1"),
        ("cross_entropy", [[0.5, 0.5]], [[2, -1]], "/targets/0/1"),
    ],
)
def test_targets_are_checked_like_predictions(name, p, t, pointer):
    with pytest.raises(InvalidRequest) as caught:
        loss(name, p, t)

    assert caught.value.faults[0].pointer == pointer


@pytest.mark.parametrize("targets", [[0, 3], [1, -1]])
def test_targets_of_logits_are_checked_too(targets):
    with pytest.raises(InvalidRequest) as caught:
        loss("binary_cross_entropy", [2.0, -3.0], targets, from_logits=True)

    assert caught.value.faults[0].pointer == "/targets/1"


def test_the_distance_of_a_zero_vector_is_not_finite():
    with pytest.raises(NonFiniteResult):
        loss("cosine_distance", [0.0, 0.0], [1.0, 0.0])


def test_a_rate_that_is_an_exponential_keeps_its_logarithm():
    answer = gradient("sum(poisson(exp(z), t, epsilon=0))", {"z": [-800.0, 0.5]}, {"t": [2.0, 1.0]})

    assert answer["value"] == pytest.approx(1600 + np.exp(0.5) - 0.5)
    assert answer["gradient"]["z"] == pytest.approx([-2.0, np.exp(0.5) - 1])
