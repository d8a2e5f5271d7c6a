"""What users of other libraries write from habit gets the word that helps, and that word is accepted."""

import cbor2
import numpy as np
import pytest

from service.api.advice import CHOICE_ADVICE, EXAMPLES, FIELD_ADVICE, LOSS_ADVICE, members
from service.api.aliases import CHOICES, FIELDS
from service.api.endpoints import ENDPOINTS, make_schemas
from service.api.fields import Choice
from service.api.hints import folded
from service.core.descent.projections import SETS
from service.core.limits import Limits

SCHEMAS = make_schemas(Limits())

START = {"function": "x[0]**2 + x[1]**2", "variables": {"x": [-3, 4]}}

CHOICE_ROWS = [
    pytest.param(field, row, id=f"{field}-{row.names.split()[0]}")
    for field, rows in CHOICE_ADVICE.items()
    for row in rows
]
FIELD_ROWS = [pytest.param(row, id=row.names.split()[0]) for row in FIELD_ADVICE]

OPTIMIZERS = """
    nelder-mead Nelder-Mead powell cg CG BFGS bfgs L-BFGS-B l-bfgs TNC COBYLA COBYQA SLSQP Newton-CG
    newton-cg trust-constr dogleg trust-ncg trust-krylov trust-exact lm trf dogbox fmin
    fmin_l_bfgs_b fmin_bfgs fmin_cg fmin_ncg fmin_powell fmin_slsqp fmin_tnc differential_evolution
    basinhopping dual_annealing shgo brute direct SGD ASGD Adadelta Adagrad Adam AdamW Adamax LBFGS
    NAdam RAdam RMSprop Rprop SparseAdam Adafactor Muon torch.optim.Adam sgd sgd_momentum nag
    adafactor ftrl lamb loss_scale_optimizer keras.optimizers.RMSprop liblinear newton-cholesky sag
    saga optax.adabelief yogi fromage noisy_sgd sm3 novograd radam lars gauss-newton
    levenberg_marquardt conjugate_gradient gradient-descent steepest-descent cma-es pso AMSGrad
    fminsearch fminunc fmincon fminbnd lsqcurvefit lsqnonlin interior-point active-set
    trust-region-reflective nlm nlminb nls SANN constrOptim DEoptim LN_COBYLA LD_LBFGS LD_SLSQP
    GRG_Nonlinear Simplex_LP Evolutionary AdamOptimizer GradientDescentOptimizer Newton_Method
    Newton's-method simplex-algorithm
"""
"""Minimizers of SciPy, PyTorch, Keras, scikit-learn, Optax, MATLAB, R, NLopt and Excel, as written there."""

SCHEDULES = """
    StepLR MultiStepLR ConstantLR LinearLR ExponentialLR PolynomialLR CosineAnnealingLR CyclicLR
    OneCycleLR LambdaLR ReduceLROnPlateau CosineAnnealingWarmRestarts MultiplicativeLR SequentialLR
    ExponentialDecay PolynomialDecay PiecewiseConstantDecay InverseTimeDecay CosineDecay
    CosineDecayRestarts invscaling adaptive step_lr cosine_decay_schedule
    warmup_cosine_decay_schedule linear_schedule_with_warmup
"""

LOSSES = """
    CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss MSELoss L1Loss SmoothL1Loss HuberLoss
    KLDivLoss PoissonNLLLoss GaussianNLLLoss HingeEmbeddingLoss CosineEmbeddingLoss SoftMarginLoss
    TripletMarginLoss mean_squared_error mean_absolute_error mape msle rmse LogCosh squared_hinge
    binary_crossentropy categorical_crossentropy cosine_similarity log_loss pinball_loss
    epsilon_insensitive focal
"""

OPTIONS = """
    lr tol maxiter max_iter n_iter jac hess hessp x0 args fun betas beta_1 b2 eps gtol ftol xtol
    xatol fatol options disp callback constraints line_search_fn tolerance_grad tolerance_change
    history_size max_eval nesterov amsgrad maximize rho clipnorm clipvalue epochs batch_size seed
    random_state learning_rate_init early_stopping n_iter_no_change gamma step_size milestones T_max
    T_0 max_lr total_steps start_factor factor patience power decay_steps warmup_steps boundaries lb
    ub maxfun maxcor maxls return_all c1 penalty loss y n_starts starts learning_rates random_starts
    verbose minimizer_kwargs learningRate max-steps par gr control hessian optimoptions nonlcon initial_guess
"""
"""Options of theirs, on `/descent`."""


