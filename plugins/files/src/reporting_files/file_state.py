"""State of the files that were taken, committed with their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class TakenFile(NamedTuple):
    """File that was taken.

    Attributes:
        version: Version of the file in the store.
        records: Number of its records, rejected ones included; if it was rejected as a
            whole, those of the version whose rows stay.
        rows_version: Version of its rows; `None`: that of the file.
        refused: Later version of the file that was refused.
    """

    version: str
    records: int = 0
    rows_version: str | None = None
    refused: str | None = None

    def to_json(self) -> list[Any]:
        """Return the entry of the state."""
        values: list[Any] = list(self)
        while values[-1] is None:
            values.pop()
        return values


def taken_files(state: Mapping[str, Any] | None) -> dict[str, TakenFile]:
    """Return the files of a state, by path; an entry that is damaged is left out."""
    files = (state or {}).get("files")
    if not isinstance(files, Mapping):
        return {}
    return {
        key: TakenFile(*entry)
        for key, entry in files.items()
        if isinstance(entry, list) and 1 <= len(entry) <= len(TakenFile._fields)
    }


def merged_state(
    state: Mapping[str, Any] | None, positions: Sequence[Mapping[str, Any] | None]
) -> Mapping[str, Any] | None:
    """Return the state after further files were read; `None`: it stays the same.

    Args:
        state: State that the run started from.
        positions: Positions of the splits that were read, each with their files.
    """
    files = {key: taken.to_json() for key, taken in taken_files(state).items()}
    before = dict(files)
    for position in positions:
        files.update((position or {}).get("files", {}))
    return None if files == before else {"files": files}
