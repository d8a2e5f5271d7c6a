"""The page on the language: its models arrive at their optimum, its translations are the language."""

import re

import numpy as np
import pytest

from service.core import descent, hessian, value
from service.core.exceptions import InvalidFunction
from service.core.language.parser import parse_function
from service.core.limits import Limits
from tests.core.test_models import MODELS
from tests.documentation import PAGES, blocks, sections

PAGE = sections(PAGES["docs/language.md"])
TEXTS = dict(
    re.match(r"# ([^:]+):[^\n]*\n(.*)\Z", part, re.S).groups()
    for part in blocks(PAGE["Ten models"])[0][1].strip().split("\n\n")
)
"""The models' texts by name."""

random = np.random.default_rng(3)
NAMES = {"A": np.eye(3) + 0.1, "B": random.normal(size=(3, 2)), "x": np.array([0.5, 1.5, 2]),
         "y": np.array([1.0, 3, 2]), "t": np.array([0.0, 2, 1])}  # fmt: skip
HERE = re.findall(r"\| `([^`]+)` \|$", PAGE["Coming from elsewhere"], re.M)


def test_there_are_ten_models_of_at_most_five_lines():
    assert len(TEXTS) == 10
    assert all(len(text.strip().splitlines()) <= 5 for text in TEXTS.values())


@pytest.mark.parametrize("name", TEXTS)
def test_a_model_of_the_page_is_brought_to_its_optimum(name):
    _, start, constants = MODELS[name]

    path = descent(TEXTS[name], start, constants, optimizer="lbfgs", steps=2000, tolerance=1e-6)
    curvature = hessian(TEXTS[name], path["variables"], constants, curvature=True)["curvature"]

    assert path["status"] == "converged"
    assert path["value"] < value(TEXTS[name], start, constants)["value"]
    assert curvature["smallest"] >= -1e-6 * curvature["largest"]


def test_the_table_of_translations_has_every_row():
    assert len(HERE) == PAGE["Coming from elsewhere"].count("\n| ") - 1


@pytest.mark.parametrize("text", HERE)
def test_a_translation_is_a_text_of_the_language(text):
    constants = {name: array for name, array in NAMES.items() if re.search(rf"\b{name}\b", text)}

    assert np.all(np.isfinite(value(text, {}, constants)["value"]))


FROM_CODE = PAGE["From your code to the text"]
SENT = [
    code for row in re.findall(r"\| ([^|]+) \|$", FROM_CODE, re.M) for code in re.findall(r"`([^`]+)`", row)
]
ELSEWHERE = re.findall(r"`([^`]+)`", FROM_CODE.rpartition("An error says")[2])


@pytest.mark.parametrize("text", [code for code in SENT if not code.endswith(":")])
def test_what_the_page_says_to_send_is_of_the_language(text):
    body = text if "=" not in text else f"{text}\n1"

    tape = parse_function(body, Limits())

    assert tape.instructions


@pytest.mark.parametrize("text", ELSEWHERE)
def test_what_the_page_lists_of_other_languages_is_told_how_to_write(text):
    with pytest.raises(InvalidFunction, match="Write"):
        value(text, {"x": [1.0, 2.0], "y": [3.0, 4.0]}, {})
