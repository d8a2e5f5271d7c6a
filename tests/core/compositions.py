"""Losses and activations of PyTorch, optax and JAX, each written in the language.

A line has the name of the library's function, the text, and the names of its variables and constants in
`ARRAYS`; a name bound to other numbers stands with them. `composition_values.py` calls the libraries.
"""

from dataclasses import dataclass

import numpy as np


def wave(*shape, low=-2.0, high=2.0, phase=0.3):
    """Spread numbers between the bounds, without ties and in no order."""
    steps = np.arange(np.prod(shape, dtype=int)) + phase
    return (low + (high - low) * ((steps * 0.6180339887498949) % 1.0)).reshape(shape)


def cotangent(shape):
    """Weigh the elements of a value, so that its derivative tells all of them apart."""
    return np.linspace(0.5, 1.5, np.prod(shape, dtype=int)).reshape(shape)


SIGNS = np.array([[1.0, -1, 1, -1], [-1, -1, 1, 1], [1, 1, -1, 1]])
ONES = np.array([[1.0, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0]])
PROBABILITIES = np.array([[0.1, 0.2, 0.3, 0.4], [0.25, 0.05, 0.6, 0.1], [0.5, 0.3, 0.1, 0.1]])

ARRAYS = {
    "x": wave(3, 4, low=-4, high=4),
    "wide": np.concatenate([wave(9, low=-30, high=30), wave(9, low=-3.1, high=3.2)]),
    "positive": wave(12, low=0.05, high=9),
    "z": wave(3, 4, low=-3, high=3, phase=0.7),
    "a": wave(3, 4, phase=0.1),
    "b": wave(3, 4, phase=0.5),
    "c": wave(3, 4, phase=0.9),
    "p": wave(3, 4, low=0.05, high=0.95),
    "q": np.log(PROBABILITIES[::-1]),
    "t": PROBABILITIES,
    "counts": np.array([[0.0, 1, 2, 3], [5, 0, 2, 1], [1, 4, 0, 2]]),
    "s": SIGNS,
    "o": ONES,
    "one": SIGNS[:, 0],
    "v": wave(3, 4, low=0.1, high=2),
    "k": np.array([2.0, 0, 3]),
    "w": np.array([0.5, 2.0, 1.0, 1.5]),
    "n": np.array([2.0, 2, 5]),
    "W": wave(4, 4, phase=0.2),
    "i": np.array([0.0, 0, 1]),
    "j": np.array([1.0, 2, 2]),
    "E": wave(5, 3),
    "g": np.array([0.0, 1, 0, 1, 0]),
    "frames": wave(7, 4, low=-3, high=3),
    "words": np.array([1.0, 2, 2]),
    "Q": wave(2, 4, 3),
    "K": wave(2, 5, 3, phase=0.6),
    "V": wave(2, 5, 3, phase=0.8),
}
"""Inputs, by the name that the texts give them."""


@dataclass(frozen=True)
class Composition:
    """A function of a library, written in the language."""

    package: str
    name: str
    text: str
    variables: str
    constants: str = ""

    def __str__(self) -> str:
        return f"{self.package}.{self.name}"

    def arrays(self, names: str) -> dict[str, np.ndarray]:
        return {name: ARRAYS[name] for name in names.split()}


CTC = """\
L = log_softmax(frames)                            # of each frame's symbols
e = stack(0, words[0], 0, words[1], 0, words[2], 0)
P = L @ one_hot(e, 4).T                            # ... of blank, word, blank, word, ..., blank
may_skip = concatenate(0, 0, where(e[2:] == 0, 0, 1)*where(e[2:] == e[:-2], 0, 1))
r = concatenate(P[0, :2], -1e5*ones(5))
for f in range(1, len(L)):
    one, two = concatenate(-1e5, r[:-1]), concatenate(-1e5, -1e5, r[:-2]) - 1e5*(1 - may_skip)
    r = logsumexp(stack(r, one, two), axis=0) + P[f]
-logsumexp(r[-2:])"""

