"""Settings of paginators."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from reporting_framework.plugin_api.settings import Settings
from reporting_rest.json_paths import JsonPath
from reporting_rest.paginators import (
    LinkHeader,
    NextCursor,
    NextUrl,
    Offset,
    PageNumber,
    Paginator,
)


def _path(text: str) -> str:
    JsonPath(text)
    return text


Path = Annotated[str, AfterValidator(_path)]
"""Type of a setting that is a path into JSON."""

_STABLE = (
    "Whether the URL holds a cursor, not the number of a page: a run that was stopped"
    " is then continued there"
)


class LinkHeaderSettings(Settings):
    """Settings of a URL in the header ``Link``."""

    type: Literal["link_header"] = Field(
        description="URL of the next page in the header Link, rel=next"
    )
    stable: bool = Field(False, description=_STABLE)

    def open(self) -> Paginator:
        """Return the paginator."""
        return LinkHeader(stable=self.stable)


class NextUrlSettings(Settings):
    """Settings of a URL in the body."""

    type: Literal["next_url"] = Field(description="URL of the next page in the body")
    path: Path = Field(description="Path of the URL in the body")
    stable: bool = Field(False, description=_STABLE)

    def open(self) -> Paginator:
        """Return the paginator."""
        return NextUrl(JsonPath(self.path), stable=self.stable)


class NextCursorSettings(Settings):
    """Settings of a cursor of pages."""

    type: Literal["cursor"] = Field(description="Cursor of the next page")
    param: str = Field(description="Parameter that takes the cursor", min_length=1)
    path: Path | None = Field(None, description="Path of the cursor in the body")
    header: str | None = Field(None, description="Header with the cursor")
    record_field: str | None = Field(
        None, description="Field of the last record that is the cursor"
    )
    more: Path | None = Field(
        None, description="Path of a boolean: whether there is a next page"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(map(bool, (self.path, self.header, self.record_field))) != 1:
            raise ValueError("give one of path, header and record_field")
        return self

    def open(self) -> Paginator:
        """Return the paginator."""
        return NextCursor(
            self.param,
            path=_opened(self.path),
            header=self.header,
            record_field=self.record_field,
            more=_opened(self.more),
        )


class PageNumberSettings(Settings):
    """Settings of numbers of pages."""

    type: Literal["page"] = Field(description="Number of the page")
    param: str = Field("page", description="Parameter of the number", min_length=1)
    start: int = Field(1, description="Number of the first page")
    size_param: str | None = Field(
        None, description="Parameter of the number of records of a page"
    )
    size: int | None = Field(None, ge=1, description="Number of records of a page")
    total_pages: Path | None = Field(
        None, description="Path of the number of pages; they are then read at once"
    )
    total_records: Path | None = Field(
        None, description="Path of the number of records; as total_pages"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.size_param is not None or self.total_records) and self.size is None:
            raise ValueError("size_param and total_records need size")
        return self

    def open(self) -> Paginator:
        """Return the paginator."""
        return PageNumber(
            self.param,
            start=self.start,
            size_param=self.size_param,
            size=self.size,
            total_pages=_opened(self.total_pages),
            total_records=_opened(self.total_records),
        )


class OffsetSettings(Settings):
    """Settings of numbers of records."""

    type: Literal["offset"] = Field(description="Number of records before the page")
    param: str = Field("offset", description="Parameter of the number", min_length=1)
    limit_param: str = Field(
        "limit", description="Parameter of the size of a page", min_length=1
    )
    limit: int = Field(100, ge=1, description="Number of records of a page")
    total: Path | None = Field(
        None, description="Path of the number of records; pages are then read at once"
    )

    def open(self) -> Paginator:
        """Return the paginator."""
        return Offset(
            self.param,
            limit_param=self.limit_param,
            limit=self.limit,
            total=_opened(self.total),
        )


class ImportedSettings(Settings):
    """Settings of a paginator of your own."""

    type: Literal["import"] = Field(description="A subclass of Paginator")
    paginator: str = Field(
        description="The class, as package.module:Class",
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
    )
    options: dict[str, Any] = Field({}, description="Arguments of the class")

    def open(self) -> Paginator:
        """Return the paginator.

        Raises:
            ValueError: It cannot be imported, or is not a paginator.
        """
        module, _, name = self.paginator.partition(":")
        try:
            made = getattr(import_module(module), name)(**self.options)
        except Exception as error:
            raise ValueError(
                f"{self.paginator} cannot be used ({type(error).__name__})"
            ) from error
        if not isinstance(made, Paginator):
            raise ValueError(f"{self.paginator} is no reporting_rest Paginator")
        return made


PaginatorSettings = Annotated[
    LinkHeaderSettings
    | NextUrlSettings
    | NextCursorSettings
    | PageNumberSettings
    | OffsetSettings
    | ImportedSettings,
    Field(discriminator="type"),
]
"""Type of a setting ``paginator``."""


def _opened(path: str | None) -> JsonPath | None:
    return None if path is None else JsonPath(path)
