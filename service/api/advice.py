"""What to write in place of what Kobai has not: names of SciPy, PyTorch, Keras, scikit-learn and Optax.

`aliases` knows other names of what there is; here stands what there is not, and what does its job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class Advice(NamedTuple):
    """One row.

    Attributes
    ----------
    write : dict
        Members of a request that do the job.
    why : str
        What the sentence adds to them.
    names : str
        What others call it, as `hints.folded` makes it.
    path : str
        The endpoint that takes such a request, where it is another one.
    """

    write: dict[str, Any]
    why: str
    names: str
    path: str = ""

    @property
    def sentence(self) -> str:
        """The row in words."""
        to = f" to POST {self.path}" if self.path else ""
        return f" Write {members(self.write)}{to}{self.why}."


def members(write: Mapping[str, Any]) -> str:
    """Write members of a JSON object as they stand in it.

    >>> members({"optimizer": "adam", "warmup": 100})
    '"optimizer": "adam", "warmup": 100'
    """
    return json.dumps(write)[1:-1]


SWEEP = "/descent/sweep"
NEAREST = ", the nearest to it"
LOSS = {"variables": {"p": [1, 2]}, "constants": {"t": [1, 4]}}

CHOICE_ADVICE: dict[str, tuple[Advice, ...]] = {
    "optimizer": (
        Advice(
            {"optimizer": "lbfgs"},
            ", which takes the exact gradient, and that comes from the function",
            "neldermead simplex downhillsimplex fmin powell fminpowell cobyla fmincobyla cobyqa bobyqa newuoa"
            " praxis hookejeeves patternsearch derivativefree brent golden bounded minimizescalar fminbound"
            " spsa fminsearch fminsearchbnd fminbnd grg grgnonlinear excelsolver lnneldermead lncobyla"
            " lnbobyqa lnpraxis lnsbplx subplex",
        ),
        Advice(
            {"optimizer": "lbfgs"},
            ", which makes its directions from earlier gradients too",
            "cg fmincg conjugategradient nonlinearcg dfp broyden sr1",
        ),
        Advice(
            {"optimizer": "lbfgs"},
            ", which needs no learning rate",
            "auto best default prodigy dadaptation dadaptadam dog dowg coordinatedescent",
        ),
        Advice(
            {"optimizer": "lbfgs"},
            ' with "bounds" for ranges; another condition is a penalty in the function',
            "slsqp fminslsqp trustconstr ipopt interiorpoint sqp augmentedlagrangian barrier fmincon"
            " activeset constroptim solnp auglag ldslsqp ldmma ldauglag simplexlp linprog quadprog",
        ),
        Advice(
            {"optimizer": "newton"},
            ", with the sum of the squared residuals as the function",
            "lm trf dogbox leastsq leastsquares levenbergmarquardt gaussnewton curvefit lsqcurvefit lsqnonlin"
            " nls nlslm ols trustregionreflective ceres",
        ),
        Advice(
            {"optimizer": "newton"},
            ", which takes exact second derivatives",
            "irls liblinear hessianfree kfac glm",
        ),
        Advice(
            {"optimizer": "lbfgs", "random_starts": {"count": 64, "spread": 1}},
            ', whose "best" is the lowest of all runs',
            "differentialevolution de basinhopping dualannealing simulatedannealing annealing shgo brute"
            " bruteforce direct cma cmaes pso particleswarm genetic geneticalgorithm ga evolution"
            " evolutionstrategy bayesian bayesianoptimization randomsearch gridsearch multistart global"
            " evolutionary sann deoptim genoud globalsearch gndirect gnisres",
            SWEEP,
        ),
        Advice(
            {"optimizer": "gradient_descent"},
            ' with "bounds" or "project"',
            "pgd projectedgradient projectedgradientdescent proximal proximalgradient fista ista frankwolfe"
            " mirrordescent",
        ),
        Advice(
            {"optimizer": "gradient_descent"},
            ', the nearest to it, and on data with "batch"',
            "asgd noisysgd sgld fromage sag saga minibatch minibatchgradientdescent",
        ),
        Advice({"optimizer": "lion", "beta1": 0}, ", which steps by the gradient's sign", "signsgd"),
        Advice({"optimizer": "adam", "warmup": 100}, NEAREST, "radam"),
        Advice(
            {"optimizer": "adam"}, NEAREST, "sparseadam lazyadam adabelief yogi adam8bit fusedadam adaptive"
        ),
        Advice(
            {"optimizer": "adamw"},
            NEAREST,
            "lamb adafactor novograd muon shampoo soap sophia adamw8bit fusedadamw lossscaleoptimizer",
        ),
        Advice({"optimizer": "nadam"}, NEAREST, "adan optimisticgradientdescent optimisticadam"),
        Advice({"optimizer": "adagrad"}, NEAREST, "ftrl sm3 adagradda"),
        Advice({"optimizer": "momentum"}, NEAREST, "lars"),
        Advice({"optimizer": "rmsprop"}, NEAREST, "rmspropmomentum centeredrmsprop"),
    ),
    "schedule": (
        Advice(
            {"schedule": "polynomial", "warmup": 10},
            ", a straight line to 0 with the schedule_power 1",
            "linearwithwarmup linearschedule lineardecay lineardecaywithwarmup linearschedulewithwarmup"
            " warmup wsd",
        ),
        Advice(
            {"schedule": "cosine", "warmup": 10},
            "",
            "cosinewithwarmup cosineschedulewithwarmup warmupcosinedecay warmupcosinedecayschedule",
        ),
        Advice({"schedule": "constant", "warmup": 10}, "", "constantwithwarmup constantschedulewithwarmup"),
        Advice({"schedule": "one_cycle"}, NEAREST, "cycliclr triangular linearonecycleschedule"),
        Advice(
            {"schedule": "exponential", "schedule_rate": 0.99},
            NEAREST,
            "inversetimedecay invscaling inversesqrt noam time multiplicativelr optimal",
        ),
        Advice(
            {"schedule": "milestones", "schedule_rate": 0.5, "schedule_at": [30, 60]},
            ", the nearest to factors of your own",
            "lambdalr sequentiallr chainedscheduler custom",
        ),
    ),
    "loss": (
        Advice(
            {"function": "sqrt(mean(squared_error(p, t)))"} | LOSS,
            "",
            "rmse rootmeansquarederror",
            "/gradient",
        ),
        Advice(
            {"function": "sum(maximum(0, 1 - t*p)**2)"} | LOSS,
            "",
            "squaredhinge categoricalhinge hingeembeddingloss",
            "/gradient",
        ),
        Advice(
            {"function": "mean(log(1 + exp(-t*p)))"} | LOSS,
            "",
            "softmarginloss logisticloss deviance",
            "/gradient",
        ),
        Advice(
            {"function": "mean(abs((p - t)/t))"} | LOSS,
            "",
            "mape meanabsolutepercentageerror",
            "/gradient",
        ),
        Advice(
            {"function": "mean((log1p(p) - log1p(t))**2)"} | LOSS,
            ", where the function may be any loss",
            "msle meansquaredlogarithmicerror focal focalloss"
            " binaryfocalcrossentropy dice diceloss tversky gaussiannllloss tweedie gamma"
            " epsiloninsensitive squaredepsiloninsensitive modifiedhuber perceptron exponential"
            " marginrankingloss tripletmarginloss multimarginloss multilabelsoftmarginloss ctcloss",
            "/gradient",
        ),
    ),
}
"""What to write for a choice that there is not, by the field."""

FIELD_ADVICE = (
    Advice({"optimizer": "nesterov"}, "", "nesterov usenesterov"),
    Advice({"optimizer": "amsgrad"}, "", "amsgrad"),
    Advice({"beta1": 0.9, "beta2": 0.999}, "", "betas"),
    Advice(
        {"steps": 100},
        " and the other options beside the function, without an object around them",
        "options minimizerkwargs optimizerkwargs optimizerparams control optimset optimoptions",
    ),
    Advice({"method": "exact"}, ", or leave it out: the gradient comes from the function", "jac gr"),
    Advice(
        {"optimizer": "newton"},
        ", which takes exact second derivatives of the function",
        "hess hessp hessinv0 hessian",
    ),
    Advice(
        {"bounds": {"x": {"lower": 0, "upper": 1}}},
        " for ranges; another condition is a penalty in the function",
        "constraints constraint eq ineq aeq beq nonlcon",
    ),
    Advice(
        {"function": "-(x[0] - x[0]**2 - x[1]**2)"},
        ": the largest value is the least of the negative",
        "maximize maximise",
    ),
    Advice(
        {"function": "x[0]**2 + x[1]**2 + 0.01*sum(abs(x))"},
        ": a penalty is a term of the function",
        "penalty regularization regularizer l1 l1ratio",
    ),
    Advice(
        {"function": "mean(squared_error(X @ x, t))", "constants": {"X": [[1, 2], [3, 4]], "t": [1, 2]}},
        ": the loss is the function",
        "loss lossfn lossfunction criterion",
    ),
    Advice(
        {"variables": {"x": [3, 4]}, "constants": {"t": 1}},
        ": what is sought, and what is known",
        "y z t w b labels targets",
    ),
    Advice({"clip_norm": 1}, ": the norm is what is clipped", "clipvalue clipbyvalue gradclipvalue"),
    Advice({"tolerance_value": 0.001}, "", "earlystopping mindelta niternochange"),
    Advice(
        {"history": 100},
        ", or send the header Accept: application/x-ndjson for progress",
        "disp verbose iprint stream progress progressbar",
    ),
    Advice(
        {"optimizer": "lbfgs"},
        ", whose line search needs no options",
        "linesearchfn maxls c1 c2 armijo wolfe",
    ),
    Advice(
        {"random_starts": {"count": 64, "spread": 1}},
        "",
        "nstarts nrestarts restarts popsize ninit",
        SWEEP,
    ),
    Advice(
        {"random_starts": {"count": 64, "spread": 1, "seed": 0}},
        "; a batch has a seed of its own, and nothing else is random",
        "seed randomstate rng shuffle",
        SWEEP,
    ),
)
"""What to write for a field that descents have not."""

LOSS_ADVICE = (
    Advice(
        {"loss": "cross_entropy", "predictions": [[2, 1, 0]], "targets": [0], "from_logits": True},
        "",
        "logits",
    ),
)
"""The same of losses."""

EXAMPLES: dict[str, Any] = {
    "function": "x[0]**2 + x[1]**2",
    "variables": {"x": [3, 4]},
    "constants": {"X": [[1, 2], [3, 4]], "t": [0, 1]},
    "points": {"x": [[3, 4], [1, 2]]},
    "optimizer": "adam",
    "schedule": "cosine",
    "loss": "cross_entropy",
    "bounds": {"x": {"lower": 0, "upper": [1, 2]}},
    "project": {"x": {"onto": "simplex"}},
    "batch": {"size": 1, "of": ["X", "t"]},
    "starts": {"x": [[3, 4], [1, 2]]},
    "random_starts": {"count": 64, "spread": 1},
    "tangents": {"x": [1, 0]},
    "vectors": {"x": [1, 0]},
    "outputs": ["y"],
}
"""Fields whose form is guessed wrong, and a value of the right one."""
