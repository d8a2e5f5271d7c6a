"""The batches of a stochastic descent: which rows of the constants an update sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Array
from service.core.descent.ranges import check_keys, whole_number
from service.core.exceptions import InvalidRequest, fault, pointer_to, quote_text

KEYS = ("size", "of", "seed")


@dataclass(frozen=True, slots=True)
class Batch:
    """What the client asked for.

    Attributes
    ----------
    size : int
        Rows of an update.
    of : tuple of str
        Constants whose rows they are.
    seed : int
        Where the order of the rows comes from.
    """

    size: int
    of: tuple[str, ...]
    seed: int

    @property
    def plain(self) -> dict[str, Any]:
        """The same as plain JSON; the order of the names makes no difference."""
        return {"size": self.size, "of": " ".join(sorted(self.of)), "seed": self.seed}


def read_batch(given: Mapping[str, Any]) -> Batch:
    """Check what a client asks for, as far as it can be checked without the constants.

    Raises
    ------
    InvalidRequest
        A key is unknown or missing, or its value does not fit.
    """
    check_keys(given, KEYS, "batch")
    for key in ("size", "of"):
        if given.get(key) is None:
            raise InvalidRequest(
                fault("missing-option", pointer_to("batch", key), option=key, needed_by="batch")
            )
    seed = given.get("seed")
    size = whole_number(given["size"], 1, "batch", "size")
    return Batch(size, _names(given["of"]), 0 if seed is None else whole_number(seed, 0, "batch", "seed"))


def _names(given: Any) -> tuple[str, ...]:
    """Return the names of the constants, each a string and there once."""
    pointer = pointer_to("batch", "of")
    if not isinstance(given, list | tuple) or not given:
        raise InvalidRequest(fault("out-of-range", pointer, rule="a list of names of constants", got="none"))
    for place, name in enumerate(given):
        if not isinstance(name, str) or name in given[:place]:
            rule = "the name of a constant, each once"
            got = quote_text(name) if isinstance(name, str) else "no string"
            raise InvalidRequest(fault("out-of-range", f"{pointer}/{place}", rule=rule, got=got))
    return tuple(given)


class Batches:
    """The batches of rows of constants.

    Parameters
    ----------
    batch : Batch
        What the client asked for.
    constants : mapping of str to ndarray
        All rows.

    Attributes
    ----------
    rows, updates : int
        Rows there are, and updates of an epoch.

    Raises
    ------
    InvalidRequest
        There is no constant of a name, or it has other rows than the first, or too few.

    Notes
    -----
    An epoch goes through a permutation of the rows: the order of as many raw draws of Philox, keyed by
    the seed and the epoch's number, whose stream NumPy guarantees. What is left at its end, fewer rows than
    a batch has, is left out. So the rows of an update depend on seed and number alone, and a run can go on
    anywhere.
    """

    def __init__(self, batch: Batch, constants: Mapping[str, Array]) -> None:
        self.batch, self.constants = batch, constants
        counts = [_count_rows(batch, constants, place) for place in range(len(batch.of))]
        for place, count in enumerate(counts):
            if count != counts[0]:
                got, first = f"{count:,}", quote_text(batch.of[0])
                rule = f"a constant of {counts[0]:,} rows, as {first} has"
                raise InvalidRequest(
                    fault("out-of-range", pointer_to("batch", "of", place), rule=rule, got=got)
                )
        self.rows = counts[0]
        if batch.size > self.rows:
            rule = f"at most {self.rows:,}, the number of rows"
            raise InvalidRequest(
                fault("out-of-range", pointer_to("batch", "size"), rule=rule, got=batch.size)
            )
        self.updates = self.rows // batch.size
        self._epoch, self._order = -1, np.arange(0)

    def constants_of(self, update: int) -> dict[str, Array]:
        """Return the constants as an update sees them, by its number from 0."""
        epoch, place = divmod(update, self.updates)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, permutation(self.rows, self.batch.seed, epoch)
        rows = self._order[place * self.batch.size : (place + 1) * self.batch.size]
        seen = {name: self.constants[name].take(rows, axis=0) for name in self.batch.of}
        return {**self.constants, **seen}

    def wholes(self, first: int, last: int) -> int:
        """Count the steps at which the function of all rows is evaluated: ends of epochs, and the last."""
        return last // self.updates - (first - 1) // self.updates + (last % self.updates > 0)


def permutation(rows: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """Return the order of the rows in an epoch.

    >>> permutation(5, 0, 0).tolist() == permutation(5, 0, 1).tolist()
    False
    """
    draws = np.random.Philox(key=[seed, epoch]).random_raw(rows)
    order: NDArray[np.intp] = np.argsort(draws, kind="stable")
    return order


def _count_rows(batch: Batch, constants: Mapping[str, Array], place: int) -> int:
    name, pointer = batch.of[place], pointer_to("batch", "of", place)
    if name not in constants:
        rule = f"one of the constants {', '.join(constants)}" if constants else "a constant; there are none"
        raise InvalidRequest(fault("out-of-range", pointer, rule=rule, got=quote_text(name)))
    if not constants[name].ndim:
        raise InvalidRequest(fault("out-of-range", pointer, rule="an array with rows", got="a number"))
    return len(constants[name])
