"""Checks of the source and the sink, for `reporting doctor`.

They check that the storage has the properties that runs rely on.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from reporting_framework.errors import CommitConflict, ObjectMissing, ReportingError
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.storage import Store, TooLargeError
from reporting_object_store.json_source.listing import ObjectFilter

PROBE = "_doctor-"
"""Prefix of the probe's name; because of the underscore, Athena and Hive ignore it."""

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


def unknown_without_writing() -> CheckResult:
    """Return the result of the check that needs writing, if writing is not allowed."""
    return CheckResult(
        "ok", "not tried", "--write tries it, with a probe that is removed again"
    )


def written(store: Store) -> CheckResult:
    """Check that the folder can be written, and conditional writes are honoured.

    Every commit relies on that.
    """
    key = f"{PROBE}{uuid.uuid4().hex}"
    where = store.location.join(key).uri
    version = store.put(key, b"1", if_version=None)
    try:
        ignored = [
            name
            for name, expected in (
                ("If-None-Match", None),
                ("If-Match", _other(version)),
            )
            if not _is_refused(store, key, expected)
        ]
        if ignored:
            return CheckResult(
                "fail",
                f"{where}: written, but the storage ignores {' and '.join(ignored)}",
                "two runs at once could undo each other: use a storage that honours"
                " conditional writes, or see to it that runs never overlap",
            )
        store.put(key, b"2", if_version=version)
    finally:
        left = _remove_probe(store, key)
    if left:
        return CheckResult(
            "warn",
            f"{where}: written, conditions are honoured; it could not be removed:"
            f" {left}",
            "remove it",
        )
    return CheckResult(
        "ok", f"{store.location.uri}: written, and conditional writes are honoured"
    )


def _other(version: str) -> str:
    """Return another version of the same form."""
    return '"00000000000000000000000000000000"' if version.startswith('"') else "0-0-0"


def _is_refused(store: Store, key: str, expected: str | None) -> bool:
    try:
        store.put(key, b"overwritten", if_version=expected)
    except CommitConflict:
        return True
    return False


def _remove_probe(store: Store, key: str) -> str:
    """Remove the probe; return the reason if that is not possible."""
    try:
        entry = store.head(key)
        if entry is not None:
            store.delete(key, if_version=entry.version or "")
    except ReportingError as error:
        return str(error)
    if store.location.scheme == "file":
        with suppress(OSError):
            Path(store.location.uri, f".{key}.lock").unlink(missing_ok=True)
    return ""
