"""The hints of a source: a small JSON file that only saves work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reporting_framework.errors import CommitConflict, ObjectMissing
from reporting_framework.storage import Store

CHECKSUM = "made_over"
"""Entry of the file: a checksum of the hints and of the versions that they are of."""


class HintsFile:
    """File of what a source remembers from one run to the next, such as a listing.

    The file has a checksum of itself and of the versions of the outputs and the
    quarantine. Hints whose checksum does not match are ignored: they are damaged, or
    the outputs or the quarantine have changed since they were written.

    Args:
        store: The folder that it is in.
        key: Its key there.
        versions: Returns the versions of the quarantine and the outputs.
    """

    def __init__(
        self, store: Store, key: str, versions: Callable[[], Sequence[Any]]
    ) -> None:
        self._store = store
        self._key = key
        self._versions = versions
        self._content: tuple[str | None, Mapping[str, Any]] | None = None

    @property
    def hints(self) -> Mapping[str, Any]:
        """Hints that the last run has left; damaged ones count as none."""
        hints = dict(self.load()[1])
        checksum = hints.pop(CHECKSUM, None)
        if checksum is None or checksum != self._checksum(hints):
            return {}
        return hints

    def _checksum(self, hints: Mapping[str, Any]) -> str:
        """Return what tells hints of these versions from any other."""
        content = json.dumps([*self._versions(), hints], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def load(self) -> tuple[str | None, Mapping[str, Any]]:
        """Return the version and the content of the file; it is read once."""
        if self._content is None:
            try:
                stored = self._store.get(self._key)
            except ObjectMissing:
                self._content = (None, {})
                return self._content
            try:
                content = json.loads(stored.data)
            except (ValueError, RecursionError):
                content = {}
            self._content = (
                stored.version,
                content if isinstance(content, dict) else {},
            )
        return self._content

    def save(self, hints: Mapping[str, Any]) -> None:
        """Keep hints for the next run.

        When another run has saved hints meanwhile, neither can be trusted to know of
        all.
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
                return  # the third run does the same as this one would

    def _put(self, content: Mapping[str, Any], if_version: str | None) -> None:
        data = json.dumps(content, sort_keys=True, indent=1).encode()
        version = self._store.put(self._key, data, if_version=if_version)
        self._content = (version, dict(content))
