"""What the tests of descents share."""

import numpy as np

from service.core import descent
from tests.core.descent_cases import STEPS, TASKS

RELATIVE = 1e-10
"""How far an iterate may be from PyTorch's, relative to its size."""


def our_path(case):
    """Return every iterate of a case: a list of name to array."""
    task = TASKS[case.task]
    options = case.options() | {"steps": STEPS, "history": STEPS + 1}
    records = descent(task.function, task.variables, task.constants, **options)["history"]
    assert [record["step"] for record in records] == list(range(STEPS + 1))
    return [record["variables"] for record in records]


def assert_same_path(ours, theirs):
    """Compare iterate by iterate, relative to the size of all variables together."""
    assert len(ours) == len(theirs)
    for step, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        assert mine.keys() == other.keys()
        distance = np.linalg.norm([np.linalg.norm(mine[name] - np.asarray(other[name])) for name in other])
        size = np.linalg.norm([np.linalg.norm(other[name]) for name in other])
        assert distance <= RELATIVE * size, f"record {step}: {mine} is not {other}"
