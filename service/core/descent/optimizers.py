"""The optimizers: one table of update rules, the same source for plain floats and for arrays.

In a rule {x} is a variable, {g} its gradient, {m} and {v} its moments, all of one slot; `rate` is the
learning rate of this update and `k` its number, from 1. The other names are options.

The rules compute in PyTorch's order, so that they round as it does: a path that amplifies differences
of rounding, as RMSprop's across the valley of Rosenbrock's function, is the same to the last bit.

No rule hides a gradient that is not finite: each leaves a variable or a moment infinite or NaN from
then on. So the loop tests those now and then instead of every gradient.

References: PyTorch, `torch.optim` (SGD, Adagrad, RMSprop, Adam); Polyak (1964) for momentum;
Sutskever et al., ICML 2013, for this form of Nesterov's; Duchi, Hazan and Singer, JMLR 12 (2011);
Kingma and Ba, ICLR 2015.
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
    stepper: str = "rule"
    stacks: tuple[str, ...] = ()


OPTIMIZERS: dict[str, Optimizer] = {
    row.name: row
    for row in (
        Optimizer(
            "gradient_descent",
            "a step against the gradient",
            ("{x} = {x} - rate * {g}",),
        ),
        Optimizer(
            "momentum",
            "gradients add up to a velocity that decays",
            ("{v} = momentum * {v} + {g}", "{x} = {x} - rate * {v}"),
            moments=("v",),
            moving=("v",),
            options=("momentum",),
        ),
        Optimizer(
            "nesterov",
            "momentum that looks one step ahead",
            ("{v} = momentum * {v} + {g}", "{x} = {x} - rate * ({g} + momentum * {v})"),
            moments=("v",),
            moving=("v",),
            options=("momentum",),
        ),
        Optimizer(
            "adagrad",
            "steps shrink with the sum of squared gradients",
            ("{v} = {v} + {g} * {g}", "{x} = {x} - rate * {g} / (root_of({v}) + epsilon)"),
            moments=("v",),
            options=("epsilon",),
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
            options=("decay", "epsilon"),
        ),
        Optimizer(
            "adam",
            "running means of gradients and their squares, corrected for their zero start",
            (
                "{m} = {m} + (1.0 - beta1) * ({g} - {m})",
                "{v} = beta2 * {v} + (1.0 - beta2) * {g} * {g}",
                "{x} = {x} - scaled * {m} / (root_of({v}) / root + epsilon)",
            ),
            moments=("m", "v"),
            moving=("m",),
            each_step=("scaled = rate / (1.0 - beta1**k)", "root = (1.0 - beta2**k) ** 0.5"),
            options=("beta1", "beta2", "epsilon"),
        ),
        Optimizer(
            "lbfgs",
            "quasi-Newton steps by a line search; needs no learning rate",
            stepper="lbfgs",
            stacks=("steps", "changes"),
            options=("memory",),
        ),
    )
}
"""The optimizers by name."""
