"""Descents that are compared with PyTorch's: functions, starts and options."""

from dataclasses import dataclass
from itertools import product
from typing import Any

STEPS = 200
EVERY = 20
"""Golden values hold every twentieth iterate: a step that is wrong spoils all that follow."""

IMAGES = [[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [-1.2, 0.8, 0.1], [0.0, 2.0, 1.0], [-0.4, -0.6, 0.9]]
LABELS = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.2, 0.8]]
WEIGHTS = {"W": [[0.1, -0.2, 0.3], [0.0, 0.4, -0.1], [0.2, 0.2, -0.3]], "b": [0.0, 0.1, -0.1]}


@dataclass(frozen=True)
class Task:
    """A function with its start and data, and a rate that suits each optimizer."""

    function: str
    variables: dict[str, Any]
    constants: dict[str, Any]
    rates: dict[str, float]


def rates(plain: float, adaptive: float) -> dict[str, float]:
    return {
        "gradient_descent": plain,
        "momentum": plain / 4,
        "nesterov": plain / 4,
        "adagrad": adaptive * 2,
        "rmsprop": adaptive / 10,
        "adam": adaptive,
        "adamw": adaptive,
        "amsgrad": adaptive,
        "nadam": adaptive,
        "adamax": adaptive,
        "adadelta": 10 * adaptive,
        "lion": adaptive / 10,
        "rprop": adaptive / 10,
    }


TASKS = {
    "quadratic": Task("x[0]**2 + 10*x[1]**2 + x[0]*x[1]", {"x": [-3.0, 4.0]}, {}, rates(0.04, 0.05)),
    "rosenbrock": Task(
        "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)", {"x": [-1.2, 1.0, 0.9]}, {}, rates(4e-4, 0.005)
    ),
    "beale": Task(
        "(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2",
        {"x": 1.0, "y": 1.2},
        {},
        rates(0.004, 0.02),
    ),
    "softmax regression": Task(
        "mean(cross_entropy(softmax(X @ W + b), t))",
        WEIGHTS,
        {"X": IMAGES, "t": LABELS},
        rates(0.4, 0.05),
    ),
}

OPTIMIZERS = {
    "gradient_descent": {},
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.85},
    "adagrad": {"epsilon": 1e-9},
    "rmsprop": {"decay": 0.95},
    "adam": {"beta1": 0.85, "beta2": 0.99, "epsilon": 1e-7},
    "adamw": {"beta1": 0.85, "beta2": 0.99, "weight_decay": 0.1},
    "amsgrad": {"beta1": 0.85, "beta2": 0.9, "epsilon": 1e-7},
    "nadam": {"beta1": 0.85, "beta2": 0.99},
    "adamax": {"beta1": 0.85, "beta2": 0.99},
    "adadelta": {"decay": 0.95, "epsilon": 1e-5},
    "lion": {"beta1": 0.85, "beta2": 0.95, "weight_decay": 0.1},
    "rprop": {},
}
"""Options that are not the defaults; the defaults have runs of their own."""

SCHEDULES = {
    "constant": {},
    "step": {"schedule_rate": 0.5, "schedule_every": 30},
    "exponential": {"schedule_rate": 0.99},
    "cosine": {"schedule_every": 70},
    "cosine_restarts": {"schedule_every": 60},
    "linear": {"schedule_rate": 0.2, "schedule_every": 90},
    "polynomial": {"schedule_every": 250, "schedule_power": 1.5},
    "milestones": {"schedule_rate": 0.3, "schedule_at": [40, 110]},
    "one_cycle": {"schedule_every": 220},
    "plateau": {"schedule_rate": 0.5, "schedule_every": 3},
}

CLIPS = {
    "whole": {},
    "clipped": {"clip_norm": 0.7},
    "decayed": {"weight_decay": 0.05},
    "warmed up": {"warmup": 30},
}


@dataclass(frozen=True)
class Case:
    """One descent."""

    task: str
    optimizer: str
    schedule: str = "constant"
    clip: str = "whole"
    is_default: bool = False

    def __str__(self) -> str:
        words = (self.task, self.optimizer, self.schedule, self.clip)
        return ", ".join(words) + (", defaults" if self.is_default else "")

    def options(self) -> dict[str, Any]:
        own = {} if self.is_default else OPTIMIZERS[self.optimizer]
        chosen = {"optimizer": self.optimizer, "schedule": self.schedule}
        rate = {"learning_rate": TASKS[self.task].rates[self.optimizer]}
        return chosen | rate | own | SCHEDULES[self.schedule] | CLIPS[self.clip]


ALL = [
    *(Case(*each) for each in product(TASKS, OPTIMIZERS, SCHEDULES)),
    *(Case(task, optimizer, clip=clip) for task, optimizer, clip in product(TASKS, OPTIMIZERS, CLIPS)),
    *(Case(task, "adam", schedule, "warmed up") for task, schedule in product(TASKS, ("step", "cosine"))),
    *(Case(task, optimizer, is_default=True) for task, optimizer in product(TASKS, OPTIMIZERS)),
]
"""Every optimizer with every schedule, and with clipping, decay and warm-up: for the comparison with a
PyTorch that is installed."""

GOLDEN = [
    *(case for case in ALL if case.is_default),
    *(
        Case(task, *each)
        for task in TASKS
        for each in zip(OPTIMIZERS, [*SCHEDULES, "step", "cosine", "plateau"], strict=True)
    ),
    *(Case("rosenbrock", "gradient_descent", schedule) for schedule in SCHEDULES),
    *(Case(task, "gradient_descent", clip="clipped") for task in TASKS),
    *(Case("beale", optimizer, clip=clip) for optimizer, clip in product(OPTIMIZERS, list(CLIPS)[1:])),
]
"""Those of which the values are kept."""
