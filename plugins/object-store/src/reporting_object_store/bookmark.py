"""What a source of objects has listed, as it leaves it in the bookmark for the next run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(slots=True)
class Listing:
    """What to list, as the bookmark has it.

    Attributes:
        full: Whether to list everything.
        listed: When everything was last listed and handled.
        ranges: Known ranges of names.
        unread: Objects that could not be read.
        rows: Rows that the checkpoint had.
        newest: Newest timestamp in the ledger.
        waiting: Objects found to be new and not handed out.
        ended: Whether all of them were.
    """

    full: bool = True
    listed: datetime | None = None
    ranges: Sequence[str] = ()
    unread: Sequence[str] = ()
    rows: int = 0
    newest: datetime | None = None
    waiting: int = 0
    ended: bool = False

    @classmethod
    def of(cls, bookmark: Mapping[str, Any], identity: Mapping[str, Any]) -> Listing:
        """The bookmark, if it is one of this folder and these names; a damaged one counts as none."""
        try:
            if any(bookmark[name] != value for name, value in identity.items()):
                return cls()
            listed = bookmark["listed"] and datetime.fromisoformat(bookmark["listed"]).astimezone(UTC)
            return cls(
                listed=listed or None,
                ranges=[str(one) for one in bookmark["ranges"]],
                unread=[str(one) for one in bookmark["unread"]],
                rows=int(bookmark["rows"]),
            )
        except (KeyError, TypeError, ValueError):
            return cls()
