"""Descents by PyTorch, in float64: what ours are compared with.

``python -m tests.core.torch_paths`` writes the golden values anew; PyTorch is then to be installed.
"""

import json
from pathlib import Path

import torch

from tests.core.descent_cases import EVERY, GOLDEN, STEPS, TASKS

torch.set_num_threads(1)

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

OPTIMIZERS = {
    "gradient_descent": lambda p, o: torch.optim.SGD(p, o["learning_rate"]),
    "momentum": lambda p, o: torch.optim.SGD(p, o["learning_rate"], o["momentum"]),
    "nesterov": lambda p, o: torch.optim.SGD(p, o["learning_rate"], o["momentum"], nesterov=True),
    "adagrad": lambda p, o: torch.optim.Adagrad(p, o["learning_rate"], **named(o, eps="epsilon")),
    "rmsprop": lambda p, o: torch.optim.RMSprop(p, o["learning_rate"], **named(o, alpha="decay")),
    "adam": lambda p, o: torch.optim.Adam(p, o["learning_rate"], **betas(o), **named(o, eps="epsilon")),
}
SCHEDULERS = {
    "step": lambda each, o: torch.optim.lr_scheduler.StepLR(each, o["schedule_every"], o["schedule_rate"]),
    "exponential": lambda each, o: torch.optim.lr_scheduler.ExponentialLR(each, o["schedule_rate"]),
    "cosine": lambda each, o: torch.optim.lr_scheduler.CosineAnnealingLR(each, o["schedule_every"]),
}


def named(options, **names):
    """Take options by PyTorch's names; what is absent keeps PyTorch's own default."""
    return {name: options[ours] for name, ours in names.items() if ours in options}


def betas(options):
    return {"betas": (options["beta1"], options["beta2"])} if "beta1" in options else {}


def torch_path(case):
    """Return every iterate: a list of name to nested lists."""
    task, options = TASKS[case.task], {"momentum": 0.9} | case.options()
    point = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in task.variables.items()
    }
    data = {name: torch.tensor(value, dtype=torch.float64) for name, value in task.constants.items()}
    optimizer = OPTIMIZERS[case.optimizer](point.values(), options)
    scheduler = SCHEDULERS[case.schedule](optimizer, options) if case.schedule in SCHEDULERS else None
    path = [values(point)]
    for _ in range(STEPS):
        optimizer.zero_grad()
        FUNCTIONS[case.task](**point, **data).backward()
        if "clip_norm" in options:
            torch.nn.utils.clip_grad_norm_(point.values(), options["clip_norm"])
        optimizer.step()
        if scheduler:
            scheduler.step()
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
