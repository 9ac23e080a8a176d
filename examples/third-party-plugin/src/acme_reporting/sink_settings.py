"""Settings of the sink."""

from __future__ import annotations

from pydantic import Field

from reporting_framework import TableSinkSettings


class SqliteSinkSettings(TableSinkSettings):
    """Settings of the sink ``sqlite-table``."""

    path: str = Field(
        min_length=1, description="The database file; the first commit creates it"
    )
    busy_seconds: float = Field(
        30, ge=0, le=600, description="How long to wait for whoever has locked the file"
    )
