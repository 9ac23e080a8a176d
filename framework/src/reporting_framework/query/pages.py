"""Pages of a report: their choice, their content, and their rendering."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import redacted
from reporting_framework.errors import PluginError, SettingsError
from reporting_framework.execution.plugin_building import plugin_of
from reporting_framework.execution.plugin_errors import Owner, call, owner_of
from reporting_framework.plugin_api.page import PageContext
from reporting_framework.plugin_api.report import PluginRef
from reporting_framework.query.run_query import held

if TYPE_CHECKING:
    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.page import Page
    from reporting_framework.plugin_api.report import PipelineSpec, Report
    from reporting_framework.plugin_api.result import RunRecord
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.registry.registry import Registry

FOLDER = "reports"
"""Artifact kind of pages in the metadata store."""


class Reading(NamedTuple):
    """A report's table, open for pages of any month.

    Attributes:
        sink: The sink that holds the table.
        material: Content of every page; its month and time belong to the opening.
        metadata: The metadata store for pages, or None.
    """

    sink: Sink
    material: PageContext
    metadata: MetadataStore | None = None


def page_name(report: Report, asked: str | None, registry: Registry) -> str:
    """Return the requested page's name, or the report's default.

    Raises:
        SettingsError: No page was requested, and the report names none.
    """
    name = asked or getattr(report, "page", None)
    if not name:
        known = registry.names("page")
        raise SettingsError(
            f"report {report.name} names no page of its own; give one with --page"
            + (f": {', '.join(known)}" if known else "; no installed plugin brings one")
        )
    return str(name)


def page_of(
    report: str, name: str, settings: Mapping[str, Any], registry: Registry
) -> Page:
    """Return a page with its settings.

    Raises:
        PluginError: There is no such page, or it cannot be imported.
        SettingsError: The page does not accept the settings.
        StepFailed: The page raised an error of its own.
    """
    page: Page = plugin_of(report, "page", PluginRef(name, settings), registry)
    return page


def read(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    *,
    at: datetime | None = None,
) -> Reading:
    """Open a report's table, its quarantine and its history.

    Raises:
    Raises:
        PluginError: None of the report's sinks can be read, or a plugin is unknown,
            broken or blocked.
        ObjectMissing: The table is still empty.
        ReportingError: As for `Sink.scan`, `ParquetQuarantine.entries` or
            `RunHistory.records`.
    """
    sink, pipeline, rows = held(report, composition, registry)
    metadata, history = pipeline.metadata, pipeline.history
    runs = tuple(history.records()) if history is not None else ()
    entries = metadata.quarantine.entries() if metadata is not None else None
    moment = at or datetime.now(UTC)
    used = next(use for use in composition.sinks if use.name == sink.name)
    material = PageContext(
        report=report,
        month=month_before(moment.date()),
        rows=rows,
        quarantine=entries,
        runs=runs,
        source=_inputs(runs) or _place(composition.source),
        table=_place(used) or _outputs(runs),
        at=moment,
    )
    return Reading(sink, material, metadata)


def label_of(page: Page, month: date) -> str:
    """Return the name of a page, with its month if it is about one."""
    return f"{page.name} of {month:%Y-%m}" if page.monthly else page.name


def months_of(reading: Reading, column: str = "timestamp") -> list[date] | None:
    """Return the months (UTC) that a table has rows for, in order.

    Return None if it has no such column of type Date or Datetime.
    """
    import polars as pl

    rows = reading.material.rows
    dtype = rows.collect_schema().get(column)
    if not isinstance(dtype, pl.Datetime | pl.Date):
        return None
    moment = pl.col(column)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        moment = moment.dt.convert_time_zone("UTC")
    months = rows.select(moment.dt.date().dt.month_start().unique().drop_nulls().sort())
    frame = call(owner_of(reading.sink), months.collect)
    return frame.to_series().to_list()


def render(page: Page, reading: Reading, month: date) -> str:
    """Return the HTML of a month's page.

    Raises:
        PluginError: The page did not return a text.
        SettingsError: The table lacks a column that the page needs.
        StepFailed: The page, or reading, raised an error of its own.
    """
    material = reading.material._replace(month=month.replace(day=1))
    text = call(Owner(material.report, "page", page.name), _html, page, material)
    if not isinstance(text, str):
        raise PluginError(
            f"page {page.name}: render returned {type(text).__name__}, not HTML; return"
            " a str"
        )
    return text


def _html(page: Page, material: PageContext) -> object:
    columns = material.rows.collect_schema().names()
    if missing := sorted(page.required_columns - set(columns)):
        raise SettingsError(
            f"report {material.report}: page {page.name} needs column"
            f" {', '.join(missing)}; there are {', '.join(columns)}"
        )
    return html_of(page.render(material))


def html_of(document: object) -> object:
    """Return the HTML of a document.

    It is the result of its `__html__`, or the document itself if it has none.
    """
    return document.__html__() if hasattr(document, "__html__") else document


def write_page_beside(page: Page, reading: Reading, month: date) -> str:
    """Render the page of a month into the metadata store, and return its URI.

    The file has the name of the month, or of the page if it is not about a month.

    Raises:
        PluginError: The report has no metadata store.
        ReportingError: As for `render` or `MetadataStore.put_artifact`.
    """
    report, sink = reading.material.report, reading.sink
    if reading.metadata is None:
        raise PluginError(
            f"report {report}: sink {sink.name} has no location for a page beside its"
            " rows; set the report's metadata to the URI of a folder"
        )
    data = render(page, reading, month).encode()
    name = f"{month:%Y-%m}" if page.monthly else page.name
    return reading.metadata.put_artifact(
        FOLDER, f"{name}.html", data, content_type="text/html; charset=utf-8"
    )


def month_before(day: date) -> date:
    """Return the first day of the month before the month of `day`."""
    months = day.year * 12 + day.month - 2
    return date(months // 12, months % 12 + 1, 1)


def _inputs(runs: tuple[RunRecord, ...]) -> str:
    return ", ".join(runs[0].inputs) if runs else ""


def _outputs(runs: tuple[RunRecord, ...]) -> str:
    return ", ".join(output.uri for output in runs[0].outputs) if runs else ""


def _place(use: PluginRef) -> str:
    """Return a plugin's setting `uri`, without credentials, or "" if it has none."""
    uri = use.settings.get("uri")
    return redacted(uri) if isinstance(uri, str) else ""
