"""Marks: positions in a listing at which the next run starts further listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from reporting_object_store.json_source.days import day_of

PIECE_KEYS = 700
"""Number of names after which the next run starts another listing, about.

A page of a bucket has 1,000 names, so new ones fit into the same page.
"""

MARK_KEYS = 50
"""Number of names from one mark to the next."""

MAX_MARKS = 4000
"""Number of marks of a range that are kept: those of its last names."""


class Mark(NamedTuple):
    """Position of a name in a listing.

    Attributes:
        position: Number of names that were listed before.
        timestamp: Timestamp in the name, as text.
    """

    position: int
    timestamp: str


def newest_day(found: Mapping[str, Sequence[Mark]]) -> str:
    """Return the newest day of the marks that is not in the future; empty: none."""
    last = day_of(datetime.now(UTC))
    days = {mark.timestamp[:8] for marks in found.values() for mark in marks}
    return max((day for day in days if day <= last), default="")


def starts_of(
    found: Mapping[str, Sequence[Mark]], first: str
) -> Mapping[str, Sequence[str]]:
    """Return for each range where to start listings, about `PIECE_KEYS` apart.

    Args:
        found: Ranges, with marks.
        first: First day of the window, in eight digits.
    """
    starts: dict[str, Sequence[str]] = {}
    for one, marks in found.items():
        inside = sorted(mark for mark in marks if mark.timestamp > first)
        begin = inside[0].position if inside else 0
        names = inside[-1].position - begin + 1 if inside else 0
        size = names / (names // PIECE_KEYS + 1)
        pieces = [(mark.position - begin) // size for mark in inside]
        starts[one] = sorted(
            {
                mark.timestamp
                for mark, (before, piece) in zip(
                    inside[1:], pairwise(pieces), strict=True
                )
                if piece > before
            }
        )
    return starts
