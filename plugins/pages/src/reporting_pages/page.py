"""The page ``table-overview``: the table of any report as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reporting_framework import Page
from reporting_pages.settings import TableOverviewSettings

if TYPE_CHECKING:
    from reporting_framework import PageContext
    from reporting_pages import Markup


class TableOverview(Page):
    """Rows, columns, rows over time, rejections, checks and runs of any table.

    All numbers are aggregates of the whole table; rows that are marked as deleted are
    counted apart, and nowhere else. The page shows the least and the greatest value of
    a column of numbers, dates or times. It shows texts of a column only if it has at
    most 12 distinct texts and each is in at least 5 rows. Without `values` it shows
    neither. Of a table with more than a million cells, the numbers of distinct values
    are estimates.

    The table is read twice, in batches, so its size does not matter for memory.
    """

    name: ClassVar[str] = "table-overview"
    Settings: ClassVar[type[TableOverviewSettings]] = TableOverviewSettings
    monthly: ClassVar[bool] = False

    def render(self, material: PageContext) -> Markup:
        """See `Page.render`.

        Raises:
            SettingsError: The table has no column `time_column`, or it is no date or
                time.
        """
        from reporting_pages.overview.profile import profile_of  # polars and Altair
        from reporting_pages.overview.sections import page_of

        profile = profile_of(
            material.rows,
            values=self.settings.values,
            time_column=self.settings.time_column,
        )
        return page_of(material, profile, values=self.settings.values)
