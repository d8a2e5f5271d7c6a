"""Schemathesis over the whole document: no answer that it does not promise, no wrong request accepted.

Every check, every phase, right and wrong data; see `fuzzing/`. More for each operation, once for each seed:
``FUZZ_EXAMPLES=2000 FUZZ_SEEDS=1,2,3 make test ARGS=tests/clients/test_fuzz.py``.
"""

import os

import pytest

from tests.clients.workshop import HERE
from tests.server.running import ROOT

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "200")
SEEDS = os.environ.get("FUZZ_SEEDS", "1").split(",")


@pytest.mark.parametrize("seed", SEEDS)
def test_schemathesis_finds_nothing(workshop, seed):
    printed = workshop.run(
        "schemathesis",
        f"--config-file={HERE / 'fuzzing' / 'schemathesis.toml'}",
        "run",
        f"{workshop.address}/openapi.yaml",
        f"--max-examples={EXAMPLES}",
        f"--seed={seed}",
        PYTHONPATH=str(ROOT),
    )

    assert "No issues found" in printed
