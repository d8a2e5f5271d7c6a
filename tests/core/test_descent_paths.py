"""Every optimizer and schedule goes the way that PyTorch goes: golden values that PyTorch gave."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.core.descent import OPTIMIZERS, SCHEDULES
from tests.core.descent_cases import ALL, EVERY, GOLDEN
from tests.core.descents import assert_same_path, our_path

RULES = {name for name, row in OPTIMIZERS.items() if row.stepper == "rule"}
KEPT = json.loads(Path(__file__).with_name("torch_paths.json").read_text(encoding="utf-8"))


def test_golden_values_come_from_pytorch_and_cover_every_row():
    assert KEPT["source"].startswith("torch.optim and torch.optim.lr_scheduler of PyTorch 2.13.0")
    assert {case.optimizer for case in GOLDEN} == {case.optimizer for case in ALL} == RULES
    assert {case.schedule for case in GOLDEN} == {case.schedule for case in ALL} == SCHEDULES.keys()


@pytest.mark.parametrize("case", GOLDEN, ids=str)
def test_a_path_is_that_of_pytorch(case):
    path = our_path(case)

    assert_same_path(path[::EVERY], KEPT["paths"][str(case)])


def test_a_rule_that_is_wrong_by_a_millionth_is_noticed():
    path = our_path(GOLDEN[0])
    path[EVERY] = {name: np.asarray(value) * (1 + 1e-6) for name, value in path[EVERY].items()}

    with pytest.raises(AssertionError):
        assert_same_path(path[::EVERY], KEPT["paths"][str(GOLDEN[0])])
