"""The steps that are measured: those of the service and those by hand come to the same."""

import pytest

from benchmarks import steps


@pytest.mark.parametrize("row", [*steps.rows()], ids=lambda row: row.work)
def test_a_step_that_is_measured_is_the_one_by_hand(row):
    steps.check_agreement(row.work, steps.ours(row)(), steps.by_numpy(row)(), row.variables)
