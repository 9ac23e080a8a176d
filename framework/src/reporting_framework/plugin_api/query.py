"""The base class of queries."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from reporting_framework.plugin_api.base import Plugin

if TYPE_CHECKING:
    import polars as pl


class Query(Plugin):
    """Base class of queries: a question to a report's table.

    The docstring of the class defines it so exactly that two people would write the
    same numbers: what is counted, in which units, what becomes of nulls and ties. Its
    first line is the summary. The fields of `Settings` are its options on the command
    line.

    Attributes:
        required_columns: The columns that it reads, whatever its settings. A table
            without one of them is refused.
    """

    required_columns: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the answer, in an order that does not depend on that of `rows`.

        Looks at no more than their schema.

        Raises:
            SettingsError: The settings name a column that is not there.
        """
