"""What the files of the corpus name: a model, a source, a transform and a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import polars as pl
from pydantic import AwareDatetime, BaseModel, Field, SecretStr

from reporting_framework import (
    Batch,
    CommitResult,
    Sink,
    Source,
    Split,
    StagedPart,
    Transform,
    hookimpl,
)
from reporting_framework.plugin_api.ledger import RunLedger
from reporting_framework.plugin_api.records import ROWS_ONLY, CommitContext
from reporting_framework.plugin_api.settings import Settings

REPORTING_VARIABLES = ("REPORTING_SAMPLE",)


class Order(BaseModel):
    """A model of records."""

    number: int
    placed_at: AwareDatetime


class NoModel:
    """Not a model."""


class Connection(Settings):
    """Settings of a source of tables."""

    url: SecretStr = Field(description="The database")
    table: str = Field("", description="The table")
    tables: Sequence[str] = Field((), description="Tables, each a stream")
    lookup: bool = Field(False, description="Look the streams up")


class Tables(Source):
    """Source that must not be built by a check: there is no database."""

    name: ClassVar[str] = "sample-tables"
    Settings: ClassVar[Any] = Connection
    output_format = "frames"
    versions_ordered = True

    def __init__(self, settings: Connection) -> None:
        raise AssertionError("a check must not build a source")

    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """See `Source.plan`."""
        return []

    def read(self, split: Split) -> Iterator[Batch]:
        """See `Source.read`."""
        return iter(())

    def schema(self) -> pl.Schema | None:
        """See `Source.schema`."""
        raise AssertionError("a check must not ask for the columns")

    def streams(self) -> Sequence[str]:
        """See `Source.streams`."""
        raise AssertionError("a check must not ask for the streams")

    @classmethod
    def declared_streams(cls, settings: Connection) -> Sequence[str] | None:
        """See `Source.declared_streams`."""
        return None if settings.lookup else settings.tables


class Renaming(Transform):
    """Transform that needs the column `number`."""

    name: ClassVar[str] = "sample-rename"

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the column another name."""
        return frame.select(pl.col("number").alias("no"), pl.exclude("number"))


class Boom(Transform):
    """Transform that cannot be built."""

    name: ClassVar[str] = "sample-boom"

    def __init__(self, settings: Settings) -> None:
        raise RuntimeError("secret-value")

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Never called."""
        return frame


class Plain(Sink):
    """Sink that cannot be read, and has no place for metadata."""

    name: ClassVar[str] = "sample-plain"

    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        """Never called."""
        raise NotImplementedError

    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        """Never called."""
        raise NotImplementedError


@hookimpl
def reporting_sources() -> list[type[Source]]:
    """Register the source."""
    return [Tables]


@hookimpl
def reporting_sinks() -> list[type[Sink]]:
    """Register the sink."""
    return [Plain]


@hookimpl
def reporting_transforms() -> list[type[Transform]]:
    """Register the transforms."""
    return [Renaming, Boom]
