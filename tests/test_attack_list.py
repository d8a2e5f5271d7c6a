"""The attack list is complete: every number is a test case, or is listed here with the reason why not."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

NUMBERS = {"E": 14, "R": 14, "N": 10, "J": 10, "H": 19, "D": 8}
"""Expressions, resources, numbers, JSON and arrays, HTTP, deployment: how many of each there are."""

CANNOT_APPLY = {
    "D-2": "workers are not replaced after a number of requests: nothing leaks, which the soak measures",
    "D-3": "no limit on the address space: memory is bounded by quotes, queues and memory budgets, which "
    "the attacks measure; the limit of the containers is in docker-compose.yml, checked by tests/deploy",
    "D-4": "a read-only root, no privileges, no capabilities: docker-compose.yml, checked by tests/deploy",
}


def collected_tests():
    """List the ids of all tests: only what runs counts, so a number in a comment or docstring does not."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def attack_numbers(test):
    """Find the numbers in a test's id: in its name (``test_h_4_...``) or its case (``[H-4 two lengths]``)."""
    name, _, case = test.rpartition("::")[2].partition("[")
    in_name = {f"{kind.upper()}-{number}" for kind, number in re.findall(r"_([ernjhd])_(\d+)(?=_)", name)}
    return in_name | set(re.findall(r"\b[ERNJHD]-\d+", case))


def test_every_number_of_the_attack_list_is_a_test_case_or_has_a_reason():
    found = set().union(*map(attack_numbers, collected_tests()))

    wanted = {f"{kind}-{number}" for kind, count in NUMBERS.items() for number in range(1, count + 1)}

    assert sorted(wanted - found - set(CANNOT_APPLY)) == []
    assert set(CANNOT_APPLY) <= wanted - found
