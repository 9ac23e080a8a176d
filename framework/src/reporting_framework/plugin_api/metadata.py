"""Place of a report's metadata store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

KEEP_RUNS = 500
"""Default number of runs whose records a history keeps."""


class MetadataLocation(NamedTuple):
    """Place where a report keeps its quarantine, hints, history and artifacts.

    They are at ``FOLDER/_quarantine/NAME.parquet``, ``FOLDER/_quarantine/NAME.json``,
    ``FOLDER/_runs/NAME/`` and ``FOLDER/_KIND/NAME/``.

    Attributes:
        folder: URI of the folder.
        name: Name of the report's files in it; it may hold slashes.
        quarantine: URI of the quarantine, if it is elsewhere; the hints are beside it.
        keep_runs: Runs whose records the history keeps; 0: no history.
    """

    folder: str
    name: str
    quarantine: str | None = None
    keep_runs: int = KEEP_RUNS


class FirstReads(NamedTuple):
    """Objects that a sink reads first, known from its settings; see `LazyPlugin.early`.

    Attributes:
        metadata: See `Sink.metadata_location`.
        objects: URIs of further objects that the sink gets as a whole when it is
            opened, each with the `limit` of `Store.get`.
    """

    metadata: MetadataLocation | None = None
    objects: Mapping[str, int | None] = {}
