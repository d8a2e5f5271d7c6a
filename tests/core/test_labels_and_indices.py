"""Constants that index, and constants that are class labels: shapes, values, derivatives, refusals."""

import numpy as np
import pytest

from service.core import descent, gradient, gradient_field, loss
from service.core.calculus.gradient import quote
from service.core.exceptions import InvalidFunction, InvalidRequest, NonFiniteResult
from service.core.language import losses
from service.core.language.constants import DOMAINS

random = np.random.default_rng(3)
X, W = random.normal(size=(3, 2)), random.normal(size=(2, 3))
LABELS = np.array([0.0, 2.0, 1.0])


def softmax_regression(labels, epsilon):
    z = X @ W
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    return loss("cross_entropy", p, labels, epsilon=epsilon, reduction="mean")["loss"]


@pytest.mark.parametrize("epsilon", ["", ", epsilon=0"])
def test_a_constant_of_labels_is_what_the_endpoint_takes_for_labels(epsilon):
    text = f"mean(cross_entropy(softmax(X @ W), t{epsilon}))"

    answer = gradient(text, {"W": W}, {"X": X, "t": LABELS}, verify=True)
    by_hand = gradient(text, {"W": W}, {"X": X, "t": np.eye(3)[LABELS.astype(int)]})

    assert answer["value"] == by_hand["value"]
    assert np.array_equal(answer["gradient"]["W"], by_hand["gradient"]["W"])
    assert answer["value"] == pytest.approx(softmax_regression(LABELS, 0 if epsilon else 1e-7), rel=1e-14)


@pytest.mark.parametrize(
    ("p", "t", "label"),
    [([0.2, 0.3, 0.5], 2.0, 2), ([0.2, 0.3, 0.5], [2.0], 2), ([0.2, 0.8], 0.0, 0), ([0.2, 0.8], [1.0], 1)],
)
def test_the_label_of_one_vector(p, t, label):
    answer = gradient("cross_entropy(p, t, epsilon=0)", {"p": p}, {"t": t})

    assert answer["value"] == pytest.approx(-np.log(p[label]), rel=1e-15)


def test_labels_work_in_batches_of_stacks_and_under_smoothing():
    p = random.uniform(0.1, 0.9, (2, 4, 3))
    t = random.integers(0, 3, (2, 4)).astype(float)

    answer = gradient("sum(cross_entropy(p, t, label_smoothing=0.1))", {"p": p}, {"t": t})

    expected = loss("cross_entropy", p, t, label_smoothing=0.1, gradient=True)
    assert answer["value"] == pytest.approx(expected["loss"], rel=1e-14)
    assert np.allclose(answer["gradient"]["p"], expected["gradient"], rtol=1e-13)


def test_labels_through_a_statement_are_labels_and_computed_targets_are_not():
    assert gradient("u = t; cross_entropy(p, u, epsilon=0)", {"p": [0.2, 0.8]}, {"t": 1.0})[
        "value"
    ] == -np.log(0.8)
    assert gradient("cross_entropy(p, t/1 + 0*p, epsilon=0)", {"p": [0.5, 0.5]}, {"t": 1.0})[
        "value"
    ] == pytest.approx(2 * np.log(2))


@pytest.mark.parametrize(
    ("t", "pointers"),
    [([0, 3, 1], ["/constants/t/1"]), ([0.5, 2, -1], ["/constants/t/0", "/constants/t/2"])],
)
def test_a_label_that_names_no_class_is_refused_with_its_place(t, pointers):
    text = "mean(cross_entropy(softmax(X @ W), t))"
    for call in (gradient, quote, descent):
        with pytest.raises(InvalidRequest) as caught:
            call(text, {"W": W}, {"X": X, "t": t})
        assert [(fault.code, fault.pointer) for fault in caught.value.faults] == [
            ("bad-label", pointer) for pointer in pointers
        ]
    with pytest.raises(InvalidRequest):
        gradient_field(text, {"W": [W, W]}, {"X": X, "t": t})


