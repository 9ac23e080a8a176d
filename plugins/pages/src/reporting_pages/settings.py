"""Settings of the page ``table-overview``."""

from __future__ import annotations

from pydantic import Field

from reporting_framework.plugin_api.settings import Settings


class TableOverviewSettings(Settings):
    """Settings of the page ``table-overview``."""

    values: bool = Field(
        True,
        description="Show values: the least and the greatest number, date or time of a"
        " column, and texts that repeat",
    )
    time_column: str | None = Field(
        None,
        description="Date or time by which rows are counted over time; default: the"
        " first column of such a type",
    )
