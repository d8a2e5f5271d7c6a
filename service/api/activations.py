"""`/softmax` and `/sigmoid`: what a request may hold, and what is computed."""

from __future__ import annotations

from typing import Any

from service.api.fields import ArrayField, BooleanArray, Flag, WholeNumber, positive
from service.api.messages import fault
from service.api.schemas import Fields
from service.core import activations
from service.core.activation_gradients import sigmoid_gradient, softmax_gradient
from service.core.exceptions import InvalidRequest
from service.core.limits import Deadline, Limits


def softmax_fields(limits: Limits) -> Fields:
    """List the fields of `/softmax`."""
    return {
        "x": ArrayField(limits, required=True),
        "axis": WholeNumber(load_default=-1, allow_none=True),
        "temperature": positive(load_default=1.0),
        "log": Flag(load_default=False),
        "mask": BooleanArray(limits, load_default=None),
        "upstream": ArrayField(limits, load_default=None),
    }


def softmax(arguments: dict[str, Any], deadline: Deadline, _: Limits) -> dict[str, Any]:
    """Softmax or log-softmax of an array."""
    mask, is_log, upstream = (arguments.pop(name) for name in ("mask", "log", "upstream"))
    if is_log and mask is not None:
        raise InvalidRequest(fault("mask-with-log", "/mask"))
    deadline.check()
    y = activations.log_softmax(**arguments) if is_log else activations.softmax(**arguments, mask=mask)
    if upstream is None:
        return {"y": y}
    deadline.check()
    return {"y": y, "gradient": softmax_gradient(**arguments, upstream=upstream, mask=mask, log=is_log)}


def sigmoid_fields(limits: Limits) -> Fields:
    """List the fields of `/sigmoid`."""
    return {
        "x": ArrayField(limits, required=True),
        "log": Flag(load_default=False),
        "upstream": ArrayField(limits, load_default=None),
    }


def sigmoid(arguments: dict[str, Any], deadline: Deadline, _: Limits) -> dict[str, Any]:
    """Sigmoid or log-sigmoid of an array."""
    deadline.check()
    x, is_log, upstream = arguments["x"], arguments["log"], arguments["upstream"]
    y = (activations.log_sigmoid if is_log else activations.sigmoid)(x)
    if upstream is None:
        return {"y": y}
    deadline.check()
    return {"y": y, "gradient": sigmoid_gradient(x, upstream, log=is_log)}
