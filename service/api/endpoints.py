"""The endpoints that compute: one table.

Routes, request schemas, metrics, warm-up and the tests read it. A new
endpoint is a row here, a view in the module of its family, and its operation in `openapi.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.api import activations, derivatives, descents, gradients, losses
from service.api.answers import Arguments, View
from service.api.schemas import Envelope, Fields, envelope_of
from service.core.limits import Limits

SQUARE = {"function": "x[0]**2 + x[1]**2", "variables": {"x": [3, 4]}}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row: all that is particular to an endpoint.

    Parameters
    ----------
    path : str
        Where requests are posted to.
    view : callable
        Computes: takes the checked arguments, the deadline and the limits, returns what the answer holds.
    fields : callable
        Makes the fields of a request from the limits.
    examples : tuple of dict
        Small requests that are answered; warm-up sends them, and tests start from the first.
    compiles : bool
        Whether the work goes through the cache of compiled functions.
    """

    path: str
    view: View
    fields: Callable[[Limits], Fields]
    examples: tuple[Arguments, ...]
    compiles: bool = False


ENDPOINTS: dict[str, Endpoint] = {
    row.path: row
    for row in (
        Endpoint(
            "/softmax",
            activations.softmax,
            activations.softmax_fields,
            ({"x": [[0.3, 2.9], [4.0, 1.0]]},),
        ),
        Endpoint(
            "/sigmoid",
            activations.sigmoid,
            activations.sigmoid_fields,
            ({"x": [0.0, 1.0]},),
        ),
        Endpoint(
            "/loss",
            losses.loss,
            losses.loss_fields,
            ({"loss": "cross_entropy", "predictions": [[0.1, 0.9]], "targets": [1], "gradient": True},),
        ),
        Endpoint(
            "/gradient",
            gradients.gradient_at_a_point,
            gradients.gradient_fields,
            (SQUARE, SQUARE | {"method": "central", "verify": True}),
            compiles=True,
        ),
        Endpoint(
            "/gradient/field",
            gradients.gradient_at_points,
            gradients.gradient_field_fields,
            ({"function": SQUARE["function"], "points": {"x": [[3, 4], [1, 2]]}},),
            compiles=True,
        ),
        Endpoint(
            "/value",
            derivatives.value,
            derivatives.value_fields,
            ({"function": "sigmoid(x)", "variables": {"x": [3, 4]}},),
            compiles=True,
        ),
        Endpoint(
            "/jacobian",
            derivatives.jacobian,
            derivatives.jacobian_fields,
            ({"function": "x**2", "variables": {"x": [3, 4]}},),
            compiles=True,
        ),
        Endpoint(
            "/hessian",
            derivatives.hessian,
            derivatives.hessian_fields,
            (SQUARE | {"curvature": True},),
            compiles=True,
        ),
        Endpoint(
            "/descent",
            descents.descent_path,
            descents.descent_fields,
            (SQUARE | {"optimizer": "adam", "steps": 10, "history": 5},),
            compiles=True,
        ),
        Endpoint(
            "/descent/sweep",
            descents.descent_sweep,
            descents.sweep_fields,
            (SQUARE | {"learning_rates": [0.1, 0.2], "steps": 10},),
            compiles=True,
        ),
    )
}
"""Every endpoint that computes, by its path."""


def make_schemas(limits: Limits) -> dict[str, Envelope]:
    """Make the request schema of every endpoint, once for an application."""
    fields = {path: endpoint.fields(limits) for path, endpoint in ENDPOINTS.items()}
    places = {
        name: ", ".join(path for path, theirs in fields.items() if name in theirs)
        for name in {name for theirs in fields.values() for name in theirs}
    }
    return {path: envelope_of(own, places) for path, own in fields.items()}
