"""Values and derivatives by PyTorch, optax and JAX, in float64.

``python -m tests.core.composition_values`` writes `compositions.json` anew; all three are then to be
installed.
"""

import json
from pathlib import Path

import jax
import numpy as np
import optax
import torch

from tests.core.compositions import ARRAYS, COMPOSITIONS, cotangent

jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

FILE = Path(__file__).with_name("compositions.json")
F = torch.nn.functional
LOSSES = optax.losses


def whole(name):
    return torch.tensor(ARRAYS[name].astype(int))


def integers(name):
    return ARRAYS[name].astype(int)


def constant(name):
    return torch.tensor(ARRAYS[name])


def multilabel(o):
    """List the labels of each row, ended by -1."""
    rows = [[j for j, each in enumerate(row) if each] for row in o.tolist()]
    return torch.tensor([row + [-1] * (4 - len(row)) for row in rows])


TORCH = {
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": lambda z, o, w: F.binary_cross_entropy_with_logits(
        z, o, pos_weight=w
    ),
    "cosine_embedding_loss": lambda a, b, one: F.cosine_embedding_loss(a, b, one, margin=0.2),
    "cosine_similarity": F.cosine_similarity,
    "cross_entropy": lambda z, k: F.cross_entropy(z, whole("k"), label_smoothing=0.1),
    "ctc_loss": lambda frames, words: F.ctc_loss(
        F.log_softmax(frames, -1)[:, None], whole("words")[None], [7], [3], reduction="sum"
    ),
    "gaussian_nll_loss": lambda a, v, b: F.gaussian_nll_loss(a, b, v),
    "hinge_embedding_loss": F.hinge_embedding_loss,
    "huber_loss": lambda a, b: F.huber_loss(a, b, delta=0.7),
    "kl_div": lambda q, t: F.kl_div(q, t, reduction="batchmean"),
    "l1_loss": F.l1_loss,
    "linear_cross_entropy": lambda a, W, k: F.linear_cross_entropy(a, W, whole("k")),
    "margin_ranking_loss": lambda a, b, s: F.margin_ranking_loss(a, b, s, margin=0.3),
    "mse_loss": F.mse_loss,
    "multi_margin_loss": lambda z, k: F.multi_margin_loss(z, whole("k")),
    "multilabel_margin_loss": lambda z, o: F.multilabel_margin_loss(z, multilabel(o)),
    "multilabel_soft_margin_loss": F.multilabel_soft_margin_loss,
    "nll_loss": lambda q, k, w: F.nll_loss(q, whole("k"), weight=w),
    "pairwise_distance": F.pairwise_distance,
    "pdist": lambda a, i, j: F.pdist(a),
    "poisson_nll_loss": lambda z, counts: F.poisson_nll_loss(z, counts, full=True),
    "scaled_dot_product_attention": F.scaled_dot_product_attention,
    "smooth_l1_loss": lambda a, b: F.smooth_l1_loss(a, b, beta=0.7),
    "soft_margin_loss": F.soft_margin_loss,
    "triplet_margin_loss": F.triplet_margin_loss,
    "triplet_margin_with_distance_loss": lambda a, b, c: F.triplet_margin_with_distance_loss(
        a, b, c, distance_function=lambda x, y: 1 - F.cosine_similarity(x, y), margin=0.5
    ),
}

OPTAX = {
    "ctc_loss": lambda frames, words: LOSSES.ctc_loss(
        frames[None], jnp.zeros((1, 7)), integers("words")[None], jnp.zeros((1, 3))
    )[0],
    "dice_loss": lambda z, o: LOSSES.dice_loss(z, o, axis=0, alpha=0.3, beta=0.7),
    "huber_loss": lambda a, b: LOSSES.huber_loss(a, b, delta=0.7),
    "kl_divergence_with_log_targets": lambda q, t: LOSSES.kl_divergence_with_log_targets(q, jnp.log(t)),
    "make_fenchel_young_loss": lambda z, t: LOSSES.make_fenchel_young_loss(jax.nn.logsumexp)(z, t),
    "multiclass_hinge_loss": lambda z, k: LOSSES.multiclass_hinge_loss(z, integers("k")),
    "multiclass_perceptron_loss": lambda z, k: LOSSES.multiclass_perceptron_loss(z, integers("k")),
    "multiclass_sparsemax_loss": lambda z, k: LOSSES.multiclass_sparsemax_loss(z, integers("k")),
    "ntxent": lambda E, g: LOSSES.ntxent(E, integers("g")),
    "sigmoid_focal_loss": lambda z, t: LOSSES.sigmoid_focal_loss(z, t, alpha=0.25),
    "smooth_labels": lambda t: LOSSES.smooth_labels(t, 0.1),
    "softmax_cross_entropy_with_integer_labels": lambda z, k: (
        LOSSES.softmax_cross_entropy_with_integer_labels(z, integers("k"))
    ),
}

JAX = {
    "celu": lambda wide: jax.nn.celu(wide, 1.3),
    "elu": lambda wide: jax.nn.elu(wide, 1.2),
    "gelu": lambda wide: jax.nn.gelu(wide, approximate=False),
    "gelu (approximate)": jax.nn.gelu,
    "logsumexp": lambda x: jax.nn.logsumexp(x, axis=1),
    "softmax": lambda x: jax.nn.softmax(x, axis=0),
    "standardize": lambda x: jax.nn.standardize(x, algorithm="stable"),
}


def by_torch(row):
    arrays = {
        name: torch.tensor(array) for name, array in row.arrays(f"{row.variables} {row.constants}").items()
    }
    for name in row.variables.split():
        arrays[name].requires_grad_()
    value = TORCH[row.name](*arrays.values())
    value.backward(torch.tensor(cotangent(value.shape)))
    return value.detach().numpy(), {name: arrays[name].grad.numpy() for name in row.variables.split()}


def by_jax(row):
    own, module = (OPTAX, LOSSES) if row.package.startswith("optax") else (JAX, jax.nn)
    constants = row.arrays(row.constants)
    call = own[row.name] if row.name in own else getattr(module, row.name)
    value, backward = jax.vjp(
        lambda *given: call(*given, *map(jnp.asarray, constants.values())),
        *row.arrays(row.variables).values(),
    )
    parts = backward(jnp.asarray(cotangent(value.shape)))
    return np.asarray(value), dict(zip(row.variables.split(), map(np.asarray, parts), strict=True))


def values(row):
    value, gradient = (by_torch if row.package.startswith("torch") else by_jax)(row)
    return {"value": value.tolist(), "gradient": {name: part.tolist() for name, part in gradient.items()}}


def names():
    """List PyTorch's losses, distances and attention, and all of optax.losses and of jax.nn."""
    is_loss = ("loss", "entropy", "kl_div", "cosine_similarity", "pairwise_distance", "pdist", "attention")
    lists = {
        "torch.nn.functional": [name for name in dir(F) if any(part in name for part in is_loss)],
        "optax.losses": dir(LOSSES),
        "jax.nn": dir(jax.nn),
    }
    return {library: [name for name in found if name[0] != "_"] for library, found in lists.items()}


def main():
    versions = f"PyTorch {torch.__version__}, optax {optax.__version__}, JAX {jax.__version__}, in float64"
    rows = {str(row): values(row) for row in COMPOSITIONS}
    FILE.write_text(json.dumps({"source": versions, "names": names(), "rows": rows}, indent=None) + "\n")


if __name__ == "__main__":
    main()
