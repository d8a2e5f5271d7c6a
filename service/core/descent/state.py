"""The state of a descent as plain JSON: all that a run needs to go on, and a seal that shows damage.

The seal is a hash without a key: it finds what was changed by accident. Whoever forges a state gets
the descent of the state that they forged, which they could have asked for as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, repeat
from struct import Struct
from typing import Any

import numpy as np

from service.core.arrays import Array, Shape
from service.core.descent.optimizers import Optimizer
from service.core.exceptions import InvalidRequest, fault, pointer_to, quote_text

VERSION = 2
"""To be raised when the keys of a state, or what they mean, change."""

KEYS = {
    "version",
    "function",
    "method",
    "h",
    "options",
    "step",
    "start_value",
    "variables",
    "moments",
    "numbers",
    "best",
    "seal",
}


DIGITS = 32
"""Digits of a hash that a seal has."""
NUMBER = Struct("=d").pack
ZERO = np.zeros(())
"""Makes 0 of -0, which JavaScript writes alike; an array, as NumPy takes longer with Python's own."""
SMALL = 1_000
"""Elements of an array up to which its bytes are collected with those of others."""
KNOWN_ORDERS = 256
"""Most sets of keys whose order is cached: those of every state, and some of variables."""


Order = Callable[..., list[tuple[str, bytes, bytes]]]
Piece = Any
"""Bytes of a state, or a list of those of several runs where these differ."""


@dataclass(frozen=True, slots=True)
class Column:
    """What differs between the contents of several runs: of each its number, or array of the same shape."""

    values: Sequence[Any]


