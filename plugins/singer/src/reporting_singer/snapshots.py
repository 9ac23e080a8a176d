"""ACTIVATE_VERSION: which streams were read as a whole.

A version is a number that all records of one reading of a whole table have. The message
says that records without it were deleted at the source. A tap that continues such a
reading has the number in its state, and earlier runs have read some of the records: it
is not a whole reading then.
"""

from __future__ import annotations

from typing import Any


class Snapshots:
    """Streams that were read as a whole.

    Args:
        state: State that the tap was started with.
    """

    def __init__(self, state: Any) -> None:
        self._old = set(_numbers(state))
        self._record: dict[str, set[float]] = {}
        self._active: dict[str, float] = {}

    def add_record(self, stream: str, version: float) -> None:
        """Take the version of a record."""
        self._record.setdefault(stream, set()).add(version)

    def activate(self, stream: str, version: float | None) -> None:
        """Take an ACTIVATE_VERSION message."""
        if version is not None:
            self._active[stream] = version

    def whole(self) -> frozenset[str]:
        """Return the streams that were read as a whole."""
        return frozenset(
            stream
            for stream, version in self._active.items()
            if version not in self._old and self._record.get(stream, set()) <= {version}
        )


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif type(value) in (int, float):
        yield value
