"""A line search for the strong Wolfe conditions, by safeguarded cubic interpolation.

It is Moré and Thuente's search. Near a minimum, where a decrease is lost in the rounding of the
value, derivatives alone decide: the approximate Wolfe conditions of Hager and Zhang.

References
----------
Moré and Thuente, Line search algorithms with guaranteed sufficient decrease, ACM Transactions on
Mathematical Software 20 (1994). Hager and Zhang, A new conjugate gradient method with guaranteed descent
and an efficient line search, SIAM Journal on Optimization 16 (2005), for the approximate conditions.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from math import isfinite
from typing import Any, NamedTuple

DECREASE = 1e-4
"""Share of the decrease that the derivative promises which a step must bring (the first Wolfe condition)."""
CURVATURE = 0.9
"""Share of the derivative's size that may be left at the step (the second Wolfe condition)."""
EXTRAPOLATION = 4.0
"""How many times farther than the last trial the next may be, as long as no minimum is enclosed."""
SHORTENING = 0.1
"""How far towards the last finite trial the next one goes when a trial was not finite."""
SHRINKING = 0.66
"""An interval that shrinks by less than this in two trials is halved."""
NARROWEST = 1e-10
"""Width of the interval, relative to its larger end, at which the search gives up on the conditions."""
MOST_TRIALS = 30
ROUNDING = 4.0 * sys.float_info.epsilon
"""A change of the value by this share of itself may be rounding."""


class Trial(NamedTuple):
    """A point of the line: the step to it, value and derivative there, and what was computed."""

    step: float
    value: float
    derivative: float
    found: Any = None


make_trial = partial(tuple.__new__, Trial)
"""Makes a trial of a tuple of its parts, at half the cost of calling the class."""


def search_line(
    evaluate: Callable[[float], Trial], start: Trial, step: float, longest: float
) -> Trial | None:
    """Find a step that satisfies the strong Wolfe conditions, or at least lowers the value enough.

    Parameters
    ----------
    evaluate : callable
        From a step to its trial; value or derivative may be infinite or NaN.
    start : Trial
        Of step 0; its derivative is negative.
    step : float
        The first step to try, above 0.
    longest : float
        The longest step, may be infinite.

    Returns
    -------
    Trial or None
        None when no step lowers the value.

    Notes
    -----
    One evaluation of value and derivative for each trial, at most `MOST_TRIALS` and usually one or two.
    A trial that is not finite is a step too long, never the end.
    """
    low: Trial = start
    high: Trial | None = None
    is_first_stage = True
    width = before = math.inf
    for _ in range(MOST_TRIALS):
        trial = evaluate(step)
        _, value, derivative, _ = trial
        if not (isfinite(value) and isfinite(derivative)):
            reach = step - low.step
            high, longest, step = None, low.step + reach / 2.0, low.step + SHORTENING * reach
            if step == low.step:
                break
            continue
        wanted = start.value + DECREASE * step * start.derivative
        if value <= wanted and abs(derivative) <= -CURVATURE * start.derivative:
            return trial
        if _is_accepted(start, trial, wanted, longest):
            return trial
        is_first_stage &= value > wanted or derivative < 0.0
        is_tilted = is_first_stage and wanted < value <= low.value
        low, high, step = _narrowed(low, high, trial, longest, DECREASE * start.derivative * is_tilted)
        if high is None:
            if step == low.step:
                break
            continue
        narrow = abs(high.step - low.step)
        if narrow >= SHRINKING * before:
            step = (low.step + high.step) / 2.0
        before, width = width, narrow
        if narrow <= NARROWEST * max(low.step, high.step):
            break
    return low if low.step > 0.0 and low.value < start.value else None


def _is_accepted(start: Trial, trial: Trial, wanted: float, longest: float) -> bool:
    """Tell whether a trial is as far as can be gone, or satisfies the Wolfe conditions up to rounding."""
    initial = start.derivative
    if trial.value <= wanted:
        return trial.step >= longest and trial.derivative <= DECREASE * initial
    is_level = trial.value <= start.value + ROUNDING * abs(start.value)
    return is_level and (2.0 * DECREASE - 1.0) * initial >= trial.derivative >= CURVATURE * initial


