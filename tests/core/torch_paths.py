"""Descents by PyTorch, in float64: what ours are compared with.

``python -m tests.core.torch_paths`` writes the golden values anew; PyTorch is then to be installed.
"""

import inspect
import json
from pathlib import Path

import torch

from tests.core.descent_cases import EVERY, GOLDEN, OPTIMIZERS, STEPS, TASKS

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)  # NAdam keeps a product of its own in the default type

FILE = Path(__file__).with_name("torch_paths.json")


def quadratic(x):
    return x[0] ** 2 + 10 * x[1] ** 2 + x[0] * x[1]


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def beale(x, y):
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def softmax_regression(W, b, X, t):
    return -(t * torch.log(torch.softmax(X @ W + b, -1) + 1e-7)).sum(-1).mean()


FUNCTIONS = {
    "quadratic": quadratic,
    "rosenbrock": rosenbrock,
    "beale": beale,
    "softmax regression": softmax_regression,
}


NAMES = {
    "momentum": ("momentum",),
    "decay": ("alpha", "rho"),
    "epsilon": ("eps",),
    "weight_decay": ("weight_decay",),
}
"""By the name of an option its names in PyTorch; what is absent keeps PyTorch's own default."""


LR = torch.optim.lr_scheduler
SCHEDULERS = {
    "constant": lambda each, o: LR.LambdaLR(each, lambda k: 1.0),
    "step": lambda each, o: LR.StepLR(each, o["schedule_every"], o["schedule_rate"]),
    "exponential": lambda each, o: LR.ExponentialLR(each, o["schedule_rate"]),
    "cosine": lambda each, o: LR.CosineAnnealingLR(each, o["schedule_every"]),
    "cosine_restarts": lambda each, o: LR.CosineAnnealingWarmRestarts(each, o["schedule_every"]),
    "linear": lambda each, o: LR.LinearLR(each, o["schedule_rate"], 1.0, o["schedule_every"]),
    "polynomial": lambda each, o: LR.PolynomialLR(each, o["schedule_every"], o["schedule_power"]),
    "milestones": lambda each, o: LR.MultiStepLR(each, o["schedule_at"], o["schedule_rate"]),
    "one_cycle": lambda each, o: LR.OneCycleLR(
        each, o["learning_rate"], o["schedule_every"], cycle_momentum=False
    ),
    "plateau": lambda each, o: LR.ReduceLROnPlateau(
        each, factor=o["schedule_rate"], patience=o["schedule_every"]
    ),
}


def scheduler_of(case, optimizer, options):
    """Make the scheduler of a case, after a warm-up when there is one."""
    make = SCHEDULERS[case.schedule]
    if "warmup" not in options or case.schedule == "plateau":
        return make(optimizer, options)
    count = options["warmup"]
    warm = LR.LambdaLR(optimizer, lambda k: k / count)
    return LR.SequentialLR(optimizer, [warm, make(optimizer, options)], [count])


class Lion(torch.optim.Optimizer):
    """Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, algorithm 2, written anew."""

    def __init__(self, parameters, rate, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(list(parameters), {"lr": rate})
        self.betas, self.decay = betas, weight_decay
        self.means = None

    @torch.no_grad()
    def step(self):
        (group,) = self.param_groups
        self.means = self.means or [torch.zeros_like(each) for each in group["params"]]
        for parameter, mean in zip(group["params"], self.means, strict=True):
            update = torch.sign(self.betas[0] * mean + (1 - self.betas[0]) * parameter.grad)
            parameter -= group["lr"] * self.decay * parameter
            parameter -= group["lr"] * update
            mean *= self.betas[1]
            mean += (1 - self.betas[1]) * parameter.grad


def optimizer_of(case, parameters, options):
    """Make PyTorch's optimizer of a case, with the options that it takes."""
    rule = OPTIMIZERS[case.optimizer]
    kind = getattr(torch.optim, rule.theirs, Lion)
    taken = inspect.signature(kind).parameters
    given = {
        theirs: options[ours]
        for ours, names in NAMES.items()
        for theirs in names
        if ours in options and theirs in taken
    }
    if "beta1" in options:
        given["betas"] = (options["beta1"], options["beta2"])
    return kind(parameters, options["learning_rate"], **rule.arguments | given)


def torch_path(case):
    """Return every iterate: a list of name to nested lists."""
    task, options = TASKS[case.task], case.options()
    point = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in task.variables.items()
    }
    data = {name: torch.tensor(value, dtype=torch.float64) for name, value in task.constants.items()}
    optimizer = optimizer_of(case, point.values(), options)
    scheduler = scheduler_of(case, optimizer, options)
    path = [values(point)]
    for _ in range(STEPS):
        optimizer.zero_grad()
        value = FUNCTIONS[case.task](**point, **data)
        value.backward()
        if "clip_norm" in options:
            torch.nn.utils.clip_grad_norm_(point.values(), options["clip_norm"])
        optimizer.step()
        scheduler.step(*([value.item()] if case.schedule == "plateau" else []))
        path.append(values(point))
    return path


def values(point):
    return {name: tensor.tolist() for name, tensor in point.items()}


def main():
    paths = {str(case): torch_path(case)[::EVERY] for case in GOLDEN}
    lines = [f"  {json.dumps(name)}: {json.dumps(path)}" for name, path in paths.items()]
    source = f"torch.optim and torch.optim.lr_scheduler of PyTorch {torch.__version__}, float64, CPU"
    head = f'{{\n"source": {json.dumps(source)},\n"every": {EVERY},\n"paths": {{\n'
    FILE.write_text(head + ",\n".join(lines) + "\n}\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
