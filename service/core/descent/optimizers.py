"""The optimizers: one table of update rules, the same source for plain floats and for arrays.

In a rule {x} is a variable, {g} its gradient, {m} and {v} its moments, all of one slot; `rate` is the
learning rate of this update and `k` its number, from 1. The other names are options.

The rules compute in PyTorch's order, so that they round as it does: a path that amplifies differences
of rounding, as RMSprop's across the valley of Rosenbrock's function, is the same to the last bit.

No rule hides a gradient that is not finite: each leaves a variable or a moment infinite or NaN from
then on. So the loop tests those now and then instead of every gradient.

References: PyTorch, `torch.optim` (SGD, Adagrad, RMSprop, Adam); Polyak (1964) for momentum;
Sutskever et al., ICML 2013, for this form of Nesterov's; Duchi, Hazan and Singer, JMLR 12 (2011);
Kingma and Ba, ICLR 2015; Loshchilov and Hutter, ICLR 2019, for AdamW; Reddi, Kale and Kumar, ICLR 2018,
for AMSGrad; Dozat (2016) for NAdam; Zeiler (2012) for Adadelta; Chen et al., NeurIPS 2023, for Lion;
Riedmiller and Braun, ICNN 1993, for Rprop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Optimizer:
    """One row.

    Attributes
    ----------
    moments : tuple of str
        Names of what it keeps of the past for every slot, zero at the start.
    moving : tuple of str
        Those of them that move a variable on even where the gradient is zero.
    each_step, each_slot : tuple of str
        Source of one update: what is the same for all slots, and what is done for each.
    options : tuple of str
        The options it uses; it ignores the others.
    is_euclidean : bool
        Whether its steps are sums of gradients, so that projected ones end where a set's optimum is.
    is_coupled : bool
        Whether weight decay is added to the gradient; else the rule applies it itself, or knows none.
    numbers : mapping of str to float
        Numbers that it carries from step to step, and what they are at the start.
    defaults : mapping of str to float
        Defaults of its own for some of them.
    stepper : str
        A row of `STEPPERS`: how a step is chosen, ``rule`` for one by `each_slot`.
    stacks : tuple of str
        Names of what it keeps of each of its latest steps.
    """

    name: str
    meaning: str
    each_slot: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    moving: tuple[str, ...] = ()
    each_step: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    defaults: Mapping[str, float] = field(default_factory=dict)
    is_euclidean: bool = False
    is_coupled: bool = True
    numbers: Mapping[str, float] = field(default_factory=dict)
    stepper: str = "rule"
    stacks: tuple[str, ...] = ()


ADAM = (
    "{m} = {m} + (1.0 - beta1) * ({g} - {m})",
    "{v} = beta2 * {v} + (1.0 - beta2) * {g} * {g}",
    "{x} = {x} - scaled * {m} / (root_of({v}) / root + epsilon)",
)
ADAM_STEP = ("scaled = rate / (1.0 - beta1**k)", "root = (1.0 - beta2**k) ** 0.5")
"""Adam's update of a slot, and what it needs once for each step."""