def details(client, path, body):
    response = client.post(path, json=body)

    assert response.status_code == 422
    return {found["pointer"]: found["detail"] for found in response.json["errors"]}


def hint_of(detail):
    return any(words in detail for words in (" Write ", " Did you mean ", " It is a field of "))


@pytest.mark.parametrize("written", OPTIMIZERS.split())
@pytest.mark.parametrize("field", ["optimizer", "method"])
def test_an_optimizer_of_another_library_is_refused_with_the_one_that_does_its_job(client, field, written):
    detail = details(client, "/descent", START | {field: written})[f"/{field}"]

    assert hint_of(detail), detail
    assert field == "optimizer" or "the field optimizer, of /descent" in detail


@pytest.mark.parametrize("written", SCHEDULES.split())
def test_a_schedule_of_another_library_is_refused_with_the_one_that_does_its_job(client, written):
    detail = details(client, "/descent", START | {"schedule": written})["/schedule"]

    assert hint_of(detail), detail


@pytest.mark.parametrize("written", LOSSES.split())
def test_a_loss_of_another_library_is_refused_with_the_one_that_does_its_job(client, written):
    body = {"loss": written, "predictions": [1, 2], "targets": [1, 2]}

    detail = details(client, "/loss", body)["/loss"]

    assert hint_of(detail), detail


@pytest.mark.parametrize("written", OPTIONS.split())
def test_an_option_of_another_library_is_refused_with_what_does_its_job(client, written):
    detail = details(client, "/descent", START | {written: 1})[f"/{written}"]

    assert hint_of(detail), detail


@pytest.mark.parametrize(("field", "row"), CHOICE_ROWS)
def test_what_is_advised_for_a_choice_is_said_and_accepted(client, field, row):
    path = "/loss" if field == "loss" else "/descent"
    for name in row.names.split():
        assert details(client, path, {field: name})[f"/{field}"].endswith(row.sentence)

    response = client.post(row.path or path, json=(START if path == "/descent" else {}) | row.write)

    assert response.status_code == 200, response.json


@pytest.mark.parametrize("row", FIELD_ROWS)
def test_what_is_advised_for_a_field_is_said_and_accepted(client, row):
    for name in row.names.split():
        assert details(client, "/descent", {name: 1})[f"/{name}"].endswith(row.sentence)

    response = client.post(row.path or "/descent", json=START | row.write)

    assert response.status_code == 200, response.json


def test_logits_of_a_loss_are_told_with_the_flag_that_makes_them_so(client):
    (row,) = LOSS_ADVICE

    assert row.names == "logits"
    assert details(client, "/loss", {"logits": [[2, 1, 0]]})["/logits"].endswith(row.sentence)
    assert client.post("/loss", json=row.write).json["loss"] == pytest.approx(0.4076059644443804)


@pytest.mark.parametrize(("loss", "is_told"), [("cross_entropy", True), ("kl_divergence", False)])
def test_a_prediction_above_1_is_told_of_logits_where_the_loss_takes_them(client, loss, is_told):
    found = details(client, "/loss", {"loss": loss, "predictions": [0.5, 2], "targets": [0, 1]})

    assert ('For logits write "from_logits": true.' in found["/predictions/1"]) == is_told


@pytest.mark.parametrize(
    ("name", "is_element"), [("x[0]", True), ("x(1)", True), ("x-1", False), ("[0]", False)]
)
def test_an_element_that_is_given_as_a_variable_is_told_where_it_stands(client, name, is_element):
    found = details(client, "/gradient", {"function": "x[0]**2", "variables": {name: 3}})

    hint = 'Elements stand in an array under its name, as in "x": [3, 4].'
    assert (hint in found[f"/variables/{name}"]) == is_element


def test_an_element_without_a_bound_is_told_how_it_is_written(client):
    bounds = {"x": {"lower": [None, 0], "upper": [1, "inf"]}}

    found = details(client, "/descent", START | {"bounds": bounds})

    assert found.keys() == {"/bounds/x/lower/0", "/bounds/x/upper/1"}
    assert all("An element without a bound has 1e300, as lower -1e300." in each for each in found.values())
    assert "1e300" not in details(client, "/descent", {"variables": {"x": [None]}})["/variables/x/0"]
    written = {"x": {"lower": [-1e300, 0], "upper": [1, 1e300]}}
    assert client.post("/descent", json=START | {"bounds": written}).status_code == 200


