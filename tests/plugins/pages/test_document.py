"""The document: complete in itself, with landmarks, headings in order, and a policy that lets nothing else in."""

import re
import runpy
from pathlib import Path

import pytest

from reporting_pages import Tile, bars, document, facts, figure, section, table, tiles
from reporting_pages.vega_bundle import bundle_text, digest, library, resource
from tests.plugins.pages.test_markup import seen

CHART = bars([{"label": "</script><img onerror=alert(1)>", "value": 3, "shown": "3"}])
TABLE = table(["Center", "Visits"], [["<Alpha>", 3], [None, None]], caption="Visits")
FIGURE = figure(
    "Visits",
    CHART,
    says='Most at "Alpha", 3.',
    caption="Of January.",
    behind=TABLE,
    rows=2,
)
PAGE = document("Visits & more", [section("one", "One", FIGURE, says="First."), section("two", "Two", "…")], lead="A lead.",
                eyebrow="above", footer="below", above=tiles([Tile("Visits", "3", "+1", "All.", [1, None, 2, 3, 4, 5, 6], "from May")]))  # fmt: skip


def test_a_page_has_landmarks_a_title_and_headings_in_order():
    names = [name for name, _ in seen(PAGE).elements]
    assert [name for name in names if name in ("header", "nav", "main", "section", "footer", "figure")] == [
        "header", "nav", "main", "section", "figure", "section", "footer",
    ]  # fmt: skip
    assert [name for name in names if re.fullmatch(r"h\d", name)] == [
        "h1",
        "h2",
        "h3",
        "h2",
    ]
    assert "<title>Visits &amp; more</title>" in PAGE
    assert '<html lang="en">' in PAGE


def test_links_lead_to_what_is_there():
    found = seen(PAGE).elements
    ids = {attributes["id"] for _, attributes in found if "id" in attributes}
    targets = {attributes["href"] for name, attributes in found if name == "a"}
    assert targets == {"#report", "#one", "#two"}
    assert {target[1:] for target in targets} <= ids


def test_the_policy_lets_two_scripts_run_and_nothing_be_loaded():
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', PAGE)
    scripts = re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL)
    assert [f"&#39;{digest(script)}&#39;" for script in scripts] == policy.partition(
        "script-src "
    )[2].split(" ")
    assert policy.startswith("default-src &#39;none&#39;;")
    assert "unsafe-eval" not in policy
    assert scripts == [library(), resource("draw.js")]


def test_nothing_in_a_page_names_another_place():
    rest = PAGE.replace(library(), "")
    assert not re.search(r"(?:src|href|action)=\"(?!#)", rest)
    assert "url(" not in rest
    assert "@import" not in rest


def test_a_label_that_would_end_the_script_is_inert():
    found = seen(PAGE.replace(library(), ""))
    assert not [
        name
        for name, attributes in found.elements
        if name == "img" or "onerror" in attributes
    ]
    assert "\\u003c/script\\u003e" in PAGE


def test_a_chart_has_words_and_its_numbers_beside_it():
    (place,) = [
        attributes
        for name, attributes in seen(FIGURE).elements
        if attributes.get("class") == "chart"
    ]
    (script,) = [
        attributes for name, attributes in seen(FIGURE).elements if name == "script"
    ]
    assert place["data-says"] == 'Most at "Alpha", 3.'
    assert script == {"type": "application/json", "data-chart": place["id"]}
    assert f"(2 rows)</span></summary>{TABLE}</details>" in FIGURE


def test_a_table_has_a_caption_and_headers_with_a_scope_and_can_be_reached_by_the_keyboard():
    assert TABLE.startswith(
        '<div class="table" role="region" aria-label="Visits" tabindex="0"><table><caption>Visits'
    )
    assert TABLE.count('scope="col"') == 2
    assert TABLE.count('scope="row"') == 2
    assert (
        '<th class="short" scope="row">&lt;Alpha&gt;</th><td class="number">3</td>'
        in TABLE
    )
    assert TABLE.endswith('<td class="number">–</td></tr></tbody></table></div>')


def test_a_table_without_rows_says_so():
    assert (
        table(["a"], [], caption="c", empty="None yet.")
        == '<p class="empty">None yet.</p>'
    )


def test_a_figure_without_a_chart_says_what_there_is():
    assert "chart" not in figure(
        "Visits", None, says="None.", caption="Of May."
    ).replace("figcaption", "")


def test_a_sparkline_is_broken_where_there_is_no_number():
    (path,) = re.findall(r'<path d="([^"]*)"', PAGE)
    assert re.sub(r"[\d. ]+", "", path) == "MMLLLL"


@pytest.mark.parametrize(
    ("course", "drawn"),
    [
        ((), False),
        ((1, 2, 3, 4, 5), False),
        ((1, 2, 3, 4, 5, None, None), False),
        ((1, 2, 3, 4, 5, 6), True),
        ((1, 2, None, 3, 4, 5, 6), True),
    ],
)
def test_a_sparkline_has_at_least_six_numbers_or_is_absent(course, drawn):
    assert ("<svg" in tiles([Tile("a", "1", course=course)])) == drawn


def test_facts_are_pairs():
    assert (
        facts([("a", "b")]) == '<dl class="facts"><div><dt>a</dt><dd>b</dd></div></dl>'
    )


def test_the_page_is_small_enough_to_be_sent():
    assert len(PAGE.encode()) < 1_000_000


def test_the_library_names_its_licenses_and_cannot_leave_its_script():
    head = library()[:25_000]
    for name in (
        "University of Washington Interactive Data Lab",
        "Mike Bostock",
        "Redistribution and use",
        "vega-interpreter",
    ):
        assert name in head
    assert not re.search(r"</script|<script|<!--", library(), re.IGNORECASE)


def test_a_package_that_was_not_built_says_so(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=r"vega.js: the drawing library is missing, as reporting-pages was not built; install it",
    ):
        bundle_text(tmp_path / "vega.js")


def test_a_library_that_would_leave_its_script_is_not_built():
    found = runpy.run_path(
        str(Path(__file__).parents[3] / "plugins" / "pages" / "hatch_build.py")
    )
    assert found["checked"]("a") == "a"
    with pytest.raises(
        ValueError,
        match=r"the bundle of vl-convert-python holds </script, and cannot stand in a page",
    ):
        found["checked"]("a</Script>")


@pytest.mark.parametrize("name", ["style.css", "draw.js"])
def test_what_is_put_into_the_page_as_it_is_cannot_leave_its_element(name):
    assert not re.search(r"</(?:script|style)|<!--", resource(name), re.IGNORECASE)
