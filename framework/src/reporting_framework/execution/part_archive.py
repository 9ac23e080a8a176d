"""Parts of a split at rest: a digest, then a zip archive of JSON and Arrow IPC.

Reading it runs no code. The digest is that of the whole archive, as a damaged directory
could hide a member.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.execution.split_reader import PreparedPart
from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    VERSION,
    ReadFailure,
    Rejection,
    Split,
    SplitResult,
)

if TYPE_CHECKING:
    import polars as pl

_INDEX = "parts.json"

_DIGEST_BYTES = hashlib.sha256().digest_size


def pack_parts(split: Split, parts: Iterable[PreparedPart]) -> tuple[bytes, int]:
    """Return the parts of a split as an archive, and their number of records.

    Args:
        split: The split.
        parts: What `DividedWork.first_part` yields.
    """
    data, index, records = io.BytesIO(), [], 0
    with zipfile.ZipFile(data, "w") as archive:
        for number, part in enumerate(parts):
            rows = part.rows is not None
            entry: dict[str, Any] = {"rows": rows, "deletes": part.deletes}
            for name, result in (("taken", part.taken), ("kept", part.kept)):
                if result is not None:
                    entry[name] = _facts(result)
                    records += len(result.source_keys)
                    _write(archive, f"{number}-{name}", _keys(result))
            if part.rows is not None:
                _write(archive, f"{number}-rows", part.rows)
            index.append(entry)
        archive.writestr(_INDEX, json.dumps({"split": split.id, "parts": index}))
    archived = data.getvalue()
    return hashlib.sha256(archived).digest() + archived, records


def unpack_parts(data: bytes, split: Split, where: str) -> Iterator[PreparedPart]:
    """Yield the parts of a split from an archive.

    Args:
        data: The archive.
        split: The split.
        where: URI of the archive, for messages.

    Raises:
        CorruptCheckpoint: The archive is damaged.
    """
    import polars as pl

    archived = data[_DIGEST_BYTES:]
    try:
        if hashlib.sha256(archived).digest() != data[:_DIGEST_BYTES]:
            raise ValueError("another digest")
        with zipfile.ZipFile(io.BytesIO(archived)) as archive:
            index = json.loads(archive.read(_INDEX))
            if index["split"] != split.id:
                raise ValueError("the result of another split")
            for number, entry in enumerate(index["parts"]):
                yield _part(archive, number, entry, split)
    except (
        zipfile.BadZipFile,
        KeyError,
        TypeError,
        ValueError,
        pl.exceptions.PolarsError,
    ) as error:
        raise CorruptCheckpoint(
            f"{where}: it is no complete result of a split ({type(error).__name__});"
            " start the execution again"
        ) from error


def _part(
    archive: zipfile.ZipFile, number: int, entry: Mapping[str, Any], split: Split
) -> PreparedPart:
    taken, kept = (
        _result(entry[name], _read(archive, f"{number}-{name}"), split)
        if name in entry
        else None
        for name in ("taken", "kept")
    )
    rows = _read(archive, f"{number}-rows") if entry["rows"] else None
    if taken is None:
        raise KeyError("taken")
    if entry["deletes"] and rows is not None:
        taken.deletes = rows.select(SOURCE_KEY, VERSION)
    return PreparedPart(taken, kept, rows, bool(entry["deletes"]))


def _facts(result: SplitResult) -> dict[str, Any]:
    """Return what is known of a part, except source keys and rows, as JSON types."""
    return {
        "accepted": result.accepted,
        "rejections": result.rejections,
        "unread": result.unread,
        "ignored": result.ignored,
        "ignored_fields": result.ignored_fields,
        "seconds": result.seconds,
        "spans": result.spans,
        "position": result.position,
    }


def _result(facts: Mapping[str, Any], keys: pl.DataFrame, split: Split) -> SplitResult:
    return SplitResult(
        split,
        keys[SOURCE_KEY],
        versions=keys[VERSION],
        accepted=int(facts["accepted"]),
        rejections=[Rejection(*each) for each in facts["rejections"]],
        unread=[ReadFailure(*each) for each in facts["unread"]],
        ignored=list(facts["ignored"]),
        ignored_fields=dict(facts["ignored_fields"]),
        seconds=dict(facts["seconds"]),
        spans={
            stage: (began, ended) for stage, (began, ended) in facts["spans"].items()
        },
        position=facts["position"],
    )


def _keys(result: SplitResult) -> pl.DataFrame:
    """Return the source keys and versions of the records of a part."""
    import polars as pl

    return pl.DataFrame(
        [
            pl.Series(SOURCE_KEY, result.source_keys, dtype=pl.String),
            pl.Series(VERSION, result.versions, dtype=pl.String),
        ]
    )


def _write(archive: zipfile.ZipFile, name: str, frame: pl.DataFrame) -> None:
    with archive.open(name, "w", force_zip64=True) as file:
        frame.write_ipc(file, compression="zstd")


def _read(archive: zipfile.ZipFile, name: str) -> pl.DataFrame:
    import polars as pl

    return pl.read_ipc(archive.read(name))
