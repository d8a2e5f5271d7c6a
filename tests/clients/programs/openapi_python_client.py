"""Every operation through what openapi-python-client makes: `python openapi_python_client.py ADDRESS`."""

import json
import sys
from typing import Any, TypeVar

from kobai_client import Client
from kobai_client.api.compute import (
    descent,
    descent_sweep,
    gradient,
    gradient_field,
    hessian,
    jacobian,
    loss,
    sigmoid,
    softmax,
    value,
)
from kobai_client.api.documents import get_openapi_json, get_openapi_yaml
from kobai_client.api.monitoring import get_healthz, get_livez, get_metrics, get_readyz
from kobai_client.api.reference import get_problem, list_functions, list_limits, list_problems
from kobai_client.models import (
    Constants,
    DescentRequest,
    DescentResponse,
    DescentSweepRequest,
    GradientFieldRequest,
    GradientRequest,
    GradientResponse,
    HessianRequest,
    JacobianRequest,
    Loss,
    LossRequest,
    Method,
    Optimizer,
    OptionalVariables,
    Points,
    Problem,
    Reduction,
    ResumedState,
    SigmoidRequest,
    SoftmaxRequest,
    Tangents,
    ValueRequest,
    Variables,
)
from kobai_client.types import Unset

SEED = "x[0]**2 + x[1]**2"
MODEL = "s * mean(cross_entropy(softmax(X @ W + b), t))"
WEIGHTS = Variables.from_dict({"W": [[0.1, -0.2, 0.3], [0, 0.2, -0.1]], "b": [0, 0, 0], "s": 2})
DATA = Constants.from_dict({"X": [[1, 2], [0.5, -1]], "t": [[1, 0, 0], [0, 1, 0]]})
START = Variables.from_dict({"x": [-3, 4]})

Answer = TypeVar("Answer")


def good(answer: Answer | Problem | Unset | None) -> Answer:
    """Return an answer that is none of the others."""
    assert answer is not None and not isinstance(answer, (Problem, Unset)), answer
    return answer


def computed(client: Client) -> dict[str, Any]:
    whole = good(softmax.sync(client=client, body=SoftmaxRequest(x=[0.3, 2.9, 4.0], axis=None)))
    mask = [[True, False], [True, True]]
    masked = good(
        softmax.sync(client=client, body=SoftmaxRequest(x=[[1, 2], [3, 4]], temperature=0.5, mask=mask))
    )
    logs = good(sigmoid.sync(client=client, body=SigmoidRequest(x=[-750, 0, 750], log=True)))
    single = good(loss.sync(client=client, body=LossRequest(Loss.CROSS_ENTROPY, [0.1, 0.05, 0.85], [2])))
    each = LossRequest(
        Loss.HUBER, [[1, 2], [5, 4]], [[1, 0], [1, 4]], reduction=Reduction.NONE, gradient=True
    )
    losses = good(loss.sync(client=client, body=each))
    return {
        "softmax": {"y": whole.y},
        "masked": {"y": masked.y},
        "sigmoid": {"y": logs.y},
        "loss": {"loss": good(single.loss)},
        "losses": {"losses": good(losses.losses), "gradient": good(losses.gradient)},
    }


def value_and_gradient(answer: GradientResponse) -> dict[str, Any]:
    return {"value": good(answer.value), "gradient": good(answer.gradient).to_dict()}


def differentiated(client: Client) -> dict[str, Any]:
    point = GradientRequest(SEED, Variables.from_dict({"x": [3, 4]}))
    seed = good(gradient.sync(client=client, body=point))
    checked = good(gradient.sync(client=client, body=GradientRequest(MODEL, WEIGHTS, DATA, verify=True)))
    quote = good(
        good(gradient.sync(client=client, body=GradientRequest(MODEL, WEIGHTS, DATA, dry_run=True))).quote
    )
    points = Points.from_dict({"a": [1, 2, 3], "x": [0.5, 1, -1]})
    field = good(
        gradient_field.sync(
            client=client, body=GradientFieldRequest("a * x**2", points, method=Method.CENTRAL)
        )
    )
    return {
        "gradient": value_and_gradient(seed)
        | {"method": good(seed.method).value, "evaluations": good(seed.evaluations)},
        "checked": value_and_gradient(checked) | {"worst": good(checked.verification).worst},
        "quote": quote.to_dict(),
        "field": {"values": good(field.values), "gradient": good(field.gradient).to_dict()},
    } | more(client)