LOSSES = [
    "cross_entropy",
    "binary_cross_entropy",
    "kl_divergence",
    "squared_error",
    "huber",
    "absolute_error",
]


OTHER_SHAPES = [
    ((2, 1), (2,)),
    ((4, 3), (3,)),
    ((3,), (2, 3)),
    ((3, 1), (3, 3)),
    ((4, 3), (1, 4, 3)),
    ((3,), (2,)),
]


@pytest.mark.parametrize(
    ("name", "p", "t"),
    [
        (name, p, t)
        for name in LOSSES
        for p, t in OTHER_SHAPES
        if not (name == "cross_entropy" and t == p[:-1])  # labels
    ],
)
def test_targets_of_another_shape_are_refused_with_both_shapes(name, p, t):
    with pytest.raises(InvalidFunction) as caught:
        gradient(f"sum({name}(p, t))", {"p": np.full(p, 0.5)}, {"t": np.full(t, 0.5)})

    assert f"{name} got {p} and {t}: targets have the shape" in caught.value.faults[0].detail


BROADCAST_SHAPES = [((2, 3), (2, 1)), ((2, 3), (1, 3)), ((2, 3), (1, 1)), ((2, 3), ()), ((), ())]


@pytest.mark.parametrize(
    ("name", "p", "t"),
    [
        (name, p, t)
        for name in LOSSES
        for p, t in BROADCAST_SHAPES
        if p or name not in ("cross_entropy", "kl_divergence")  # these need an axis
    ],
)
def test_targets_of_the_predictions_rank_or_none_broadcast(name, p, t):
    predictions, targets = random.uniform(0.1, 0.9, p), random.uniform(0.1, 0.9, t)

    answer = gradient(f"sum({name}(p, t))", {"p": predictions}, {"t": targets})

    whole = gradient(f"sum({name}(p, t))", {"p": predictions}, {"t": np.broadcast_to(targets, p).copy()})
    assert answer["value"] == pytest.approx(whole["value"], rel=1e-14)


@pytest.mark.parametrize("targets", ["t[::-1]", "t + 0", "t[:1]"])
def test_targets_of_another_shape_are_told_which_shape_labels_have(targets):
    with pytest.raises(InvalidFunction) as caught:
        gradient(f"sum(cross_entropy(softmax(z), {targets}))", {"z": np.eye(2, 3)}, {"t": [0, 2]})

    detail = caught.value.faults[0].detail
    assert detail.endswith("; class labels are a constant of shape (2,).")


A = np.arange(24.0).reshape(2, 3, 4) ** 1.5
ROWS, COLUMNS = np.array([2.0, 0.0, -1.0, 2.0]), np.array([[1.0, 0.0], [-1.0, 3.0]])
INDICES = ["a[1][i]", "a[:, i]", "a[0, i]", "a[1, i, 0]", "a[..., j]", "a[:, :, j]", "a[0][:, j]",
           "a[0, 1, j]", "a[1, i[0:2], j[0]]", "a[None, 1, i]", "a[:, None, i]", "a[:, i, None]",
           "a[:, 1:, j]", "a[::-1, i, 1:3]", "a[0, i, i]", "a[:, i[:1], j]",
           "a[1][i][j[1][:1]]", "a[0, i.T]"]  # fmt: skip


@pytest.mark.parametrize("text", INDICES)
def test_constants_index_as_in_numpy_and_repeated_places_add_up(text):
    scope = {"a": A, "i": ROWS.astype(int), "j": COLUMNS.astype(int), "None": None}
    expected = eval(text, scope)  # noqa: S307 - our own list, the reference being NumPy itself
    weights = random.normal(size=expected.shape)

    answer = gradient(f"sum({text} * w)", {"a": A}, {"i": ROWS, "j": COLUMNS, "w": weights})

    assert answer["value"] == pytest.approx(np.sum(expected * weights), rel=1e-13)
    flat = np.arange(A.size).reshape(A.shape)
    places = eval(text, scope | {"a": flat})  # noqa: S307 - as above
    assert np.allclose(answer["gradient"]["a"].ravel(), np.bincount(places.ravel(), weights.ravel(), A.size))