SPARSEMAX = """\
r = flip(sort(z, axis=1), axis=1); c = cumsum(r, axis=1) - 1
on = where(r*(arange(4) + 1) > c, 1, 0)
tau = sum(r*on - on/sum(on, axis=1, keepdims=True), axis=1, keepdims=True)/sum(on, axis=1, keepdims=True)
p = relu(z - tau); d = z - sum(z*one_hot(k, 4), axis=1, keepdims=True)
sum(p*d, axis=1) + (1 - sum(p*p, axis=1))/2"""

NTXENT = """\
u = E/norm(E, axis=1, keepdims=True); c = u @ u.T/0.07
same = where(g[:, None] == g, 1, 0); pair = same - eye(5)
others = logsumexp(c - 1e9*same, axis=1)
sum(pair*(softplus(others[:, None] - c)))/sum(pair)"""

TORCH = [
    ("binary_cross_entropy", "mean(binary_cross_entropy(p, t, epsilon=0))", "p", "t"),
    ("binary_cross_entropy_with_logits", "mean((1 - o)*z + (1 + (w - 1)*o)*softplus(-z))", "z", "o w"),
    (
        "cosine_embedding_loss",
        "c = sum(a*b, axis=1)/sqrt((sum(a**2, axis=1) + 1e-12)*(sum(b**2, axis=1) + 1e-12))\n"
        "mean(where(one > 0, 1 - c, relu(c - 0.2)))",
        "a b",
        "one",
    ),
    ("cosine_similarity", "1 - cosine_distance(a, b)", "a b"),
    ("cross_entropy", "mean(cross_entropy(softmax(z), k, epsilon=0, label_smoothing=0.1))", "z", "k"),
    ("ctc_loss", CTC, "frames", "words"),
    ("gaussian_nll_loss", "mean(log(v) + (a - b)**2/v)/2", "a v", "b"),
    ("hinge_embedding_loss", "mean(where(s > 0, x, relu(1 - x)))", "x", "s"),
    ("huber_loss", "mean(huber(a, b, delta=0.7))", "a b"),
    ("kl_div", "sum(t*(log(t) - q))/len(q)", "q t"),
    ("l1_loss", "mean(abs(a - b))", "a b"),
    ("linear_cross_entropy", "mean(cross_entropy(softmax(a @ W.T), k, epsilon=0))", "a W", "k"),
    ("margin_ranking_loss", "mean(relu(0.3 - s*(a - b)))", "a b", "s"),
    ("mse_loss", "mean((a - b)**2)", "a b"),
    (
        "multi_margin_loss",
        "o = one_hot(k, 4)\nmean(relu(1 - sum(z*o, axis=1, keepdims=True) + z)*(1 - o))",
        "z",
        "k",
    ),
    (
        "multilabel_margin_loss",
        "sum(o[:, :, None]*(1 - o[:, None])*relu(1 - z[:, :, None] + z[:, None]))/(4*len(z))",
        "z",
        "o",
    ),
    ("multilabel_soft_margin_loss", "mean(softplus(z) - o*z)", "z", "o"),
    ("nll_loss", "c = one_hot(k, 4)*w\n-sum(q*c)/sum(c)", "q", "k w"),
    ("pairwise_distance", "norm(a - b + 1e-6, axis=1)", "a b"),
    ("pdist", "norm(a[i] - a[j], axis=1)", "a", "i j"),
    (
        "poisson_nll_loss",
        "mean(exp(z) - counts*z + where(counts > 1, counts*log(counts) - counts + log(2*pi*counts)/2, 0))",
        "z",
        "counts",
    ),
    ("scaled_dot_product_attention", "softmax(Q @ transpose(K, (0, 2, 1))/sqrt(3)) @ V", "Q K V"),
    ("smooth_l1_loss", "mean(huber(a, b, delta=0.7))/0.7", "a b"),
    ("soft_margin_loss", "mean(log(1 + exp(-s*z)))", "z", "s"),
    (
        "triplet_margin_loss",
        "mean(relu(1 + norm(a - b + 1e-6, axis=1) - norm(a - c + 1e-6, axis=1)))",
        "a b c",
    ),
    (
        "triplet_margin_with_distance_loss",
        "mean(relu(0.5 + cosine_distance(a, b) - cosine_distance(a, c)))",
        "a b c",
    ),
]

