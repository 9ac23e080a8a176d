"""The base class of validators."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from reporting_framework.plugin_api.base import Plugin, optional

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.records import Batch, Validated

InputFormat = Literal["payloads", "frames", "both"]
"""What a validator takes."""


class ColumnFacts(NamedTuple):
    """What is known of a column beside its type.

    Attributes:
        description: What it holds, in words.
        nullable: Whether it may be null.
        values: The only texts that it may hold; none where there are others.
    """

    description: str = ""
    nullable: bool = True
    values: Sequence[str] = ()


class Validator(Plugin):
    """Base class of validators, which tell good records from bad ones.

    Attributes:
        input_format: Whether it takes payloads, frames or both; a mismatch with the
            source is refused before anything is read.
        schema: Schema of the frames it gives; the last column is `SOURCE_KEY`, a
            String. A property will do.
    """

    input_format: ClassVar[InputFormat] = "payloads"
    schema: pl.Schema

    @abstractmethod
    def validate(self, batch: Batch) -> Validated:
        """Make each record of the batch a row of the frame or a rejection.

        It never raises for a bad record.
        """

    @optional
    def bind(self, schema: pl.Schema) -> None:
        """Take the columns that the source says its frames have; called first, once.

        Raises:
            SettingsError: A column that the settings name is not among them.
        """

    @optional
    def column_facts(self) -> Mapping[str, ColumnFacts]:
        """Return what is known of columns, by name; for ``reporting schema``."""
        return {}
