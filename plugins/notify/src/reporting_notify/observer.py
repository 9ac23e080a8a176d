"""Observer that judges the end of a run, and sends a message about what is new."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from reporting_framework import ReportingError
from reporting_framework.storage.timeouts import call_within
from reporting_notify.conditions import Judgement, of_failure, of_result
from reporting_notify.delivery import deliver
from reporting_notify.memory import Memory, News
from reporting_notify.message import message_of
from reporting_notify.settings import ReportSettings, settings_of
from reporting_notify.targets import Page

if TYPE_CHECKING:
    from reporting_framework import ObserverContext
    from reporting_framework.plugin_api.result import RunResult

NOTES_SECONDS = 15.0
"""Time limit of reading or writing the notes."""

PAGE_SECONDS = 60.0
"""Time limit of making a page."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


def finished(result: RunResult, context: ObserverContext) -> None:
    """Judge a run that did not fail."""
    now = datetime.now(UTC)
    _tell(
        result.report,
        result.run_id,
        lambda settings: of_result(result, settings, now),
        context,
        now,
        result,
    )


def failed(
    report: str, run_id: str, error: BaseException, context: ObserverContext
) -> None:
    """Judge a run that failed; one that was interrupted by hand is no news."""
    if isinstance(error, KeyboardInterrupt):
        return
    _tell(
        report,
        run_id,
        lambda settings: of_failure(error, settings),
        context,
        datetime.now(UTC),
    )


def _tell(
    report: str,
    run_id: str,
    judge: Callable[[ReportSettings], Judgement],
    context: ObserverContext,
    now: datetime,
    result: RunResult | None = None,
) -> None:
    try:
        settings = settings_of(
            report, context.settings, context.settings_name, os.environ
        )
    except ReportingError as error:
        _log.error("%s; no message is sent about report %s", error, report)
        return
    if context.dry_run or not settings.urls:
        return
    memory, said = _claimed(report, judge(settings), context, now)
    if not said:
        return
    page, note = _page_of(report, settings, context)
    message = message_of(report, run_id, said, result)
    if note:
        message = message._replace(body=f"{message.body}\n{note}")
    problems = deliver(settings.urls, message, page, settings.timeout_seconds)
    for problem in problems:
        _log.warning("notify: report %s: %s", report, problem)
    sent = len(problems) < len(settings.urls)
    if not sent:
        _log.error(
            "notify: report %s: no target has taken the message; the next run sends it"
            " again",
            report,
        )
    _remembered(report, lambda: memory.settle(said, sent=sent))


def _claimed(
    report: str, judgement: Judgement, context: ObserverContext, now: datetime
) -> tuple[Memory, News]:
    """Return what is to be said; all of it if the notes cannot be used."""
    memory = Memory(context.notes)
    said = _remembered(report, lambda: memory.claim(judgement, now))
    if said is not None:
        return memory, said
    return Memory(None), News(judgement.conditions)


def _remembered(report: str, action: Callable[[], T]) -> T | None:
    try:
        return call_within(NOTES_SECONDS, action, "reporting-notify-notes")
    except (ReportingError, TimeoutError) as error:
        _log.warning(
            "notify: report %s: its notes cannot be used, so a message may be sent"
            " again: %s",
            report,
            error,
        )
        return None


def _page_of(
    report: str, settings: ReportSettings, context: ObserverContext
) -> tuple[Page | None, str]:
    """Return the page to attach, and a line of the message if there is none."""
    asked, make = settings.attach_page, context.page
    if not asked or make is None:
        return None, ""
    name = asked if isinstance(asked, str) else None
    try:
        html = call_within(
            PAGE_SECONDS, lambda: make(report, name), "reporting-notify-page"
        )
    except Exception as error:  # the message is more important than its page
        reason = (
            str(error) if isinstance(error, ReportingError) else type(error).__name__
        )
        _log.warning(
            "notify: report %s: its page could not be made: %s", report, reason
        )
        return None, f"its page could not be made: {type(error).__name__}"
    return Page(f"{report.replace('/', '-')}.html", html.encode()), ""