@pytest.mark.parametrize("size", [1, 5000])
@pytest.mark.parametrize("laid_out", ["s[...]", "sum(s[None])", "flip(s)", "s[None, ...][0]", "roll(s, 1)"])
def test_a_number_may_be_laid_out_and_used_beside(laid_out, size):
    text = f"exp({laid_out}) + s*s + {laid_out} + sum(X*s)"
    X = np.ones(size)

    answer = gradient(text, {"s": 0.5}, {"X": X})
    with pytest.raises(NonFiniteResult) as failed:
        gradient(f"log({laid_out}) + {text}", {"s": -0.5}, {"X": X})

    assert answer["gradient"]["s"] == pytest.approx(np.exp(0.5) + 1.0 + 1.0 + size, rel=1e-14)
    assert "became nan at log" in failed.value.faults[0].detail


def test_an_index_from_constants_works_everywhere():
    text, constants = "sum(w[i]**2 * x)", {"i": [0, 2, 2], "x": [1.0, 2.0, 3.0]}
    w = np.array([1.0, -2.0, 0.5, 7.0])

    single = gradient(text, {"w": w}, constants, verify=True)
    field = gradient_field(text, {"w": np.stack([w, 2 * w])}, constants)
    path = descent(text, {"w": w}, constants, steps=3, learning_rate=0.01)

    assert single["value"] == 1.0 + 5 * 0.25
    assert np.array_equal(single["gradient"]["w"], [2.0, 0.0, 5.0, 0.0])
    assert single["verification"]["max_relative_error"] < 1e-6
    assert np.allclose(field["gradient"]["w"], [single["gradient"]["w"], 2 * single["gradient"]["w"]])
    assert path["value"] < single["value"]
    for method in ("central", "complex_step"):
        other = gradient(text, {"w": w}, constants, method=method)["gradient"]["w"]
        assert np.allclose(other, single["gradient"]["w"], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "constants", "pointer"),
    [
        ("sum(w[i])", {"i": [0, 1.5]}, "/constants/i/1"),
        ("sum(w[i])", {"i": [4]}, "/constants/i/0"),
        ("sum(w[i])", {"i": [[0, -5]]}, "/constants/i/0/1"),
        ("w[i]", {"i": 1e300}, "/constants/i"),
        ("k = i; sum(w[k[0:1]])", {"i": [0, 9]}, "/constants/i/1"),
    ],
)
def test_an_index_out_of_range_or_not_whole_is_refused_with_its_place(text, constants, pointer):
    with pytest.raises(InvalidRequest) as caught:
        gradient(text, {"w": [1.0, 2.0, 3.0, 4.0]}, constants)

    assert [(fault.code, fault.pointer) for fault in caught.value.faults] == [("bad-index-value", pointer)]
    assert "-4 to 3" in caught.value.faults[0].detail


