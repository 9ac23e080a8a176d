"""Hints of a source: a small JSON file that only saves work."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reporting_framework.errors import CommitConflict, ObjectMissing
from reporting_framework.storage import Store

CHECKSUM = "made_over"
"""Entry of the file: a checksum over the hints and the versions they belong to."""


class HintsFile:
    """File of the hints that a source leaves for the next run, such as its listing.

    The file has a checksum over its hints and the versions of the outputs and the
    quarantine. Hints whose checksum does not match are ignored: the file is damaged, or
    the outputs or the quarantine have changed since it was written.

    Args:
        store: The folder that holds the file.
        key: Its key there.
        versions: Function that returns the versions of the quarantine and the outputs.
    """

    def __init__(
        self, store: Store, key: str, versions: Callable[[], Sequence[Any]]
    ) -> None:
        self._store = store
        self._key = key
        self._versions = versions
        self._content: tuple[str | None, Mapping[str, Any]] | None = None
        self._loading = threading.Lock()

    @property
    def hints(self) -> Mapping[str, Any]:
        """Hints of the last run; empty if they are damaged or outdated."""
        hints = dict(self.load()[1])
        checksum = hints.pop(CHECKSUM, None)
        if checksum is None or checksum != self._checksum(hints):
            return {}
        return hints

    def _checksum(self, hints: Mapping[str, Any]) -> str:
        """Return a checksum over the hints and the current versions."""
        content = json.dumps([*self._versions(), hints], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def load(self) -> tuple[str | None, Mapping[str, Any]]:
        """Return the version and the content of the file; read the file only once."""
        with self._loading:
            if self._content is None:
                self._content = self._read()
            return self._content

    def forget(self) -> None:
        """Read the file again when it is needed next: it may have been removed."""
        with self._loading:
            self._content = None

    def _read(self) -> tuple[str | None, Mapping[str, Any]]:
        try:
            stored = self._store.get(self._key)
        except ObjectMissing:
            return None, {}
        return stored.version, hints_in(stored.data)

    def save(self, hints: Mapping[str, Any]) -> None:
        """Save hints for the next run.

        If another run has saved hints meanwhile, save none: neither run knows of both.
        """
        version, before = self.load()
        content = {**hints, CHECKSUM: self._checksum(hints)} if hints else {}
        if content == before:
            return
        try:
            self._put(content, version)
        except CommitConflict:
            self._content = None
            try:
                self._put({}, self.load()[0])
            except CommitConflict:
                return  # a third run empties the file as this run would

    def _put(self, content: Mapping[str, Any], if_version: str | None) -> None:
        data = json.dumps(content, sort_keys=True, indent=1).encode()
        version = self._store.put(self._key, data, if_version=if_version)
        self._content = (version, dict(content))


def hints_in(data: bytes) -> Mapping[str, Any]:
    """Return the content of the file, empty if it is damaged."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
