"""Check that a storage honours conditional writes, for `reporting doctor`."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

from reporting_framework.errors import CommitConflict, ReportingError
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.storage.store import Store

PROBE = "_doctor-"
"""Prefix of the probe's name; because of the underscore, Athena and Hive ignore it."""


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
