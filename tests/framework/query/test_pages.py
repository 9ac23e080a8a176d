"""Pages of a report: which one, what it is made of, and what is refused."""

from datetime import UTC, date, datetime
from typing import ClassVar

import polars as pl
import pytest

from reporting_framework import Page, PluginRef, run_report
from reporting_framework.config.file import Config
from reporting_framework.errors import (
    ObjectMissing,
    PluginError,
    SettingsError,
    StepFailed,
)
from reporting_framework.plugin_api.page import PageContext
from reporting_framework.plugin_api.result import Output, RunRecord
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.query import pages
from reporting_framework.registry.registry import load_plugins
from reporting_framework.registry.reports import compose_report, resolve_report

AT = datetime(2024, 3, 9, 12, tzinfo=UTC)
RECORD = RunRecord(
    run_id="1", report="r", started_at=AT, finished_at=AT, status="ok", complete=True, inputs=["s3://a/", "s3://b/"],
    outputs=[Output(uri="s3://out/t.parquet", rows=1, new_rows=1, bytes=1)],
)  # fmt: skip


class Counted(Page):
    """A page that says how many rows there are."""

    name: ClassVar[str] = "counted"
    Settings: ClassVar[type[Settings]] = Settings
    required_columns: ClassVar[frozenset[str]] = frozenset({"n"})

    def __init__(self, gives: object = None) -> None:
        self.gives = gives

    def render(self, material):
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives or f"{material.month} {material.rows.collect().height}"


class Timed(Counted):
    """The same, of a table without that column."""

    required_columns: ClassVar[frozenset[str]] = frozenset({"timestamp"})


class Held:
    """A sink that holds a table, and nothing besides."""

    name: ClassVar[str] = "held"


def reading(columns=("n",)):
    rows = pl.LazyFrame({column: [1, 2] for column in columns})
    return pages.Reading(
        Held(), PageContext("r", date(2024, 2, 1), rows, None, (), "", "", AT)
    )


@pytest.fixture(scope="module")
def registry():
    return load_plugins()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "in").mkdir()
    (folder / "in" / "log-submit-20240101.json").write_text("{}")
    settings = {"source": f"{folder}/in", "checkpoint": f"{folder}/out/t.parquet"}
    run_report("event-log-checkpoint", settings)
    return folder, settings


def composition(settings, registry):
    return compose_report(
        "event-log-checkpoint", registry, Config(), environment={}, options=settings
    )


@pytest.mark.parametrize(
    ("day", "month"),
    [
        (date(2024, 1, 1), date(2023, 12, 1)),
        (date(2024, 3, 31), date(2024, 2, 1)),
        (date(2024, 12, 9), date(2024, 11, 1)),
    ],
)
def test_the_month_before(day, month):
    assert pages.month_before(day) == month


def test_the_page_is_the_one_that_is_asked_for_else_the_reports_own(registry):
    report = resolve_report("event-log-checkpoint", registry)
    assert pages.page_name(report, None, registry) == "monthly-visits"
    assert pages.page_name(report, "other", registry) == "other"


def test_a_report_without_a_page_of_its_own_needs_one(registry):
    with pytest.raises(SettingsError) as caught:
        pages.page_name(resolve_report("event-processor", registry), None, registry)
    assert str(caught.value) == (
        "report event-processor names no page of its own; give one with --page: monthly-visits, table-overview"
    )


def test_where_no_plugin_brings_a_page_the_error_says_so(registry):
    with pytest.raises(
        SettingsError, match=r"give one with --page; no installed plugin brings one$"
    ):
        pages.page_name(
            resolve_report("event-processor", registry), None, load_plugins([])
        )


def test_a_pages_settings_are_checked(registry):
    assert (
        pages.page_of(
            "r", "monthly-visits", {"identifiers": False}, registry
        ).settings.identifiers
        is False
    )
    with pytest.raises(
        SettingsError,
        match="report r: page monthly-visits: there is no setting identifier; did you mean identifiers",
    ):
        pages.page_of("r", "monthly-visits", {"identifier": False}, registry)


def test_a_page_is_told_its_month_from_its_first_day():
    assert pages.render(Counted(), reading(), date(2024, 1, 31)) == "2024-01-01 2"


def test_a_table_that_lacks_a_column_is_refused():
    with pytest.raises(
        SettingsError, match="report r: page counted needs column n; there are a, b$"
    ):
        pages.render(Counted(), reading(("a", "b")), date(2024, 1, 1))


