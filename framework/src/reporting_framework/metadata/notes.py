"""Notes of observers: small JSON objects, each changed by a conditional write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from reporting_framework.errors import ObjectMissing
from reporting_framework.plugin_api.observer import Notes
from reporting_framework.storage import Location, open_store

MAX_BYTES = 1_000_000
"""Maximum size of the object."""


class ObserverNotes(Notes):
    """Notes of one observer about one report, in a file of the metadata store.

    Args:
        location: Location of the file. Its folder is opened on first use.
    """

    def __init__(self, location: Location) -> None:
        self._location = location

    @override
    def load(self) -> tuple[Mapping[str, Any], str | None]:
        store = open_store(self._location.parent)
        try:
            stored = store.get(self._location.name, limit=MAX_BYTES)
        except ObjectMissing:
            return {}, None
        try:
            content = json.loads(stored.data)
        except (ValueError, RecursionError):
            content = {}
        return content if isinstance(content, dict) else {}, stored.version

    @override
    def save(self, content: Mapping[str, Any], *, if_version: str | None) -> str:
        store = open_store(self._location.parent)
        data = json.dumps(content, sort_keys=True, indent=1).encode()
        return store.put(self._location.name, data, if_version=if_version)
