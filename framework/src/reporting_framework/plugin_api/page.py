"""Base class of pages, and the data that a page is rendered from."""

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
    """Data that a page is rendered from.

    Attributes:
        report: Name of the report.
        month: First day of the month that the page is about, see `Page.monthly`.
        rows: The report's whole table, as a lazy frame.
        quarantine: Records that were read and not kept, see `Quarantine.entries`;
            `None` if there is no quarantine.
        runs: Records of the report's last runs, the newest first; empty if there is no
            history.
        source: Place of the source, as text for people; empty if unknown.
        table: Place of the table, as text for people; empty if unknown.
        at: Time at which the page is rendered (aware, UTC). The page must not use any
            other clock.
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
    """HTML object, such as a MarkupSafe `Markup` or an element of an HTML library."""

    def __html__(self) -> str:
        """Return the HTML."""
        ...


class Page(Plugin):
    """Base class of pages: one self-contained HTML file on a table or on its month.

    Attributes:
        required_columns: Columns that the page reads. A table without one of them is
            refused.
        monthly: Whether the page is about a month. The month of another page has no
            meaning, and `reporting render` takes none.
    """

    monthly: ClassVar[bool] = True
    required_columns: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def render(self, material: PageContext) -> str | HasHtml:
        """Return a whole HTML document; the same material must give the same text."""
