"""The page ``monthly-visits``: a month of the checkpoint as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, StringConstraints

from reporting_event_log_checkpoint.queries.visit import ORDER, VISIT
from reporting_framework import Page, install_command
from reporting_framework.errors import PluginError
from reporting_framework.plugin_api.settings import Settings

if TYPE_CHECKING:
    from reporting_framework import PageContext


class MonthlyVisitsSettings(Settings):
    """Settings of the page ``monthly-visits``."""

    identifiers: bool = Field(
        True, description="Show the ids (ptid) of participants whose visits wait"
    )
    study: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        [], description="Study that the page is about; default: all studies"
    )
    center: list[int] = Field(
        [],
        description="Center (pipeline_adcid) that the page is about; default: all",
    )
    longest_waiting: int = Field(
        50,
        ge=0,
        le=1000,
        description="Number of longest waiting visits that are listed",
    )


class MonthlyVisits(Page):
    """Visits of a month: volumes, pass rates, times, failed checks, waiting visits.

    The page also shows rejected records and the origin of the numbers.

    Every number comes from a query on the rows of the month, by `timestamp` in UTC;
    events of later months are left out everywhere except in the newest event. A visit
    waits if it has a submit and no pass-qc, and is not deleted. The longest waiting
    visits are listed with ptid, center and dates, which are values of records: only
    readers who may see the table should get the page. Without `identifiers` it shows no
    ptid.

    With `study` or `center` all of this is counted from the events of these studies and
    centers; rejected records and runs stay those of the whole report.
    """

    name: ClassVar[str] = "monthly-visits"
    Settings: ClassVar[type[MonthlyVisitsSettings]] = MonthlyVisitsSettings
    required_columns: ClassVar[frozenset[str]] = frozenset(
        {*VISIT, *ORDER, "action", "center_label"}
    )

    def render(self, material: PageContext) -> str:
        """See `Page.render`.

        Raises:
            PluginError: The extra `pages` is not installed.
        """
        try:
            import reporting_pages  # noqa: F401 - an extra: who asks for no page has no need of it
        except ModuleNotFoundError as error:
            raise PluginError(
                f"page {self.name}: {error.name} is not installed; run "
                f"{install_command('pages', 'reporting-event-log-checkpoint')}"
            ) from None
        from reporting_event_log_checkpoint.monthly.aggregation import figures_of
        from reporting_event_log_checkpoint.monthly.scope import Scope
        from reporting_event_log_checkpoint.monthly.sections import page_of

        scope = Scope(
            list(dict.fromkeys(self.settings.study)),
            list(dict.fromkeys(self.settings.center)),
        )
        asked = self.settings.longest_waiting
        figures = figures_of(
            scope.of(material.rows),
            material.quarantine,
            month=material.month,
            at=material.at,
            most=asked,
        )
        return page_of(material, figures, scope, identifiers=self.settings.identifiers)