def more(client: Client) -> dict[str, Any]:
    weights = OptionalVariables.from_dict({"w": [1, -1]})
    rows = Constants.from_dict({"X": [[1, 2], [0.5, -1]]})
    request = ValueRequest("y = X @ w; sigmoid(y)", variables=weights, constants=rows, outputs=["y"])
    model = good(value.sync(client=client, body=request))
    tangents = Tangents.from_dict({"x": [1, 0]})
    point = JacobianRequest("x**2", Variables.from_dict({"x": [1, 2]}), tangents=tangents)
    along = good(jacobian.sync(client=client, body=point))
    start = HessianRequest(SEED, Variables.from_dict({"x": [0, 0]}), curvature=True)
    second = good(hessian.sync(client=client, body=start))
    return {
        "value": {"value": model.value, "outputs": good(model.outputs).to_dict()},
        "jacobian": {"value": along.value, "product": along.product},
        "hessian": {
            "value": good(second.value),
            "gradient": good(second.gradient).to_dict(),
            "hessian": good(second.hessian).to_dict(),
            "curvature": good(second.curvature).to_dict(),
        },
    }


def walk(answer: DescentResponse) -> dict[str, Any]:
    return {
        "status": answer.status.value,
        "steps": answer.steps,
        "variables": answer.variables.to_dict(),
        "best_step": answer.best.step,
        "best_value": answer.best.value,
        "history": [[record.step, record.value, record.gradient_norm] for record in answer.history],
    }


def descended(client: Client) -> dict[str, Any]:
    def run(steps: int, state: ResumedState | None = None) -> DescentResponse:
        request = DescentRequest(
            SEED, START, optimizer=Optimizer.ADAM, learning_rate=0.1, steps=steps, history=3, state=state
        )
        return good(descent.sync(client=client, body=request))

    first = run(60)
    rates = DescentSweepRequest(SEED, START, learning_rates=[0.01, 0.1, 10])
    sweep = good(descent_sweep.sync(client=client, body=rates))
    runs = [[each.learning_rate, each.verdict.value, each.value] for each in sweep.runs]
    return {
        "descent": walk(first),
        "resumed": walk(run(40, ResumedState.from_dict(first.state.to_dict()))),
        "sweep": {"best": sweep.best, "runs": runs},
    }


def refused(client: Client) -> dict[str, Any]:
    constants = Constants.from_dict({"X": [[1, 2, 3]]})
    wrong = GradientRequest("sum(X @ w)", Variables.from_dict({"w": [1, 2]}), constants)
    problem = gradient.sync(client=client, body=wrong, x_request_id="client-1")
    assert isinstance(problem, Problem)
    return {
        "status": problem.status,
        "code": problem.code,
        "title": problem.title,
        "instance": problem.instance,
        "request_id": problem.request_id,
        "errors": [
            {
                "pointer": each.pointer,
                "detail": each.detail,
                "line": good(each.line),
                "column": good(each.column),
            }
            for each in problem.errors
        ],
    }


def pages(client: Client) -> dict[str, Any]:
    limit = good(list_limits.sync(client=client)).additional_properties["body_bytes"]
    codes = [each.code for each in good(list_problems.sync(client=client)).problems]
    return {
        "functions": [each.name for each in good(list_functions.sync(client=client)).functions],
        "limit": {"value": limit.value, "unit": limit.unit, "setting": limit.setting},
        "problems": codes,
        "explained": good(get_problem.sync(codes[0], client=client)).title,
        "health": [good(each.sync(client=client)).status for each in (get_livez, get_readyz, get_healthz)],
        "metrics": "# HELP" in good(get_metrics.sync(client=client)),
        "documents": [
            good(get_openapi_yaml.sync(client=client)).splitlines()[0],
            good(get_openapi_json.sync(client=client))["openapi"],
        ],
    }


with Client(base_url=sys.argv[1]) as kobai:
    report = computed(kobai) | differentiated(kobai) | descended(kobai) | pages(kobai)
    print(json.dumps(report | {"problem": refused(kobai)}))
