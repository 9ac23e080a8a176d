"""The base class of pages, and what a page is made of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from reporting_framework.plugin_api.base import Plugin

if TYPE_CHECKING:
    from datetime import date, datetime

    import polars as pl

    from reporting_framework.plugin_api.result import RunRecord


class PageContext(NamedTuple):
    """What a page is made of.

    Attributes:
        report: Name of the report.
        month: First day of the month that the page is about.
        rows: The report's whole table, lazily.
        quarantine: What was read and not kept, see `Quarantine.entries`; None where
            there is no quarantine.
        runs: Records of its last runs, the newest first; none where no sink keeps a
            history.
        source: Where the records come from, as text for people; empty when unknown.
        table: Where the table is, likewise.
        at: When the page is made (aware, UTC): the only clock that it may go by.
    """

    report: str
    month: date
    rows: pl.LazyFrame
    quarantine: pl.DataFrame | None
    runs: Sequence[RunRecord]
    source: str
    table: str
    at: datetime


class HasHtml(Protocol):
    """Object that is HTML.

    Such are a MarkupSafe `Markup` and an element of an HTML library.
    """

    def __html__(self) -> str:
        """Return the HTML."""
        ...


class Page(Plugin):
    """Base class of pages: one HTML page of one month of a report's table.

    The page needs nothing else.

    Attributes:
        required_columns: The columns that it reads. A table without one of them is
            refused.
    """

    required_columns: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def render(self, material: PageContext) -> str | HasHtml:
        """Return a whole HTML document. The same material gives the same text."""
