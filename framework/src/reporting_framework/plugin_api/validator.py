"""The interface of a validator, and its optional interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, runtime_checkable

from reporting_framework.plugin_api.base import Plugin

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.base import Shape
    from reporting_framework.plugin_api.records import (
        Batch,
        Validated,
    )


class Validator(Plugin, Protocol):
    """What tells good records from bad ones.

    Attributes:
        input_format: Whether it takes payloads or frames; a mismatch with the source is
            refused before anything is read.
    """

    input_format: ClassVar[Shape]

    @property
    def schema(self) -> pl.Schema:
        """Schema of the frames it gives; the last column is `SOURCE_KEY`, a String."""
        ...

    def validate(self, batch: Batch) -> Validated:
        """Each record of the batch is either a row of the frame or a rejection.

        Never raises for a bad record.
        """
        ...


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


@runtime_checkable
class Describing(Protocol):
    """Optional interface of a validator that knows more of its columns than types."""

    def column_facts(self) -> Mapping[str, ColumnFacts]:
        """What it knows, by column; for ``reporting schema``."""
        ...
