"""Settings of the source ``files``."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from reporting_files.column_types import dtype_of
from reporting_files.globs import compile_glob
from reporting_files.path_columns import PathColumns
from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.plugin_api.settings import Settings

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE

FileFormat = Literal["csv", "parquet", "ndjson", "json", "excel", "avro"]


def _type_name(value: str) -> str:
    dtype_of(value)
    return value


TypeName = Annotated[str, AfterValidator(_type_name)]


class FilesSettings(Settings):
    """Settings of the source ``files``."""

    uri: str = Field(
        description=(
            "Folder to read: s3://bucket/prefix, file:///path, a plain path or"
            " memory://name"
        )
    )
    include: str = Field(
        "**",
        max_length=1024,
        description=(
            "Glob pattern of the paths to read, relative to uri: `*` is anything but a"
            " slash, `**/` any folders; other files are ignored and counted"
        ),
    )
    format: FileFormat | None = Field(
        None,
        description=(
            "Format of all files; unless set, each file's name or content says it"
        ),
    )
    columns: dict[str, TypeName] = Field(
        {},
        description=(
            "Types by column: string, int32, int64, float64, boolean, date, datetime,"
            " or a decimal such as decimal(18,2). Others are taken from a sample"
        ),
    )
    column_formats: dict[str, str] = Field(
        {},
        description=(
            "Formats of dates and times by column, such as %d.%m.%Y; unless set, ISO"
            " 8601"
        ),
    )
    path_columns: str | None = Field(
        None,
        max_length=1024,
        description=(
            "Parts of the path as columns: a template such as year={year}/{file}.csv,"
            " or a regular expression with named groups; it must match the path's"
            " beginning"
        ),
    )
    changed_files: Literal["refuse", "replace", "ignore"] = Field(
        "refuse",
        description=(
            "What to do with a file that changed after it was taken: `refuse` rejects"
            " it, `replace` replaces its rows (needs write_mode upsert), `ignore` keeps"
            " the rows"
        ),
    )
    separator: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        description=(
            "Separator of CSV; unless set, the header says it: comma, semicolon, tab or"
            " bar"
        ),
    )
    quote: str | None = Field(
        '"', min_length=1, max_length=1, description="Quote of CSV; null: none"
    )
    header: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="Names of the columns of CSV files that have no header line",
    )
    encoding: str | None = Field(
        None,
        description=(
            "Encoding of text files, such as latin-1; unless set, UTF-8, or what a"
            " byte-order mark says"
        ),
    )
    skip_lines: int = Field(
        0,
        ge=0,
        le=1000,
        description="Lines of a CSV file, or rows of an Excel sheet, above the header",
    )
    null_values: tuple[str, ...] = Field(
        (), description="Texts of CSV that mean null, as an empty one does"
    )
    decimal_comma: bool = Field(
        False, description="Whether numbers in CSV have a comma before their decimals"
    )
    sheet: str | None = Field(
        None, description="Sheet of Excel files; unless set, the first one"
    )
    sample_files: int = Field(
        4,
        ge=1,
        le=100,
        description=(
            "Files whose first rows say the types of columns; of 64 others, only"
            " headers are read"
        ),
    )
    sample_rows: int = Field(
        1000, ge=1, le=100_000, description="Rows of each such file"
    )
    max_record_bytes: int = Field(
        64 * MEBIBYTE,
        ge=1,
        description="Largest line of a text file; a file with a larger one is rejected",
    )
    max_file_bytes: int = Field(
        256 * MEBIBYTE,
        ge=1,
        description=(
            "Largest JSON, Excel or Avro file, also after decompression: it is in"
            " memory as a whole"
        ),
    )
    max_streamed_bytes: int = Field(
        64 * GIBIBYTE,
        ge=1,
        description=(
            "Largest CSV, NDJSON or Parquet file, also after decompression: it is read"
            " in parts"
        ),
    )
    max_in_flight: int = Field(
        64, ge=1, le=1024, description="Requests under way at once"
    )

    @field_validator("include")
    @classmethod
    def _is_glob(cls, value: str) -> str:
        compile_glob(value)
        return value

    @field_validator("path_columns")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            PathColumns.parse(value)
        return value

    @field_validator("columns")
    @classmethod
    def _has_free_names(cls, value: dict[str, str]) -> dict[str, str]:
        if SOURCE_KEY in value:
            raise ValueError(f"{SOURCE_KEY} is a column that is added; rename it")
        return value

    @field_validator("separator", "quote")
    @classmethod
    def _is_mark(cls, value: str | None) -> str | None:
        if value is not None and (not value.isascii() or value in "\r\n"):
            raise ValueError("no ASCII character, or a line end; give another one")
        return value

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                codecs.lookup(value)
        except LookupError:
            raise ValueError("no such encoding; give one such as latin-1") from None
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> FilesSettings:
        if self.header is not None and len(set(self.header)) < len(self.header):
            raise ValueError("header: a name is there twice; name each column once")
        if self.separator is not None and self.separator == self.quote:
            raise ValueError("separator: it is the quote, too; give another one")
        for name in self.column_formats:
            if self.columns.get(name) not in ("date", "datetime"):
                raise ValueError(
                    f"column_formats: {name} is no date or datetime of columns; declare"
                    " it there"
                )
        return self
