"""Work of a function after a run: pages beside the table.

The pages are for this month and the last one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reporting_framework.aws_lambda import metrics
from reporting_framework.aws_lambda.observability import Observability
from reporting_framework.errors import ReportingError
from reporting_framework.execution.plugin_errors import Owner, call

if TYPE_CHECKING:
    from reporting_framework.plugin_api.report import PipelineSpec, Report
    from reporting_framework.registry.registry import Registry

MIN_SECONDS = 5.0
"""Seconds that must be left of the function's time before pages are begun."""

NOT_MADE = "the pages were not made; the function's log says why"


def after_run(
    report: Report,
    composition: PipelineSpec,
    registry: Registry,
    observer: Observability,
    *,
    page: str | None,
    left: float,
) -> dict[str, Any]:
    """Make the pages, and return the entries for the response.

    An error is logged and measured; the run does not fail.

    Args:
        report: The report that ran.
        composition: Its composition in this run.
        registry: The plugins.
        observer: The function's log and metrics.
        page: Name of the page; the report's own by default.
        left: Seconds left of the function's time.

    Returns:
        Entries of the response: `pages`, their URIs, and `pages_error` after an error.
    """
    pages_written: list[str] = []
    answer: dict[str, Any] = {"pages": pages_written}
    try:
        if left < MIN_SECONDS:
            observer.logger.error(
                "pages not made",
                reason="not enough time is left",
                seconds_left=round(left, 1),
            )
            answer["pages_error"] = NOT_MADE
        else:
            owner = Owner(report.name, "page", page or "(its own)")
            call(owner, _make, report, composition, registry, page, pages_written)
            observer.logger.info("pages made", pages=pages_written)
    except ReportingError as error:
        observer.logger.error(
            "pages not made",
            error_type=type(error).__name__,
            reason=str(error),
            exc_info=error,
        )
        answer["pages_error"] = NOT_MADE
    observer.measure(
        metrics.of_pages(len(pages_written), failed="pages_error" in answer)
    )
    return answer


def _make(
    report: Report,
    composition: PipelineSpec,
    registry: Registry,
    asked: str | None,
    written: list[str],
) -> None:
    from reporting_framework.query import (
        pages,
    )  # imported late: only functions that make pages need it

    name = pages.page_name(report, asked, registry)
    page = pages.page_of(report.name, name, {}, registry)
    reading = pages.read(report.name, composition, registry, at=datetime.now(UTC))
    months = (reading.material.at.date(), reading.material.month)
    for month in months if page.monthly else months[:1]:
        uri = pages.write_page_beside(page, reading, month)
        written.append(uri)  # at once: the next page may fail
