"""The report ``redcap-report``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from reporting_framework import PipelineSpec, PluginRef, Report
from reporting_redcap.report_settings import RedcapReportSettings
from reporting_redcap.settings import READ_AT

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult

_PASSED = (
    "parameter_path",
    "url",
    "token",
    "report_id",
    "region",
    "values",
    "time_zone",
    "chunk_records",
    "max_records",
    "full_scan",
    "full_scan_every_days",
    "infer_deletes",
    "allow_private",
)
"""Settings of the report that are those of the source."""


class RedcapReport(Report):
    """Report that turns records or a saved report of REDCap into a parquet file."""

    name: ClassVar[str] = "redcap-report"
    summary: ClassVar[str] = (
        "records or a saved report of a REDCap project as a parquet file"
    )
    table: ClassVar[Sequence[str]] = ("records",)
    Settings: ClassVar[type[RedcapReportSettings]] = RedcapReportSettings

    @override
    def compose(self, settings: RedcapReportSettings) -> PipelineSpec:
        source = {
            name: value
            for name in _PASSED
            if (value := getattr(settings, name)) is not None
        }
        sink: dict[str, Any] = {"uri": settings.uri}
        if settings.mode == "append":  # rows of a file that grows have a time
            source["read_at"] = True
            sink["timestamp"] = READ_AT
        return PipelineSpec(
            source=PluginRef("redcap", source),
            validator=PluginRef("frame"),
            sinks=[PluginRef("parquet-checkpoint", sink)],
            write_mode="replace" if settings.mode == "overwrite" else settings.mode,
            checks=[check.ref for check in settings.checks],
        )

    @override
    def answer(
        self, settings: RedcapReportSettings, result: RunResult
    ) -> Mapping[str, Any]:
        return {
            "num_records": result.accepted,
            "output_location": settings.uri,
            "duration_seconds": result.seconds.total,
        }
