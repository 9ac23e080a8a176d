"""The page ``monthly-visits``: a month of the checkpoint to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from reporting_event_log_checkpoint.queries import ORDER, VISIT
from reporting_framework import Page, install_command
from reporting_framework.errors import PluginError
from reporting_framework.plugin_api.settings import Settings

if TYPE_CHECKING:
    from reporting_framework import PageContext


class MonthlyVisitsSettings(Settings):
    """Settings of the page ``monthly-visits``."""

    identifiers: bool = Field(
        True, description="Name the participants (ptid) of visits that wait"
    )
    longest_waiting: int = Field(
        50,
        ge=0,
        le=1000,
        description="How many of the visits that wait longest are listed",
    )


class MonthlyVisits(Page):
    """Visits of a month: volumes, pass rates, times, failed checks, and what waits.

    It also has what was rejected, and where it comes from.

    Every number is one of the queries', asked the rows of the month, which is that of
    `timestamp` in UTC; what is from later months is left out everywhere but in the
    newest event. A visit waits when it has a submit and no pass-qc, and is not deleted.
    The visits that wait longest are listed with ptid, center and dates, which are
    values of records: the page is for those who may see the table. Without
    `identifiers` no ptid is on it.
    """

    name: ClassVar[str] = "monthly-visits"
    Settings: ClassVar[type[MonthlyVisitsSettings]] = MonthlyVisitsSettings
    required_columns: ClassVar[frozenset[str]] = frozenset(
        {*VISIT, *ORDER, "action", "center_label"}
    )

    def render(self, material: PageContext) -> str:
        """See `Page.render`.

        Raises:
            PluginError: What pages are made with is not installed.
        """
        try:
            import reporting_pages  # noqa: F401 - an extra: who asks for no page has no need of it
        except ModuleNotFoundError as error:
            raise PluginError(
                f"page {self.name} needs {error.name}, which is not installed: "
                f"{install_command('pages', 'reporting-event-log-checkpoint')}"
            ) from None
        from reporting_event_log_checkpoint.monthly.aggregation import figures_of
        from reporting_event_log_checkpoint.monthly.sections import page_of

        asked = self.settings.longest_waiting
        figures = figures_of(
            material.rows,
            material.quarantine,
            month=material.month,
            at=material.at,
            most=asked,
        )
        return page_of(material, figures, identifiers=self.settings.identifiers)
