"""How long the fuzz tests try.

`make test` gives each of them a few seconds and always the same examples, so that it turns red only by
a change. ``make test ARGS=tests/fuzz FUZZ_EXAMPLES=100000`` looks for others, and for long.
"""

import os

from hypothesis import HealthCheck, settings

WANTED = int(os.environ.get("FUZZ_EXAMPLES", "0"))


def fuzz(examples):
    """Set how many examples a test tries when nobody asks for more."""
    return settings(
        max_examples=WANTED or examples,
        derandomize=not WANTED,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
