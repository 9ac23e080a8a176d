"""Settings of the transform ``join``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.plugin_api.settings import Settings

Names = tuple[str, ...] | dict[str, str]


class JoinSettings(Settings):
    """Settings of the transform ``join``."""

    uri: str = Field(
        description=(
            "Parquet file of the other table, or folder of its parquet files, local or"
            " in a bucket"
        )
    )
    on: Names = Field(
        description=(
            "Columns that identify a row of the other table, or a table of columns here"
            " and there: { sku = 'article' }"
        )
    )
    columns: Names = Field(
        description=(
            "Columns to add, or a table of new names and columns there:"
            " { list_price = 'price' }"
        )
    )
    unmatched: Literal["keep", "drop"] = Field(
        "keep",
        description=(
            "What happens to a row that the other table has no row for: keep it with"
            " nulls, or drop it"
        ),
    )
    max_rows: int = Field(
        5_000_000, ge=1, description="Most rows of the other table; they are in memory"
    )

    @field_validator("on", "columns")
    @classmethod
    def _some(cls, value: Names) -> Names:
        if not value:
            raise ValueError("name at least one column")
        return value

    @model_validator(mode="after")
    def _new_names(self) -> JoinSettings:
        taken = [name for name in self.added if name in self.key or name == SOURCE_KEY]
        if taken:
            raise ValueError(
                f"columns: {', '.join(taken)} exist already; choose other names, as in"
                " { list_price = 'price' }"
            )
        return self

    @property
    def key(self) -> Mapping[str, str]:
        """Columns of the other table by the columns of the frame."""
        return _by_name(self.on)

    @property
    def added(self) -> Mapping[str, str]:
        """Columns of the other table by the names that they get."""
        return _by_name(self.columns)


def _by_name(names: Names) -> Mapping[str, str]:
    return names if isinstance(names, dict) else {name: name for name in names}
