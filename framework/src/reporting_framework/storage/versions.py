"""Comparison of the versions that a storage gives its objects."""

from __future__ import annotations


def same_version(one: str | None, other: str | None) -> bool:
    """Return whether two versions are equal, with or without quotes.

    Some servers quote an ETag in one response and not in another.
    """
    return one == other or (
        one is not None and other is not None and one.strip('"') == other.strip('"')
    )
