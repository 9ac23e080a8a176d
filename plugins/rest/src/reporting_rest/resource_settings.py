"""Settings of resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import (
    Field,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from reporting_framework.builtin.frame_types import dtype_of
from reporting_framework.plugin_api.durations import read_duration
from reporting_framework.plugin_api.settings import Settings
from reporting_rest.cursors import TimeFormat
from reporting_rest.paginator_settings import PaginatorSettings, Path
from reporting_rest.unknown_fields import is_column

PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_-]+)\.([^{}.]+)\}")
"""Field of a row of a parent in a path or a parameter."""

_FIELD = re.compile(r"([A-Za-z0-9_-]+)\.([^{}.]+)")


class CursorSettings(Settings):
    """Settings of increments."""

    field: str = Field(
        description=(
            "Field that grows with each change of a record: a number, or an ISO 8601"
            " time or date. It is the version of the record"
        ),
        min_length=1,
    )
    param: str | None = Field(
        None,
        description=(
            "Parameter that asks for records from a cursor on, that one included;"
            " unless set, each run reads all"
        ),
    )
    start: str | int | None = Field(
        None, description="Value of param in the first run; unless set, none is sent"
    )
    end_param: str | None = Field(
        None, description="Parameter that asks for records up to the start of the run"
    )
    end_format: TimeFormat = Field("iso", description="Form of the value of end_param")
    lookback: timedelta = Field(
        timedelta(0),
        description=(
            "How far before the last cursor a run begins, for records that appear late:"
            " seconds or a duration such as 2h, 3d or PT2H"
        ),
    )
    ordered: bool = Field(
        False,
        description=(
            "Whether records come in the order of the cursor; a run that was stopped is"
            " then continued, whatever the paginator"
        ),
    )

    @field_validator("lookback", mode="wrap")
    @classmethod
    def _is_duration(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        return read_duration(value, read)

    @field_validator("lookback")
    @classmethod
    def _not_ahead(cls, value: timedelta) -> timedelta:
        if value < timedelta(0):
            raise ValueError("must not be below zero")
        return value


class ResourceSettings(Settings):
    """Settings of a resource, which is a stream."""

    name: str = Field(
        description="Name of the stream", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$"
    )
    path: str = Field(
        description=(
            "Path after base_url. {RESOURCE.FIELD} is a field of a row of another"
            " resource: the path is then read for each of its rows"
        )
    )
    method: Literal["GET", "POST"] = Field(
        "GET", description="With POST, parameters of pages and cursors are in the body"
    )
    params: dict[str, str | int | float | bool] = Field(
        {}, description="Parameters of the query; they may hold {RESOURCE.FIELD}"
    )
    body: dict[str, Any] = Field({}, description="JSON body of a POST")
    records: Path = Field(
        "$", description="Path of the list of records in a page; $: the page itself"
    )
    primary_key: list[str] = Field(
        min_length=1, description="Fields that identify a record"
    )
    cursor: CursorSettings | None = Field(
        None, description="Increments; unless set, each run reads all records"
    )
    paginator: PaginatorSettings | None = Field(
        None, description="Way to the next page; unless set, there is one page"
    )
    include: dict[str, str] = Field(
        {}, description="Columns of parents, as issue_id = 'issues.id'"
    )
    columns: dict[str, str] = Field(
        {},
        description=(
            "Types of columns, as in the validator frame; other columns get theirs from"
            " the first pages"
        ),
    )
    sample: bool = Field(
        True,
        description="Whether columns are looked up; if not, columns has all of them",
    )
    conditional: bool = Field(
        True, description="Whether unchanged pages are skipped by their ETag"
    )

    @field_validator("columns")
    @classmethod
    def _types(cls, columns: dict[str, str]) -> dict[str, str]:
        for name, dtype in columns.items():
            dtype_of(dtype)
            if not is_column(name):
                raise ValueError(
                    "the name of a column is not empty and has no quotation mark,"
                    " backslash or control character"
                )
        return columns

    @field_validator("params", "body")
    @classmethod
    def _no_secrets(cls, given: dict[str, Any]) -> dict[str, Any]:
        for value in _texts(given):
            if value.startswith("secret:"):
                raise ValueError(
                    "a reference to a secret is not for params and body; use auth, such"
                    " as type = 'param'"
                )
        return given

    @field_validator("include")
    @classmethod
    def _fields(cls, include: dict[str, str]) -> dict[str, str]:
        for text in include.values():
            if not _FIELD.fullmatch(text):
                raise ValueError("must be RESOURCE.FIELD, as in issues.id")
        return include

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.body and self.method != "POST":
            raise ValueError("body needs method = 'POST'")
        if self.path.startswith(("http:", "https:")) or "?" in self.path:
            raise ValueError("path is relative to base_url; put a query into params")
        if not self.sample and not self.columns:
            raise ValueError("sample = false needs columns")
        if self.cursor is not None and self.parents and self.cursor.param is not None:
            raise ValueError(
                "cursor.param is not for a resource that is read for each row of"
                " another; leave it out"
            )
        return self

    @property
    def parents(self) -> set[str]:
        """Names of the resources that placeholders and `include` refer to."""
        texts = [self.path, *(str(value) for value in self.params.values())]
        found = {name for text in texts for name, _ in PLACEHOLDER.findall(text)}
        return found | {text.partition(".")[0] for text in self.include.values()}

    @property
    def parent_fields(self) -> set[tuple[str, str]]:
        """Fields of parents that the resource needs."""
        texts = [self.path, *(str(value) for value in self.params.values())]
        found = {pair for text in texts for pair in PLACEHOLDER.findall(text)}
        included = (text.partition(".") for text in self.include.values())
        return found | {(name, field) for name, _, field in included}


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value of JSON types."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
