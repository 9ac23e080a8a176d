"""Settings of the source."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from reporting_framework import TableSettings


class SqliteTableSettings(TableSettings):
    """Settings of the source ``sqlite-table``."""

    path: str = Field(min_length=1, description="The database file")
    table: str | None = Field(
        None, min_length=1, description="The table; it has a primary key"
    )
    tables: list[str] = Field(
        [], description="Several tables in place of one, each a stream"
    )
    cursor: str | None = Field(
        None,
        description=(
            "Column that grows with each change of a row: an integer, or a time as ISO"
            " 8601 text. Unless set, each run reads the whole table"
        ),
    )
    busy_seconds: float = Field(
        5, ge=0, le=600, description="How long to wait for whoever has locked the file"
    )

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if (self.table is None) == (not self.tables):
            raise ValueError("give table or tables")
        return self
