"""Descents that are compared with PyTorch's: functions, starts and options."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, product
from typing import Any

STEPS = 200
EVERY = 20
"""Golden values hold every twentieth iterate: a step that is wrong spoils all that follow."""

IMAGES = [[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [-1.2, 0.8, 0.1], [0.0, 2.0, 1.0], [-0.4, -0.6, 0.9]]
LABELS = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.2, 0.8]]
WEIGHTS = {"W": [[0.1, -0.2, 0.3], [0.0, 0.4, -0.1], [0.2, 0.2, -0.3]], "b": [0.0, 0.1, -0.1]}


@dataclass(frozen=True)
class Task:
    """A function with its start and data, and learning rates that suit plain and adaptive rules."""

    function: str
    variables: dict[str, Any]
    constants: dict[str, Any]
    plain: float
    adaptive: float


@dataclass(frozen=True)
class Rule:
    """An optimizer: its learning rate for a task, options that are not the defaults, its form in PyTorch."""

    rate: Callable[[Task], float]
    options: dict[str, float]
    theirs: str
    arguments: dict[str, Any] = field(default_factory=dict)


TASKS = {
    "quadratic": Task("x[0]**2 + 10*x[1]**2 + x[0]*x[1]", {"x": [-3.0, 4.0]}, {}, 0.04, 0.05),
    "rosenbrock": Task(
        "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)", {"x": [-1.2, 1.0, 0.9]}, {}, 4e-4, 0.005
    ),
    "beale": Task(
        "(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2",
        {"x": 1.0, "y": 1.2},
        {},
        0.004,
        0.02,
    ),
    "softmax regression": Task(
        "mean(cross_entropy(softmax(X @ W + b), t))",
        WEIGHTS,
        {"X": IMAGES, "t": LABELS},
        0.4,
        0.05,
    ),
}

OPTIMIZERS = {
    "gradient_descent": Rule(lambda task: task.plain, {}, "SGD"),
    "momentum": Rule(lambda task: task.plain / 4, {"momentum": 0.8}, "SGD", {"momentum": 0.9}),
    "nesterov": Rule(
        lambda task: task.plain / 4, {"momentum": 0.85}, "SGD", {"momentum": 0.9, "nesterov": True}
    ),
    "adagrad": Rule(lambda task: task.adaptive * 2, {"epsilon": 1e-9}, "Adagrad"),
    "rmsprop": Rule(lambda task: task.adaptive / 10, {"decay": 0.95}, "RMSprop"),
    "adam": Rule(lambda task: task.adaptive, {"beta1": 0.85, "beta2": 0.99, "epsilon": 1e-7}, "Adam"),
    "adamw": Rule(lambda task: task.adaptive, {"beta1": 0.85, "beta2": 0.99, "weight_decay": 0.1}, "AdamW"),
    "amsgrad": Rule(
        lambda task: task.adaptive, {"beta1": 0.85, "beta2": 0.9, "epsilon": 1e-7}, "Adam", {"amsgrad": True}
    ),
    "nadam": Rule(lambda task: task.adaptive, {"beta1": 0.85, "beta2": 0.99}, "NAdam"),
    "adamax": Rule(lambda task: task.adaptive, {"beta1": 0.85, "beta2": 0.99}, "Adamax"),
    "adadelta": Rule(lambda task: task.adaptive * 10, {"decay": 0.95, "epsilon": 1e-5}, "Adadelta"),
    "lion": Rule(
        lambda task: task.adaptive / 10, {"beta1": 0.85, "beta2": 0.95, "weight_decay": 0.1}, "Lion"
    ),
    "rprop": Rule(lambda task: task.adaptive / 10, {}, "Rprop"),
}
"""The rules; the defaults have runs of their own."""

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
        rule = OPTIMIZERS[self.optimizer]
        own = {} if self.is_default else rule.options
        chosen = {"optimizer": self.optimizer, "schedule": self.schedule}
        rate = {"learning_rate": rule.rate(TASKS[self.task])}
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
        for each in zip(OPTIMIZERS, cycle([*SCHEDULES, "step", "cosine", "plateau"]), strict=False)
    ),
    *(Case("rosenbrock", "gradient_descent", schedule) for schedule in SCHEDULES),
    *(Case(task, "gradient_descent", clip="clipped") for task in TASKS),
    *(Case("beale", optimizer, clip=clip) for optimizer, clip in product(OPTIMIZERS, list(CLIPS)[1:])),
]
"""Those of which the values are kept."""