def write_state(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's content, sealed."""
    state = {"version": VERSION, **content}
    state["seal"] = _seal(state, _known_order)
    return state


def write_states(contents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the contents of runs that differ in numbers alone, sealed: what they share is laid out once."""
    states = [{"version": VERSION, **content} for content in contents]
    parts: list[Piece] = [b"{%d" % len(states[0])]
    _lay_out(_merged(states), parts, _known_order)
    columns: list[Iterable[bytes]] = []
    for is_shared, group in groupby(parts, lambda part: isinstance(part, bytes)):
        some = [*group]
        columns += [repeat(b"".join(some), len(states))] if is_shared else some
    for state, row in zip(states, zip(*columns, strict=True), strict=True):
        state["seal"] = hashlib.sha256(b"".join(row)).hexdigest()[:DIGITS]
    return states


def _merged(values: Sequence[Any]) -> Any:
    """Return contents of the same kind as one, with columns where they differ."""
    first = values[0]
    if isinstance(first, Mapping):
        return {key: _merged([value[key] for value in values]) for key in first}
    is_shared = type(first) is not np.ndarray and values.count(first) == len(values)
    return first if is_shared else Column(values)


def length_of(state: Mapping[str, Any]) -> int:
    """Return the length of the schedule in a state that is still to be verified."""
    options = state.get("options")
    length = options.get("schedule_every") if isinstance(options, Mapping) else None
    return int(length) if isinstance(length, int | float) else 0


def read_state(
    state: Mapping[str, Any],
    shapes: Mapping[str, Shape],
    optimizer: Optimizer,
    binding: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of a state, its tensors as arrays.

    Parameters
    ----------
    state : mapping
        As an earlier answer gave it.
    shapes : mapping of str to tuple of int
        The variables of this request.
    optimizer : Optimizer
        Whose moments it holds.
    binding : mapping
        Function, method, h and options of this request; the state must have been made with the same.

    Raises
    ------
    InvalidRequest
        It was damaged, or belongs to another function, method or option.
    """
    try:
        _verify(state)
        _check_same(state, binding)
        return {**binding, **_progress(state, shapes, optimizer)}
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise _bad("its content is not that of a state") from error


def _verify(state: Mapping[str, Any]) -> None:
    """Refuse what was not sealed as it is."""
    if set(state) != KEYS:
        raise _bad("its keys are not those of a state")
    if state["version"] != VERSION:
        raise _bad("it is of another version")
    if state["seal"] != _seal({key: value for key, value in state.items() if key != "seal"}):
        raise _bad("its seal does not fit its content")


def _progress(state: Mapping[str, Any], shapes: Mapping[str, Shape], optimizer: Optimizer) -> dict[str, Any]:
    """Return how far the run of a state has come."""
    best, moments = state["best"], state["moments"]
    stacks = {name: _stacked(moments[name], shapes) for name in optimizer.stacks if name in moments}
    if len({len(tensor) for stack in stacks.values() for tensor in stack.values()}) > 1:
        raise _bad("its steps and changes are not equally many")
    return {
        "step": int(state["step"]),
        "start_value": float(state["start_value"]),
        "variables": _tensors(state["variables"], shapes),
        "moments": {name: _tensors(moments[name], shapes) for name in optimizer.moments} | stacks,
        "numbers": {name: float(number) for name, number in state["numbers"].items()},
        "best": {
            "step": int(best["step"]),
            "value": float(best["value"]),
            "variables": _tensors(best["variables"], shapes),
        },
    }


def _tensors(given: Mapping[str, Any], shapes: Mapping[str, Shape]) -> dict[str, Array]:
    """Return arrays by name; this request's variables must have the same names and shapes."""
    arrays = {name: np.asarray(tensor, dtype=np.float64) for name, tensor in given.items()}
    if {name: array.shape for name, array in arrays.items()} != dict(shapes):
        raise _bad("its variables have other names or shapes than this request's")
    return {name: arrays[name] for name in shapes}


def _stacked(given: Mapping[str, Any], shapes: Mapping[str, Shape]) -> dict[str, Array]:
    """Return tensors of equal number, stacked along a first axis."""
    lengths = {name: len(tensor) for name, tensor in given.items()}
    return _tensors(given, {name: (lengths[name], *shape) for name, shape in shapes.items()})


DECIDING = ("optimizer", "line_search", "schedule")
"""Options that decide which others count, so that a contradiction names these first."""


def _check_same(state: Mapping[str, Any], binding: Mapping[str, Any]) -> None:
    """Refuse a request that contradicts what the state was made with."""
    if state["function"] != binding["function"]:
        raise _contradiction("function", "another function than this request gives")
    for name in ("method", "h"):
        _check_option(name, state[name], binding[name])
    made, asked = state["options"], binding["options"]
    for name in sorted({*made, *asked}, key=lambda name: (name not in DECIDING, name)):
        _check_option(name, made.get(name), asked.get(name))


def _check_option(name: str, made: Any, asked: Any) -> None:
    if _seal({name: made}) == _seal({name: asked}):
        return
    if isinstance(made, dict | list | tuple) or isinstance(asked, dict | list | tuple):
        raise _contradiction(name, f"another value of {name} than this request gives")
    raise _contradiction(name, f"{name} {_shown(made)}, this request asks for {name} {_shown(asked)}")


def _contradiction(name: str, contradicted: str) -> InvalidRequest:
    return InvalidRequest(fault("contradicts-state", pointer_to(name), expected=contradicted))


def _shown(value: Any) -> str:
    """Show an option that is a word, a number, true, false or null as the client writes it."""
    return quote_text(value) if isinstance(value, str) else json.dumps(value)


def _bad(why: str) -> InvalidRequest:
    return InvalidRequest(fault("bad-state", "/state", why=why))


def _order(*keys: str) -> list[tuple[str, bytes, bytes]]:
    """Return the keys of a mapping in order, each with its bytes and with those before a number."""
    return [(key, f"{key!r}:".encode(), f"{key!r}:();".encode()) for key in sorted(keys)]


_known_order = lru_cache(KNOWN_ORDERS)(_order)
"""The same for keys of a run, of which there are few; what a client sends is not kept."""


def _seal(content: Mapping[str, Any], order: Order = _order) -> str:
    """Hash the content: numbers by their bits as float64, so that every JSON reader's output is the same."""
    seal, parts = hashlib.sha256(), [b"{%d" % len(content)]
    _lay_out(content, parts, order, seal)
    seal.update(b"".join(parts))
    return seal.hexdigest()[:DIGITS]


def _lay_out(content: Mapping[str, Any], parts: list[Piece], order: Order, seal: Any = None) -> None:
    """Write what a mapping holds as bytes that tell it from all else; large arrays go into a seal at once."""
    for key, name, before_number in order(*content):
        value = content[key]
        kind = type(value)
        if kind is float or kind is int or kind is bool:  # as an array would be, at a tenth of the cost
            parts += before_number, NUMBER(value + 0.0)
        elif value is None:
            parts += name, b"None;"
        elif kind is str:
            parts += name, b"%a;" % value
        elif kind is dict:
            parts += name, b"{%d" % len(value)
            if value:
                _lay_out(value, parts, order, seal)
        elif kind is Column:
            stacked = np.array(value.values, dtype=np.float64) + ZERO
            flat, width = stacked.tobytes(), stacked.nbytes // len(stacked)
            rows = [flat[at : at + width] for at in range(0, len(flat), width)]
            parts += name, b"%a;" % (stacked.shape[1:],), rows
        else:
            numbers = value if kind is np.ndarray else np.asarray(value, dtype=np.float64)
            array = numbers + ZERO
            parts += name, b"%a;" % (array.shape,)
            if array.size <= SMALL or seal is None:
                parts.append(array.tobytes())
                continue
            seal.update(b"".join(parts))
            seal.update(np.ascontiguousarray(array).data)
            parts.clear()
