"""Exit codes: their meanings, and that of a run that did not fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult

DONE, FAILED, USAGE, REJECTED, UNREAD, STOPPED, STALE, NEVER, NOT_FOUND, INTERRUPTED = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    130,
)

EXIT_CODES = {
    DONE: "done",
    FAILED: "failed: a storage, a plugin or the data; stderr says which",
    USAGE: "usage or settings: correct the command, the configuration or the plugins",
    REJECTED: "rejected more than `--max-rejected`; valid records are kept",
    UNREAD: "some objects were left unread; the next run retries them",
    STOPPED: (
        "stopped at the deadline or a limit; what was done is kept, run again for the"
        " rest"
    ),
    STALE: "`reporting freshness`: older than `--max-age`",
    NEVER: "`reporting freshness`: there was no such run, or there is no data yet",
    NOT_FOUND: "`reporting trace`: no row and no rejected record matches",
    INTERRUPTED: "interrupted from the keyboard",
}
"""Meanings of the exit codes. A `ReportingError` has a code of its own."""


def exit_code(result: RunResult, max_rejected: int | None) -> tuple[int, str]:
    """Return the exit code of a run that did not fail, and why it is not 0."""
    failed = [name for name, each in result.streams.items() if each.status == "failed"]
    if failed:
        return (
            FAILED,
            (
                f"streams that failed: {', '.join(failed)}; what the others brought is"
                " kept"
            ),
        )
    if not (result.complete or result.dry_run or result.cut_short):
        return STOPPED, EXIT_CODES[STOPPED]
    if result.objects_unread and result.response is not None:
        return (
            UNREAD,
            (
                f"records not taken: {result.objects_unread}; a trigger would deliver"
                " them again"
            ),
        )
    if result.cut_short:
        return (
            UNREAD,
            "not all pages could be read; what is done is kept, run again for the rest",
        )
    if result.objects_unread:
        return (
            UNREAD,
            (
                f"objects that could not be read: {result.objects_unread}; the next run"
                " retries them"
            ),
        )
    if max_rejected is not None and result.rejected > max_rejected:
        return (
            REJECTED,
            (
                f"rejected records: {result.rejected}, more than"
                f" --max-rejected {max_rejected}"
            ),
        )
    return DONE, ""
