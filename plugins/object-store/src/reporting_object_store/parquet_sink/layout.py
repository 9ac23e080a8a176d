"""The places where a checkpoint's files lie.

There is one, or one per combination of columns, each value percent-encoded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from reporting_framework.errors import SettingsError
from reporting_framework.storage import Location, parse_location

SOURCE_STATE_FOLDER = "_state"
"""Beside a checkpoint of several files, for the source state; the underscore keeps
Athena and Hive from reading what is in it.
"""

NULL = "~null"
"""Stands for a null; no value is encoded to it, since a tilde is encoded too."""

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
"""Stands for a null in a folder named as Hive does, ``NAME={column}``: readers that
take values from there know it.
"""

EMPTY = "~empty"
"""Stands for an empty text."""

LONGEST = 128
"""Longest encoded value, in characters; of a longer one a hash stands for the rest."""

SEGMENT = 200
"""Longest that all values in one segment of a key may be: files' names may have 255,
and locks add to them.
"""

HASH = 65
"""Characters of a hash, and of what sets it apart."""

_COLUMN = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEAD = re.compile(r"(?:%..|[^%])*")
_BARE = frozenset("-_.")
_VALUE = (
    f"(?:{NULL}|{HIVE_NULL}|{EMPTY}"
    "|(?![_.])(?:[A-Za-z0-9_.-]|%[0-9A-F]{2})+(?:~[0-9a-f]{64})?)"
)
"""What `encode` gives."""


class Layout(NamedTuple):
    """The files of a checkpoint.

    Attributes:
        folder: The part of the place that is the same for all files.
        template: The rest: the file's name, or a path with ``{column}`` in it.
    """

    folder: Location
    template: str

    @classmethod
    def parse(cls, uri: str) -> Layout:
        """The layout that a URI with or without ``{column}`` means.

        Raises:
            SettingsError: There is a brace in it that is not part of a ``{column}``, or
                there are two columns with nothing between them that tells where the one
                ends.
        """
        if "{" in uri.partition("://")[2].partition("/")[0]:
            raise SettingsError(
                f"checkpoint {uri}: a brace must be part of a {{column}} in the key, as"
                " in {study}"
            )
        location = parse_location(uri)
        rest = _COLUMN.sub("", location.key)
        if "{" in rest or "}" in rest:
            raise SettingsError(
                f"checkpoint {uri}: a brace must be part of a {{column}} in the key, as"
                " in {study}"
            )
        segments = location.key.split("/")
        fixed = next(
            (number for number, part in enumerate(segments) if "{" in part),
            len(segments) - 1,
        )
        folder = Location(location.scheme, location.root, "/".join(segments[:fixed]))
        if max(len(_COLUMN.findall(segment)) for segment in segments) > SEGMENT // HASH:
            raise SettingsError(
                f"checkpoint {uri}: more than {SEGMENT // HASH} columns in one name;"
                " use folders"
            )
        if any(
            not re.search(r"[^A-Za-z0-9%~]", literal)
            for literal in _separators(location.key)
        ):
            raise SettingsError(
                f"checkpoint {uri}: two columns in one name need a character between"
                " them, such as -"
            )
        return cls(folder, "/".join(segments[fixed:]))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns whose values are in the files' names."""
        return tuple(dict.fromkeys(_COLUMN.findall(self.template)))

    def key(self, values: Mapping[str, Any]) -> str:
        """Key of the file for these values, relative to the folder."""
        apart = _BARE.intersection("".join(_separators(self.template)))
        most = max(
            len(_COLUMN.findall(segment)) for segment in self.template.split("/")
        )
        longest = min(LONGEST, SEGMENT // max(most, 1))

        def encoded(match: re.Match[str]) -> str:
            value = values[match.group(1)]
            hive = self.template[: match.start()].endswith("=") and self.template[
                match.end() :
            ].startswith("/")
            return (
                HIVE_NULL if value is None and hive else encode(value, apart, longest)
            )

        return _COLUMN.sub(encoded, self.template)

    @property
    def pattern(self) -> re.Pattern[str]:
        """What the key of each of its files matches as a whole."""
        parts = _COLUMN.split(self.template)
        return re.compile(
            "".join(
                re.escape(part) if not number % 2 else _VALUE
                for number, part in enumerate(parts)
            )
        )

    @property
    def source_state(self) -> Location:
        """Place of the source state of a checkpoint of several files."""
        return self.folder.join(
            f"{SOURCE_STATE_FOLDER}/{self.template.removesuffix('.parquet')}.json"
        )

    def owns(self, place: Location) -> bool:
        """Whether one of its files may lie at `place`."""
        key = place.key[len(self.folder.key) :].lstrip("/")
        return self.folder.holds(place) and self.pattern.fullmatch(key) is not None

    def check(self, names: Sequence[str]) -> None:
        """Refuse columns that are not there.

        Raises:
            SettingsError: A ``{column}`` is none of `names`.
        """
        if missing := [column for column in self.columns if column not in names]:
            raise SettingsError(
                f"checkpoint {self.folder.join(self.template).uri}: no column"
                f" {', '.join(missing)}; there are {', '.join(names)}"
            )


def encode(value: Any, apart: Iterable[str] = (), longest: int = LONGEST) -> str:
    """Return a value as one segment of a key, or a part of it.

    It is never empty, hidden, ``..``, too long, or over a segment's end.

    Args:
        value: The value; two that differ as text are encoded differently.
        apart: Characters of `-_.` that are encoded too, since they tell two columns of
            one segment apart.
        longest: How many characters it may have.
    """
    if value is None:
        return NULL
    text = quote(str(value), safe="").replace("~", "%7E")
    for character in apart:
        text = text.replace(character, f"%{ord(character):02X}")
    if text[:1] in ("_", "."):
        text = f"%{ord(text[0]):02X}{text[1:]}"
    if len(text) > longest and (head := _HEAD.match(text[: min(longest - HASH, 60)])):
        text = f"{head.group()}~{hashlib.sha256(text.encode()).hexdigest()}"
    return text or EMPTY


def _separators(key: str) -> list[str]:
    """What stands between two columns of one segment, for each two."""
    parts = [_COLUMN.split(segment)[2:-1:2] for segment in key.split("/")]
    return [literal for segment in parts for literal in segment]
