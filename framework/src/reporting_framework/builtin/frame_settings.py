"""Settings of the validator ``frame``."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from reporting_framework.builtin.column_rule import ColumnRule
from reporting_framework.builtin.frame_types import TYPES
from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.plugin_api.settings import Settings


class FrameSettings(Settings):
    """Settings of the validator ``frame``."""

    rules: dict[str, ColumnRule] = Field(
        {},
        description=(
            "Rules by column. The table has all columns of the source, in their order"
        ),
    )
    columns: dict[str, ColumnRule] = Field(
        {},
        description=(
            "Columns of the table in their order, each with its type and its rules;"
            " other columns of the source are left out. Cannot be combined with rules"
        ),
    )
    primary_key: tuple[str, ...] = Field(
        (),
        description=(
            "Columns that identify a row: never null, and each combination once in a"
            " batch"
        ),
    )

    @field_validator("columns", "rules")
    @classmethod
    def _free_names(cls, value: dict[str, ColumnRule]) -> dict[str, ColumnRule]:
        if SOURCE_KEY in value:
            raise ValueError(f"{SOURCE_KEY} is a column that is added; rename it")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> FrameSettings:
        if self.columns and self.rules:
            raise ValueError(
                "columns and rules exclude each other: columns are all columns of the"
                " table, rules are for some columns of the source; give one of them"
            )
        if untyped := [name for name, rule in self.columns.items() if not rule.type]:
            raise ValueError(
                f"columns: {untyped[0]} has no type; give one of {', '.join(TYPES)}, or"
                " give rules, for columns in the types of the source"
            )
        unknown = [name for name in self.primary_key if name not in self.columns]
        if unknown and self.columns:
            raise ValueError(
                f"primary_key: there is no column {', '.join(unknown)}; there are"
                f" {', '.join(self.columns)}"
            )
        return self
