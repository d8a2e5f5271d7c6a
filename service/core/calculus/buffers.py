"""Where the results of a program stand: places in one piece of memory that a bound kernel keeps.

An array that is made anew at every evaluation costs more than what is written into it: memory has to be
found, mapped and zeroed. So every result that an operation can write into memory of ours has a place, free
for another as soon as it is not needed any more. What a caller gets never stands here, nor what the constants
alone determine: a place is written again at the next evaluation. For ``sum(sqrt(exp(x) + 1))``, `v0` being
x, an array of 1,000 elements, the source reads::

    memory = aligned(o2)
    b0 = memory[o3].reshape(o4)

    n1 = exp(v0, out=b0)
    n3 = n1 + k0
    n4 = sqrt(n3, out=n3)
    n5 = add_reduce(n4, o0, None, None, o1)
    n9 = divide(k1, n4, out=n4)
    n10 = multiply(n9, n1, out=n9)

which returns `n5` and `n10`. The memory belongs to one request; nothing else sees it.
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from service.core.limits import paced

if TYPE_CHECKING:
    from service.core.calculus.schedule import Step

SMALLEST = 512
"""Elements from which a result has a place; smaller arrays cost less than the bookkeeping."""
ALIGNMENT = 8
"""Places begin at multiples of so many elements, a line of the cache; across lines all takes 5 % longer."""

MOST_PACKED = 200
"""Arrays that are packed by size; that takes the square of their number."""
BUFFERED = 1_024
"""Elements that NumPy repeats along an axis, or makes numbers of conditions, at a time. Unless told it takes
8,192: 64 KB beside the places, and slower. A row of 1,000 is added to 200 others in 76 us, and so in 46."""


def limit_buffers() -> None:
    """Let NumPy's own buffers be small until the `numpy.errstate` ends that the caller is in."""
    np.setbufsize(BUFFERED)


