"""Golden values, each with its source. None of them was made by the code under test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import e, log
from typing import Any

SEED = "the seed blog post, its table of functions"
BOOK = "Saito, Deep Learning from Scratch (O'Reilly Japan, 2016)"
BY_HAND = "by hand"


@dataclass(frozen=True)
class Golden:
    """What a function gives for its arguments.

    `expected` is a number or nested lists; `tolerance` is relative, from the digits of the source.
    """

    function: str
    arguments: tuple[Any, ...]
    expected: Any
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-14

    def __str__(self) -> str:
        return f"{self.function}, {self.source}"


GRID = [[1, 0.5, 0.2, 3], [1, -1, 7, 3], [2, 12, 13, 3]]
SCIPY = "SciPy 1.17 documentation of scipy.special.softmax, example"

ACTIVATIONS = (
    Golden("softmax", ([0.3, 2.9, 4.0],), [0.01821127, 0.24519181, 0.73659691], SEED, tolerance=3e-7),
    Golden("softmax", ([0.3, 2.9, 4.0],), [0.01821127, 0.24519181, 0.73659691], SEED, {"axis": None}, 3e-7),
    Golden("sigmoid", ([0.0],), [0.5], SEED),
    Golden(
        "softmax",
        ([1010, 1000, 990],),
        [9.99954600e-01, 4.53978686e-05, 2.06106005e-09],
        f"{BOOK}, 3.5.2",
        tolerance=2e-9,
    ),
    Golden(
        "sigmoid", ([-1.0, 1.0, 2.0],), [0.26894142, 0.73105858, 0.88079708], f"{BOOK}, 3.2.4", tolerance=2e-8
    ),
    Golden(
        "softmax",
        (GRID,),
        [
            [4.48309e-06, 2.71913e-06, 2.01438e-06, 3.31258e-05],
            [4.48309e-06, 6.06720e-07, 1.80861e-03, 3.31258e-05],
            [1.21863e-05, 2.68421e-01, 7.29644e-01, 3.31258e-05],
        ],
        SCIPY,
        {"axis": None},
        5e-6,
    ),
    Golden(
        "softmax",
        (GRID,),
        [
            [2.11942e-01, 1.01300e-05, 2.75394e-06, 3.33333e-01],
            [2.11942e-01, 2.26030e-06, 2.47262e-03, 3.33333e-01],
            [5.76117e-01, 9.99988e-01, 9.97525e-01, 3.33333e-01],
        ],
        SCIPY,
        {"axis": 0},
        5e-6,
    ),
    Golden(
        "softmax",
        (GRID,),
        [
            [1.05877e-01, 6.42177e-02, 4.75736e-02, 7.82332e-01],
            [2.42746e-03, 3.28521e-04, 9.79307e-01, 1.79366e-02],
            [1.22094e-05, 2.68929e-01, 7.31025e-01, 3.31885e-05],
        ],
        SCIPY,
        {"axis": 1},
        5e-6,
    ),
    Golden("softmax", ([0.0, log(2), log(5)],), [1 / 8, 2 / 8, 5 / 8], f"{BY_HAND}: 1, 2 and 5 parts of 8"),
    Golden(
        "softmax",
        ([0.0, 3 * log(2)],),
        [1 / 3, 2 / 3],
        f"{BY_HAND}: exp(log 2) to 1",
        {"temperature": 3.0},
    ),
    Golden("softmax", ([1e308, -1e308],), [1.0, 0.0], f"{BY_HAND}: exp(-2e308) is 0"),
    Golden(
        "softmax",
        ([1e308, -1e308],),
        [e**2 / (1 + e**2), 1 / (1 + e**2)],
        f"{BY_HAND}: the scores are 1 and -1",
        {"temperature": 1e308},
    ),
    Golden("softmax", ([2.0, 2.0, 1.0],), [0.5, 0.5, 0.0], f"{BY_HAND}: T near 0", {"temperature": 1e-308}),
    Golden("softmax", ([2.0, 1.0],), [0.5, 0.5], f"{BY_HAND}: T near infinity", {"temperature": 1e308}),
    Golden("log_softmax", ([1000.0, 0.0],), [0.0, -1000.0], f"{BY_HAND}: log(1 + exp(-1000)) is 0"),
    Golden("log_softmax", ([5.0, 5.0],), [-log(2), -log(2)], f"{BY_HAND}: halves"),
    Golden(
        "log_softmax",
        ([50.0, 0.0],),
        [-1.9287498479639178e-22, -50.0],
        f"{BY_HAND}: -exp(-50), its square is beyond the digits",
    ),
    Golden("sigmoid", ([log(3), -log(3)],), [0.75, 0.25], f"{BY_HAND}: 3 to 1"),
    Golden("sigmoid", ([750.0, -750.0],), [1.0, 0.0], f"{BY_HAND}: exp(-750) underflows"),
    Golden("log_sigmoid", ([0.0, -1e6, 1e6],), [-log(2), -1e6, 0.0], f"{BY_HAND}: log(1/2) and both tails"),
    Golden("softplus", ([0.0, 1e6, -1e6],), [log(2), 1e6, 0.0], f"{BY_HAND}: log 2 and both tails"),
    Golden("relu", ([-1.0, 0.0, 2.5],), [0.0, 0.0, 2.5], f"{BY_HAND}"),
    Golden("logsumexp", ([0.0, log(2), log(3)],), log(6), f"{BY_HAND}: log(1 + 2 + 3)"),
    Golden("logsumexp", ([1000.0, 1000.0],), 1000 + log(2), f"{BY_HAND}: log(2 exp(1000))"),
    Golden("norm", ([3.0, 4.0],), 5.0, f"{BY_HAND}: Pythagoras"),
    Golden("norm", ([3e200, 4e200],), 5e200, f"{BY_HAND}: Pythagoras, squares overflow"),
    Golden("norm", ([3e-200, 4e-200],), 5e-200, f"{BY_HAND}: Pythagoras, squares underflow"),
    Golden("norm", ([[3.0, 5.0], [4.0, 12.0]],), [5.0, 13.0], f"{BY_HAND}: Pythagoras", {"axis": 0}),
)
"""Values of the functions in `service.core.activations`."""


def one_hot(index: int, size: int) -> list[float]:
    return [1.0 if position == index else 0.0 for position in range(size)]


SEED_PREDICTIONS = [0.1, 0.01, 0.99, 0.0, 0.0, 0.1, 0.02, 0.1, 0.1, 0.04]
BOOK_RIGHT = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
BOOK_WRONG = [0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0]
KERAS = "Keras documentation, probabilistic losses, example"
KERAS_ROWS = [[0.05, 0.95, 0], [0.1, 0.8, 0.1]]
MINDSPORE = "MindSpore documentation of ops.SoftmaxCrossEntropyWithLogits, example"
MINDSPORE_LOGITS = [[2, 4, 1, 4, 5], [2, 1, 2, 4, 3]]
SCIKIT = "scikit-learn documentation of metrics.log_loss, example"
PYTORCH = "by hand from the formula in PyTorch's documentation of CrossEntropyLoss: t (1 - s) + s / K"

LOSSES = (
    Golden(
        "loss",
        ("cross_entropy", SEED_PREDICTIONS, one_hot(2, 10)),
        {"loss": 0.010050234843405595},
        SEED,
    ),
    Golden(
        "loss", ("cross_entropy", SEED_PREDICTIONS, [2]), {"loss": 0.010050234843405595}, f"{SEED}, as label"
    ),
    Golden(
        "loss", ("half_squared_error", BOOK_RIGHT, one_hot(2, 10)), {"loss": 0.0975}, f"{BOOK}, 4.2.1, right"
    ),
    Golden(
        "loss", ("half_squared_error", BOOK_WRONG, one_hot(2, 10)), {"loss": 0.5975}, f"{BOOK}, 4.2.1, wrong"
    ),
    Golden(
        "loss",
        ("cross_entropy", BOOK_RIGHT, one_hot(2, 10)),
        {"loss": 0.510825457099338},
        f"{BOOK}, 4.2.2, right",
    ),
    Golden(
        "loss",
        ("cross_entropy", BOOK_WRONG, one_hot(2, 10)),
        {"loss": 2.302584092994546},
        f"{BOOK}, 4.2.2, wrong",
    ),
    Golden(
        "loss",
        ("cross_entropy", KERAS_ROWS, [1, 2]),
        {"losses": [0.0513, 2.303]},
        KERAS,
        {"reduction": "none"},
        4e-4,
    ),
    Golden(
        "loss",
        ("binary_cross_entropy", [-18.6, 0.51, 2.94, -12.8], [0, 1, 0, 0]),
        {"loss": 0.865},
        KERAS,
        {"from_logits": True, "reduction": "mean"},
        6e-4,
    ),
    Golden(
        "loss",
        ("cross_entropy", [[0.1, 0.9], [0.9, 0.1], [0.8, 0.2], [0.35, 0.65]], [1, 0, 0, 1]),
        {"loss": 0.21616},
        SCIKIT,
        {"epsilon": 0, "reduction": "mean"},
        4e-5,
    ),
    Golden(
        "loss",
        ("cross_entropy", MINDSPORE_LOGITS, [4, 3]),
        {
            "losses": [0.5899297, 0.52374405],
            "gradient": [
                [0.02760027, 0.20393994, 0.01015357, 0.20393994, -0.44563377],
                [0.08015892, 0.02948882, 0.08015892, -0.4077012, 0.21789455],
            ],
        },
        MINDSPORE,
        {"from_logits": True, "reduction": "none", "gradient": True},
        1e-6,
    ),
    Golden(
        "loss",
        ("cross_entropy", [log(3), 0.0], [0]),
        {"loss": 0.9 * log(4 / 3) + 0.1 * log(4)},
        PYTORCH,
        {"from_logits": True, "label_smoothing": 0.2},
    ),
    Golden(
        "loss",
        ("cross_entropy", [[0.75, 0.25]], [0]),
        {"loss": 0.9 * log(4 / 3) + 0.1 * log(4), "gradient": [[-1.2, -0.4]]},
        f"{PYTORCH}, from probabilities",
        {"epsilon": 0, "label_smoothing": 0.2, "gradient": True},
    ),
    Golden(
        "loss",
        ("cross_entropy", [[0.0, log(3)], [0.0, log(3)]], [[1.0, 2.0], [0.0, 0.5]]),
        {"loss": 3.5 * log(4) - 2.5 * log(3), "gradient": [[-0.25, 0.25], [0.125, -0.125]]},
        f"{BY_HAND}: 3 log 4 - 2 log 3 and half of log 4 - log 3; 3 (1/4, 3/4) - (1, 2)",
        {"from_logits": True, "gradient": True},
    ),
    Golden(
        "loss",
        ("kl_divergence", [0.5, 0.5], [0.75, 0.25]),
        {"loss": 0.75 * log(1.5) + 0.25 * log(0.5), "gradient": [-1.5, -0.5]},
        f"{BY_HAND}: sum t log(t / p), and -t / p",
        {"gradient": True},
    ),
    Golden(
        "loss",
        ("squared_error", [3, 5], [1, 5]),
        {"loss": 4.0, "gradient": [4.0, 0.0]},
        BY_HAND,
        {"gradient": True},
    ),
    Golden(
        "loss",
        ("absolute_error", [3, 5, 1], [1, 5, 4]),
        {"loss": 5 / 3, "gradient": [1 / 3, 0.0, -1 / 3]},
        f"{BY_HAND}: the mean, with the kink",
        {"gradient": True, "reduction": "mean"},
    ),
    Golden(
        "loss",
        ("huber", [0.5, 3.0, -1e200], [0.0, 0.0, 0.0]),
        {"losses": [0.125, 4.0, 2e200], "gradient": [0.5, 2.0, -2.0]},
        f"{BY_HAND}: d**2 / 2, then 2 (d - 1)",
        {"delta": 2.0, "reduction": "none", "gradient": True},
    ),
    Golden(
        "loss",
        ("binary_cross_entropy", [0.25, 0.25], [0.0, 1.0]),
        {"losses": [log(4 / 3), log(4)], "gradient": [4 / 3, -4.0]},
        f"{BY_HAND}: -log(3/4), -log(1/4)",
        {"epsilon": 0, "reduction": "none", "gradient": True},
    ),
)
"""Answers of `service.core.losses.loss`."""