@pytest.mark.parametrize(
    ("options", "taker"),
    [
        ({"project": {"x": {"onto": "simplex"}}}, "gradient_descent, momentum and nesterov do."),
        ({"batch": {"size": 1, "of": ["X"]}}, "adam and the other update rules do."),
    ],
)
def test_an_option_that_a_search_does_not_take_is_told_with_those_that_do(client, options, taker):
    request = START | {"function": "sum(X @ x)", "constants": {"X": [[1, 2], [3, 4]]}} | options

    for search in ({"optimizer": "lbfgs"}, {"optimizer": "newton"}, {"line_search": True}):
        assert details(client, "/descent", request | search)[f"/{min(options)}"].endswith(taker)
    for name in taker.partition(" and ")[0].split(", "):
        assert client.post("/descent", json=request | {"optimizer": name}).status_code == 200


def test_a_byte_of_a_mask_that_is_neither_0_nor_1_is_refused_where_it_stands(client):
    mask = cbor2.CBORTag(40, [[2, 2], cbor2.CBORTag(64, np.array([1, 0, 2, 1], np.uint8).tobytes())])
    body = cbor2.dumps({"x": [[1, 2], [3, 4]], "mask": mask})

    response = client.post("/softmax", data=body, content_type="application/cbor")

    assert [(found["pointer"], found["detail"]) for found in response.json["errors"]] == [
        ("/mask/1/0", "Must be true or false, got the byte 2.")
    ]


@pytest.mark.parametrize("table", [FIELDS, CHOICES])
def test_other_names_stand_as_they_are_looked_up_and_lead_somewhere(table):
    fields = {name: field for schema in SCHEMAS.values() for name, field in schema.fields.items()}
    choices = {each for field in fields.values() if type(field) is Choice for each in field.choices}

    assert table.keys() <= (fields.keys() if table is FIELDS else choices | SETS.keys())
    assert [name for names in table.values() for name in names.split() if folded(name) != name] == []


FORMS = [
    pytest.param(path, name, id=f"{path}-{name}")
    for path, schema in SCHEMAS.items()
    for name in EXAMPLES
    if name in schema.fields
]

NEEDED = {
    "/jacobian": {"function": "x**2"},
    "/value": {"function": "y = 2*x[0]; y"},
    "/descent": {"constants": EXAMPLES["constants"]},
    "/descent/sweep": {"constants": EXAMPLES["constants"]},
}
"""What an example needs beside it."""


@pytest.mark.parametrize(("path", "name"), FORMS)
def test_a_value_of_the_wrong_kind_is_refused_with_an_example_that_is_accepted(client, path, name):
    right = {key: value for key, value in ENDPOINTS[path].examples[0].items() if key != "curvature"}
    right |= NEEDED.get(path, {})
    if name in ("starts", "random_starts"):
        del right["learning_rates"]
    if name == "points":
        right.pop("variables", None)
    if name == "batch":
        right |= {"function": "mean(squared_error(X @ x, t))"}

    assert f'For example "{name}": ' in details(client, path, right | {name: 5})[f"/{name}"]
    response = client.post(path, json=right | {name: EXAMPLES[name]})

    assert response.status_code == 200, response.json


@pytest.mark.parametrize(
    ("bounds", "pointer"),
    [
        ({"x": [0, 1]}, "/bounds/x"),
        ({"x": [[0, 1], [0, 1]]}, "/bounds/x"),
        ([[0, 1], [0, 1]], "/bounds"),
        ([[None, 1], [0, None]], "/bounds"),
        ({"lower": 0, "upper": 1}, "/bounds/lower"),
        ({"lb": [0, 0], "ub": [1, 1]}, "/bounds/ub"),
        ("x > 0", "/bounds"),
    ],
)
def test_bounds_as_other_libraries_write_them_are_refused_with_their_form(client, bounds, pointer):
    detail = details(client, "/descent", START | {"bounds": bounds})[pointer]

    assert detail.endswith(f" For example {members({'bounds': EXAMPLES['bounds']})}.")


@pytest.mark.parametrize(
    ("path", "name", "elsewhere"),
    [
        ("/descent", "learning_rates", "/descent/sweep"),
        ("/descent/sweep", "state", "/descent"),
        ("/sigmoid", "temperature", "/softmax"),
        ("/gradient", "optimizer", "/descent, /descent/sweep"),
        ("/gradient", "points", "/gradient/field, /value"),
    ],
)
def test_a_field_of_another_endpoint_is_refused_with_that_endpoint(client, path, name, elsewhere):
    detail = details(client, path, {name: 1})[f"/{name}"]

    assert detail == f"There is no such field. It is a field of {elsewhere}."
