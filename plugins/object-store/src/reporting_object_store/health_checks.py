"""Checks of the source and the sink, for `reporting doctor`.

They check that the storage has the properties that runs rely on.
"""

from __future__ import annotations

from datetime import UTC, datetime

from reporting_framework.errors import ObjectMissing
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.storage import Store, TooLargeError
from reporting_object_store.json_source.listing import ObjectFilter

SKEW_NOTED, SKEW_REFUSED = 60, 900
"""Seconds between two clocks that cause a warning, and seconds at which S3 refuses
requests.
"""


def listed(store: Store, names: ObjectFilter) -> CheckResult:
    """Check that the source's folder can be listed, and an object be read.

    The object is one that the report reads.
    """
    page = next(iter(store.list()), [])
    known = names.keep(page)
    if not page:
        return CheckResult(
            "warn",
            f"{store.location.uri}: nothing is there",
            "check the setting that names the source",
        )
    if not known:
        return CheckResult(
            "warn",
            f"{store.location.uri}: listed, no object among the first {len(page)} that"
            " the report reads",
            "check the setting that names the source",
        )
    try:
        size = len(store.get(known[0].key, limit=1024 * 1024).data)
    except TooLargeError as error:
        size = error.size
    except ObjectMissing:
        return CheckResult(
            "ok", f"{store.location.uri}: listed; an object went away meanwhile"
        )
    return CheckResult(
        "ok", f"{store.location.uri}: listed, and an object of {size:,} bytes was read"
    )


def clock(store: Store) -> CheckResult:
    """Compare this machine's clock with the storage's."""
    now = store.clock()
    if now is None:
        return CheckResult("ok", "the storage has no clock of its own")
    skew = round((datetime.now(UTC) - now).total_seconds())
    text = (
        f"this machine's clock is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'}"
        " the storage's"
    )
    if abs(skew) <= SKEW_NOTED:
        return CheckResult("ok", text)
    return CheckResult(
        "fail" if abs(skew) >= SKEW_REFUSED else "warn",
        text,
        "set the clock, by NTP or the like",
    )
