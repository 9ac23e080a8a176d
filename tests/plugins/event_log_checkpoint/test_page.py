"""The page `monthly-visits`: what it says of usual and unusual months."""

import re
import sys
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from reporting_event_log_checkpoint.monthly.aggregation import figures_of
from reporting_event_log_checkpoint.page import MonthlyVisits
from reporting_framework import install_command
from reporting_framework.errors import PluginError
from reporting_framework.plugin_api.result import (
    CheckOutcome,
    RunRecord,
    SchemaChange,
)
from reporting_pages.formatting import change
from reporting_pages.runs import checks_card, last_run
from reporting_pages.vega_bundle import library
from tests.support import visits

DEFAULT = MonthlyVisits(MonthlyVisits.Settings())


def made(material, **settings):
    """The page without the drawing library."""
    return (
        MonthlyVisits(MonthlyVisits.Settings(**settings))
        .render(material)
        .replace(library(), "")
    )


def small(**more):
    rows = visits.visits(6, months=3, centers=["Alder", "Birch"], per=6)
    return visits.material(rows, month=date(2023, 1, 1), **more)


def words(page):
    return re.sub(
        r"\s+",
        " ",
        re.sub(
            r"<[^>]*>",
            " ",
            re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL),
        ),
    )


@pytest.fixture(scope="module")
def usual():
    return made(small())


def test_the_same_material_gives_the_same_page(usual):
    assert made(small()) == usual


def test_the_page_says_its_month_its_numbers_and_where_they_come_from(usual):
    said = words(usual)
    for part in ("Visits in January 2023", "visits submitted at 2 centers", "Newest event", "s3://example-events/prod/",
                 "visit-event-v2 (reporting-event-log-checkpoint 0.1.0)", "Created on 2 May 2024, 06:15 UTC"):  # fmt: skip
        assert part in said, part
    assert usual.count("<figure") == usual.count("<figcaption") == 13


def test_a_tile_says_how_many_visits_wait_and_how_many_more_than_a_month_before():
    material = small()
    figures = [
        figures_of(material.rows, None, month=of, at=material.at, most=0)
        for of in (date(2022, 12, 1), material.month)
    ]
    before, now = (sum(of.ages.values()) for of in figures)
    (tile,) = re.findall(
        r'<p class="name">Waiting for a pass</p>.*?</li>', made(material), re.DOTALL
    )
    assert now != before
    assert f'<p class="value">{now}</p>' in tile
    assert f'<span class="change">{change(now, before)}</span>' in tile
    assert "from Dec 2022" in tile


def counted(page):
    """Tiles, figures and other tables of a page."""
    parts = r'<ul class="tiles">.*?</ul>|<figure.*?</figure>|<table.*?</table>'
    return re.findall(parts, page)


@pytest.mark.parametrize(
    ("chosen", "keeps", "title"),
    [
        (
            {"study": ["dlb"]},
            pl.col("study") == "dlb",
            "Visits of study dlb in January 2023",
        ),
        (
            {"center": [902]},
            pl.col("pipeline_adcid") == 902,
            "Visits at Birch in January 2023",
        ),
        (
            {"study": ["adrc", "dlb", "adrc"], "center": [901, 902]},
            pl.col("study") != "clariti",
            "Visits of studies adrc, dlb at Alder, Birch in January 2023",
        ),
        (
            {"study": [*"abcd", "dlb"], "center": [900, 901, 902, 903]},
            pl.col("study") == "dlb",
            "Visits of 5 studies at 4 centers in January 2023",
        ),
    ],
)
def test_a_filtered_page_counts_its_studies_and_centers_only_and_names_them(
    chosen, keeps, title, usual
):
    material = small()
    page = made(material, **chosen)
    alone = made(material._replace(rows=material.rows.filter(keeps)))
    assert len(counted(page)) == 17
    assert counted(page) == counted(alone) != counted(usual)
    assert f"<title>{title}</title>" in page
    assert f"<h1>{title}</h1>" in page


def test_a_filtered_page_says_its_whole_filter_and_what_is_not_filtered(usual):
    said = words(made(small(), study=["dlb", "adrc", "b", "c"], center=[902, 7]))
    assert "Filter: study dlb, adrc, b, c" in said
    assert (
        "Filter: center Birch (pipeline_adcid 902), center 7 (pipeline_adcid 7)" in said
    )
    unfiltered = "no study or center either, so all records are counted"
    assert unfiltered in said
    assert "Filter:" not in words(usual)
    assert unfiltered not in usual


def test_a_filter_that_no_event_passes_says_so():
    said = words(made(small(), study=["<none>"], center=[2**40]))
    assert (
        "There is no event of study &lt;none&gt; at center 1099511627776 in January 2023."
        in said
    )


def test_each_chart_has_its_numbers_behind_it(usual):
    figures = re.findall(r"<figure.*?</figure>", usual, re.DOTALL)
    assert all(("data-chart" in each) == ("<details>" in each) for each in figures)
    assert all(
        re.search(r"data-says=\"[^\"]{20,}\"", each)
        for each in figures
        if "data-chart" in each
    )


def test_without_identifiers_no_participant_is_named(usual):
    assert re.search(r"SYN\d{7}", usual)
    assert not re.search(r"SYN\d{7}", made(small(), identifiers=False))


