"""`/loss`: what a request may hold, and what is computed."""

from __future__ import annotations

from typing import Any

from service.api.fields import ArrayField, BooleanArray, Choice, Flag, Number, Tensor, positive
from service.api.schemas import Fields
from service.core import losses
from service.core.limits import Deadline, Limits


def loss_fields(limits: Limits) -> Fields:
    """List the fields of `/loss`."""
    return {
        "loss": Choice(losses.LOSSES, required=True),
        "predictions": ArrayField(limits, required=True),
        "targets": ArrayField(limits, required=True),
        "from_logits": Flag(load_default=False),
        "epsilon": Number(low=0, load_default=None),
        "delta": positive(load_default=1.0),
        "label_smoothing": Number(low=0, high=1, is_below=True, load_default=0.0),
        "quantile": Number(low=0, high=1, is_open=True, is_below=True, load_default=0.5),
        "weights": Tensor(limits, load_default=None),
        "class_weights": ArrayField(limits, load_default=None),
        "mask": BooleanArray(limits, load_default=None),
        "reduction": Choice(losses.REDUCTIONS, load_default="sum"),
        "gradient": Flag(load_default=False),
    }


def loss(arguments: dict[str, Any], deadline: Deadline, _: Limits) -> dict[str, Any]:
    """Compute a loss, and on request its gradient."""
    deadline.check()
    return losses.loss(arguments.pop("loss"), **arguments)
