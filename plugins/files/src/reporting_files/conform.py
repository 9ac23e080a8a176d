"""Records of files as rows of the report's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting_files.casting import Casts
from reporting_files.raw_frames import HIDDEN, RawFrame
from reporting_framework import SOURCE_KEY, VERSION, Rejection

WRONG_TYPE = "wrong_type"
_FILE, _NUMBER, _FAULT = f"{HIDDEN}file", f"{HIDDEN}number", f"{HIDDEN}fault"


class FileFacts(NamedTuple):
    """Facts of a file that each of its rows has.

    Attributes:
        key: Path of the file.
        version: Version of its rows.
        parts: Values of the columns of its path.
    """

    key: str
    version: str
    parts: Sequence[str | None]


class Part(NamedTuple):
    """Rows in the report's columns, and records that were rejected.

    Attributes:
        frame: The rows; columns that the report does not have follow, as texts.
        source_keys: Source key of each row.
        versions: Version of each row.
        rejected: The other records.
    """

    frame: pl.DataFrame
    source_keys: pl.Series
    versions: pl.Series
    rejected: Sequence[Rejection]


class Conform:
    """Conversion of records to rows.

    Args:
        schema: Columns of the report, path columns included.
        path_names: Names of the path columns.
        casts: Conversion of values.
    """

    def __init__(
        self, schema: pl.Schema, path_names: Sequence[str], casts: Casts
    ) -> None:
        self._schema, self._casts = schema, casts
        self._path = {name: schema[name] for name in path_names}
        self.of_files = {
            name: dtype for name, dtype in schema.items() if name not in self._path
        }

    def part(self, raw: RawFrame, files: Sequence[FileFacts], start: int = 0) -> Part:
        """Return the rows of records.

        Args:
            raw: The records.
            files: Facts of the files, one for each of `RawFrame.counts`.
            start: Number of records of the (only) file that came before.
        """
        frame = raw.frame
        cast = frame.select(self._columns(frame))
        names = self._with_losses(frame, cast)
        rows = self._with_facts(cast, raw.counts, files, start)
        rejected: Sequence[Rejection] = ()
        lost = {
            name: cast[name].is_null() & frame[name].is_not_null() for name in names
        }
        lost |= self._lost_of_path(rows, raw.counts, files)
        if lost or raw.faults is not None:
            rows, rejected = _without_faults(rows, raw.faults, lost)
        columns = [
            *self._schema,
            *(name for name in cast.columns if name not in self._schema),
        ]
        return Part(rows.select(columns), rows[SOURCE_KEY_], rows[VERSION_], rejected)

    def _columns(self, frame: pl.DataFrame) -> list[pl.Expr]:
        """Return the columns of files, and those that the report does not have."""
        columns = [
            self._casts.cast(name, frame.schema[name], dtype).alias(name)
            if name in frame.columns
            else pl.repeat(None, pl.len(), dtype=dtype).alias(name)
            for name, dtype in self.of_files.items()
        ]
        others = [
            self._casts.cast(name, dtype, pl.String()).alias(name)
            for name, dtype in frame.schema.items()
            if name not in self._schema and not name.startswith(HIDDEN)
        ]
        return [*columns, *others]

    def _with_losses(self, frame: pl.DataFrame, cast: pl.DataFrame) -> list[str]:
        """Return the columns in which a value is not of the column's type."""
        return [
            name
            for name in self.of_files
            if name in frame.columns
            and cast[name].null_count() > frame[name].null_count()
        ]

    def _with_facts(
        self,
        frame: pl.DataFrame,
        counts: Sequence[int],
        files: Sequence[FileFacts],
        start: int,
    ) -> pl.DataFrame:
        """Return the frame with source keys, versions and path columns."""
        facts = self._facts(files)
        number = pl.int_range(pl.len(), dtype=pl.Int64)
        if len(files) == 1:
            only = [
                pl.lit(facts[name].first(), facts.schema[name]).alias(name)
                for name in facts.columns
            ]
            frame = frame.with_columns(*only, (number + start + 1).alias(_NUMBER))
        else:
            begins = pl.Series(counts, dtype=pl.Int64).cum_sum() - pl.Series(counts)
            facts = facts.with_columns(begins.alias(_NUMBER))
            index = pl.select(
                pl.int_range(len(files)).repeat_by(pl.Series(counts)).explode()
            ).to_series()
            if 0 in counts:
                index = index.drop_nulls()
            frame = frame.hstack(facts[index]).with_columns(
                (number - pl.col(_NUMBER) + 1).alias(_NUMBER)
            )
        key = pl.concat_str(pl.col(_FILE), pl.lit("#"), pl.col(_NUMBER).cast(pl.String))
        return frame.with_columns(key.alias(SOURCE_KEY_))

    def _facts(self, files: Sequence[FileFacts]) -> pl.DataFrame:
        """Return a row for each file: path, version and path columns."""
        texts = pl.DataFrame(
            {
                _FILE: [file.key for file in files],
                VERSION_: [file.version for file in files],
            }
            | {
                name: pl.Series([file.parts[at] for file in files], dtype=pl.String)
                for at, name in enumerate(self._path)
            },
        )
        return texts.with_columns(
            self._casts.cast(name, pl.String(), dtype).alias(name)
            for name, dtype in self._path.items()
        )

    def _lost_of_path(
        self, rows: pl.DataFrame, counts: Sequence[int], files: Sequence[FileFacts]
    ) -> dict[str, pl.Series]:
        """Return the rows for which a part of the path is not of its column's type."""
        lost = {}
        for at, name in enumerate(self._path):
            if rows[name].null_count():
                given = [file.parts[at] is not None for file in files]
                of_rows = [
                    value
                    for value, count in zip(given, counts, strict=True)
                    for _ in range(count)
                ]
                wrong = rows[name].is_null() & pl.Series(of_rows, dtype=pl.Boolean)
                if wrong.any():
                    lost[name] = wrong
        return lost


SOURCE_KEY_, VERSION_ = f"{HIDDEN}{SOURCE_KEY}", f"{HIDDEN}{VERSION}"


def _without_faults(
    rows: pl.DataFrame, faults: pl.Series | None, lost: dict[str, pl.Series]
) -> tuple[pl.DataFrame, list[Rejection]]:
    """Return the rows without a fault, and the rejections of the others.

    Args:
        rows: All rows.
        faults: Error type of records that could not be read.
        lost: Rows in which a column has a value of another type, by column.
    """
    none = pl.repeat(None, rows.height, dtype=pl.String, eager=True)
    columns = {str(at): column for at, column in enumerate(lost.values())}
    fields = list(lost)
    found = pl.DataFrame({_FAULT: none if faults is None else faults, **columns})
    number = pl.coalesce(
        pl.when(pl.col(_FAULT).is_not_null()).then(pl.lit(-1, pl.Int32)),
        *(pl.when(pl.col(name)).then(pl.lit(int(name), pl.Int32)) for name in columns),
    )
    first = found.select(number).to_series()
    wrong = first.is_not_null()
    rejected = [
        Rejection(
            key,
            version,
            fault if at < 0 else WRONG_TYPE,
            None if at < 0 else fields[at],
        )
        for key, version, fault, at in zip(
            rows[SOURCE_KEY_].filter(wrong),
            rows[VERSION_].filter(wrong),
            found[_FAULT].filter(wrong),
            first.filter(wrong),
            strict=True,
        )
    ]
    return rows.filter(~wrong), rejected
