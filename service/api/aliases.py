"""What other libraries call our fields and choices: NumPy, SciPy, PyTorch, Keras, scikit-learn, Optax."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from service.api.messages import fault
from service.core.exceptions import MOST_FAULTS, Fault, order_of_key, pointer_to
from service.core.suggestions import hint_for

FIELDS: dict[str, tuple[str, ...]] = {
    # gradients and descent
    "function": ("fun", "func", "f", "fn", "objective", "expression", "expr", "formula", "equation", "code"),
    "variables": ("x0", "x", "vars", "params", "parameters", "at", "point", "start", "init", "initial",
                  "theta"),
    "constants": ("args", "data", "consts", "const", "kwargs"),
    "points": ("grid", "variables", "x", "xs", "batch"),
    "optimizer": ("optimiser", "solver", "algorithm", "opt", "optim", "updater"),
    "learning_rates": ("lrs", "rates", "lr", "etas"),
    "learning_rate": ("lr", "eta", "eta0", "alpha", "rate", "step_size", "stepsize", "learning_rate_init"),
    "epsilon": ("eps", "fuzz", "eps_root", "epsilon_hat"),
    "method": ("mode", "algorithm", "scheme", "differentiation"),
    "h": ("eps", "step", "stepsize", "step_size", "delta", "dx", "rel_step"),
    "verify": ("check", "check_grad", "gradcheck", "test"),
    "dry_run": ("dryrun", "quote", "plan", "estimate"),
    "steps": ("max_iter", "maxiter", "max_iters", "iterations", "iters", "n_iter", "niter", "num_steps",
              "step_num", "max_steps", "maxfev", "epochs", "num_epochs", "n_steps", "nit",
              "num_iter", "maxiterations"),
    "momentum": ("mu", "nesterov_momentum", "momentum_decay"),
    "decay": ("rho", "decay_rate", "smoothing", "alpha"),
    "beta1": ("beta_1", "b1", "betas"),
    "beta2": ("beta_2", "b2"),
    "schedule": ("scheduler", "lr_schedule", "lr_scheduler", "learning_rate_schedule", "policy"),
    "schedule_rate": ("gamma", "decay_rate", "factor", "lr_decay", "drop"),
    "schedule_every": ("step_size", "decay_steps", "t_max", "period", "step_every"),
    "clip_norm": ("clipnorm", "max_norm", "max_grad_norm", "clip", "grad_clip", "gradient_clip",
                  "global_clipnorm"),
    "bounds": ("bound", "limits", "constraints", "box", "lower", "upper", "lb", "ub"),
    "tolerance": ("tol", "gtol", "atol", "rtol", "precision", "tolerance_grad"),
    "weight_decay": ("wd", "l2", "l2_regularization"),
    "warmup": ("warmup_steps", "num_warmup_steps"),
    "batch": ("batch_size", "minibatch"),
    "random_starts": ("n_starts", "restarts", "random"),
    "tolerance_value": ("ftol", "tolerance_change"),
    "tolerance_step": ("xtol", "steptol"),
    "memory": ("m", "maxcor", "history_size"),
    "deadline_ms": ("timeout", "timeout_ms", "deadline", "max_time", "time_limit"),
    "history": ("trace", "record", "records", "log_every", "callback", "return_all", "history_length"),
    "state": ("checkpoint", "resume", "opt_state", "state_dict"),
    # softmax, sigmoid, losses
    "x": ("logits", "input", "inputs", "array", "z", "data", "values", "scores"),
    "axis": ("dim", "axes", "dims"),
    "temperature": ("temp", "tau", "t", "beta"),
    "mask": ("where", "masked", "key_padding_mask"),
    "log": ("log_softmax", "logarithm", "is_log"),
    "upstream": ("grad_output", "grad_outputs", "cotangent", "dy"),
    "loss": ("criterion", "loss_fn", "loss_function", "objective", "name", "type", "kind"),
    "predictions": ("y_pred", "input", "inputs", "preds", "pred", "y_hat", "yhat", "output", "outputs", "p",
                    "logits", "probabilities", "probs", "y_score", "prediction"),
    "targets": ("y_true", "target", "labels", "label", "y", "t", "truth", "expected", "ground_truth"),
    "from_logits": ("logits", "with_logits", "is_logits"),
    "delta": ("beta", "huber_delta"),
    "label_smoothing": ("smoothing", "smooth", "label_smooth"),
    "reduction": ("reduce", "size_average", "aggregate"),
    "gradient": ("grad", "jac", "return_grad", "with_gradient", "derivative"),
    "weights": ("weight", "sample_weight", "sample_weights"),
    "class_weights": ("class_weight", "weight"),
    "tangents": ("v", "vector", "tangent", "jvp", "directions"),
    "cotangents": ("cotangent", "vjp", "u"),
    "vectors": ("vector", "hvp", "v", "p"),
    "skip_non_finite": ("skipna", "nan_policy", "ignore_nan"),
    "outputs": ("output", "returns", "fetches"),
}  # fmt: skip
"""A field, and what other libraries call it; where two fields share a name, the first row wins."""

CHOICES: dict[str, tuple[str, ...]] = {
    "gradient_descent": ("sgd", "gd", "steepest_descent", "vanilla", "grad_descent",
                         "batch_gradient_descent"),
    "momentum": ("sgd_momentum", "heavy_ball", "polyak", "sgdm"),
    "nesterov": ("nag", "sgd_nesterov", "nesterov_momentum"),
    "lbfgs": ("l-bfgs", "l_bfgs", "l-bfgs-b", "lbfgsb", "bfgs"),
    "newton": ("newton-cg", "trust-ncg", "trust-krylov", "newton_cg", "trust-exact"),
    "half_squared_error": ("half_mse", "mean_squre_err"),
    "squared_error": ("mse", "mean_squared_error", "l2", "mseloss", "l2_loss", "sse", "quadratic"),
    "absolute_error": ("mae", "mean_absolute_error", "l1", "l1loss", "l1_loss"),
    "huber": ("smooth_l1", "smoothl1loss", "huberloss", "smooth_l1_loss"),
    "cross_entropy": ("ce", "crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy",
                      "log_loss", "nll", "softmax_cross_entropy", "crossentropyloss", "nll_loss",
                      "multinomial"),
    "binary_cross_entropy": ("bce", "binary_crossentropy", "bceloss", "logistic", "bcewithlogitsloss",
                             "sigmoid_cross_entropy", "binary_cross_entropy_with_logits"),
    "cosine_distance": ("cosine", "cosine_embedding"),
    "pinball": ("quantile", "quantile_loss"),
    "poisson": ("poisson_nll", "poissonnllloss"),
    "kl_divergence": ("kl", "kld", "kl_div", "kldivloss", "kullback_leibler_divergence"),
    "exact": ("autodiff", "autograd", "reverse", "backprop", "ad", "analytic", "backward", "2-point-exact",
              "forward_mode", "jvp", "vjp"),
    "central": ("3-point", "numerical", "finite_difference", "finite-difference", "symmetric", "numeric",
                "central_difference"),
    "forward": ("2-point", "one-sided", "forward_difference"),
    "complex_step": ("cs", "complex", "complex-step"),
    "constant": ("none", "fixed"),
    "step": ("steplr", "step_decay", "staircase"),
    "milestones": ("multistep", "multisteplr", "piecewise_constant"),
    "plateau": ("reducelronplateau", "reduce_on_plateau"),
    "linear": ("linearlr", "linear_warmup"),
    "cosine_restarts": ("cosineannealingwarmrestarts", "warm_restarts", "sgdr"),
    "exponential": ("exp", "exponentiallr", "exponential_decay"),
    "cosine": ("cosineannealinglr", "cosine_annealing", "cosine_decay", "cos"),
    "sum": ("total",),
    "mean": ("average", "avg", "batchmean", "sum_over_batch_size"),
    "none": ("null", "off", "no"),
}  # fmt: skip
"""A choice of some field, and what others call it."""


FEW = 8
"""Fields that are named where nothing is known of what was meant."""


def hint(word: str, known: Sequence[str], elsewhere: dict[str, tuple[str, ...]]) -> str:
    """Say what a word may have meant: what other libraries call so, else a known word much like it.

    >>> hint("lr", ["steps", "learning_rate"], FIELDS), hint("Stepz", ["steps"], FIELDS)
    (' Write learning_rate.', ' Did you mean steps?')
    """
    folded = word[:64].lower()
    rows = [(name, aliases) for name, aliases in elsewhere.items() if name in known]
    aliases = {alias: name for name, aliases in reversed(rows) for alias in aliases}
    return hint_for(folded, known, aliases)


def unknown_fields(given: Iterable[str], known: Sequence[str]) -> list[Fault]:
    """Make the faults of names that are not known, the first of them: the search for a hint is slow."""
    unknown = (name for name in given if name not in known)
    names = heapq.nsmallest(MOST_FAULTS, unknown, key=order_of_key)
    few = f" There are {', '.join(known)}." if len(known) <= FEW else ""
    return [fault("unknown-field", pointer_to(name), hint=hint(name, known, FIELDS) or few) for name in names]
