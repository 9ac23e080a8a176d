"""Settings of the sink ``sql-table``."""

from __future__ import annotations

from pydantic import Field, field_validator

from reporting_framework import SecretText, TableSinkSettings
from reporting_sql.connections import BUSY_SECONDS
from reporting_sql.settings import checked_url, url_field


class SqlTableSinkSettings(TableSinkSettings):
    """Settings of the sink ``sql-table``."""

    url: SecretText = url_field()
    lock_seconds: float = Field(
        BUSY_SECONDS, ge=0, le=86_400, description="How long to wait for a lock"
    )
    statement_seconds: float | None = Field(
        None,
        gt=0,
        le=86_400,
        description="Time limit of a statement; unless set, that of the server",
    )

    @field_validator("url")
    @classmethod
    def _known(cls, value: SecretText) -> SecretText:
        return checked_url(value)
