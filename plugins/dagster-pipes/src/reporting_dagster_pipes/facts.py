"""Facts about a run in Dagster's terms: metadata, data version, checks."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import CheckOutcome, RunResult

MAX_OUTPUTS = 50
"""Most outputs whose URIs are listed."""


def metadata_of(result: RunResult) -> dict[str, Any]:
    """Return the metadata of a materialization: row counts, never a value."""
    outputs = result.outputs
    metadata: dict[str, Any] = {
        "dagster/row_count": sum(output.rows for output in outputs),
        "new_rows": sum(output.new_rows for output in outputs),
        "records_read": result.records_read,
        "accepted": result.accepted,
        "rejected": result.rejected,
        "filtered": result.filtered,
        "duplicates": result.duplicates,
        "objects_unread": result.objects_unread,
        "complete": result.complete,
        "seconds": result.seconds.total,
        "run_id": result.run_id,
    }
    if len(outputs) == 1:
        metadata["dagster/uri"] = outputs[0].uri
    elif outputs:
        metadata["outputs"] = [output.uri for output in outputs[:MAX_OUTPUTS]]
    if result.last_processed_timestamp is not None:
        metadata["last_processed_timestamp"] = {
            "type": "timestamp",
            "raw_value": result.last_processed_timestamp.timestamp(),
        }
    if result.rejections:
        metadata["rejections"] = {
            "type": "json",
            "raw_value": [each.model_dump() for each in result.rejections[:50]],
        }
    for name in ("inserted", "updated", "unchanged", "deleted"):
        if (count := getattr(result, name)) is not None:
            metadata[name] = count
    return metadata


def data_version_of(result: RunResult) -> str | None:
    """Return the version of the data: the same after a run that changed nothing.

    `None` if an output has no version.
    """
    versions = [output.version for output in result.outputs]
    if not versions or None in versions:
        return None
    if len(versions) == 1:
        return versions[0]
    text = "\n".join(sorted(f"{each.uri} {each.version}" for each in result.outputs))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def check_name(outcome: CheckOutcome) -> str:
    """Return the name of a check as Dagster takes it: letters, digits, underscores."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", outcome.name).strip("_")


def check_metadata(outcome: CheckOutcome) -> dict[str, Any]:
    """Return what a check measured: numbers, names of columns, and the problem."""
    measured = {
        name: value for name, value in outcome.measured.items() if value is not None
    }
    more = {"problem": outcome.problem} if outcome.problem else {}
    return {"over": outcome.over, "columns": list(outcome.columns), **measured, **more}
