"""Base class of queries."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from reporting_framework.plugin_api.base import Plugin

if TYPE_CHECKING:
    import polars as pl


class Query(Plugin):
    """Base class of queries on a report's table.

    The docstring of the class must define the query so exactly that two people would
    get the same numbers: the counted items, their units, the treatment of nulls and
    ties. Its first line is the summary. The fields of `Settings` are options of the
    command line.

    Attributes:
        required_columns: Columns that the query reads under any settings. A table
            without one of them is refused.
    """

    required_columns: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the result, in an order that does not depend on the order of `rows`.

        The method may inspect only the schema of `rows`, not their values.

        Raises:
            SettingsError: The settings name a column that the table does not have.
        """
