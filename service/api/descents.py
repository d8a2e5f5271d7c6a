"""`/descent` and `/descent/sweep`: what a request may hold, and what is computed."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from service.api.fields import (
    BoundsMap,
    Choice,
    Flag,
    NumberList,
    Object,
    TensorMap,
    Whole,
    fraction,
    positive,
)
from service.api.gradients import function_fields
from service.api.schemas import Fields
from service.api.streaming import stream, wants_stream
from service.core.descent import OPTIMIZERS, SCHEDULES, descent, sweep
from service.core.limits import Deadline, Limits


def path_fields(limits: Limits) -> Fields:
    """List what a descent and a sweep share."""
    return function_fields(limits) | {
        "variables": TensorMap(limits, least=1, required=True),
        "optimizer": Choice(tuple(OPTIMIZERS), load_default="gradient_descent"),
        "steps": Whole(low=1, high=limits.steps, load_default=100),
        "momentum": fraction(load_default=0.9),
        "decay": fraction(load_default=0.99),
        "beta1": fraction(load_default=0.9),
        "beta2": fraction(load_default=0.999),
        "epsilon": positive(load_default=None),
        "schedule": Choice(tuple(SCHEDULES), load_default="constant"),
        "schedule_rate": positive(load_default=None),
        "schedule_every": Whole(low=1, load_default=None),
        "clip_norm": positive(load_default=None),
        "bounds": BoundsMap(limits, load_default=None),
        "tolerance": positive(load_default=None),
        "deadline_ms": Whole(low=1, load_default=None),
        "history": Whole(low=0, high=limits.history, load_default=0),
        "history_variables": Flag(load_default=True),
    }


def descent_fields(limits: Limits) -> Fields:
    """List the fields of `/descent`."""
    own = {"learning_rate": positive(load_default=0.01), "state": Object(load_default=None)}
    return path_fields(limits) | own


def descent_path(arguments: dict[str, Any], deadline: Deadline, limits: Limits) -> dict[str, Any] | Response:
    """Minimise a function from a start; as a stream when the client asks for one."""
    if wants_stream(request.headers.get("Accept", "")):
        return stream(arguments, deadline, limits)
    return descent(**arguments, limits=limits, deadline=deadline)


def sweep_fields(limits: Limits) -> Fields:
    """List the fields of `/descent/sweep`."""
    rates = NumberList(positive(), limits.sweep, required=True)
    return path_fields(limits) | {"learning_rates": rates}


def descent_sweep(arguments: dict[str, Any], deadline: Deadline, limits: Limits) -> dict[str, Any]:
    """Minimise a function with several learning rates."""
    return sweep(**arguments, limits=limits, deadline=deadline)