OPTIMIZERS: dict[str, Optimizer] = {
    row.name: row
    for row in (
        Optimizer(
            "gradient_descent",
            "a step against the gradient",
            ("{x} = {x} - rate * {g}",),
            options=("weight_decay", "line_search"),
            is_euclidean=True,
        ),
        Optimizer(
            "momentum",
            "gradients add up to a velocity that decays",
            ("{v} = momentum * {v} + {g}", "{x} = {x} - rate * {v}"),
            moments=("v",),
            moving=("v",),
            options=("momentum", "weight_decay"),
            is_euclidean=True,
        ),
        Optimizer(
            "nesterov",
            "momentum that looks one step ahead",
            ("{v} = momentum * {v} + {g}", "{x} = {x} - rate * ({g} + momentum * {v})"),
            moments=("v",),
            moving=("v",),
            options=("momentum", "weight_decay"),
            is_euclidean=True,
        ),
        Optimizer(
            "adagrad",
            "steps shrink with the sum of squared gradients",
            ("{v} = {v} + {g} * {g}", "{x} = {x} - rate * {g} / (root_of({v}) + epsilon)"),
            moments=("v",),
            options=("epsilon", "weight_decay"),
            defaults={"epsilon": 1e-10},
        ),
        Optimizer(
            "rmsprop",
            "steps shrink with a running mean of squared gradients",
            (
                "{v} = decay * {v} + (1.0 - decay) * {g} * {g}",
                "{x} = {x} - rate * {g} / (root_of({v}) + epsilon)",
            ),
            moments=("v",),
            options=("decay", "epsilon", "weight_decay"),
        ),
        Optimizer(
            "adam",
            "running means of gradients and their squares, corrected for their zero start",
            ADAM,
            moments=("m", "v"),
            moving=("m",),
            each_step=ADAM_STEP,
            options=("beta1", "beta2", "epsilon", "weight_decay"),
        ),
        Optimizer(
            "adamw",
            "Adam whose weight decay shrinks the variables themselves",
            ("{x} = {x} * (1.0 - rate * weight_decay)", *ADAM),
            moments=("m", "v"),
            moving=("m",),
            each_step=ADAM_STEP,
            options=("beta1", "beta2", "epsilon", "weight_decay"),
            defaults={"weight_decay": 0.01},
            is_coupled=False,
        ),
        Optimizer(
            "amsgrad",
            "Adam that divides by the largest mean of squares so far",
            (
                *ADAM[:2],
                "{u} = larger_of({u}, {v})",
                "{x} = {x} - scaled * {m} / (root_of({u}) / root + epsilon)",
            ),
            moments=("m", "v", "u"),
            moving=("m",),
            each_step=ADAM_STEP,
            options=("beta1", "beta2", "epsilon", "weight_decay"),
        ),
        Optimizer(
            "nadam",
            "Adam with Nesterov's look ahead",
            (
                *ADAM[:2],
                "below = root_of({v} / correction) + epsilon",
                "{x} = {x} - now * {g} / below",
                "{x} = {x} - ahead * {m} / below",
            ),
            moments=("m", "v"),
            moving=("m",),
            each_step=(
                "share = beta1 * (1.0 - 0.5 * 0.96 ** (k * 0.004))",
                "next_share = beta1 * (1.0 - 0.5 * 0.96 ** ((k + 1) * 0.004))",
                "product = product * share",
                "now = rate * (1.0 - share) / (1.0 - product)",
                "ahead = rate * next_share / (1.0 - product * next_share)",
                "correction = 1.0 - beta2**k",
            ),
            numbers={"product": 1.0},
            options=("beta1", "beta2", "epsilon", "weight_decay"),
        ),
        Optimizer(
            "adamax",
            "Adam by the largest of the decaying gradients instead of their squares",
            (
                ADAM[0],
                "{u} = larger_of(beta2 * {u}, abs({g}) + epsilon)",
                "{x} = {x} - scaled * {m} / {u}",
            ),
            moments=("m", "u"),
            moving=("m",),
            each_step=ADAM_STEP[:1],
            options=("beta1", "beta2", "epsilon", "weight_decay"),
        ),
        Optimizer(
            "adadelta",
            "steps of the size of the steps before",
            (
                "{v} = decay * {v} + (1.0 - decay) * {g} * {g}",
                "move = root_of({d} + epsilon) / root_of({v} + epsilon) * {g}",
                "{d} = decay * {d} + (1.0 - decay) * move * move",
                "{x} = {x} - rate * move",
            ),
            moments=("v", "d"),
            options=("decay", "epsilon", "weight_decay"),
            defaults={"decay": 0.9, "epsilon": 1e-6},
        ),
        Optimizer(
            "lion",
            "steps of one size, by the sign of the momentum",
            (
                "{x} = {x} * (1.0 - rate * weight_decay)",
                "{x} = {x} - rate * sign_of(beta1 * {m} + (1.0 - beta1) * {g})",
                "{m} = beta2 * {m} + (1.0 - beta2) * {g}",
            ),
            moments=("m",),
            moving=("m",),
            options=("beta1", "beta2", "weight_decay"),
            defaults={"beta2": 0.99},
            is_coupled=False,
        ),
        Optimizer(
            "rprop",
            "a step for each element, longer while its gradient keeps its sign",
            (
                "{s} = {s} + rate if k == 1 else {s}",
                "turn = {g} * {p}",
                "{s} = clamp({s} * (1.0 + 0.2 * (turn > 0.0) - 0.5 * (turn < 0.0)), 1e-6, 50.0)",
                "{p} = {g} * (turn >= 0.0)",
                "{x} = {x} - sign_of({p}) * {s}",
            ),
            moments=("p", "s"),
        ),
        Optimizer(
            "lbfgs",
            "quasi-Newton steps by a line search; needs no learning rate",
            stepper="lbfgs",
            stacks=("steps", "changes"),
            options=("memory",),
        ),
        Optimizer(
            "newton",
            "Newton's steps within a trust region, on exact Hessian-vector products; needs no learning rate",
            stepper="newton",
        ),
    )
}
"""The optimizers by name."""
