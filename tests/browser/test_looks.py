"""How the pages look, to whom and on what: pictures to look at, and what hinders people is searched for."""

import pytest
from playwright.sync_api import expect

from tests.browser.visit import DESKTOP, PHONE, ROSENBROCK

SWEEP = {"show": "sweep", "rates": "0.01,0.1,0.9,1.01", "arrows": "down"}
SIZES = {"desktop": DESKTOP, "phone": PHONE}

AUDIT = """
async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
"""


def assert_nothing_hinders(page, axe):
    page.evaluate(f"() => {{ {axe} }}")
    assert page.evaluate(AUDIT) == []


def assert_it_fits(page):
    """No page is wider than its window."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_playground_hinders_nobody(playground, visit, keep, axe, size, scheme, locale):
    name = f"{size}-{scheme}-{locale[:2]}"
    options = {"viewport": SIZES[size], "color_scheme": scheme, "locale": locale}

    for setting, kind in ((ROSENBROCK, "run"), (SWEEP, "sweep"), ({"tab": "probabilities"}, "softmax")):
        if kind == "softmax":
            page = visit("/#tab=probabilities", **options).page
            expect(page.locator("#loss-value")).not_to_be_empty()
        else:
            page = playground(setting, **options).page
        assert_it_fits(page)
        if locale == "en-US":  # the other language has the same elements and colours
            assert_nothing_hinders(page, axe)
        keep(page, f"playground-{kind}-{name}", full_page=size == "phone")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_fault_hinders_nobody(visit, keep, axe, size, scheme):
    found = visit(viewport=SIZES[size], color_scheme=scheme)
    found.expect("422")
    page = found.open("/#f=x[0]**2 - * x[1]")
    expect(page.locator("#f-fault")).not_to_be_empty()

    assert_it_fits(page)
    assert_nothing_hinders(page, axe)
    keep(page, f"fault-{size}-{scheme}")


@pytest.mark.parametrize("path", ["/gradient", "/nowhere", "/problems", "/problems/over-budget"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_to_read_hinder_nobody(visit, keep, axe, size, path):
    for scheme in ("light", "dark"):
        found = visit(viewport=SIZES[size], color_scheme=scheme)
        found.expect("40")
        page = found.open(path)

        assert_it_fits(page)
        assert_nothing_hinders(page, axe)
        keep(page, f"page{path.replace('/', '-')}-{size}-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_api_page_hinders_nobody(visit, keep, axe, size, scheme):
    page = visit("/docs#/compute/softmax", viewport=SIZES[size], color_scheme=scheme).page
    operation = page.locator("#operations-compute-softmax")
    operation.locator(".execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text('"y"')

    assert_it_fits(page)
    assert_nothing_hinders(page, axe)
    keep(page, f"docs-{size}-{scheme}", full_page=True)


@pytest.mark.parametrize("module", ["main", "viewport"])
def test_a_module_that_does_not_load_is_said(visit, module):
    found = visit()
    found.expect("Failed to load resource")
    found.page.route(f"**/web/{module}.js", lambda route: route.abort())
    page = found.open("/")

    expect(page.locator("#unloaded")).to_be_visible()
    expect(page.locator("#unloaded")).to_contain_text("reload the page")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_without_scripts_says_so_and_shows_no_empty_control(visit, path):
    page = visit(path, java_script_enabled=False).page

    expect(page.locator("noscript")).to_be_visible()
    assert page.locator(":is(button, select, input, textarea, .card):visible").count() == 0


@pytest.mark.parametrize("size", SIZES)
def test_text_keeps_a_distance_from_the_edge(visit, size):
    page = visit("/docs", viewport=SIZES[size]).page

    assert page.locator(".info .renderedMarkdown p").first.bounding_box()["x"] >= 10


def test_a_page_that_loads_says_nothing_of_it(playground):
    expect(playground().page.locator("#unloaded")).to_have_count(0)


def test_the_language_is_the_browsers_until_the_reader_chooses(visit):
    found = visit("/", locale="ja-JP")
    page = found.page
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.locator("#run")).to_have_text("実行")

    page.click("#language")
    expect(page.locator("#run")).to_have_text("Run")
    expect(page.locator("#status")).to_have_text("All 100 steps were run.")
    page.reload()
    found.wait_for_picture()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#run")).to_have_text("Run")


def test_light_or_dark_is_the_systems_until_the_reader_chooses(visit):
    found = visit("/", color_scheme="dark")
    page = found.page
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)

    page.click("#theme")
    light = page.evaluate(background)
    page.reload()

    assert light != dark
    assert page.evaluate(background) == light
    assert found.open("/docs").evaluate("document.documentElement.classList.contains('dark-mode')") is False


CORNER = """
() => {
  const canvas = document.getElementById("plane");
  const context = canvas.getContext("2d");
  const colour = () => [...context.getImageData(canvas.width >> 1, 20, 1, 1).data].slice(0, 3);
  window.corners = { before: colour() };
  window.addEventListener("beforeprint", () => { window.corners.printed = colour(); });
  window.addEventListener("afterprint", () => { window.corners.after = colour(); });
}
"""


@pytest.mark.parametrize("chosen", [True, False])
def test_paper_is_light_and_has_no_buttons(playground, keep, chosen):
    found = playground(ROSENBROCK, color_scheme="light" if chosen else "dark")
    found.expect("willReadFrequently")
    page = found.page
    if chosen:
        page.click("#theme")
        page.evaluate("new Promise(requestAnimationFrame)")
    page.evaluate(CORNER)

    paper = page.pdf(format="A4", print_background=True)

    corners = page.evaluate("window.corners")
    assert paper.startswith(b"%PDF")
    assert sum(corners["before"]) < 3 * 128 < sum(corners["printed"])
    assert corners["after"] == corners["before"]

    page.set_viewport_size({"width": 794, "height": 1123})
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(244, 242, 237)"
    expect(page.locator("#run")).to_be_hidden()
    expect(page.locator("#language")).to_be_hidden()
    expect(page.locator("#plane")).to_be_visible()
    assert_it_fits(page)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")  # the picture is that of paper, too
    keep(page, f"paper-{'chosen' if chosen else 'system'}", full_page=True)


CRAMPED = """
() => {
  const controls = [...document.querySelectorAll(".plane .line :is(select, button)")];
  const shown = controls.filter((each) => each.offsetWidth);
  const boxes = shown.map((each) => each.getBoundingClientRect());
  const isCovered = (one) => boxes.some((other) => {
    const isBeside = one.left > other.right - 1 || other.left > one.right - 1;
    return other !== one && !isBeside && one.top < other.bottom - 1 && other.top < one.bottom - 1;
  });
  const pen = document.createElement("canvas").getContext("2d");
  const isCut = (each) => {
    const style = getComputedStyle(each);
    pen.font = style.font;
    const arrow = 20;
    const room = each.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrow;
    return each.tagName === "SELECT" && pen.measureText(each.selectedOptions[0].text).width > room;
  };
  return {
    count: shown.length,
    covered: shown.filter((each, at) => isCovered(boxes[at])).map(({ id }) => id),
    cut: shown.filter(isCut).map(({ id }) => id),
  };
}
"""
"""Controls above the picture that another one covers, and those whose text has no room."""


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
@pytest.mark.parametrize("width", [1280, 640, 390, 320])
def test_the_controls_above_the_picture_have_room_at_any_width(playground, keep, width, locale):
    four = {"f": "(a - 1)**2 + (b - 2)**2 + c**2 + (d*a)**2", "start": "1,2,3,4"}

    page = playground(four, viewport={"width": width, "height": 800}, locale=locale).page

    assert page.evaluate(CRAMPED) == {"count": 7, "covered": [], "cut": []}
    assert_it_fits(page)
    keep(page, f"controls-{width}-{locale[:2]}")


@pytest.mark.parametrize("size", SIZES)
def test_the_longest_names_leave_the_page_as_wide_as_its_window(playground, size):
    names = ["v" * 64, "w" * 64, "x" * 64]
    setting = {"f": " + ".join(f"{name}**2" for name in names), "start": "1,2,3"}

    page = playground(setting, viewport=SIZES[size]).page

    assert_it_fits(page)
    right = "(label) => label.getBoundingClientRect().right <= document.documentElement.clientWidth"
    assert page.locator("#f-label").evaluate(right)


def test_every_control_is_reached_by_the_tab_key_in_order(playground):
    page = playground().page
    wanted = [
        "copy-link",
        "language",
        "theme",
        "tab-landscape",
        "example",
        "f",
        "arrows",
        "picture",
        "zoom-out",
        "zoom-in",
    ]
    wanted += [
        "zoom-home",
        "plane",
        "start-0",
        "start-1",
        "optimizer",
        "rate-slider",
        "rate",
        "steps",
        "method",
    ]
    wanted += ["against", "compare", "rates", "run"]

    passed = []
    for _ in range(40):
        page.keyboard.press("Tab")
        passed.append(page.evaluate("document.activeElement.id"))

    assert [name for name in passed if name in wanted][: len(wanted)] == wanted


def test_arrow_keys_move_between_the_tabs(playground):
    page = playground().page

    page.focus("#tab-landscape")
    page.keyboard.press("ArrowRight")

    expect(page.locator("#tab-probabilities")).to_be_focused()
    expect(page.locator("#probabilities")).to_be_visible()
    expect(page.locator("#landscape")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#landscape")).to_be_visible()
