"""The same against a PyTorch that is installed: every iterate of every combination.

This file is collected only where PyTorch is; see `conftest`.
"""

import pytest

from tests.core.descent_cases import ALL
from tests.core.descents import assert_same_path, our_path
from tests.core.torch_paths import torch_path


@pytest.mark.parametrize("case", ALL, ids=str)
def test_every_iterate_is_that_of_pytorch(case):
    assert_same_path(our_path(case), torch_path(case))
