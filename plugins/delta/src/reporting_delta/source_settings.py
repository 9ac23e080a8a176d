"""Settings of the source ``delta-table``."""

from __future__ import annotations

from pydantic import Field, field_validator

from reporting_delta.settings import checked_folder
from reporting_framework.plugin_api.settings import Settings


class DeltaTableSourceSettings(Settings):
    """Settings of the source ``delta-table``."""

    uri: str = Field(
        description="The folder of the table: a path, or s3://bucket/folder"
    )
    primary_key: tuple[str, ...] = Field(
        (),
        description=(
            "Columns that tell rows apart; unless set, the column source_key, which"
            " tables of the sink delta-table have"
        ),
    )
    full_scan: bool = Field(
        False, description="Read the whole table this time, not its changes"
    )

    @field_validator("uri")
    @classmethod
    def _is_folder(cls, value: str) -> str:
        return checked_folder(value)
