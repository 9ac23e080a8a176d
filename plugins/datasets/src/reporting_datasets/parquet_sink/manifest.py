"""Manifest of a dataset: its files, its source state, and files that must go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from reporting_framework.errors import CorruptCheckpoint

FORMAT = 1
RECENT = 64
"""Number of commits whose ids a manifest keeps, to recognise a write whose answer was
lost.
"""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DataFile(NamedTuple):
    """Parquet file of a dataset, sorted by source key.

    Attributes:
        key: Key in the folder of the dataset: its partition and its name.
        rows: Number of rows.
        deleted: Number of these rows that are deleted.
        bytes: Size in bytes.
        first: First source key.
        last: Last source key.
        newest: Newest timestamp in µs since the epoch, `None` without one.
        columns: Number of its schema in `Manifest.schemas`.
    """

    key: str
    rows: int
    deleted: int
    bytes: int
    first: str
    last: str
    newest: int | None
    columns: int

    @property
    def partition(self) -> str:
        """Folder of the file in the dataset, "" without partitions."""
        return self.key.rpartition("/")[0]


class Retired(NamedTuple):
    """File that a commit has replaced.

    Attributes:
        key: Key in the folder of the dataset.
        at: Time of the commit, in seconds since the epoch.
    """

    key: str
    at: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of a dataset.

    Attributes:
        number: Number of commits.
        files: Its files.
        schemas: Columns of its files: names and types.
        partition_by: Setting of the commit that wrote the manifest.
        state: Source state.
        retired: Files that are no longer part of the dataset and may still exist.
        recent: Ids of the last commits.
        resets: Version of the manifest that a reset is removing, `None` if none is.
        fits: Number of the schema in which every value of the files can be read, as
            the last commit has checked; `None`: it is not known.
        version: Version that the storage gives the manifest; `None`: there is none.
    """

    number: int = 0
    files: tuple[DataFile, ...] = ()
    schemas: tuple[tuple[tuple[str, str], ...], ...] = ()
    partition_by: tuple[str, ...] = ()
    state: Mapping[str, Any] | None = None
    retired: tuple[Retired, ...] = ()
    recent: tuple[str, ...] = ()
    resets: str | None = None
    fits: int | None = None
    version: str | None = None

    @property
    def exists(self) -> bool:
        """True if there is a table, and no reset removes it."""
        return self.version is not None and self.resets is None

    @property
    def rows(self) -> int:
        """Number of rows, deleted rows included."""
        return sum(file.rows for file in self.files)

    @property
    def deleted(self) -> int:
        """Number of deleted rows."""
        return sum(file.deleted for file in self.files)

    @property
    def size(self) -> int:
        """Size of all files in bytes."""
        return sum(file.bytes for file in self.files)

    @property
    def newest(self) -> datetime | None:
        """Newest timestamp (aware, UTC), `None` without one."""
        newest = [file.newest for file in self.files if file.newest is not None]
        return moment(max(newest)) if newest else None

    def following(
        self,
        commit: str,
        *,
        removed: Iterable[DataFile],
        added: Sequence[DataFile],
        state: Mapping[str, Any] | None,
        at: float,
        keep: float,
    ) -> Manifest:
        """Return the manifest after a commit.

        Files that were retired longer ago than `keep` seconds are dropped from it, so
        they must have been removed.

        Args:
            commit: Id of the commit.
            removed: Files that are no longer part of the dataset.
            added: New files.
            state: The source state.
            at: Time of the commit, in seconds since the epoch.
            keep: Seconds for which replaced files stay.
        """
        gone = {file.key for file in removed}
        stay = [file for file in self.files if file.key not in gone]
        waiting = [old for old in self.retired if old.at + keep > at]
        files = sorted([*stay, *added], key=lambda file: (file.partition, file.first))
        return replace(
            self,
            number=self.number + 1,
            files=tuple(files),
            state=state,
            retired=(*waiting, *(Retired(key, at) for key in sorted(gone))),
            recent=(*self.recent[-RECENT + 1 :], commit),
            resets=None,
        )

    def with_schema(self, schema: pl.Schema) -> tuple[Manifest, int]:
        """Return the manifest with a schema, and the number of the schema."""
        columns = described(schema)
        if columns in self.schemas:
            return self, self.schemas.index(columns)
        return replace(self, schemas=(*self.schemas, columns)), len(self.schemas)

    def encode(self) -> bytes:
        """Return the manifest as JSON with a checksum."""
        content = {"format": FORMAT, **asdict(self)}
        del content["version"]
        content["files"] = [file._asdict() for file in self.files]
        content["retired"] = [old._asdict() for old in self.retired]
        return json.dumps(
            {"sha256": _sha256(content), **content}, ensure_ascii=False, indent=0
        ).encode()

    @classmethod
    def decode(cls, uri: str, data: bytes, version: str) -> Manifest:
        """Return the manifest of these bytes.

        Raises:
            CorruptCheckpoint: They are not a manifest, or damaged.
        """
        try:
            content = json.loads(data)
            checksum, form = content.pop("sha256"), content["format"]
            if (checksum, form) != (_sha256(content), FORMAT):
                raise ValueError
            del content["format"]
            content["files"] = tuple(DataFile(**file) for file in content["files"])
            content["retired"] = tuple(Retired(**old) for old in content["retired"])
            content["schemas"] = tuple(
                tuple((name, dtype) for name, dtype in schema)
                for schema in content["schemas"]
            )
            content["partition_by"] = tuple(content["partition_by"])
            content["recent"] = tuple(content["recent"])
            return cls(**content, version=version)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise CorruptCheckpoint(
                f"{uri}: not the manifest of a dataset, or damaged; restore an earlier"
                " version or move it away; nothing was changed"
            ) from None


def described(schema: pl.Schema) -> tuple[tuple[str, str], ...]:
    """Return the names and types of a schema as texts."""
    return tuple((name, str(dtype)) for name, dtype in schema.items())


def moment(microseconds: int) -> datetime:
    """Return the moment of a number of µs since the epoch (aware, UTC)."""
    return EPOCH + timedelta(microseconds=microseconds)


def _sha256(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
