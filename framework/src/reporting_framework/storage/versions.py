"""The versions that a storage gives its objects."""

from __future__ import annotations


def same_version(one: str | None, other: str | None) -> bool:
    """Return whether two versions are the same.

    Some servers put an ETag in quotes in one answer and not in another.
    """
    return one == other or (
        one is not None and other is not None and one.strip('"') == other.strip('"')
    )
