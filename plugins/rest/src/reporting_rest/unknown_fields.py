"""Fields of records that no column has."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import msgspec

MAX_NAMES = 100
"""Number of names that are kept: an object may have the keys of a table as fields."""

_NO_COLUMN = re.compile(r'["\\\x00-\x1f]')
"""Characters of names that no decoder with fixed fields takes."""

_Fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_column(name: str) -> bool:
    """Return whether a field of this name can be a column."""
    return name != "" and _NO_COLUMN.search(name) is None


class UnknownFields:
    """Finder of fields without a column.

    Args:
        known: Names of columns.

    Attributes:
        names: Names that were found, in their order.
    """

    def __init__(self, known: Collection[str]) -> None:
        self._known = dict.fromkeys(known)
        self.names: list[str] = []
        self._decoder = self._decoder_of()

    def find(self, lines: Sequence[bytes]) -> None:
        """Add the names of the fields of records that are not known yet."""
        if len(self.names) >= MAX_NAMES:
            return
        try:
            self._decoder.decode(b"[" + b",".join(lines) + b"]")
        except (msgspec.DecodeError, ValueError):
            self._search(lines)

    def _search(self, lines: Sequence[bytes]) -> None:
        found: dict[str, None] = {}
        for line in lines:
            try:
                found |= dict.fromkeys(_Fields.decode(line))
            except (msgspec.DecodeError, ValueError):
                continue  # rejected elsewhere
        new = [name for name in found if name not in self._known]
        if new:
            self.names += new[: MAX_NAMES - len(self.names)]
            self._known |= dict.fromkeys(new)
            self._decoder = self._decoder_of()

    def _decoder_of(self) -> msgspec.json.Decoder[object]:
        """Return a decoder that refuses other fields, which is faster than a search."""
        known = filter(is_column, self._known)
        names = {f"f{number}": name for number, name in enumerate(known)}
        record = msgspec.defstruct(
            "Record",
            [(name, msgspec.Raw, msgspec.Raw()) for name in names],
            rename=names,
            forbid_unknown_fields=True,
        )
        return msgspec.json.Decoder(list[record])  # type: ignore[valid-type]
