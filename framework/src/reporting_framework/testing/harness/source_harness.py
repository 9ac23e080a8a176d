"""Whole plans and reads of a source, and what came out; a part of `SourceContract`."""

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
    """All splits."""
    splits = list(source.plan(ledger or KnownObjects()))
    if close:
        source.close()
    return splits


def taken(
    source: Any, ledger: RunLedger | None = None, *, close: bool = True
) -> list[Batch]:
    """All batches, read while planning goes on, as in a run."""
    batches = [
        batch
        for split in source.plan(ledger or KnownObjects())
        for batch in source.read(split)
    ]
    if close:
        source.close()
    return batches


def drain(source: Any) -> None:
    """Read everything, keep nothing."""
    for split in source.plan(KnownObjects()):
        for _ in source.read(split):
            pass
    source.close()


def found_in(batches: Iterable[Batch]) -> dict[str, Any]:
    """What came out, by source key."""
    records: dict[str, Any] = {}
    for batch in batches:
        given: Sequence[Any] = (
            batch.frame.to_dicts() if batch.frame is not None else batch.payloads or ()
        )
        records.update(zip(batch.source_keys, given, strict=False))
    return records


def source_keys_of(batch: Batch) -> list[str]:
    """Source keys of all that a batch speaks of."""
    return [*batch.source_keys, *set_aside(batch)]


def set_aside(batch: Batch) -> list[str]:
    """Source keys of what was rejected or left unread."""
    return [
        *(rejection.source_key for rejection in batch.rejected),
        *(failure.source_key for failure in batch.unread),
    ]


def plain(batches: Iterable[Batch]) -> list[Any]:
    """Batches, so that they can be compared."""
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
    """The split as it arrives somewhere else."""
    return Split(split.id, through_json(split.data))


def through_json(value: Any) -> Any:
    """The value, written and read."""
    return json.loads(json.dumps(value, allow_nan=False))


def size_of(record: Any) -> int:
    """About how many bytes a record has."""
    return len(record) if isinstance(record, bytes) else len(str(record))
