"""Differentiating again, batching, and both together, for every operation of the table."""

import ast
import dataclasses
import inspect

import numpy as np
import pytest

from service.core.calculus import batch as batching_of_programs
from service.core.calculus import buffers, lowering, reverse, tiles
from service.core.calculus.batch import batch
from service.core.calculus.inputs import array_data
from service.core.calculus.reverse import differentiate, pull_back, push_forward
from service.core.language.operations import FUNCTIONS, OPERATIONS
from service.core.language.parser import parse_function
from service.core.language.program import Program, check_function
from service.core.limits import DEFAULT_LIMITS
from tests.core import tolerances
from tests.core.array_functions import array_function
from tests.core.operation_cases import CASES, Case

WITHOUT_DERIVATIVE = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}


def program_of(text: str, shapes) -> Program:
    return check_function(parse_function(text, DEFAULT_LIMITS), shapes, {}, DEFAULT_LIMITS)


def weighed(case: Case) -> Program:
    """Weigh the elements of the expression's value, so that each has a cotangent of its own."""
    return program_of(f"y = {case.expression}; sum(y * (1 + 0.5 * sin(3 * y)))", case.shapes)


def with_inputs(program: Program, **tensors) -> Program:
    """Add inputs of a transformation's own to those of the program."""
    return dataclasses.replace(program, variables=program.variables | tensors)


def run(program: Program, outputs, *arguments) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return list(array_function(program, outputs)(**array_data(program, {}, lambda: None))(*arguments))


def tangents_of(program: Program) -> dict:
    return {
        f"tangent/{name}": program.graph.input(f"tangent/{name}", term.shape, True)
        for name, term in program.variables.items()
    }


def draw(shapes, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(100 + seed)
    return [random.normal(size=shape) for shape in shapes]


def assert_close(got, expected, tolerance: float) -> None:
    for mine, theirs in zip(got, expected, strict=True):
        mine, theirs = np.broadcast_arrays(mine, theirs)
        scale = float(np.max(np.abs(theirs), initial=0.0))
        assert np.max(np.abs(mine - theirs), initial=0.0) <= tolerance * scale + 1e-290


def test_every_operation_has_derivatives_and_a_rule_for_a_leading_axis():
    for row in OPERATIONS.values():
        if row.is_macro:
            continue
        assert len(row.derivatives) == len(row.operands), row.name
        assert row.name in WITHOUT_DERIVATIVE or not row.operands or row.is_elementwise or row.batch, row.name


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_hessian_times_a_vector_is_the_difference_of_exact_gradients(case: Case):
    program, names = weighed(case), list(case.shapes)
    variables = list(program.variables.values())
    gradient = list(differentiate(program).values())
    tangents = tangents_of(program)
    products = pull_back(gradient, list(tangents.values()), variables)
    extended = with_inputs(program, **tangents)
    for seed in range(2):
        point, directions = case.point(seed), draw(case.shapes.values(), seed)

        def slopes(step: float, point=point, directions=directions) -> list[np.ndarray]:
            moved = [point[name] + step * v for name, v in zip(names, directions, strict=True)]
            return [
                np.broadcast_to(g, s)
                for g, s in zip(run(program, gradient, *moved), case.shapes.values(), strict=True)
            ]

        h = 1e-4
        wide = [(a - b) / (2 * h) for a, b in zip(slopes(h), slopes(-h), strict=True)]
        narrow = [(a - b) / h for a, b in zip(slopes(h / 2), slopes(-h / 2), strict=True)]
        expected = [(4 * n - w) / 3 for n, w in zip(narrow, wide, strict=True)]

        got = run(extended, products, *point.values(), *directions)

        largest = max([1e-3, *(float(np.max(np.abs(each), initial=0.0)) for each in slopes(0.0))])
        for mine, theirs in zip(got, expected, strict=True):
            scale = max(largest, float(np.max(np.abs(theirs), initial=0.0)))
            assert np.max(np.abs(mine - theirs), initial=0.0) <= tolerances.CENTRAL * scale


@pytest.mark.parametrize("case", CASES, ids=str)
def test_products_from_both_sides_of_the_jacobian_agree(case: Case):
    program = program_of(case.expression, case.shapes)
    variables = list(program.variables.values())
    tangents = tangents_of(program)
    cotangent = program.graph.input("given", program.value.shape, True)
    forward = push_forward([program.value], variables, list(tangents.values()))
    backward = pull_back([program.value], [cotangent], variables)
    extended = with_inputs(program, **tangents, given=cotangent)
    for seed in range(2):
        directions, (u,) = draw(case.shapes.values(), seed), draw([program.value.shape], seed + 7)
        arguments = (*case.point(seed).values(), *directions, u)

        (along,) = run(extended, forward, *arguments)
        across = run(extended, backward, *arguments)

        terms = [np.sum(u * along), *(np.sum(a * v) for a, v in zip(across, directions, strict=True))]
        scale = np.sum(np.abs(u * along)) + sum(
            np.sum(np.abs(a * v)) for a, v in zip(across, directions, strict=True)
        )
        assert abs(terms[0] - sum(terms[1:])) <= tolerances.EXACT * scale


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_batch_is_its_points_one_by_one(case: Case):
    program = weighed(case)
    variables = list(program.variables.values())
    gradient = list(differentiate(program).values())
    tangents = tangents_of(program)
    products = pull_back(gradient, list(tangents.values()), variables)
    outputs = [program.value, *gradient, *products]
    extended = with_inputs(program, **tangents)
    count, names = 3, list(extended.variables)
    points = [[*case.point(seed).values(), *draw(case.shapes.values(), seed)] for seed in range(count)]
    for chosen in (names, names[:1], names[len(names) // 2 :]):
        arguments = [
            np.stack([point[place] for point in points]) if name in chosen else points[0][place]
            for place, name in enumerate(names)
        ]

        got = run(*batch(extended, outputs, chosen, count), *arguments)

        for row in range(count):
            own = [
                points[row][place] if name in chosen else points[0][place] for place, name in enumerate(names)
            ]
            expected = run(extended, outputs, *own)
            for mine, theirs, term in zip(got, expected, outputs, strict=True):
                assert np.shape(mine) == (count, *term.shape)
                assert_close([mine[row]], [theirs], tolerances.BATCHES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tanh_derivative", "tanh(x)"),
        ("sigmoid_derivative", "sigmoid(x)"),
        ("ratio_or_zero", "norm(x)"),
        ("sin", "cos(x)"),
    ],
)
def test_the_check_fails_on_a_second_derivative_that_is_wrong_by_a_thousandth(monkeypatch, name, text):
    right = OPERATIONS[name].derivatives[0]
    rules = (lambda *arguments: right(*arguments) * 1.001, *OPERATIONS[name].derivatives[1:])
    wrong = dataclasses.replace(OPERATIONS[name], derivatives=rules)
    monkeypatch.setitem(OPERATIONS, name, wrong)
    monkeypatch.setitem(FUNCTIONS, name, wrong)

    with pytest.raises(AssertionError):
        test_the_hessian_times_a_vector_is_the_difference_of_exact_gradients(Case("", text))


@pytest.mark.parametrize("module", [reverse, batching_of_programs, lowering, buffers, tiles])
def test_a_transformation_knows_no_operation_by_name(module):
    tree = ast.parse(inspect.getsource(module))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}

    assert texts.isdisjoint(OPERATIONS)
