"""Log lines about records that were not kept and objects that were not read.

Each of them is named, up to a limit.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_framework.plugin_api.records import FILTERED

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import ReadFailure, Rejection

MAX_NAMED = 100
"""Maximum number of rejected records, and of unread objects, that the log names."""

MAX_WARNINGS = 10
"""Number of unread objects that are logged as warnings; the others are information."""

_log = logging.getLogger(__name__)


class RejectionLog:
    """Log of the rejected records and the unread objects of one run, by name.

    It never holds a value of a record.
    """

    def __init__(self) -> None:
        self._named, self._unnamed = 0, 0

    def add(self, rejections: Sequence[Rejection]) -> None:
        """Log these rejections, up to the limit."""
        failed = [
            rejection for rejection in rejections if rejection.error_type != FILTERED
        ]
        for rejection in failed[: MAX_NAMED - self._named]:
            where = f" in {rejection.field}" if rejection.field else ""
            known = {
                "source_key": rejection.source_key,
                "error_type": rejection.error_type,
                "field": rejection.field,
            }
            _log.info(
                "rejected: %s: %s%s",
                rejection.source_key,
                rejection.error_type,
                where,
                extra=known,
            )
        named = min(len(failed), MAX_NAMED - self._named)
        self._named, self._unnamed = (
            self._named + named,
            self._unnamed + len(failed) - named,
        )

    def finish(self, unread: Sequence[ReadFailure]) -> None:
        """Log the number of rejections that were not named, and the unread objects."""
        if self._unnamed:
            _log.info(
                "rejected, and not named here: %d more",
                self._unnamed,
                extra={"rejected_unnamed": self._unnamed},
            )
        for number, failure in enumerate(unread[:MAX_NAMED]):
            known = {"source_key": failure.source_key, "reason": failure.reason}
            _log.log(
                logging.WARNING if number < MAX_WARNINGS else logging.INFO,
                "unread: %s: %s; the next run tries it again",
                failure.source_key,
                failure.reason,
                extra=known,
            )
        if rest := len(unread[MAX_NAMED:]):
            _log.info(
                "unread, and not named here: %d more",
                rest,
                extra={"unread_unnamed": rest},
            )
