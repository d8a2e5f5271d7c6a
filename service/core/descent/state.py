"""The state of a descent as plain JSON: all that a run needs to go on, and a seal that shows damage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.core.calculus.kernel import Array, Shape
from service.core.exceptions import InvalidRequest, fault, pointer_to

VERSION = 1

KEYS = {
    "version",
    "method",
    "h",
    "function",
    "options",
    "schedule_every",
    "step",
    "start_value",
    "variables",
    "moments",
    "best",
    "seal",
}


def write_state(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain JSON of a run's content, sealed."""
    plain = _plain({"version": VERSION, **content})
    return {**plain, "seal": _seal(plain)}


def read_state(
    state: Mapping[str, Any],
    shapes: Mapping[str, Shape],
    moments: tuple[str, ...],
    expected: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of a state, its arrays as arrays.

    Parameters
    ----------
    state : mapping
        As an earlier answer gave it.
    shapes : mapping of str to tuple of int
        The variables of this request.
    moments : tuple of str
        Those of the optimizer.
    expected : mapping
        What this request asks for; the state must have been made with the same.

    Raises
    ------
    InvalidRequest
        It was damaged, or belongs to another function, method or option.
    """
    content = _plain(state)
    if not isinstance(content, dict) or set(content) != KEYS:
        raise _bad("its keys are not those of a state")
    if content["version"] != VERSION:
        raise _bad("it is of another version")
    seal = content.pop("seal")
    if seal != _seal(content):
        raise _bad("its seal does not fit its content")
    _check_same(content, _plain(dict(expected)))
    variables = {name: _array(content["variables"].get(name), shapes[name]) for name in shapes}
    best = content["best"]
    return {
        **content,
        "step": int(content["step"]),
        "schedule_every": int(content["schedule_every"]),
        "variables": variables,
        "moments": {
            moment: {name: _array(content["moments"][moment].get(name), shapes[name]) for name in shapes}
            for moment in moments
        },
        "best": {
            "step": int(best["step"]),
            "value": best["value"],
            "variables": {name: _array(best["variables"].get(name), shapes[name]) for name in shapes},
        },
    }


def _check_same(content: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Refuse a request that contradicts what the state was made with."""
    for name in ("function", "method", "h"):
        if content[name] != expected[name]:
            was = "another function" if name == "function" else f"{name} {content[name]}"
            asked = "this one" if name == "function" else f"{name} {expected[name]}"
            raise InvalidRequest(fault("contradicts-state", pointer_to(name), expected=was, got=asked))
    for name in sorted({*content["options"], *expected["options"]}):
        was, asked = content["options"].get(name), expected["options"].get(name)
        if was != asked:
            raise InvalidRequest(
                fault("contradicts-state", pointer_to(name), expected=f"{name} {was}", got=f"{name} {asked}")
            )


def _array(value: Any, shape: Shape) -> Array:
    """Return an array of a state; its variable in this request must have the same shape."""
    array = np.asarray(np.nan if value is None else value, dtype=np.float64)
    if value is None or array.shape != shape:
        raise _bad("its variables have other names or shapes than this request's")
    return array


def _bad(why: str) -> InvalidRequest:
    return InvalidRequest(fault("bad-state", "/state", why=why))


def _plain(value: Any) -> Any:
    """Turn arrays into lists, all numbers into floats, so that every JSON reader's output is the same."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return np.asarray(value, dtype=np.float64).tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value


def _seal(content: Mapping[str, Any]) -> str:
    """Hash the content; numbers by their bits."""
    digest = hashlib.sha256()
    waiting: list[Any] = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            digest.update(f"{{{len(value)}".encode())
            for key in sorted(value, reverse=True):
                waiting += [value[key], f"key {key}"]
        elif isinstance(value, list):
            digest.update(f"[{len(value)}".encode())
            waiting += reversed(value)
        else:
            text = value.hex() if isinstance(value, float) else repr(value)
            digest.update(f"{text};".encode())
    return digest.hexdigest()[:32]


def fingerprint(function: str) -> str:
    """Name a function's text."""
    return hashlib.sha256(function.encode()).hexdigest()[:32]
