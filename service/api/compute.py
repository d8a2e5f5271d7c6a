"""The computations: each view takes checked arguments and returns what the core says."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from service.api.answers import EXTENSION, Arguments, computes
from service.api.streaming import stream, wants_stream
from service.core import activations, losses
from service.core.calculus.field import gradient_field, quote_field
from service.core.calculus.gradient import gradient, quote
from service.core.descent import descent, sweep
from service.core.exceptions import InvalidRequest, fault
from service.core.limits import Deadline, Limits

routes = Blueprint("compute", __name__)


@routes.post("/softmax")
@computes("/softmax")
def softmax(arguments: Arguments, deadline: Deadline) -> Arguments:
    """Softmax or log-softmax of an array."""
    mask, is_log = arguments.pop("mask"), arguments.pop("log")
    if is_log and mask is not None:
        raise InvalidRequest(fault("mask-with-log", "/mask"))
    deadline.check()
    if is_log:
        return {"y": activations.log_softmax(**arguments)}
    return {"y": activations.softmax(**arguments, mask=mask)}


@routes.post("/sigmoid")
@computes("/sigmoid")
def sigmoid(arguments: Arguments, deadline: Deadline) -> Arguments:
    """Sigmoid or log-sigmoid of an array."""
    deadline.check()
    return {"y": (activations.log_sigmoid if arguments["log"] else activations.sigmoid)(arguments["x"])}


@routes.post("/loss")
@computes("/loss")
def loss(arguments: Arguments, deadline: Deadline) -> Arguments:
    """Compute a loss, and on request its gradient."""
    deadline.check()
    return losses.loss(arguments.pop("loss"), **arguments)


@routes.post("/gradient")
@computes("/gradient")
def gradient_at_a_point(arguments: Arguments, deadline: Deadline) -> Arguments:
    """Value and gradient of a function, or their quote."""
    if arguments.pop("dry_run"):
        return {"quote": quote(**arguments, limits=_limits())}
    return gradient(**arguments, limits=_limits(), deadline=deadline)


@routes.post("/gradient/field")
@computes("/gradient/field")
def gradient_at_points(arguments: Arguments, deadline: Deadline) -> Arguments:
    """Value and gradient of a function at many points, or their quote."""
    if arguments.pop("dry_run"):
        return {"quote": quote_field(**arguments, limits=_limits())}
    return gradient_field(**arguments, limits=_limits(), deadline=deadline)


@routes.post("/descent")
@computes("/descent")
def descent_path(arguments: Arguments, deadline: Deadline) -> Arguments | Response:
    """Minimise a function from a start; as a stream when the caller asks for one."""
    if wants_stream(request.headers.get("Accept", "")):
        return stream(arguments, deadline, _limits())
    return descent(**arguments, limits=_limits(), deadline=deadline)


@routes.post("/descent/sweep")
@computes("/descent/sweep")
def descent_sweep(arguments: Arguments, deadline: Deadline) -> Arguments:
    """Minimise a function with several learning rates."""
    return sweep(**arguments, limits=_limits(), deadline=deadline)


def _limits() -> Limits:
    limits: Limits = current_app.extensions[EXTENSION].settings.limits
    return limits
