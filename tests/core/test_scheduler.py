"""What a computation tells its scheduler before it does it, from which the service knows what is long."""

import itertools
import math

import numpy as np
import pytest

from service.core import descent, gradient, gradient_field, hessian, hvp, jacobian, jvp, sweep, value, vjp
from service.core.exceptions import DeadlineExceeded
from service.core.limits import Deadline, Scheduler

_numbers = itertools.count(1)


class Told(Scheduler):
    """Keeps what it is told; `waited` is for how long others are said to have computed."""

    def __init__(self, waited=0.0):
        self.seconds, self.bytes, self._waited = [], [], waited

    @property
    def waited(self):
        return self._waited

    def expect(self, seconds, peak_bytes, ends_early=False):
        self.seconds.append(seconds)
        self.bytes.append(peak_bytes)
        return True


def told_of(compute, function, point, **options):
    """Compute, and return what the scheduler was told."""
    told = Told()
    compute(function, point, deadline=Deadline(math.inf, lambda: 0.0, told), **options)
    return told


def new(terms):
    """Write a function that nobody has compiled before."""
    return " + ".join(f"sin({next(_numbers)}.5*x)*exp(x)" for _ in range(terms))


@pytest.mark.parametrize("compute", [gradient, descent, hessian])
def test_the_compilation_of_a_function_never_seen_is_announced_by_its_length(compute):
    short, long = new(3), new(60)
    of_short, of_long = (told_of(compute, text, {"x": 0.1}) for text in (short, long))
    again = told_of(compute, long, {"x": 0.1})

    parsing, compiling, *work = of_long.seconds
    assert parsing / of_short.seconds[0] == pytest.approx(len(long) / len(short))
    assert compiling > 10 * of_short.seconds[1] > 0
    assert again.seconds == work[-len(again.seconds) :]


def test_a_descent_is_announced_by_its_steps():
    function = "sum(x**2)"
    few, many = (
        told_of(descent, function, {"x": [0.5] * 9}, steps=steps).seconds[-1] for steps in (20, 2_000)
    )

    assert many == pytest.approx(100 * few)


def test_a_sweep_is_announced_by_its_runs():
    rates = [0.001 * (k + 1) for k in range(40)]
    few, many = (
        max(told_of(sweep, "sum(x**2)", {"x": [0.5] * 9}, learning_rates=rates[:count]).seconds)
        for count in (4, 40)
    )

    assert many > 2 * few


def test_a_field_is_announced_by_its_points():
    few, many = (
        told_of(gradient_field, "sum(x**2)", {"x": np.ones((count, 9))}).seconds[-1]
        for count in (1_000, 100_000)
    )

    assert many > 20 * few


def test_second_derivatives_are_announced_by_their_rows():
    function = "sum(100*(x[1:] - x[:-1]**2)**2)"
    few, many = (told_of(hessian, function, {"x": np.ones(size)}).seconds[-1] for size in (20, 600))

    assert many > 25 * few


@pytest.mark.parametrize("compute", [gradient, descent])
def test_work_is_announced_by_its_size_and_its_memory(compute):
    small, large = (told_of(compute, "sum(x*exp(x))", {"x": np.ones(size)}) for size in (1_000, 500_000))

    assert large.seconds[-1] > 50 * small.seconds[-1]
    assert large.bytes[-1] > 8 * 500_000


def test_central_differences_are_announced_by_their_evaluations_and_the_size_of_each():
    small, large = (
        told_of(gradient, "sum(x*exp(x))", {"x": np.ones(size)}, method="central").seconds[-1]
        for size in (1_000, 4_000)
    )

    assert large > 8 * small


def test_the_time_that_others_take_counts_as_any_other():
    now = [0.0]
    deadline = Deadline(1.0, lambda: now[0], Told(waited=0.5))
    assert not deadline.is_over()

    now[0] = 1.0

    assert deadline.is_over()
    with pytest.raises(DeadlineExceeded, match=r"0\.50 s of the time went by waiting"):
        deadline.check()


def test_a_descent_that_waited_for_others_says_for_how_long():
    clock = itertools.count()
    deadline = Deadline(1.0, lambda: next(clock) / 100, Told(waited=1.234))

    path = descent("x**2", {"x": 1.0}, steps=100_000, learning_rate=1e-7, deadline=deadline)

    assert path["status"] == "deadline"
    assert ", 1.23 s of the time spent waiting for other computations; send the state" in path["message"]


POINT = {"x": [1.0, 2.0]}
COMPUTED = {
    "value": lambda **more: value("x**2", POINT, **more),
    "gradient": lambda **more: gradient("sum(x**2)", POINT, **more),
    "field": lambda **more: gradient_field("x**2", POINT, **more),
    "jacobian": lambda **more: jacobian("x**2", POINT, **more),
    "product with tangents": lambda **more: jvp("x**2", POINT, POINT, **more),
    "product with cotangents": lambda **more: vjp("x**2", POINT, [1.0, 2.0], **more),
    "hessian": lambda **more: hessian("sum(x**2)", POINT, **more),
    "hessian product": lambda **more: hvp("sum(x**2)", POINT, POINT, **more),
}


@pytest.mark.parametrize("compute", COMPUTED.values(), ids=COMPUTED)
def test_a_deadline_that_has_passed_is_told_though_the_function_is_known(compute):
    compute()

    with pytest.raises(DeadlineExceeded):
        compute(deadline=Deadline(-1.0, lambda: 0.0))
