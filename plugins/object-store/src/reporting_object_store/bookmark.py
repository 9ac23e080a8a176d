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
        newest: Where the look-back starts: the newest timestamp that is not in the future, or the last run.
        looked: When the last run that listed began.
        waiting: Objects found to be new and not handed out.
        ended: Whether all of them were.
    """

    full: bool = True
    listed: datetime | None = None
    ranges: Sequence[str] = ()
    unread: Sequence[str] = ()
    rows: int = 0
    newest: datetime | None = None
    looked: datetime | None = None
    waiting: int = 0
    ended: bool = False

    @classmethod
    def of(cls, bookmark: Mapping[str, Any], identity: Mapping[str, Any]) -> Listing:
        """The bookmark, if it is one of this folder and these names; a damaged one counts as none."""
        try:
            if any(bookmark[name] != value for name, value in identity.items()):
                return cls()
            return cls(
                listed=_moment(bookmark["listed"]),
                looked=_moment(bookmark["looked"]),
                ranges=[str(one) for one in bookmark["ranges"]],
                unread=[str(one) for one in bookmark["unread"]],
                rows=int(bookmark["rows"]),
            )
        except (KeyError, TypeError, ValueError):
            return cls()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
