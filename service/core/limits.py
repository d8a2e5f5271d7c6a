"""The limits of a computation, and its deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import NoReturn, TypeVar

from service.core.exceptions import DeadlineExceeded, fault

MIB = 1024 * 1024

LARGEST = 2**53 - 1
"""Largest number a setting takes: the largest whole number that every JSON reader keeps exactly."""


def limit(default: int, unit: str, meaning: str, low: int = 1, high: int = LARGEST) -> int:
    """One row: the field's name is the limit's name, its metadata the rest."""
    row: int = field(default=default, metadata={"unit": unit, "meaning": meaning, "low": low, "high": high})
    return row


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force of a computation; each is a row, see `limit`.

    `service.limits` adds those of requests and answers.
    """

    function_characters: int = limit(4096, "characters", "a function's text")
    function_tokens: int = limit(2000, "tokens", "a function's tokens")
    function_nesting: int = limit(64, "levels", "nested parentheses, brackets and calls")
    function_operations: int = limit(
        20_000, "operations", "a function's operations after its loops and functions are expanded"
    )
    names: int = limit(64, "names", "names in variables, and in constants")
    rank: int = limit(8, "axes", "an array's axes", high=32)  # NumPy has 64, which a Hessian doubles to
    elements: int = limit(1_000_000, "elements", "one array")
    peak_bytes: int = limit(256 * MIB, "bytes", "planned peak memory of a request")
    operations: int = limit(
        5_000_000_000, "operations", "planned work of a request; a descent's counts one step"
    )
    operations_at_once: int = limit(
        100_000_000, "operations", "planned work of a single operation, which no deadline interrupts"
    )
    deadline_default_ms: int = limit(5_000, "milliseconds", "time for a request that names no deadline_ms")
    deadline_ms: int = limit(25_000, "milliseconds", "the longest time that deadline_ms can ask for")
    steps: int = limit(100_000, "steps", "a descent's steps")
    history: int = limit(1_000, "records", "a descent's history")
    sweep: int = limit(64, "runs", "learning rates in a sweep")

    @property
    def of_functions(self) -> tuple[int, ...]:
        """What a function is held against when it is compiled: the same function with others is another."""
        bounds = self.function_characters, self.function_tokens, self.function_nesting
        return *bounds, self.function_operations, self.rank


DEFAULT_LIMITS = Limits()


def setting_of(name: str) -> str:
    """Name the environment variable that sets a limit.

    >>> setting_of("peak_bytes")
    'KOBAI_PEAK_BYTES'
    """
    return f"KOBAI_{name.upper()}"


def describe_limits(limits: Limits) -> dict[str, dict[str, object]]:
    """List every limit in force: name to value, unit, setting and meaning."""
    return {
        row.name: {
            "value": getattr(limits, row.name),
            "unit": row.metadata["unit"],
            "setting": setting_of(row.name),
            "meaning": row.metadata["meaning"],
        }
        for row in fields(limits)
    }


class Overloaded(Exception):
    """There is no place for a computation; the message says why."""


class Scheduler:
    """Decides when a computation goes on, where several share a process; this one never holds it up.

    A computation says before costly work what it will take, and passes a yield point wherever it looks
    at the clock. What comes of that is the business of whoever runs it.
    """

    @property
    def waited(self) -> float:
        """Seconds for which the computation was held up so far."""
        return 0.0

    def attach(self, deadline: Deadline) -> None:
        """Learn the deadline of the computation, before anything is computed."""

    def give_way(self) -> None:
        """Let others compute, if they are to go first; return when it is this computation's turn."""

    def expect(self, seconds: float, peak_bytes: float, ends_early: bool = False) -> bool:
        """Take note of the price of the work that comes next; tell whether there is room for it in time.

        Raises
        ------
        Overloaded
            There is no place for work of its kind.
        """
        return True

    def finish(self) -> None:
        """Take note that nothing more is computed."""


T = TypeVar("T")

Check = Callable[[], None]
"""Called between operations: raises when the time is up, or nobody waits any more."""


class Deadline:
    """A moment after which work stops, by a clock that the caller brings.

    Whatever looks at it is a yield point: the scheduler may let other computations go first.

    Parameters
    ----------
    seconds : float
        Time from now on; ``inf`` never ends.
    clock : callable
        Returns seconds, monotonically; `time.monotonic` in the service.
    scheduler : Scheduler, optional
        Told at every yield point; by default nothing comes of it.
    """

    def __init__(
        self, seconds: float, clock: Callable[[], float], scheduler: Scheduler | None = None
    ) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._reserved = 0.0  # apart from the end, which another thread may set: `cancel`
        self._scheduler = scheduler or Scheduler()
        self._scheduler.attach(self)

    @property
    def waited(self) -> float:
        """Seconds for which the computation was held up by others."""
        return self._scheduler.waited

    def now(self) -> float:
        """Read the clock, in seconds."""
        return self._clock()

    def worked(self) -> float:
        """Read the clock as if it had stood still while others computed, in seconds."""
        return self._clock() - self._scheduler.waited

    def is_over(self) -> bool:
        """Tell whether the time is up or the work was cancelled."""
        self._scheduler.give_way()
        return self._clock() >= self._end - self._reserved

    def remaining(self) -> float:
        """Seconds left, negative when over."""
        return self._end - self._reserved - self._clock()

    def reserve(self, seconds: float) -> None:
        """End sooner, to have time for what comes after; at most by half of what is left."""
        self._reserved += max(0.0, min(seconds, self.remaining() / 2))

    def cancel(self) -> None:
        """End it now: the client went away."""
        self._end = float("-inf")

    def check(self, grace: float = 0.0) -> None:
        """Raise `DeadlineExceeded` when the time is up, or was up so many seconds ago."""
        if self.is_over() and self._clock() >= self._end - self._reserved + grace:
            self._raise()

    def expect(self, seconds: float, peak_bytes: float = 0, ends_early: bool = False) -> None:
        """Announce work by its price, and wait until there is room for it.

        Parameters
        ----------
        seconds : float
            Estimated processor time.
        peak_bytes : float
            Memory that it takes at a time.
        ends_early : bool
            Whether the time is the most that it can take, as that of a descent, which may arrive.

        Raises
        ------
        DeadlineExceeded
            The time was up before there was room.
        """
        if not self._scheduler.expect(seconds, peak_bytes, ends_early):
            self._raise()

    def _raise(self) -> NoReturn:
        if self.waited < WORTH_TELLING_SECONDS:
            raise DeadlineExceeded(fault("deadline"))
        raise DeadlineExceeded(fault("deadline-waiting", waited=f"{self.waited:.2f}"))

    def finish(self) -> None:
        """Say that nothing more is computed, where the request goes on after that."""
        self._scheduler.finish()


WORTH_TELLING_SECONDS = 0.05
"""A wait for other computations that explains why there was no time left."""

NO_DEADLINE = Deadline(float("inf"), lambda: 0.0)
"""A deadline that never comes, for callers that bring no clock."""

_CHECK: ContextVar[Check | None] = ContextVar("check", default=None)


@contextmanager
def timed_by(check: Check) -> Iterator[None]:
    """Let `look` call a check, so that whatever works on a long program ends when the time is up."""
    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)


def look() -> None:
    """Look at the clock of the request that is served, if there is one; whoever waits may go first."""
    if check := _CHECK.get():
        check()


LOOKED_AT = 64
"""Operations of a program between two looks, less than a millisecond's work."""


def paced(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and look at the clock now and then."""
    for count, item in enumerate(items, 1):
        if not count % LOOKED_AT:
            look()
        yield item
