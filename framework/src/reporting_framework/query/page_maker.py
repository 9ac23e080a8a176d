"""Pages of a report for its observers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reporting_framework.plugin_api.observer import PageMaker
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.registry.registry import Registry


def page_maker(composition: PipelineSpec, registry: Registry) -> PageMaker:
    """Return the function that makes pages of a report as it is composed in a run.

    A page that is about a month is about the current month.
    """

    def make(report: str, asked: str | None) -> str:
        from reporting_framework.query import (
            pages,
        )  # imported late: only observers that attach pages need it
        from reporting_framework.registry.reports import resolve_report

        _, _, stream = report.partition("/")
        one = stream and composition.stream is None
        spec = composition.of_stream(stream) if one else composition
        name = pages.page_name(resolve_report(report, registry), asked, registry)
        page = pages.page_of(report, name, {}, registry)
        reading = pages.read(report, spec, registry, at=datetime.now(UTC))
        return pages.render(page, reading, reading.material.at.date())

    return make
