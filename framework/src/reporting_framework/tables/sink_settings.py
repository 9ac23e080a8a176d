"""Settings that sinks of tables share."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from reporting_framework.plugin_api.records import WriteMode
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.tables.loading import INTERNAL

_PART = re.compile(r'"(?:[^"]|"")+"(?=\.|$)|[^.]+')
"""Part of the name of a table; a dot within double quotes divides none."""


class TableSinkSettings(Settings):
    """Settings of a `TableSink`; authors add the settings of the connection."""

    table: str = Field(
        min_length=1, description="The table; the first commit creates it"
    )
    mode: WriteMode | None = Field(
        None, description="What runs do to the table, if not what the report says"
    )
    primary_key: list[str] = Field(
        [],
        description=(
            "Columns that identify a row of the table, with `upsert` and `replace`: the"
            " newest version of them wins, whatever record it is from. Unless set, the"
            " source key identifies a row"
        ),
    )
    deletes: Literal["soft", "hard"] = Field(
        "soft",
        description=(
            "With `upsert`, what becomes of a deleted row: `soft` keeps it, with"
            " `_deleted_at`; `hard` removes it, and an older version that arrives later"
            " brings it back"
        ),
    )
    timestamp: str | None = Field(
        None,
        description=(
            "Column of the time of a row (a date and time with a time zone), for"
            " sources that list from the newest one on"
        ),
    )

    @field_validator("table")
    @classmethod
    def _is_free(cls, value: str) -> str:
        name = "".join(_PART.findall(value)[-1:])
        if name.lstrip('"').casefold().startswith(INTERNAL):
            raise ValueError(
                f"names that begin with {INTERNAL} are the framework's own; give the"
                " table another one"
            )
        return value
