"""Report composed in ``reporting.toml``, whose settings are its table there.

::

    [reports.visits]
    summary    = "visits of all centers"
    source     = { use = "object-store-json", uri = "s3://nacc-events/prod/" }
    validator  = { use = "pydantic", model = "my_package.models:Visit" }
    transforms = [{ use = "exclude-projects", patterns = ["sandbox-*"] }]
    sinks      = [
        { use = "parquet-checkpoint", uri = "s3://nacc-checkpoints/visits.parquet" },
    ]
    engine     = { use = "local" }
    checks     = [{ check = "unique", columns = ["ptid", "visit_date"] }]
    metadata   = "s3://nacc-metadata/reports"
    page       = "table-overview"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reporting_framework.plugin_api.report import Report

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reporting_framework.plugin_api.report import PipelineSpec, PluginRef


class ComposedReport(Report):
    """A report that a table of the configuration file describes.

    Args:
        name: Name of the table.
        summary: The table's summary.
        page: The table's default page.
    """

    def __init__(self, name: str, summary: str = "", page: str | None = None) -> None:
        self.name = name  # type: ignore[misc]  # each table has its own
        self.summary = summary  # type: ignore[misc]
        self.page = page  # type: ignore[misc]

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - a class
        """Settings model of the table."""
        from reporting_framework.config.toml_report_settings import ComposedSettings

        return ComposedSettings

    def compose(self, settings: Any) -> PipelineSpec:
        """Return the composition that the table describes."""
        from reporting_framework.plugin_api.report import PipelineSpec

        return PipelineSpec(
            source=_source(settings),
            validator=_use(settings.validator),
            transforms=[_use(transform) for transform in settings.transforms],
            sinks=[_use(sink) for sink in settings.sinks],
            engine=_use(settings.engine),
            write_mode=settings.write_mode,
            metadata=settings.metadata,
            contract=settings.contract,
            checks=tuple(check.ref for check in settings.checks),
        )


def _source(settings: Any) -> PluginRef:
    source = _use(settings.source)
    if not settings.full_scan:
        return source
    return source._replace(settings={**source.settings, "full_scan": True})


def _use(part: Any) -> PluginRef:
    from reporting_framework.plugin_api.report import PluginRef

    return PluginRef(part.use, dict(part.model_extra or {}))
