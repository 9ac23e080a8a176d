"""Observer ``webhook``, which posts a short message at the end of a run.

The message holds no value of a record. ``ACME_WEBHOOK_URL`` is the URL; unless it is
set, nothing is posted. ``ACME_WEBHOOK_SECONDS`` is the timeout.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from reporting_framework import ReportingError, hookimpl

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult

REPORTING_API = 1

SECONDS = 5.0
COUNTS = (
    "records_read",
    "accepted",
    "rejected",
    "filtered",
    "duplicates",
    "objects_unread",
    "remaining",
)

_log = logging.getLogger(__name__)


@hookimpl
def reporting_run_finished(result: RunResult) -> None:
    """Post the result of a run, unless it was a dry run."""
    if result.dry_run:
        return
    counts = {name: getattr(result, name) for name in COUNTS}
    shown = ", ".join(
        f"{name.replace('_', ' ')} {number}"
        for name, number in counts.items()
        if number
    )
    text = f"{result.report}: {result.status}, {shown or 'nothing new'}"
    more = {"complete": result.complete, "seconds": result.seconds.total}
    _post(
        {
            "text": text,
            "report": result.report,
            "run_id": result.run_id,
            "status": result.status,
            **counts,
            **more,
        }
    )


@hookimpl
def reporting_run_failed(report: str, run_id: str, error: BaseException) -> None:
    """Post the error that ended the run.

    Its message is posted only if the framework guarantees that it holds no value.
    """
    kind = type(error).__name__
    text = (
        f"{report}: failed, {kind}: {error}"
        if isinstance(error, ReportingError)
        else f"{report}: failed, {kind}"
    )
    _post(
        {
            "text": text,
            "report": report,
            "run_id": run_id,
            "status": "failed",
            "error": kind,
        }
    )


def _post(message: dict[str, Any]) -> None:
    """Post a message as JSON.

    A failure is logged without the URL, which may hold a token.
    """
    if not (url := os.environ.get("ACME_WEBHOOK_URL", "")):
        return
    # nothing is imported before there is something to say: the module is loaded at
    # every start
    import json
    import urllib.error
    import urllib.request

    try:
        if not url.startswith(("https://", "http://")):
            raise ValueError("not http")
        seconds = float(os.environ.get("ACME_WEBHOOK_SECONDS", SECONDS))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        request = urllib.request.Request(url, json.dumps(message).encode(), headers)  # noqa: S310 - looked at above
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310 - the same
            pass
    except urllib.error.HTTPError as error:
        error.close()
        _log.warning("the webhook answered %d; the run is not affected", error.code)
    except Exception as error:
        _log.warning(
            "the webhook could not be called: %s; the run is not affected",
            type(error).__name__,
        )
