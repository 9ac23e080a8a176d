"""The source state of a checkpoint.

A checkpoint of one file has it in the metadata of that file, so that rows and state
change in one step. One of several files has a small file beside them, which is written
after all of them.
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
    """Return a state as a text; checksums in it would not look like those of a file."""
    return json.dumps(state, sort_keys=True)


def decoded(uri: str, text: str) -> Mapping[str, Any]:
    """Return the state that a text is of.

    Raises:
        CorruptCheckpoint: It is of none.
    """
    try:
        state = json.loads(text)
        if not isinstance(state, dict):
            raise ValueError
    except (ValueError, RecursionError) as error:
        raise not_as_written(uri) from error
    return state


def metadata_of(text: str | None) -> dict[str, str]:
    """Return the metadata that a file with this state has."""
    return {} if text is None else {KEY: text}


def text_in(store: Store, key: str, version: str, content: bytes | None) -> str | None:
    """Return the state that a parquet file has in its metadata, as a text.

    Args:
        store: The folder that the file is in.
        key: Its key there.
        version: Its version.
        content: All of it, if it was read.

    Raises:
        CorruptCheckpoint: Its metadata is not as it was written.
        StorageUnavailable: Another version has taken its place.
        polars.exceptions.PolarsError: It is no parquet file.
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
    """The source state beside a checkpoint of several files."""

    def __init__(self, place: Location) -> None:
        self._place = place
        self._key = place.name
        self._version: str | None = None

    @property
    def uri(self) -> str:
        """Where it is."""
        return self._place.uri

    @property
    def store(self) -> Store:
        """The folder that it is in."""
        return open_store(self._place.parent)

    @property
    def key(self) -> str:
        """Its key there."""
        return self._key

    def load(self, keys: Set[str]) -> Mapping[str, Any] | None:
        """Return the state, `None` if there is none.

        A state says that rows were read. If a file of the table has gone since, some
        are not there any more, and the state says nothing.

        Args:
            keys: Keys of the files that there are.

        Raises:
            CorruptCheckpoint: It is not what was written.
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
    """Return the error for a state that is not what was written."""
    return CorruptCheckpoint(
        f"{uri}: its source state is not what was written; restore an earlier version,"
        " or reset the report to read everything"
    )


def _sha256(state: object, files: object) -> str:
    content = json.dumps([state, files], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
