"""Every operation through what openapi-generator makes: `python openapi_generator.py ADDRESS`."""

import json
import sys

from kobai_openapi import (
    ApiClient,
    ApiException,
    ComputeApi,
    Configuration,
    DescentRequest,
    DescentSweepRequest,
    DocumentsApi,
    GradientFieldRequest,
    GradientRequest,
    HessianRequest,
    JacobianRequest,
    Loss,
    LossRequest,
    Method,
    MonitoringApi,
    Optimizer,
    Problem,
    Reduction,
    ReferenceApi,
    SigmoidRequest,
    SoftmaxRequest,
    ValueRequest,
)

SEED = "x[0]**2 + x[1]**2"
MODEL = {
    "function": "s * mean(cross_entropy(softmax(X @ W + b), t))",
    "variables": {"W": [[0.1, -0.2, 0.3], [0, 0.2, -0.1]], "b": [0, 0, 0], "s": 2},
    "constants": {"X": [[1, 2], [0.5, -1]], "t": [[1, 0, 0], [0, 1, 0]]},
}
START = {"x": [-3, 4]}


def computed(api):
    whole = api.softmax(SoftmaxRequest(x=[0.3, 2.9, 4.0], axis=None))
    masked = api.softmax(
        SoftmaxRequest(x=[[1, 2], [3, 4]], temperature=0.5, mask=[[True, False], [True, True]])
    )
    single = api.loss(LossRequest(loss=Loss.CROSS_ENTROPY, predictions=[0.1, 0.05, 0.85], targets=[2]))
    losses = api.loss(
        LossRequest(
            loss=Loss.HUBER,
            predictions=[[1, 2], [5, 4]],
            targets=[[1, 0], [1, 4]],
            reduction=Reduction.NONE,
            gradient=True,
        )
    )
    return {
        "softmax": {"y": whole.y},
        "masked": {"y": masked.y},
        "sigmoid": {"y": api.sigmoid(SigmoidRequest(x=[-750, 0, 750], log=True)).y},
        "loss": {"loss": single.loss},
        "losses": {"losses": losses.losses, "gradient": losses.gradient},
    }


def differentiated(api):
    seed = api.gradient(GradientRequest(function=SEED, variables={"x": [3, 4]}))
    checked = api.gradient(GradientRequest(**MODEL, verify=True))
    field = api.gradient_field(
        GradientFieldRequest(
            function="a * x**2", points={"a": [1, 2, 3], "x": [0.5, 1, -1]}, method=Method.CENTRAL
        )
    )
    model = api.value(
        ValueRequest(
            function="y = X @ w; sigmoid(y)",
            variables={"w": [1, -1]},
            constants={"X": [[1, 2], [0.5, -1]]},
            outputs=["y"],
        )
    )
    along = api.jacobian(JacobianRequest(function="x**2", variables={"x": [1, 2]}, tangents={"x": [1, 0]}))
    second = api.hessian(HessianRequest(function=SEED, variables={"x": [0, 0]}, curvature=True))
    return {
        "gradient": {
            "value": seed.value,
            "gradient": seed.gradient,
            "method": seed.method.value,
            "evaluations": seed.evaluations,
        },
        "checked": {
            "value": checked.value,
            "gradient": checked.gradient,
            "worst": checked.verification.worst,
        },
        "quote": api.gradient(GradientRequest(**MODEL, dry_run=True)).quote.to_dict(),
        "field": {"values": field.values, "gradient": field.gradient},
        "value": {"value": model.value, "outputs": model.outputs},
        "jacobian": {"value": along.value, "product": along.product},
        "hessian": {
            "value": second.value,
            "gradient": second.gradient,
            "hessian": second.hessian,
            "curvature": second.curvature.to_dict(),
        },
    }


def walk(answer):
    return {
        "status": answer.status.value,
        "steps": answer.steps,
        "variables": answer.variables,
        "best_step": answer.best.step,
        "best_value": answer.best.value,
        "history": [[record.step, record.value, record.gradient_norm] for record in answer.history],
    }


def descended(api):
    options = {"optimizer": Optimizer.ADAM, "learning_rate": 0.1, "history": 3}
    first = api.descent(DescentRequest(function=SEED, variables=START, steps=60, **options))
    rest = DescentRequest(function=SEED, variables=START, steps=40, state=first.state, **options)
    sweep = api.descent_sweep(
        DescentSweepRequest(function=SEED, variables=START, learning_rates=[0.01, 0.1, 10])
    )
    runs = [[run.learning_rate, run.verdict.value, run.value] for run in sweep.runs]
    return {
        "descent": walk(first),
        "resumed": walk(api.descent(rest)),
        "sweep": {"best": sweep.best, "runs": runs},
    }


def refused(api):
    wrong = GradientRequest(function="sum(X @ w)", variables={"w": [1, 2]}, constants={"X": [[1, 2, 3]]})
    try:
        api.gradient(wrong, x_request_id="client-1")
    except ApiException as error:
        problem = error.data
    assert isinstance(problem, Problem)
    return {
        "status": problem.status,
        "code": problem.code,
        "title": problem.title,
        "instance": problem.instance,
        "request_id": problem.request_id,
        "errors": [
            {"pointer": each.pointer, "detail": each.detail, "line": each.line, "column": each.column}
            for each in problem.errors
        ],
    }


def pages(client):
    reference, monitoring, documents = ReferenceApi(client), MonitoringApi(client), DocumentsApi(client)
    limit = reference.list_limits()["body_bytes"]
    codes = [each.code for each in reference.list_problems().problems]
    health = [monitoring.get_livez(), monitoring.get_readyz(), monitoring.get_healthz()]
    return {
        "functions": [each.name for each in reference.list_functions().functions],
        "limit": {"value": limit.value, "unit": limit.unit, "setting": limit.setting},
        "problems": codes,
        "explained": reference.get_problem(codes[0]).title,
        "health": [each.status for each in health],
        "metrics": "# HELP" in monitoring.get_metrics(),
        "documents": [documents.get_openapi_yaml().splitlines()[0], documents.get_openapi_json()["openapi"]],
    }


with ApiClient(Configuration(host=sys.argv[1])) as kobai:
    compute = ComputeApi(kobai)
    report = computed(compute) | differentiated(compute) | descended(compute) | pages(kobai)
    print(json.dumps(report | {"problem": refused(compute)}))