@pytest.mark.parametrize(
    "text", ["a[i, :, i]", "a[i, 0:1, 0]", "a[0, :, i]", "a[i, None, i]", "a[i, i, i, i]"]
)
def test_index_arrays_parted_by_slices_are_refused(text):
    with pytest.raises(InvalidFunction) as caught:
        gradient(f"sum({text})", {"a": A}, {"i": [0.0]})

    assert caught.value.faults[0].code == "operand-shapes"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zeros(3) + x", lambda x: x),
        ("ones((2, 3)) * x", lambda x: np.ones((2, 3)) * x),
        ("eye(3) * x", lambda x: np.eye(3) * x),
        ("eye(2, 3) * x", lambda x: np.eye(2, 3) * x),
        ("arange(3) * x", lambda x: np.arange(3) * x),
        ("arange(len(x)) * x", lambda x: np.arange(3) * x),
        ("arange(1, 7, 2) * x", lambda x: np.arange(1, 7, 2) * x),
        ("arange(0, 0.3, 0.1) * x", lambda x: np.arange(0, 0.3, 0.1) * x),
        ("arange(3, 0, -1) * x", lambda x: np.arange(3, 0, -1) * x),
        ("linspace(0, 1, 3) * x", lambda x: np.linspace(0, 1, 3) * x),
        ("linspace(-1, 0.7, num=3) * x", lambda x: np.linspace(-1, 0.7, 3) * x),
        ("one_hot(arange(2), 3) * x", lambda x: np.eye(2, 3) * x),
    ],
)
@pytest.mark.parametrize("repeat", [1, 300])
def test_arrays_are_made_as_numpy_makes_them(text, expected, repeat):
    x = np.array([0.5, -1.0, 2.0])

    total = gradient(f"y = {text}; s = 0*sum(x)\nfor k in range({repeat}): s += sum(sin(y + k))\ns", {"x": x})

    y = expected(x)
    assert total["value"] == pytest.approx(sum(np.sum(np.sin(y + k)) for k in range(repeat)), rel=1e-12)


def test_labels_become_one_hot_and_are_checked():
    assert gradient("sum(one_hot(t, 3) * w)", {"w": [1.0, 2.0, 4.0]}, {"t": [2.0, 2.0, 0.0]})["value"] == 9.0


CHECKED = [row for row in losses.LOSSES.values() if row.targets in DOMAINS]
WRONG = {"probability": [0.5, -0.25, 3.0], "non-negative": [-1.0, 1.0, -0.5], "sign": [0.0, 1.0, -1.0]}
WRITTEN = [
    "u = {loss}; sum(u)",
    "f(a, b) = sum({of_two})\nf(softmax(x), t)",
    "u = reshape(t, (3, 1)).T[0]; sum({loss} + 0*u)",
]


@pytest.mark.parametrize("text", WRITTEN, ids=["plain", "by a function", "and elsewhere"])
@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.name)
def test_targets_that_the_endpoint_refuses_are_refused_before_anything_runs(row, text):
    function = text.format(loss=f"{row.name}(softmax(x), t)", of_two=f"{row.name}(a, b)")
    wrong = WRONG[row.targets]
    with pytest.raises(InvalidRequest) as refused:
        gradient(function, {"x": [1.0, 2.0, 3.0]}, {"t": wrong})
    with pytest.raises(InvalidRequest) as at_the_endpoint:
        loss(row.name, [0.2, 0.3, 0.5], wrong)

    found = [(fault.code, fault.pointer, fault.detail) for fault in refused.value.faults]
    expected = [(fault.code, fault.pointer, fault.detail) for fault in at_the_endpoint.value.faults]
    assert found == [
        (code, pointer.replace("/targets", "/constants/t"), text) for code, pointer, text in expected
    ]
    line = 2 if "f(a, b)" in text else 1
    assert all(fault.line == line and fault.column for fault in refused.value.faults)


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.name)
def test_a_literal_that_is_no_target_is_refused_at_the_loss(row):
    wrong = 0.5 if row.targets == "sign" else min(WRONG[row.targets])
    with pytest.raises(InvalidFunction) as refused:
        gradient(f"sum({row.name}(softmax(x), {wrong}))", {"x": [1.0, 2.0, 3.0]})

    (fault,) = refused.value.faults
    assert (fault.pointer, fault.line, fault.column) == ("/function", 1, 5)


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.name)
def test_computed_targets_are_taken_as_they_come(row):
    answer = gradient(f"sum({row.name}(softmax(x), 0.5*t + 0.5))", {"x": [1.0, 2.0]}, {"t": [-1.0, 1.0]})

    assert np.isfinite(answer["value"])