def aligned(size: int) -> NDArray[np.float64]:
    """Return new memory for so many elements that begins with a line of the cache, as NumPy's seldom does."""
    memory = np.empty(size + ALIGNMENT - 1)
    start = -(memory.ctypes.data // memory.itemsize) % ALIGNMENT
    return memory[start : start + size]


@dataclass(slots=True)
class Arena:
    """One piece of memory: which places are free, and how large it has to be; all in elements."""

    size: int = 0
    taken: int = 0
    _free: list[tuple[int, int]] = field(default_factory=list)

    def take(self, size: int) -> int:
        """Return where so many elements stand: in the smallest free place that holds them, or at the end."""
        self.taken += size
        fitting = [place for place in self._free if place[1] >= size]
        if fitting:
            start, found = min(fitting, key=lambda place: place[1])
            self._free.remove((start, found))
            if found > size:
                bisect.insort(self._free, (start + size, found - size))
            return start
        can_grow = bool(self._free) and sum(self._free[-1]) == self.size  # a free place at the end
        start = self._free.pop()[0] if can_grow else self.size
        self.size = start + size
        return start

    def give_back(self, start: int, size: int) -> None:
        """Free a place, joined with the free ones beside it."""
        self.taken -= size
        at = bisect.bisect(self._free, (start, size))
        if at < len(self._free) and self._free[at][0] == start + size:
            size += self._free.pop(at)[1]
        if at and sum(self._free[at - 1]) == start:
            before = self._free.pop(at - 1)
            start, size = before[0], before[1] + size
        bisect.insort(self._free, (start, size))


def place(steps: Sequence[Step]) -> tuple[int, list[int]]:
    """Give places to the steps of a body.

    Parameters
    ----------
    steps : sequence of Step
        In order; they know what each of them frees. Those that get a place are told where it starts, and of
        what they free which has one.

    Returns
    -------
    int, list of int
        Elements of the whole memory, and those in use during each step.
    """
    if all([step.size < SMALLEST for step in steps]):
        return 0, [0] * len(steps)
    held = _lend(steps)
    first, lasts = _chains(steps)
    lent = {first[step.index] for step in steps if step.lent is not None}
    sizes = {step.index: _aligned(step.size) for step in steps if _is_placed(step, first, lasts)}
    arena, taken = Arena(), []
    starts, lives = dict[int, int](), dict[int, tuple[int, int]]()
    for position, step in enumerate(paced(steps)):
        if step.index in sizes:
            starts[step.index] = arena.take(sizes[step.index])
            lives[step.index] = (position, len(steps))
        taken.append(arena.taken - held[position])
        for root in step.released:
            chain = first.get(root, root)
            if chain in starts and lasts[chain] == root:
                arena.give_back(starts[chain], sizes[chain])
                lives[chain] = (lives[chain][0], position)
        chains = [(root, first.get(root)) for root in step.released]
        step.placed = tuple([root for root, chain in chains if chain in starts or chain in lent])
    memory = arena.size
    if memory > max(taken) and len(lives) <= MOST_PACKED:
        memory, starts = min((memory, starts), packed(lives, sizes), key=lambda found: found[0])
    for step in steps:
        step.start = starts.get(first[step.index])
    return memory, taken


def packed(lives: Mapping[int, tuple[int, int]], sizes: Mapping[int, int]) -> tuple[int, dict[int, int]]:
    """Place the largest arrays first: where sizes differ, that leaves fewer gaps than one after the other.

    Parameters
    ----------
    lives : mapping of int to tuple of int
        By array, the first and the last step at which it is needed.
    sizes : mapping of int to int
        Elements by array.

    Returns
    -------
    int, dict of int to int
        Elements of the whole memory, and where each array starts.
    """
    starts = dict[int, int]()
    taken: list[tuple[int, int, int, int]] = []
    for array in sorted(lives, key=lambda array: -sizes[array]):
        (begin, end), start = lives[array], 0
        for other, stop, first, last in taken:
            if first <= end and begin <= last:
                if other - start >= sizes[array]:
                    break
                start = max(start, stop)
        starts[array] = start
        bisect.insort(taken, (start, start + sizes[array], begin, end))
    return max([stop for _, stop, _, _ in taken]), starts


def _lend(steps: Sequence[Step]) -> Counter[int]:
    """Let what the caller gets stand where something of its shape did, where that saves a place.

    Places are held all the while. What the caller gets is new memory beside them, which does for a place as
    long as nothing of that is written. It does for as little as possible, as it begins with no line of the
    cache. Returns the elements that it holds in between, by position.
    """
    first, lasts = _chains(steps)
    begins = {step.index: position for position, step in enumerate(steps)}
    ends = {first.get(root): position for position, step in enumerate(steps) for root in step.released}
    lengths, held, changes = Counter(first.values()), Counter[int](), Counter[int]()
    lenders = [step for step in steps if _is_placed(step, first, lasts)]
    for step in lenders:
        changes[begins[step.index]] += step.size
        changes[ends[step.index] + 1] -= step.size
    loads = [*itertools.accumulate([changes[position] for position in range(len(steps))])]
    for taker in paced(steps):
        is_first = first[taker.index] == taker.index not in lasts
        if not is_first or taker.region is not None or not _can_write(taker):
            continue
        most = max(loads)
        begin, end = loads.index(most), len(loads) - loads[::-1].index(most) - 1
        fitting = [
            step
            for step in lenders
            if begins[step.index] <= begin <= end <= ends[step.index] < begins[taker.index]
            and step.shape == steps[begins[lasts[step.index]]].shape == taker.shape
            and step.node.operation.ufunc
            and step.region is None
        ]
        if fitting:
            lender = min(fitting, key=lambda step: lengths[step.index])
            taker.lent = taker.maker = lasts[lender.index]
            lenders.remove(lender)
            for position in range(begins[lender.index], begins[taker.index]):
                loads[position] -= lender.size * (position <= ends[lender.index])
                held[position] += lender.size * (position > ends[lender.index])
    return held


def _chains(steps: Sequence[Step]) -> tuple[dict[int, int], dict[int, int]]:
    """Return for each step the first of those that write into the same array, and the last of each chain.

    Of a chain whose last array is never freed, because a caller gets it, there is no last.
    """
    first: dict[int, int] = {}
    latest: dict[int, int] = {}
    for step in steps:
        first[step.index] = step.index if step.maker is None else first[step.maker]
        latest[first[step.index]] = step.index
    freed = {root for step in steps for root in step.released}
    return first, {chain: last for chain, last in latest.items() if last in freed}


def _is_placed(step: Step, first: dict[int, int], lasts: dict[int, int]) -> bool:
    """Tell whether a step begins a chain of arrays that nobody gets, and can write into memory of ours."""
    return first[step.index] == step.index in lasts and _can_write(step)


def _can_write(step: Step) -> bool:
    """Tell whether a step writes an array that is worth a place into memory of ours."""
    operation = step.node.operation
    can_write = bool(operation.ufunc or operation.out) and not (operation.is_view or step.is_whole)
    return can_write and step.size >= SMALLEST


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
