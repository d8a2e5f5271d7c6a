"""What a status means for this run, and what to do about it, in a sentence."""

from __future__ import annotations

from collections.abc import Callable

from service.core.descent.options import Options
from service.core.descent.run import Run
from service.core.limits import WORTH_TELLING_SECONDS


def message_of(run: Run, options: Options, start_value: float, *, is_hidden: bool) -> str:
    """Put the outcome of a run into a sentence.

    Parameters
    ----------
    is_hidden : bool
        Whether differences that would exceed the tolerance vanish beside the value.
    """
    if run.status == "stalled" and is_hidden:
        return (
            f"Stalled at step {run.point.step}: beside the value {run.point.value:.4g} differences of the "
            "tolerance's size are lost in rounding; use method exact, or a larger h."
        )
    sentence = SENTENCES[run.status](run, options, start_value)
    if run.point.value > start_value and not run.point.is_beyond_bound:
        return f"The value rose from {start_value:.4g} to {run.point.value:.4g}. {sentence}"
    return sentence


def _max_steps(run: Run, options: Options, start_value: float) -> str:
    point = run.point
    return (
        f"All {point.step - run.first} steps were run; the value went from {start_value:.4g} to "
        f"{point.value:.4g}, the gradient's norm is {point.gradient_norm:.3g}."
    )


def _convergence(run: Run, options: Options, start_value: float) -> str:
    slope = "projected gradient" if options.given_bounds else "gradient"
    return (
        f"Converged at step {run.point.step}: no element of the {slope} is larger than the tolerance "
        f"{options['tolerance']!r}."
    )


def _deadline(run: Run, options: Options, start_value: float) -> str:
    waited = run.deadline.waited
    why = ""
    if waited >= WORTH_TELLING_SECONDS:
        why = f", {waited:.2f} s of the time spent waiting for other computations"
    return f"The deadline came after step {run.point.step}{why}; send the state to go on from there."


def _divergence(run: Run, options: Options, start_value: float) -> str:
    point = run.point
    if point.is_beyond_bound:
        what = f"the value grew from {start_value:.4g} to {point.value:.4g}"
    else:
        what = f"after the value {point.value:.4g} something was not finite: value, gradient or variables"
    return f"Diverged at step {point.step}: {what}; try a learning_rate below {options['learning_rate']:g}."


def _stall(run: Run, options: Options, start_value: float) -> str:
    if run.point.has_gradient:
        why = "is too small to change any variable; a larger learning_rate may go on"
        if options.given_bounds:
            why = "changes no variable: it is too small, or leads out of the bounds"
        return f"Stalled at step {run.point.step}: an update {why}."
    return (
        f"Stalled at step {run.point.step}: the gradient is exactly zero, "
        "at a stationary point or on a plateau."
    )


SENTENCES: dict[str, Callable[[Run, Options, float], str]] = {
    "max_steps": _max_steps,
    "converged": _convergence,
    "deadline": _deadline,
    "diverged": _divergence,
    "stalled": _stall,
}
"""What to say of each status."""
