"""Base class of validators."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from reporting_framework.plugin_api.base import Plugin, optional

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.records import Batch, Validated

InputFormat = Literal["payloads", "frames", "both"]
"""Forms of batches that a validator accepts."""


class ColumnFacts(NamedTuple):
    """Further facts about a column.

    Attributes:
        description: Description of its contents.
        nullable: Whether it may be null.
        values: All texts that it may hold; empty if other texts are allowed.
    """

    description: str = ""
    nullable: bool = True
    values: Sequence[str] = ()


class Validator(Plugin):
    """Base class of validators, which accept or reject records.

    Attributes:
        input_format: Forms of batches that it accepts: payloads, frames or both. A
            mismatch with the source is an error before anything is read.
        schema: Schema of the frames that it returns; the last column is `SOURCE_KEY`, a
            String. It may be a property.
    """

    input_format: ClassVar[InputFormat] = "payloads"
    schema: pl.Schema

    @abstractmethod
    def validate(self, batch: Batch) -> Validated:
        """Convert each record of the batch to a row of the frame or a rejection.

        The method must not raise for an invalid record.
        """

    @optional
    def bind(self, schema: pl.Schema) -> None:
        """Accept the columns of the source's frames; called first, once.

        Raises:
            SettingsError: The settings name a column that the source does not have.
        """

    @optional
    def column_facts(self) -> Mapping[str, ColumnFacts]:
        """Return facts about columns, by name, for ``reporting schema``."""
        return {}
