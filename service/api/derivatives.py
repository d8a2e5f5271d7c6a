"""`/value`, `/jacobian` and `/hessian`: what a request may hold, and what is computed."""

from __future__ import annotations

from service.api.answers import Arguments
from service.api.fields import Flag, NameList, Tensor, TensorMap, Text
from service.api.gradients import checked_fields, function_fields, skipping_fields
from service.api.schemas import Fields
from service.core.calculus import hessian as hessians
from service.core.calculus import jacobian as jacobians
from service.core.calculus import value as values
from service.core.exceptions import InvalidRequest, fault
from service.core.limits import Deadline, Limits


def value_fields(limits: Limits) -> Fields:
    """List the fields of `/value`."""
    return {
        "function": Text(required=True),
        "variables": TensorMap(limits, load_default=None),
        "constants": TensorMap(limits, load_default=None),
        "points": TensorMap(limits, lowest_rank=1, least=1, load_default=None),
        "outputs": NameList(limits.names, load_default=None),
        "dry_run": Flag(load_default=False),
    } | skipping_fields()


def value(arguments: Arguments, deadline: Deadline, limits: Limits) -> Arguments:
    """Value of a function of any shape, at one point or at many, or its quote."""
    arguments["outputs"] = arguments["outputs"] or ()
    if arguments.pop("dry_run"):
        return {"quote": values.quote_value(**arguments, limits=limits, deadline=deadline)}
    return values.value(**arguments, limits=limits, deadline=deadline)


def jacobian_fields(limits: Limits) -> Fields:
    """List the fields of `/jacobian`."""
    own = {
        "variables": TensorMap(limits, least=1, required=True),
        "tangents": TensorMap(limits, load_default=None),
        "cotangents": Tensor(limits, load_default=None),
    }
    return function_fields(limits) | own | checked_fields()


def jacobian(arguments: Arguments, deadline: Deadline, limits: Limits) -> Arguments:
    """Jacobian of a function, its product with tangents or cotangents, or the quote."""
    tangents, cotangents = arguments["tangents"], arguments["cotangents"]
    if tangents is not None and cotangents is not None:
        raise InvalidRequest(fault("both-products", "/cotangents"))
    if arguments.pop("dry_run"):
        return {"quote": jacobians.quote_jacobian(**arguments, limits=limits, deadline=deadline)}
    del arguments["tangents"], arguments["cotangents"]
    if tangents is not None:
        return jacobians.jvp(tangents=tangents, **arguments, limits=limits, deadline=deadline)
    if cotangents is not None:
        return jacobians.vjp(cotangents=cotangents, **arguments, limits=limits, deadline=deadline)
    return jacobians.jacobian(**arguments, limits=limits, deadline=deadline)


def hessian_fields(limits: Limits) -> Fields:
    """List the fields of `/hessian`."""
    own = {
        "variables": TensorMap(limits, least=1, required=True),
        "vectors": TensorMap(limits, load_default=None),
        "curvature": Flag(load_default=False),
    }
    return function_fields(limits) | own | checked_fields()


def hessian(arguments: Arguments, deadline: Deadline, limits: Limits) -> Arguments:
    """Hessian of a function, its product with vectors, or the quote."""
    if arguments["vectors"] is not None and arguments["curvature"]:
        raise InvalidRequest(fault("curvature-of-product", "/curvature"))
    if arguments.pop("dry_run"):
        return {"quote": hessians.quote_hessian(**arguments, limits=limits, deadline=deadline)}
    vectors = arguments.pop("vectors")
    if vectors is None:
        return hessians.hessian(**arguments, limits=limits, deadline=deadline)
    del arguments["curvature"]
    return hessians.hvp(vectors=vectors, **arguments, limits=limits, deadline=deadline)
