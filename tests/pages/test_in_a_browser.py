"""The monthly report and the page of any table in a real browser: it draws all charts, loads nothing, fits, and everyone can use it."""

from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from reporting_event_log_checkpoint.page import MonthlyVisits
from reporting_pages.page import TableOverview
from tests.support import visits
from tests.support.browser import opened

pytestmark = pytest.mark.slow

HOSTILE = [
    "</script><script>window.hit=1</script>",
    '<img src=x onerror="window.hit=1">',
    "<!--<script>",
    "\u2028'\"&`${1}",
    "x" * 240,
]


def hostile() -> pl.DataFrame:
    """A table whose texts try to be more than texts."""
    rows = visits.visits(2, months=3, centers=HOSTILE, modules=HOSTILE, per=12)
    texts = pl.Series([HOSTILE[number % len(HOSTILE)] for number in range(rows.height)])
    return rows.with_columns(ptid=texts, visit_number=texts, study=texts, packet=texts)


def nulls() -> pl.DataFrame:
    """A table that lacks all that may be lacking."""
    rows = visits.visits(3, months=3, centers=["Alder"], per=8)
    names = (
        "module",
        "visit_number",
        "center_label",
        "visit_date",
        "ptid",
        "datatype",
        "pipeline_adcid",
    )
    return rows.with_columns(
        pl.lit(None, dtype=rows.schema[name]).alias(name) for name in names
    )


def many() -> pl.DataFrame:
    """Sixty centers with long names, and twelve modules."""
    centers = [
        f"The {number} Center for the Study of Memory, Aging and Long Names at North Campus"
        for number in range(60)
    ]
    return visits.visits(
        4, months=3, centers=centers, modules=[f"MODULE-{n}" for n in range(12)], per=16
    )


TABLES = {
    "usual": lambda: visits.material(),
    "empty month": lambda: visits.material(month=date(2030, 1, 1)),
    "no rows": lambda: visits.material(visits.visits(months=0), quarantine=None, runs=[]),
    "first month": lambda: visits.material(visits.visits(5, months=1), month=visits.FIRST),
    "single center": lambda: visits.material(visits.visits(6, months=3, centers=["Alder"], per=3), month=date(2023, 1, 1)),
    "many": lambda: visits.material(many(), month=date(2023, 1, 1)),
    "nulls": lambda: visits.material(nulls(), month=date(2023, 1, 1)),
    "hostile": lambda: visits.material(hostile(), month=date(2023, 1, 1), source=HOSTILE[0], table=HOSTILE[1]),
}  # fmt: skip


OVERVIEWS = ["usual", "no rows", "hostile"]
"""Tables that the page of any table is made of, too."""


@pytest.fixture(
    scope="module",
    params=[
        *((MonthlyVisits, name) for name in TABLES),
        *((TableOverview, name) for name in OVERVIEWS),
    ],
    ids=lambda param: f"{param[0].name} of {param[1]}",
)
def page(request, tmp_path_factory):
    kind, name = request.param
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(kind(kind.Settings()).render(TABLES[name]()))
    return path


@pytest.mark.parametrize("width", [400, 1400])
def test_every_chart_is_drawn_nothing_is_loaded_nothing_is_said_and_nothing_sticks_out(
    page, running, width
):
    with opened(running, page, width=width) as seen:
        assert seen.said == []
        assert seen.asked == [page.as_uri()]
        marks = seen.marks()
        assert len(marks) == page.read_text().count("data-chart=")
        assert all(marks), marks
        assert seen.overflow() <= 0
        assert seen.page.evaluate("window.hit") is None
        assert seen.page.locator("script:not([data-chart])").count() == 2
        assert seen.page.locator("img").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_axe_finds_no_obstacle(page, running, axe, width, dark):
    with opened(running, page, width=width, dark=dark) as seen:
        seen.page.evaluate(
            "document.querySelectorAll('details').forEach(each => each.open = true)"
        )
        assert seen.violations(axe) == []


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("usual") / "page.html"
    path.write_text(MonthlyVisits(MonthlyVisits.Settings()).render(visits.material()))
    return path


def test_each_chart_says_in_words_what_it_shows(usual, running):
    with opened(running, usual) as seen:
        said = seen.page.eval_on_selector_all(
            "figure svg[role=img]", "all => all.map(each => each.ariaLabel)"
        )
        assert len(said) == len(seen.marks()) == 13
        assert said[0].startswith(
            "Visits submitted by month: 621 visits in April 2024; between 507 (May 2023)"
        )


def test_without_scripts_all_numbers_are_there(usual, running):
    with opened(running, usual, java_script_enabled=False) as seen:
        assert seen.page.locator(".chart:visible").count() == 0
        first = seen.page.locator("figure").first
        assert not first.locator("td").first.is_visible()
        first.locator("summary").click()
        assert first.locator("tr").last.inner_text().split("\t") == [
            "April 2024",
            "621",
        ]


def test_the_keyboard_reaches_the_report_its_tables_and_the_numbers_behind_charts(
    usual, running
):
    with opened(running, usual) as seen:
        seen.page.keyboard.press("Tab")
        assert (
            seen.page.evaluate("document.activeElement.textContent")
            == "Skip to the report"
        )
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "report"
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.tagName") == "SUMMARY"
        assert (
            seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            == "solid"
        )
        seen.page.keyboard.press("Enter")
        seen.page.keyboard.press("Tab")
        assert (
            seen.page.evaluate("document.activeElement.ariaLabel")
            == "Visits submitted by month"
        )


def test_a_chart_follows_the_width_of_the_window(usual, running):
    with opened(running, usual, width=1400) as seen:
        seen.page.set_viewport_size({"width": 500, "height": 900})
        seen.page.wait_for_function(
            "document.querySelector('figure svg').clientWidth < 480"
        )
        assert seen.overflow() <= 0


def test_on_a_phone_months_have_names_that_can_be_read_and_do_not_touch(usual, running):
    with opened(running, usual, width=360) as seen:
        charts = seen.page.eval_on_selector_all(
            "figure svg",
            """all => all
                .map(svg => [...svg.querySelectorAll('.mark-text.role-axis-label text')]
                    .filter(each => each.textContent)
                    .map(each => ({
                        lines: [...each.querySelectorAll('tspan')].map(line => line.textContent),
                        left: each.getBoundingClientRect().left,
                        right: each.getBoundingClientRect().right,
                        size: parseFloat(getComputedStyle(each).fontSize)}))
                    .filter(label => label.lines.length))
                .filter(labels => labels.length)""",
        )
        assert len(charts) == 3
        for labels in charts:
            assert [" ".join(label["lines"]).strip() for label in labels] == [
                "Jun 2023", "Aug", "Oct", "Dec", "Feb 2024", "Apr",
            ]  # fmt: skip
            assert all(label["size"] >= 12 for label in labels)
            assert all(
                one["right"] + 4 <= other["left"] for one, other in pairwise(labels)
            )


def test_colors_follow_the_scheme_and_paper_is_always_light(usual, running):
    color = "getComputedStyle(document.querySelector('figure .mark-rect path')).fill"
    with opened(running, usual) as light, opened(running, usual, dark=True) as dark:
        assert light.page.evaluate(color) != dark.page.evaluate(color)
        dark.page.emulate_media(media="print", color_scheme="dark")
        assert dark.page.evaluate(color) == light.page.evaluate(color)
