"""What a status means for this run, and what to do about it, in a sentence."""

from __future__ import annotations

from service.core.descent.options import GROWTH, Options
from service.core.descent.run import Run


def message_of(run: Run, options: Options, start_value: float, gradient_norm: float) -> str:
    """Put the outcome of a run into a sentence."""
    step, value = run.step, run.point.value
    slope = "projected gradient" if options.bounds else "gradient"
    words = {
        "max_steps": f"All {run.step - run.first} steps were run; the value went from {start_value:.4g} to "
        f"{value:.4g}, the gradient's norm is {gradient_norm:.3g}.",
        "converged": f"Converged at step {step}: no element of the {slope} is larger than the tolerance "
        f"{options.tolerance!r}.",
        "deadline": f"The deadline came after step {step}; send the state to go on from there.",
        "diverged": _divergence(run, options, start_value),
        "stalled": _stall(run, gradient_norm),
    }
    return words[run.status]


def _divergence(run: Run, options: Options, start_value: float) -> str:
    value = run.point.value
    advice = f"try a learning_rate below {options.learning_rate:g}"
    if value is not None and abs(value) > GROWTH * max(1.0, abs(start_value)):
        grew = f"the value grew from {start_value:.4g} to {value:.4g}"
    else:
        grew = f"after it value, gradient or variables were not finite; the value was {value:.4g}"
    return f"Diverged at step {run.step}: {grew}; {advice}."


def _stall(run: Run, gradient_norm: float) -> str:
    if gradient_norm == 0.0:
        return (
            f"Stalled at step {run.step}: the gradient is exactly zero, "
            "at a stationary point or on a plateau."
        )
    return (
        f"Stalled at step {run.step}: an update is too small to change any variable; "
        "a larger learning_rate may go on."
    )