def test_a_page_that_gives_no_text_is_refused():
    with pytest.raises(
        PluginError, match="page counted: render returned bytes, not HTML"
    ):
        pages.render(Counted(b"bytes"), reading(), date(2024, 1, 1))


def test_a_page_may_give_any_object_that_is_html():
    class Element:
        def __html__(self):
            return "<p>"

    assert pages.render(Counted(Element()), reading(), date(2024, 1, 1)) == "<p>"


def test_an_error_of_a_pages_own_names_the_step_and_no_value():
    with pytest.raises(
        StepFailed,
        match="^report r: page counted raised ValueError; see the log for where$",
    ):
        pages.render(Counted(ValueError("a value")), reading(), date(2024, 1, 1))


def test_a_sink_without_a_place_for_pages_says_so():
    with pytest.raises(
        PluginError,
        match="report r: sink held has no location for a page beside its rows",
    ):
        pages.write_page_beside(Counted(), reading(), date(2024, 1, 1))


def test_nothing_yet_is_no_empty_page(made, registry, tmp_path):
    _, settings = made
    empty = composition(settings | {"checkpoint": f"{tmp_path}/none.parquet"}, registry)
    with pytest.raises(
        ObjectMissing,
        match=r"holds nothing yet at .*none\.parquet; run the report first",
    ):
        pages.read("event-log-checkpoint", empty, registry, at=AT)


EXAMPLE = {"source": "examples/visit-events", "validator": "visit-event"}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    settings = EXAMPLE | {"checkpoint": f"{folder}/out/t.parquet"}
    run_report("event-log-checkpoint", settings)
    return folder, settings


def test_material_is_the_table_its_quarantine_and_where_they_are(full, registry):
    folder, settings = full
    material = pages.read(
        "event-log-checkpoint", composition(settings, registry), registry, at=AT
    ).material
    assert material.rows.collect().height == 290
    assert material.quarantine.height == 13
    assert material.quarantine.columns[:4] == [
        "source_key",
        "version",
        "error_type",
        "field",
    ]
    assert (material.month, material.at, material.report) == (
        date(2024, 2, 1),
        AT,
        "event-log-checkpoint",
    )
    assert material.source.endswith(
        "/examples/visit-events"
    )  # as the last run has told
    assert material.table == f"{folder}/out/t.parquet"
    assert [run.accepted for run in material.runs] == [290]


def test_a_page_is_put_beside_the_table_and_is_no_part_of_it(full, registry):
    folder, settings = full
    found = pages.read(
        "event-log-checkpoint", composition(settings, registry), registry, at=AT
    )
    page = Timed()
    uri = pages.write_page_beside(page, found, date(2024, 2, 1))
    path = folder / "out" / "_reports" / "t" / "2024-02.html"
    assert uri.endswith(str(path))
    assert path.read_text() == pages.render(page, found, date(2024, 2, 1))
    assert run_report("event-log-checkpoint", settings).accepted == 0
    assert sorted(each.name for each in path.parent.iterdir()) == ["2024-02.html"]


class Whole(Counted):
    """A page that is about the whole table."""

    name: ClassVar[str] = "whole"
    required_columns: ClassVar[frozenset[str]] = frozenset()
    monthly: ClassVar[bool] = False


def test_a_page_of_the_whole_table_is_put_beside_it_under_its_own_name(full, registry):
    _, settings = full
    found = pages.read(
        "event-log-checkpoint", composition(settings, registry), registry, at=AT
    )
    uri = pages.write_page_beside(Whole(), found, date(2024, 2, 1))
    assert uri.endswith("/_reports/t/whole.html")
    assert pages.label_of(Whole(), date(2024, 2, 1)) == "whole"
    assert pages.label_of(Timed(), date(2024, 2, 1)) == "counted of 2024-02"


@pytest.mark.parametrize(
    ("use", "shown"),
    [
        (PluginRef("s", {"uri": "s3://bucket/key/"}), "s3://bucket/key/"),
        (
            PluginRef("s", {"uri": "postgres://me:secret@host/db?password=secret"}),
            "postgres://host/db",
        ),
        (PluginRef("s", {"uri": "a/folder"}), "a/folder"),
        (PluginRef("s", {"uri": 3}), ""),
        (PluginRef("s"), ""),
    ],
)
def test_where_records_come_from_is_told_without_a_password(use, shown):
    assert pages._place(use) == shown


def test_the_history_knows_better_where_records_came_from():
    assert pages._inputs((RECORD,)) == "s3://a/, s3://b/"
    assert pages._outputs((RECORD,)) == "s3://out/t.parquet"
    assert pages._inputs(()) == pages._outputs(()) == ""
