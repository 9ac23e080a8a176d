"""Places of a checkpoint's files: one file, or one per combination of columns.

Values of columns are percent-encoded. A period of the timestamp counts as a column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.errors import SettingsError
from reporting_framework.storage import Location, key_values, parse_location

if TYPE_CHECKING:
    import polars as pl

SOURCE_STATE_FOLDER = "_state"
"""Folder of the source state of a checkpoint of several files; because of the
underscore, Athena and Hive do not read its contents.
"""

SEGMENT = 200
"""Longest total of values in one segment of a key, in characters: file names may have
255, and locks add to them.
"""

PERIODS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
"""Names that stand for a period of the timestamp (UTC) unless a column has the name."""

_COLUMN = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BARE = frozenset("-_.")
_VALUE = (
    f"(?:{key_values.NULL}|{key_values.HIVE_NULL}|{key_values.EMPTY}"
    "|(?![_.])(?:[A-Za-z0-9_.-]|%[0-9A-F]{2})+(?:~[0-9a-f]{64})?)"
)
"""Pattern of the results of `encode`."""


class Layout(NamedTuple):
    """Layout of the files of a checkpoint.

    Attributes:
        folder: Common folder of all files.
        template: The rest of the place: a file name, or a path with ``{column}``.
        timestamp: Column of which `PERIODS` are periods.
    """

    folder: Location
    template: str
    timestamp: str = "timestamp"

    @classmethod
    def parse(cls, uri: str, timestamp: str | None = None) -> Layout:
        """Parse a URI with or without ``{column}``.

        Raises:
            SettingsError: A brace is not part of a ``{column}``, or two columns have no
                separator between them that shows the end of the first.
        """
        if "{" in uri.partition("://")[2].partition("/")[0]:
            raise SettingsError(
                f"checkpoint {uri}: a brace must be part of a {{column}} in the key, as"
                " in {study}",
                path=("uri",),
            )
        location = parse_location(uri)
        rest = _COLUMN.sub("", location.key)
        if "{" in rest or "}" in rest:
            raise SettingsError(
                f"checkpoint {uri}: a brace must be part of a {{column}} in the key, as"
                " in {study}",
                path=("uri",),
            )
        segments = location.key.split("/")
        fixed = next(
            (number for number, part in enumerate(segments) if "{" in part),
            len(segments) - 1,
        )
        folder = Location(location.scheme, location.root, "/".join(segments[:fixed]))
        if (
            max(len(_COLUMN.findall(segment)) for segment in segments)
            > SEGMENT // key_values.HASH
        ):
            raise SettingsError(
                f"checkpoint {uri}: more than {SEGMENT // key_values.HASH} columns in"
                " one name; use folders",
                path=("uri",),
            )
        if any(
            not re.search(r"[^A-Za-z0-9%~]", literal)
            for literal in _separators(location.key)
        ):
            raise SettingsError(
                f"checkpoint {uri}: two columns in one name need a character between"
                " them, such as -",
                path=("uri",),
            )
        return cls(folder, "/".join(segments[fixed:]), timestamp or "timestamp")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns whose values are in the files' names."""
        return tuple(dict.fromkeys(_COLUMN.findall(self.template)))

    def values(self, names: Collection[str]) -> list[pl.Expr]:
        """Return an expression for each of `columns`, of rows with columns `names`."""
        import polars as pl  # late: places are known before it is imported

        moment = pl.col(self.timestamp).dt.convert_time_zone("UTC")
        return [
            pl.col(column)
            if column in names or column not in PERIODS
            else moment.dt.strftime(PERIODS[column]).alias(column)
            for column in self.columns
        ]

    def missing(self, names: Collection[str]) -> list[str]:
        """Return the `columns` that rows with columns `names` do not have."""
        dated = PERIODS if self.timestamp in names else ()
        return [
            column
            for column in self.columns
            if column not in names and column not in dated
        ]

    def key(self, values: Mapping[str, Any]) -> str:
        """Return the key of the file for these values, relative to the folder."""
        apart = _BARE.intersection("".join(_separators(self.template)))
        most = max(
            len(_COLUMN.findall(segment)) for segment in self.template.split("/")
        )
        longest = min(key_values.LONGEST, SEGMENT // max(most, 1))

        def encoded(match: re.Match[str]) -> str:
            value = values[match.group(1)]
            hive = self.template[: match.start()].endswith("=") and self.template[
                match.end() :
            ].startswith("/")
            return (
                key_values.HIVE_NULL
                if value is None and hive
                else key_values.encode(value, apart, longest)
            )

        return _COLUMN.sub(encoded, self.template)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Pattern that the whole key of each file matches."""
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
        """Return whether one of its files may be at `place`."""
        key = place.key[len(self.folder.key) :].lstrip("/")
        return self.folder.holds(place) and self.pattern.fullmatch(key) is not None

    def check(self, names: Collection[str]) -> None:
        """Refuse columns that do not exist.

        Raises:
            SettingsError: A ``{column}`` is not among `names`.
        """
        if missing := self.missing(names):
            raise SettingsError(
                f"checkpoint {self.folder.join(self.template).uri}: no column"
                f" {', '.join(missing)}; there are {', '.join(names)}",
                path=("uri",),
            )


def _separators(key: str) -> list[str]:
    """Return the separators between neighbouring columns of one segment."""
    parts = [_COLUMN.split(segment)[2:-1:2] for segment in key.split("/")]
    return [literal for segment in parts for literal in segment]
