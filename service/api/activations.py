"""`/softmax` and `/sigmoid`: what a request may hold, and what is computed."""

from __future__ import annotations

from typing import Any

from service.api.fields import ArrayField, BooleanArray, Flag, Whole, positive
from service.api.schemas import Fields
from service.core import activations
from service.core.exceptions import InvalidRequest, fault
from service.core.limits import Deadline, Limits


def softmax_fields(limits: Limits) -> Fields:
    """List the fields of `/softmax`."""
    return {
        "x": ArrayField(limits, required=True),
        "axis": Whole(load_default=-1, allow_none=True),
        "temperature": positive(load_default=1.0),
        "log": Flag(load_default=False),
        "mask": BooleanArray(limits, load_default=None),
    }


def softmax(arguments: dict[str, Any], deadline: Deadline, _: Limits) -> dict[str, Any]:
    """Softmax or log-softmax of an array."""
    mask, is_log = arguments.pop("mask"), arguments.pop("log")
    if is_log and mask is not None:
        raise InvalidRequest(fault("mask-with-log", "/mask"))
    deadline.check()
    if is_log:
        return {"y": activations.log_softmax(**arguments)}
    return {"y": activations.softmax(**arguments, mask=mask)}


def sigmoid_fields(limits: Limits) -> Fields:
    """List the fields of `/sigmoid`."""
    return {"x": ArrayField(limits, required=True), "log": Flag(load_default=False)}


def sigmoid(arguments: dict[str, Any], deadline: Deadline, _: Limits) -> dict[str, Any]:
    """Sigmoid or log-sigmoid of an array."""
    deadline.check()
    return {"y": (activations.log_sigmoid if arguments["log"] else activations.sigmoid)(arguments["x"])}
