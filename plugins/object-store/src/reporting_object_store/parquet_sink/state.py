"""Source state of a checkpoint.

A checkpoint of one file has it in the metadata of that file, so that rows and state
change in one step. A checkpoint of several files has the state in a small file of its
own, which is written after all of them.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Set
from contextlib import closing
from typing import Any

import polars as pl

from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    ObjectMissing,
    StorageUnavailable,
)
from reporting_framework.storage import (
    Location,
    Store,
    checksums,
    open_store,
    same_version,
)

KEY = "reporting_framework.state"
"""Name of the entry in the metadata of a parquet file. Its value is JSON."""


def encoded(state: Mapping[str, Any]) -> str:
    """Return a state as text, in which nothing can look like checksums of a file."""
    return json.dumps(state, sort_keys=True)


def decoded(uri: str, text: str) -> Mapping[str, Any]:
    """Return the state of a text that `encoded` has returned.

    Raises:
        CorruptCheckpoint: The text is not a state.
    """
    try:
        state = json.loads(text)
        if not isinstance(state, dict):
            raise ValueError
    except (ValueError, RecursionError) as error:
        raise not_as_written(uri) from error
    return state


def metadata_of(text: str | None) -> dict[str, str]:
    """Return the parquet metadata for this state."""
    return {} if text is None else {KEY: text}


def text_in(store: Store, key: str, version: str, content: bytes | None) -> str | None:
    """Return the state in the metadata of a parquet file, as text.

    Args:
        store: Store of the file's folder.
        key: Key of the file.
        version: Version of the file.
        content: The whole file, if it was read.

    Raises:
        CorruptCheckpoint: The metadata does not match its checksum.
        StorageUnavailable: The file was replaced by another version.
        polars.exceptions.PolarsError: It is not a parquet file.
    """
    if content is not None:
        return pl.read_parquet_metadata(io.BytesIO(content)).get(KEY)
    uri, pinned = store.location.join(key).uri, store.pin(key)
    if pinned is None:
        raise StorageUnavailable(f"{uri}: it was removed meanwhile; run again")
    with closing(pinned):
        if not same_version(pinned.version, version):
            raise StorageUnavailable(
                f"{uri}: another run has written it meanwhile; run again"
            )
        return checksums.metadata(uri, pinned.read, pinned.size).get(KEY)


class StateFile:
    """File of the source state of a checkpoint of several files."""

    def __init__(self, place: Location) -> None:
        self._place = place
        self._key = place.name
        self._version: str | None = None

    @property
    def uri(self) -> str:
        """URI of the file."""
        return self._place.uri

    @property
    def store(self) -> Store:
        """Store of the file's folder."""
        return open_store(self._place.parent)

    @property
    def key(self) -> str:
        """Key of the file in its folder."""
        return self._key

    def load(self, keys: Set[str]) -> Mapping[str, Any] | None:
        """Return the state, `None` if there is none.

        A state means that rows were read. If a file of the table was removed since,
        some of these rows are gone, and the state is ignored.

        Args:
            keys: Keys of the existing files.

        Raises:
            CorruptCheckpoint: The file does not have the form that `save` writes.
        """
        try:
            stored = self.store.get(self._key)
        except ObjectMissing:
            self._version = None
            return None
        self._version = stored.version
        content = decoded(self.uri, stored.data.decode(errors="replace"))
        state, files = content.get("state"), content.get("files")
        if content.get("sha256") != _sha256(state, files) or state is None:
            raise not_as_written(self.uri)
        return state if set(files or ()) <= keys else None

    def save(self, state: Mapping[str, Any], keys: Iterable[str]) -> None:
        """Write the state, unless another run has written one since `load`.

        Args:
            state: The state.
            keys: Keys of the files of the table.
        """
        files = sorted(keys)
        content = {"sha256": _sha256(state, files), "state": state, "files": files}
        try:
            self._version = self.store.put(
                self._key, json.dumps(content).encode(), if_version=self._version
            )
        except CommitConflict:  # what that run left stays
            return


def not_as_written(uri: str) -> CorruptCheckpoint:
    """Return the error for a state that is damaged."""
    return CorruptCheckpoint(
        f"{uri}: its source state is not what was written; restore an earlier version,"
        " or reset the report to read everything"
    )


def _sha256(state: object, files: object) -> str:
    content = json.dumps([state, files], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
