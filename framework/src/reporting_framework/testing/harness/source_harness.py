"""Whole plans and reads of a source, and their records; a part of `SourceContract`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from reporting_framework.plugin_api.ledger import RunLedger
from reporting_framework.plugin_api.records import Batch, Split
from reporting_framework.testing.harness.ledger import KnownObjects


def planned(
    source: Any, ledger: RunLedger | None = None, *, close: bool = True
) -> list[Split]:
    """Return all splits."""
    splits = list(source.plan(ledger or KnownObjects()))
    if close:
        source.close()
    return splits


def taken(
    source: Any, ledger: RunLedger | None = None, *, close: bool = True
) -> list[Batch]:
    """Return all batches, read while planning continues, as in a run."""
    batches = [
        batch
        for split in source.plan(ledger or KnownObjects())
        for batch in source.read(split)
    ]
    if close:
        source.close()
    return batches


def drain(source: Any) -> None:
    """Read everything and keep nothing."""
    for split in source.plan(KnownObjects()):
        for _ in source.read(split):
            pass
    source.close()


def found_in(batches: Iterable[Batch]) -> dict[str, Any]:
    """Return the records by source key."""
    records: dict[str, Any] = {}
    for batch in batches:
        given: Sequence[Any] = (
            batch.frame.to_dicts() if batch.frame is not None else batch.payloads or ()
        )
        records.update(zip(batch.source_keys, given, strict=False))
    return records


def source_keys_of(batch: Batch) -> list[str]:
    """Return the source keys of a batch, of rejected and unread records too."""
    return [*batch.source_keys, *set_aside(batch)]


def set_aside(batch: Batch) -> list[str]:
    """Return the source keys of rejected and unread records."""
    return [
        *(rejection.source_key for rejection in batch.rejected),
        *(failure.source_key for failure in batch.unread),
    ]


def plain(batches: Iterable[Batch]) -> list[Any]:
    """Return batches in a form that can be compared."""
    return [
        (
            list(batch.source_keys),
            list(batch.versions),
            list(batch.payloads or ()),
            batch.frame.to_dicts() if batch.frame is not None else None,
            list(batch.rejected),
            list(batch.unread),
        )
        for batch in batches
    ]


def sent(split: Split) -> Split:
    """Return the split as it arrives in another process."""
    return Split(split.id, through_json(split.data))


def through_json(value: Any) -> Any:
    """Return the value after it was written to JSON and parsed."""
    return json.loads(json.dumps(value, allow_nan=False))


def size_of(record: Any) -> int:
    """Return the approximate size of a record in bytes."""
    return len(record) if isinstance(record, bytes) else len(str(record))
