"""Settings of the source."""

from __future__ import annotations

from pydantic import Field

from reporting_framework.plugin_api.settings import Settings


class SqliteTableSettings(Settings):
    """Settings of the source ``sqlite-table``."""

    path: str = Field(min_length=1, description="The database file")
    table: str = Field(
        min_length=1, description="The table; it has an INTEGER PRIMARY KEY"
    )
    full_scan_every_days: float = Field(
        7,
        ge=0,
        le=100_000,
        description=(
            "Full scan of all keys, not just higher ones, when the last one is older"
        ),
    )
    full_scan: bool = Field(False, description="Full scan of all keys this time")
    busy_seconds: float = Field(
        5, ge=0, le=600, description="How long to wait for whoever has locked the file"
    )
    max_record_bytes: int = Field(
        1024 * 1024, ge=1, description="Largest row, as JSON; a larger one is rejected"
    )