OPTAX = [
    (
        "binary_dice_loss",
        "p = sigmoid(z)\n1 - (sum(p*o, axis=1) + 1)/((sum(p, axis=1) + sum(o, axis=1))/2 + 1)",
        "z",
        "o",
    ),
    ("convex_kl_divergence", "sum(t*(log(t) - q) + exp(q) - t, axis=1)", "q t"),
    ("cosine_distance", "cosine_distance(a, b)", "a b"),
    ("cosine_similarity", "sum(a*b, axis=1)/(norm(a, axis=1)*norm(b, axis=1))", "a b"),
    ("ctc_loss", CTC, "frames", "words"),
    (
        "dice_loss",
        "p = softmax(z); n = sum(p*o, axis=0) + 1\n"
        "mean(1 - n/(n + 0.3*(sum(p, axis=0) - n + 1) + 0.7*(sum(o, axis=0) - n + 1)))",
        "z",
        "o",
    ),
    ("generalized_kl_divergence", "sum(t*(log(t) - q) + exp(q) - t, axis=1)", "q t"),
    ("hinge_loss", "hinge(z, s)", "z", "s"),
    ("huber_loss", "huber(a, b, delta=0.7)", "a b"),
    ("kl_divergence", "kl_divergence(exp(q), t)", "q t"),
    ("kl_divergence_with_log_targets", "sum(exp(log(t))*(log(t) - q), axis=1)", "q t"),
    ("l2_loss", "half_squared_error(a, b)", "a b"),
    ("log_cosh", "log_cosh(a, b)", "a b"),
    ("make_fenchel_young_loss", "logsumexp(z, axis=1) - sum(t*z, axis=1)", "z t"),
    (
        "multiclass_generalized_dice_loss",
        "c = 1/(sum(o, axis=0)**2 + 1e-7)\np = softmax(z)\nmean(c/mean(c)*(1 - (p*o + 1)/((p + o)/2 + 1)))",
        "z",
        "o",
    ),
    ("multiclass_hinge_loss", "o = one_hot(k, 4)\nmax(z + 1 - o, axis=1) - sum(z*o, axis=1)", "z", "k"),
    ("multiclass_perceptron_loss", "max(z, axis=1) - sum(z*one_hot(k, 4), axis=1)", "z", "k"),
    ("multiclass_sparsemax_loss", SPARSEMAX, "z", "k"),
    ("ntxent", NTXENT, "E", "g"),
    ("perceptron_loss", "relu(-s*z)", "z", "s"),
    (
        "poly_loss_cross_entropy",
        "cross_entropy(softmax(z), t, epsilon=0) + 2*sum(t*(1 - softmax(z)), axis=1)",
        "z",
        "t",
    ),
    ("ranking_softmax_loss", "-mean(sum(counts*log_softmax(z), axis=1))", "z", "counts"),
    ("safe_softmax_cross_entropy", "cross_entropy(softmax(z), t, epsilon=0)", "z", "t"),
    ("sigmoid_binary_cross_entropy", "binary_cross_entropy(sigmoid(z), t, epsilon=0)", "z t"),
    (
        "sigmoid_focal_loss",
        "p = sigmoid(z); m = p*(1 - t) + (1 - p)*t\n"
        "(0.25*t + 0.75*(1 - t))*binary_cross_entropy(p, t, epsilon=0)*m**2",
        "z",
        "t",
    ),
    ("smooth_labels", "0.9*t + 0.1/4", "t"),
    ("softmax_cross_entropy", "-sum(t*log(softmax(z)), axis=1)", "z t"),
    ("softmax_cross_entropy_with_integer_labels", "cross_entropy(softmax(z), k, epsilon=0)", "z", "k"),
    (
        "sparsemax_loss",
        "m = where(o > 0, -z, z)\nrelu(m) + where(abs(m) < 1, (1 - abs(m))**2/4, 0)",
        "z",
        "o",
    ),
    ("squared_error", "squared_error(a, b)", "a b"),
    (
        "triplet_margin_loss",
        "relu(sqrt(sum((a - b)**2, axis=1) + 1e-6) - sqrt(sum((a - c)**2, axis=1) + 1e-6) + 1)",
        "a b c",
    ),
]

