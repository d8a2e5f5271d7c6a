"""Every differentiable loss of PyTorch and optax that is a formula, every activation of jax.nn, composed."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.core import value, vjp
from tests.core.compositions import COMPOSITIONS, LEFT_OUT, cotangent

GOLDEN = json.loads(Path(__file__).with_name("compositions.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-12


def assert_same(mine, theirs):
    """Compare relative to each element, and for what cancels to a thousandth of the largest."""
    theirs = np.asarray(theirs)
    assert np.shape(mine) == theirs.shape
    scale = np.maximum(np.abs(theirs), 1e-3 * np.max(np.abs(theirs)))
    assert np.all(np.abs(mine - theirs) <= TOLERANCE * scale)


@pytest.mark.parametrize("row", COMPOSITIONS, ids=str)
def test_a_composition_has_the_value_and_the_gradient_of_the_library(row):
    golden = GOLDEN["rows"][str(row)]
    variables, constants = row.arrays(row.variables), row.arrays(row.constants)

    found = value(row.text, variables, constants)["value"]
    product = vjp(row.text, variables, cotangent(np.shape(golden["value"])), constants)["product"]

    assert_same(found, golden["value"])
    assert product.keys() == golden["gradient"].keys()
    for name, part in product.items():
        assert_same(part, golden["gradient"][name])


def test_nothing_in_the_libraries_lists_is_forgotten():
    written = {str(row) for row in COMPOSITIONS}

    listed = {f"{library}.{name}" for library, names in GOLDEN["names"].items() for name in names}

    assert listed == {each for each in written if "(" not in each} | LEFT_OUT.keys()
    assert not written & LEFT_OUT.keys()


def test_the_libraries_and_their_versions_are_named():
    assert {"PyTorch", "optax", "JAX"} <= set(GOLDEN["source"].replace(",", "").split())
    assert GOLDEN["rows"].keys() == {str(row) for row in COMPOSITIONS}