def _narrowed(
    low: Trial, high: Trial | None, trial: Trial, longest: float, tilt: float
) -> tuple[Trial, Trial | None, float]:
    """Update the interval by a trial, and choose the next step inside it.

    `tilt` is taken off values and derivatives while the search is still after a sufficient decrease.
    """
    a, b, c = low, high, trial
    if tilt:
        a, b, c = _tilted(low, tilt), high and _tilted(high, tilt), _tilted(trial, tilt)
    step = _interpolated(a, b, c, longest)
    if c.value > a.value:
        low, high = low, trial
    elif c.derivative * a.derivative < 0.0:
        low, high = trial, low
    else:
        low, high = trial, high
    if high is None:
        return low, high, step
    is_inside = low.step < step < high.step or high.step < step < low.step
    return low, high, step if is_inside else (low.step + high.step) / 2.0


def _tilted(trial: Trial, tilt: float) -> Trial:
    return Trial(trial.step, trial.value - tilt * trial.step, trial.derivative - tilt)


def _interpolated(low: Trial, high: Trial | None, trial: Trial, longest: float) -> float:
    """Choose the next step: Moré and Thuente's four cases."""
    if trial.value > low.value:  # a minimum lies between: the cubic, or its mean with the parabola
        cubic, square = _cubic(low, trial), _parabola(low, trial)
        return cubic if abs(cubic - low.step) < abs(square - low.step) else (cubic + square) / 2.0
    if trial.derivative * low.derivative < 0.0:  # the derivative changes its sign
        cubic, secant = _cubic(trial, low), _secant(low, trial)
        return cubic if abs(cubic - trial.step) > abs(secant - trial.step) else secant
    if high is None:
        return _beyond(low, trial, longest)
    if abs(trial.derivative) < abs(low.derivative):  # the derivative shrinks
        cubic, secant = _cubic(trial, low), _secant(low, trial)
        if not (cubic - trial.step) * (trial.step - low.step) > 0.0:
            cubic = high.step
        choice = cubic if abs(cubic - trial.step) < abs(secant - trial.step) else secant
        edge = trial.step + SHRINKING * (high.step - trial.step)
        return min(choice, edge) if trial.step > low.step else max(choice, edge)
    return _cubic(trial, high)


def _beyond(low: Trial, trial: Trial, longest: float) -> float:
    """Choose a step farther out, as long as no minimum is enclosed."""
    move = trial.step - low.step
    nearest, farthest = trial.step + 1.1 * move, min(longest, trial.step + EXTRAPOLATION * move)
    if not abs(trial.derivative) < abs(low.derivative):
        return farthest
    cubic, secant = _cubic(trial, low), _secant(low, trial)
    choice = max(cubic, secant) if cubic > trial.step else farthest
    return min(max(choice, nearest), farthest)


def _cubic(a: Trial, b: Trial) -> float:
    """Return the minimiser of the cubic through values and derivatives of two trials."""
    theta = 3.0 * (a.value - b.value) / (b.step - a.step) + a.derivative + b.derivative
    scale = max(abs(theta), abs(a.derivative), abs(b.derivative))
    if not 0.0 < scale < math.inf:
        return math.nan
    inner = (theta / scale) ** 2 - (a.derivative / scale) * (b.derivative / scale)
    root = math.copysign(scale * math.sqrt(max(inner, 0.0)), b.step - a.step)
    below = root - a.derivative + root + b.derivative
    if below == 0.0:
        return math.nan
    return a.step + (root - a.derivative + theta) / below * (b.step - a.step)


def _parabola(a: Trial, b: Trial) -> float:
    """Return the minimiser of the parabola through two values and the first derivative; NaN of a line."""
    width = b.step - a.step
    below = (a.value - b.value) / width + a.derivative
    return a.step + a.derivative / below / 2.0 * width if below else math.nan


def _secant(a: Trial, b: Trial) -> float:
    """Return the minimiser of the parabola through two derivatives."""
    return b.step + b.derivative / (a.derivative - b.derivative) * (b.step - a.step)