JAX = [
    ("celu", "relu(wide) + 1.3*expm1(minimum(wide, 0)/1.3)", "wide"),
    ("elu", "elu(wide, alpha=1.2)", "wide"),
    ("gelu", "gelu(wide)", "wide"),
    ("gelu (approximate)", "wide*sigmoid(sqrt(8/pi)*(wide + 0.044715*wide**3))", "wide"),
    ("glu", "x[:, :2]*sigmoid(x[:, 2:])", "x"),
    ("hard_sigmoid", "clip(wide + 3, 0, 6)/6", "wide"),
    ("hard_silu", "wide*clip(wide + 3, 0, 6)/6", "wide"),
    ("hard_swish", "wide*clip(wide + 3, 0, 6)/6", "wide"),
    ("hard_tanh", "clip(wide, -1, 1)", "wide"),
    ("identity", "wide", "wide"),
    ("leaky_relu", "leaky_relu(wide)", "wide"),
    ("log1mexp", "where(positive < log(2), log(-expm1(-positive)), log1p(-exp(-positive)))", "positive"),
    ("log_sigmoid", "log(sigmoid(wide))", "wide"),
    ("log_softmax", "log(softmax(x))", "x"),
    ("logmeanexp", "logsumexp(wide) - log(len(wide))", "wide"),
    ("logsumexp", "log(sum(exp(x), axis=1))", "x"),
    ("mish", "wide*tanh(softplus(wide))", "wide"),
    ("relu", "relu(wide)", "wide"),
    ("relu6", "clip(wide, 0, 6)", "wide"),
    ("selu", "1.0507009873554805*elu(wide, alpha=1.6732632423543772)", "wide"),
    ("sigmoid", "1/(1 + exp(-wide))", "wide"),
    ("silu", "silu(wide)", "wide"),
    ("soft_sign", "wide/(1 + abs(wide))", "wide"),
    ("softmax", "softmax(x, axis=0)", "x"),
    ("softplus", "log(1 + exp(wide))", "wide"),
    ("sparse_plus", "where(wide <= -1, 0, where(wide >= 1, wide, (wide + 1)**2/4))", "wide"),
    ("sparse_sigmoid", "clip(wide + 1, 0, 2)/2", "wide"),
    ("squareplus", "(wide + sqrt(wide**2 + 4))/2", "wide"),
    ("standardize", "(x - mean(x, 1, keepdims=True))/sqrt(var(x, 1, keepdims=True) + 1e-5)", "x"),
    ("swish", "wide/(1 + exp(-wide))", "wide"),
    ("tanh", "tanh(wide)", "wide"),
]

COMPOSITIONS = [
    Composition(package, *row)
    for package, rows in (("torch.nn.functional", TORCH), ("optax.losses", OPTAX), ("jax.nn", JAX))
    for row in rows
]

LEFT_OUT = {
    "torch.nn.functional.multi_head_attention_forward": "scaled_dot_product_attention between products",
    "optax.losses.ctc_loss_with_forward_probs": "ctc_loss, which is written, with what it went through",
    "jax.nn.dot_product_attention": "computed in float32; PyTorch's scaled_dot_product_attention is the same",
    "jax.nn.get_scaled_dot_general_config": "a setting, not a function of numbers",
    "jax.nn.initializers": "random",
    "jax.nn.one_hot": "no derivative; the language has it by this name",
    "jax.nn.scaled_dot_general": "a product in numbers of 8 bits",
    "jax.nn.scaled_matmul": "a product in numbers of 8 bits",
}
"""What the libraries' lists hold and no line does, and why."""
