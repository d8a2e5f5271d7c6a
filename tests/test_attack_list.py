"""The attack list is complete: every number is a test case, or stands here with the reason why not."""

import re
from pathlib import Path

TESTS = Path(__file__).parent

NUMBERS = {"E": 14, "R": 14, "N": 10, "J": 10, "H": 19, "D": 8}
"""Expressions, resources, numbers, JSON and arrays, HTTP, deployment: how many of each there are."""

CANNOT_APPLY = {
    "D-2": "workers are not replaced after a number of requests: nothing leaks, which the soak measures",
    "D-3": "no limit on the address space: the memory is bounded by quotes, lanes and accounts, which the "
    "attacks measure; the containers' limit stands in docker-compose.yml, held by tests/deploy",
    "D-4": "a read-only root, no privileges, no capabilities: docker-compose.yml, held by tests/deploy",
}


def test_every_number_of_the_attack_list_is_a_test_case_or_has_a_reason():
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py") if path != Path(__file__)
    )
    found = set(re.findall(r"\b[ERNJHD]-\d+", text))
    found |= {f"{kind.upper()}-{number}" for kind, number in re.findall(r"_([ernjhd])_(\d+)(?=_)", text)}

    wanted = {f"{kind}-{number}" for kind, count in NUMBERS.items() for number in range(1, count + 1)}

    assert sorted(wanted - found - set(CANNOT_APPLY)) == []
    assert set(CANNOT_APPLY) <= wanted - found
