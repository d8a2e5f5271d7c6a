"""The course in docs/: every link opens the page in the state that its step tells of, in both languages."""

import re
from urllib.parse import parse_qs

import pytest

from tests.documentation import PAGES

LINK = re.compile(r"\(http://localhost:8000/#([^)\s]+)\)")
FRAGMENTS = sorted(set(LINK.findall(PAGES["docs/learn.md"])))
FAULTS = "[...document.querySelectorAll('[data-fault]')].map((each) => each.textContent).join('')"


def test_both_languages_have_the_same_ten_steps():
    assert LINK.findall(PAGES["docs/learn.md"]) == LINK.findall(PAGES["docs/learn-ja.md"])
    for page in ("docs/learn.md", "docs/learn-ja.md"):
        assert len(re.findall(r"^## \d+\. ", PAGES[page], re.M)) == 10


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_link_opens_the_page_in_its_state(visit, fragment):
    found = visit(f"/#{fragment}")
    wanted = {name: value for name, (value,) in parse_qs(fragment, keep_blank_values=True).items()}

    if wanted.get("tab") == "probabilities":
        found.wait("document.getElementById('loss-value').textContent !== ''")
    else:
        found.wait_for_picture()
        found.wait("document.getElementById('status').textContent !== ''")

    found.wait_for_setting("loss", "text")  # no link has it: the page has written its own address
    assert wanted.items() <= found.setting.items()
    assert found.page.evaluate(FAULTS) == ""