@pytest.mark.slow
def test_the_list_of_those_that_wait_is_bounded_and_says_how_many_more_there_are():
    page = made(visits.material(), longest_waiting=3)
    assert (
        "3 visits, the longest first. 97 more visits have waited for less time." in page
    )
    assert len(re.findall(r"SYN\d{7}", page)) == 3
    assert "No visit is listed." in made(small(), longest_waiting=0)


def test_an_empty_month_and_an_empty_table_say_so():
    page = words(
        made(
            visits.material(
                visits.visits(months=0), quarantine=None, runs=[], source="", table=""
            )
        )
    )
    for said in ("There is no event in April 2024.", "No visit was submitted in April 2024.", "No visit waits for a pass.",
                 "This report keeps no quarantine.", "this report keeps no history of runs", "Source not known",
                 "No visit was checked in these months."):  # fmt: skip
        assert said in page, said


def test_a_first_month_is_compared_with_nothing():
    page = made(visits.material(visits.visits(5, months=1, per=4), month=visits.FIRST))
    assert 'class="change"' not in page
    assert "The mark shows" not in page


@pytest.mark.slow
def test_labels_of_any_kind_are_inert():
    evil = '</script><img src=x onerror="hit()">'
    rows = visits.visits(7, months=2, centers=[evil, f"{evil}2"], modules=[evil], per=6)
    texts = [
        name
        for name, dtype in visits.SCHEMA.items()
        if dtype == pl.String and name not in ("action", "source_key")
    ]
    rows = rows.with_columns(pl.lit(evil).alias(name) for name in texts)
    page = made(
        visits.material(
            rows, month=date(2022, 12, 1), source=evil, table=evil, report=evil
        )
    )
    assert "<img" not in page
    assert page.count("</script>") == page.count("<script")


@pytest.mark.slow
def test_two_centers_of_one_name_are_told_apart():
    rows = visits.visits(8, months=2, centers=["Alder", "Alder"], per=4)
    assert {"Alder (901)", "Alder (902)"} <= set(
        re.findall(
            r"Alder \(\d+\)", made(visits.material(rows, month=date(2022, 12, 1)))
        )
    )


@pytest.mark.slow
def test_a_datatype_without_module_is_told_apart_from_a_module_of_its_name():
    rows = visits.visits(8, months=2, centers=["Alder"], modules=["dicom"], per=30)
    page = made(visits.material(rows, month=date(2022, 12, 1)))
    assert {"form · dicom", "dicom · no module"} <= set(
        re.findall(r"\w+ · [\w ]+", page)
    )


@pytest.mark.slow
def test_a_failed_run_and_a_clock_that_is_ahead_are_told():
    last = RunRecord(run_id="1", report="r", started_at=visits.AT, finished_at=visits.AT, status="failed", complete=False, error="AccessDenied")  # fmt: skip
    page = words(made(small(runs=[last], at=datetime(2022, 12, 31, tzinfo=UTC))))
    assert "failed (AccessDenied)" in page
    assert "which is ahead of the clock" in page


def test_checks_of_the_last_run_that_had_any_are_told():
    outcomes = [
        CheckOutcome(name="unique(ptid)", check="unique", over="table", severity="fail", passed=False, problem="rows that share a key: 2 of 9"),
        CheckOutcome(name="fresh", check="freshness", over="run", severity="warn", passed=None, problem="the run is incomplete"),
    ]  # fmt: skip
    changes = [SchemaChange(column="naccid", change="added", after="String")]
    last = RunRecord(run_id="1", report="r", started_at=visits.AT, finished_at=visits.AT, status="failed", complete=False, schema_changes=changes)  # fmt: skip
    before = last.model_copy(update={"checks": outcomes})
    assert checks_card([last]) is None
    page = words(str(checks_card([last, before])))
    assert "unique(ptid) table fail failed rows that share a key: 2 of 9" in page
    assert "fresh rows of the run warn not judged the run is incomplete" in page
    facts = dict(last_run([last], visits.AT))
    assert facts["Columns of the source"] == "naccid added"


@pytest.mark.slow
def test_runs_beyond_ten_are_not_listed():
    page = made(small(runs=visits.runs(count=12)))
    assert page.count(", 02:00 UTC") == 1
    assert len(re.findall(r"\d{4}-\d\d-\d\d 02:00", page)) == 10


def test_without_what_pages_are_made_with_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "reporting_pages", None)
    with pytest.raises(PluginError) as caught:
        DEFAULT.render(small())
    assert str(caught.value) == (
        "page monthly-visits: reporting_pages is not installed; run "
        f"{install_command('pages', 'reporting-event-log-checkpoint')}"
    )


@pytest.mark.slow
def test_a_page_of_many_centers_stays_small_and_draws_no_more_than_thirty():
    rows = visits.visits(
        4,
        months=2,
        centers=[f"Center {n}" for n in range(60)],
        modules=[f"M{n}" for n in range(12)],
        per=4,
    )
    page = DEFAULT.render(visits.material(rows, month=date(2022, 12, 1)))
    assert "The chart shows 30 of 60 centers; the numbers have all." in page
    assert len(page.encode()) < 1_400_000


@pytest.mark.slow
def test_a_month_so_far_says_so():
    rows = visits.visits(6, months=1, centers=["Alder"], per=4)
    page = made(
        visits.material(
            rows,
            month=visits.FIRST,
            at=datetime(2022, 11, 20, tzinfo=UTC) + timedelta(hours=1),
        )
    )
    assert "at the end of 20 November 2022" in page
