"""One row of the table of losses: all that a loss is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.core.language import shapes

LossRule = Callable[..., Any]

EPSILON = 1e-7
"""The seed's ε inside the logarithms."""

OPTIONS: dict[str, tuple[str, float]] = {
    "epsilon": ("non-negative", EPSILON),
    "delta": ("positive", 1.0),
    "label_smoothing": ("fraction", 0.0),
    "quantile": ("inside", 0.5),
}
"""Of each numeric option the kind of its values and the default."""


@dataclass(frozen=True, slots=True)
class Formula:
    """How a loss is computed from predictions of one kind.

    Attributes
    ----------
    terms : callable
        From predictions p, targets t and the options, in their order, to the loss of each element, or
        to the terms that a loss over the last axis adds up.
    by_prediction : callable
        From the same to the derivative of the loss by p.
    cause : str
        What of a prediction stops being finite first, in words.
    options : tuple of str
        Names of the options it uses. `label_smoothing`, the last one, is applied to t beforehand.
    total : callable, optional
        From the terms to the loss over the last axis.
    by_target : callable, optional
        The same by t; in programs alone.
    """

    terms: LossRule
    by_prediction: LossRule
    cause: str
    options: tuple[str, ...] = ()
    total: LossRule | None = None
    by_target: LossRule | None = None

    def value(self, p: Any, t: Any, *options: float) -> Any:
        """Compute what reduction "none" gives."""
        terms = self.terms_of(p, t, *options)
        return terms if self.total is None else self.total(terms)

    def terms_of(self, p: Any, t: Any, *options: float) -> Any:
        """Compute the terms, for targets that are yet to be smoothed."""
        return self.terms(p, *self._smoothed(p, t, *options))

    def derivative(self, p: Any, t: Any, *options: float) -> Any:
        """Compute the derivative by p."""
        return self.by_prediction(p, *self._smoothed(p, t, *options))

    def target_derivative(self, p: Any, t: Any, *options: float) -> Any:
        """Compute the derivative by t."""
        if self.by_target is None:
            raise ValueError("this formula has no derivative by its targets")
        found = self.by_target(p, *self._smoothed(p, t, *options))
        return found * (1.0 - options[-1]) if self._is_smoothed(options) else found

    def _smoothed(self, p: Any, t: Any, *options: float) -> tuple[Any, ...]:
        """Mix the targets with uniform ones: t (1 - s) + s / K, K the number of classes."""
        if "label_smoothing" not in self.options:
            return t, *options
        *others, smoothing = options
        if smoothing:
            classes = shapes.broadcast(p.shape, t.shape)[-1]
            t = t * (1.0 - smoothing) + smoothing / classes
        return t, *others

    def _is_smoothed(self, options: tuple[float, ...]) -> bool:
        return "label_smoothing" in self.options and options[-1] != 0.0


@dataclass(frozen=True, slots=True)
class Loss:
    """One row of the table.

    Attributes
    ----------
    name, meaning : str
        As the API calls it; one line of mathematics.
    formula : Formula
        From predictions as they are.
    from_logits : Formula, optional
        From what the activation made the predictions of.
    activation : str
        The function of the language that turns logits into predictions; with ε 0 a program that
        applies the loss to it runs the formula from logits.
    takes_logits : bool
        Whether a request may say that its predictions are logits.
    predictions, targets : str
        What predictions that are no logits, and targets, have to be: a key of `DOMAINS` in
        `service.core.language.constants`.
    of_labels : callable, optional
        From what the activation made the predictions of, constant targets that are 0 or 1, and the options to
        the loss of each element.
    takes_labels : bool
        Whether class labels may stand for one-hot targets.
    kinks, example, cost, workspace, is_analytic
        As in the operations table.
    """

    name: str
    meaning: str
    formula: Formula
    from_logits: Formula | None = None
    activation: str = ""
    takes_logits: bool = False
    predictions: str = "number"
    targets: str = "number"
    of_labels: LossRule | None = None
    takes_labels: bool = False
    kinks: str = ""
    example: str = ""
    cost: float = 4.0
    workspace: float = 0.0
    is_analytic: bool = True
