"""Settings of the sinks."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from reporting_framework.plugin_api.settings import Settings

MEBIBYTE = 1024 * 1024
_OF_VALUES = re.compile(r"[+-]?(?:\.?\d|inf|nan)|(?:true|false)$", re.IGNORECASE)
"""Texts of values that are no texts."""

_BUCKET_ALONE = re.compile(r"[a-z0-9]+://[^/]*/?")


class ParquetDatasetSettings(Settings):
    """Settings of the sink ``parquet-dataset``."""

    uri: str = Field(
        description=(
            "The folder: a path, s3://bucket/folder or memory://name/folder; only"
            " parquet files are in it"
        )
    )
    partition_by: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description=(
            "Columns whose values are folders, outermost first; year(COLUMN),"
            " month(COLUMN) and day(COLUMN) take a part of a day or timestamp"
        ),
    )
    timestamp: str | None = Field(
        None,
        description=(
            "Column (Datetime with a time zone) whose newest value limits what a source"
            " lists"
        ),
    )
    target_file_bytes: int = Field(
        64 * MEBIBYTE,
        ge=1024,
        le=4096 * MEBIBYTE,
        description="Size in bytes that files of one commit or compaction aim at",
    )
    compression: Literal["zstd", "snappy"] = Field(
        "zstd", description="Compression of the parquet pages"
    )
    mode: Literal["append", "upsert", "replace"] | None = Field(
        None,
        description=(
            "What a run does to the table: append, upsert or replace; unless set, the"
            " report's"
        ),
    )
    deletes: Literal["soft", "hard"] = Field(
        "soft",
        description=(
            "What an upsert does with a deleted row: `soft` sets its `_deleted_at`,"
            " `hard` removes it"
        ),
    )
    keep_replaced_seconds: float = Field(
        0,
        ge=0,
        le=30 * 86_400,
        description=(
            "How long files that a commit has replaced stay for readers of the manifest"
            " before; readers of the folder see their rows as well"
        ),
    )

    @field_validator("partition_by")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [name for name in value if value.count(name) > 1]:
            raise ValueError(f"{twice[0]} is named twice; name each column once")
        return value

    @field_validator("uri")
    @classmethod
    def _is_folder(cls, value: str) -> str:
        if _BUCKET_ALONE.fullmatch(value) or not value.strip("/."):
            raise ValueError(
                "a folder must be named: the manifest is beside it, in its parent"
            )
        if value.rstrip("/").rpartition("/")[2][:1] in ("_", "."):
            raise ValueError(
                "the folder's name must not begin with _ or a dot: many readers ignore"
                " such folders"
            )
        return value


class CsvSettings(Settings):
    """Settings of the sink ``csv``."""

    uri: str = Field(
        description="The file: a path, s3://bucket/file.csv or memory://name/file.csv"
    )
    mode: Literal["append", "replace"] | None = Field(
        None,
        description=(
            "What a run does to the file: append or replace; unless set, the report's"
        ),
    )
    source_key: bool = Field(
        True,
        description=(
            "Whether the file has the column `source_key`, which append needs to take"
            " each source key once"
        ),
    )
    header: bool = Field(
        True, description="Whether the first line has the names of the columns"
    )
    separator: str = Field(
        ",", min_length=1, max_length=1, description="Character between values"
    )
    quote: str = Field(
        '"', min_length=1, max_length=1, description="Character around quoted values"
    )
    quoting: Literal["necessary", "always", "non_numeric"] = Field(
        "necessary", description="Values that are quoted"
    )
    null: str = Field("", max_length=64, description="Text for a missing value")
    line_end: Literal["\n", "\r\n"] = Field("\n", description="End of each line")
    byte_order_mark: bool = Field(
        False,
        description="Whether the file begins with a byte order mark, as Excel expects",
    )
    guard_formulas: bool = Field(
        False,
        description=(
            "Whether an apostrophe is put before texts that a spreadsheet evaluates:"
            " those that begin with = + - @, a tab, a line end or an apostrophe"
        ),
    )

    @field_validator("uri")
    @classmethod
    def _is_csv(cls, value: str) -> str:
        if not value.endswith((".csv", ".tsv", ".txt")) or _BUCKET_ALONE.fullmatch(
            value
        ):
            raise ValueError("the name must end in .csv, .tsv or .txt")
        if "{" in value or "}" in value:
            raise ValueError(
                "there is one file, whatever the columns; for a file for each value use"
                " parquet-dataset"
            )
        return value

    @field_validator("separator", "quote")
    @classmethod
    def _one_byte(cls, value: str) -> str:
        if not value.isascii() or value in "\r\n\0":
            raise ValueError("one ASCII character, and no end of line")
        if value.isalnum() or value in ".+-:":
            raise ValueError("a character that numbers or times may have; give another")
        return value

    @field_validator("null")
    @classmethod
    def _no_value(cls, value: str) -> str:
        if _OF_VALUES.match(value):
            raise ValueError("a number, a time or a boolean; give another text")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> CsvSettings:
        if self.mode == "append" and not self.source_key:
            raise ValueError(
                "source_key is false, and without this column append cannot tell which"
                " rows the file has; set it to true, or use replace"
            )
        if self.separator == self.quote:
            raise ValueError("separator and quote must differ")
        if any(mark in self.null for mark in (self.separator, self.quote, "\n", "\r")):
            raise ValueError(
                "null must not hold the separator, the quote or a line end"
            )
        return self
