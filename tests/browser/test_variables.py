"""Functions as people write them: any names, one number or many, and points that one pastes."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize(
    ("function", "label", "variables"),
    [
        ("(x - 1)**2 + y**2", "Function of x and y", {"x": -3, "y": 4}),
        ("a**2 + b**2 + c**2", "Function of a, b and c", {"a": -3, "b": 4, "c": 1}),
        ("sum((p - 1)**2)", "Function of p[0] and p[1]", {"p": [-3, 4]}),
        ("h = u**2; h + v[1]**2 + v[0]**2", "Function of u, v[0] and v[1]", {"u": -3, "v": [4, 1]}),
        ("(w - 2)**2", "Function of w", {"w": -3}),
    ],
)
def test_names_in_the_text_become_variables(playground, function, label, variables):
    found = playground()
    page = found.page

    asked = found.ask(lambda: page.fill("#f", function))

    assert {name: asked["variables"][name] for name in variables} == variables
    expect(page.locator("#f-label")).to_have_text(label)
    expect(page.locator("#f-fault")).to_be_empty()
    expect(page.locator("#status")).to_contain_text("All 100 steps were run.")


@pytest.mark.parametrize("function", ["x[0]**2 + x[8]**2", "a**2 + b + c + d + p + q + r + s + t"])
def test_a_function_of_more_numbers_than_are_shown_is_told_so(playground, function):
    found = playground()
    page = found.page

    page.fill("#f", function)

    expect(page.locator("#f-fault")).to_contain_text("shows functions of at most 8 numbers")
    page.fill("#f", "x[0]**2 + x[7]**2")
    expect(page.locator("#status")).to_contain_text("All 100 steps were run.")
    assert function not in [body["function"] for body in found.posts("/descent")]


def test_a_function_of_one_number_is_a_curve(playground, keep):
    found = playground()
    page = found.page

    page.select_option("#example", "quartic")

    expect(page.locator("#figures")).to_contain_text("(1.1309)")
    expect(page.locator("#arrows")).to_be_hidden()
    body = next(body for body in found.posts("/gradient/field") if body["function"] == page.input_value("#f"))
    assert all(isinstance(each, int | float) for each in body["points"]["x"])
    page.locator("#plane").hover(position={"x": 300, "y": 200})
    expect(page.locator("#readout")).to_contain_text("≈")
    page.click("#plane", position={"x": 200, "y": 200})
    found.wait_for_setting("start", "text !== '2' && text.split(',').length === 1")
    keep(page, "curve", full_page=True)


def test_of_many_numbers_two_are_shown_and_the_others_held(playground):
    found = playground({"f": "(a - 1)**2 + (b - 2)**2 + (c - 3)**2", "start": "0,0,5"})
    page = found.page
    assert set(found.posts("/gradient/field")[-1]["points"]["c"]) == {5}

    with page.expect_request("**/gradient/field") as asked:
        page.select_option("#axis-1", label="c")

    points = asked.value.post_data_json["points"]
    assert set(points["b"]) == {0}
    assert len(set(points["c"])) > 10
    found.wait_for_setting("axes", "text === '0,2'")


@pytest.mark.parametrize("example", ["line", "decay", "classes"])
def test_a_model_is_fitted_to_points_and_drawn_beside_them(playground, keep, example):
    found = playground()
    page = found.page

    asked = found.ask(lambda: page.select_option("#example", example))

    expect(page.locator("#data-card")).to_have_attribute("open", "")
    expect(page.locator("#f-label")).to_have_text("Function of a and b")
    expect(page.locator("#status")).to_contain_text("steps were run")
    assert len(asked["constants"]) == (3 if example == "classes" else 2)
    found.wait_for_colour("#scatter", [176, 28, 83], 100)  # the line, in the colour of the path
    model = page.input_value("#model")
    assert [each["function"] for each in found.posts("/value")] == [model]
    keep(page, f"data-{example}", full_page=True)


def test_batches_of_the_data_make_a_path_that_jitters(playground, keep):
    found = playground()
    page = found.page
    found.ask(lambda: page.select_option("#example", "line"))
    page.click("#more summary")

    asked = found.ask(lambda: page.fill("#batch", "2"))

    assert asked["batch"] == {"size": 2, "of": ["x", "y"], "seed": 0}
    answer = page.request.post(f"{found.base}/descent", data=asked).json()
    values = [record["value"] for record in answer["history"]]
    rises = sum(after > before for before, after in pairwise(values))
    assert rises > len(values) / 4  # each update sees other rows
    expect(page.locator("#figures")).to_contain_text(f"{answer['value']:.6g}")
    found.wait_for_setting("batch", "text === '2'")

    page.select_option("#against", "optimizers")
    expect(page.locator("#sweep tbody tr")).to_have_count(8)
    bodies = {each["optimizer"]: each for each in found.posts("/descent/sweep")}
    assert {name for name, each in bodies.items() if "batch" not in each} == {"lbfgs", "newton"}
    keep(page, "batches", full_page=True)


def test_a_batch_larger_than_the_data_is_refused_at_its_field(playground):
    found = playground()
    found.expect("422")
    page = found.page
    page.select_option("#example", "line")
    page.click("#more summary")

    page.fill("#batch", "500")

    expect(page.locator("#batch-fault")).to_contain_text("21")


@pytest.mark.parametrize("text", ["p,q\n1,2\n2,4.1\n3,6", "p\tq\r\n1\t2\r\n2\t4.1\r\n3\t6\r\n"])
def test_pasted_columns_become_constants(playground, text):
    found = playground()
    found.expect("422")
    page = found.page
    page.get_by_text("Data", exact=True).click()

    page.fill("#data", text)
    page.fill("#f", "mean((k*p - q)**2)")

    expect(page.locator("#f-label")).to_have_text("Function of k")
    expect(page.locator("#figures")).to_contain_text("(2.01429)")
    assert found.posts("/descent")[-1]["constants"] == {"p": [1, 2, 3], "q": [2, 4.1, 6]}


def test_a_row_that_does_not_fit_is_named(playground):
    page = playground().page
    page.get_by_text("Data", exact=True).click()

    page.fill("#data", "1 2\n3 4\n5 six")

    expect(page.locator("#data-fault")).to_contain_text("Row 3")
