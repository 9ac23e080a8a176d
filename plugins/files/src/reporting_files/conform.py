"""Records of files as rows of the report's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from reporting_files.casting import Casts
from reporting_files.file_columns import FileFacts, columns_of_files
from reporting_files.raw_frames import HIDDEN, RawFrame, is_column, typed_name
from reporting_framework import Rejection

WRONG_TYPE = "wrong_type"


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
    rejected: Sequence[Rejection] = ()


class Conform:
    """Conversion of records to rows.

    Args:
        schema: Columns of the report, path columns included.
        path_names: Names of the path columns.
        casts: Conversion of values.

    Attributes:
        of_files: Columns that are not of the path.
    """

    def __init__(
        self, schema: pl.Schema, path_names: Sequence[str], casts: Casts
    ) -> None:
        self._schema, self._casts = schema, casts
        self._of_path = {name: schema.get(name, pl.String()) for name in path_names}
        self.of_files = pl.Schema(
            {name: dtype for name, dtype in schema.items() if name not in self._of_path}
        )

    def part(
        self,
        raw: RawFrame,
        files: Sequence[FileFacts],
        start: int = 0,
        *,
        csv: bool = True,
    ) -> Part:
        """Return the rows of records.

        Args:
            raw: The records.
            files: Facts of the files, one for each of `RawFrame.counts`.
            start: Number of records of the (only) file that came before.
            csv: Whether the records are those of CSV.
        """
        rows, lost = self._cast(raw.frame, dots=not csv)
        source_keys, versions, texts = columns_of_files(
            files, raw.counts, list(self._of_path), start
        )
        of_path = texts.select(
            self._casts.cast(name, pl.String(), dtype).alias(name)
            for name, dtype in self._of_path.items()
        )
        lost |= _losses(texts, of_path)
        rows = rows.hstack(of_path)
        others = [name for name in rows.columns if name not in self._schema]
        part = Part(rows.select([*self._schema, *others]), source_keys, versions)
        if raw.blank is not None:
            part = _only(part, ~raw.blank)
            lost = {name: rows.filter(~raw.blank) for name, rows in lost.items()}
        if raw.faults is None and not lost:
            return part
        return _without_faults(part, raw.faults, lost)

    def _cast(
        self, frame: pl.DataFrame, *, dots: bool
    ) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
        """Return records with the types of the report, and where a value has another.

        Columns that the report does not have follow, as texts.
        """
        rows = frame.select(self._columns(frame, dots=dots))
        lost = _losses(frame, rows)
        if lost:  # perhaps because of blanks around values
            again = frame.select(
                self._column(frame, name, dots=dots, strip=True) for name in lost
            )
            rows = rows.with_columns(again.iter_columns())
            given = frame.select(lost.keys()).with_columns(
                pl.when(pl.col(pl.String).str.strip_chars() != "").then(
                    pl.col(pl.String)
                )
            )
            lost = _losses(given, rows)
        return rows, lost

    def _column(
        self, frame: pl.DataFrame, name: str, *, dots: bool, strip: bool = False
    ) -> pl.Expr:
        """Return a column of records in its type."""
        wanted = self.of_files[name]
        cast = self._casts.cast(
            name, frame.schema[name], wanted, strip=strip, dots=dots
        )
        typed = typed_name(name)
        if typed in frame.columns and not isinstance(wanted, pl.String):
            value = self._casts.cast(typed, frame.schema[typed], wanted)
            cast = pl.when(pl.col(typed).is_not_null()).then(value).otherwise(cast)
        return cast.alias(name)

    def _columns(self, frame: pl.DataFrame, *, dots: bool) -> list[pl.Expr]:
        columns = [
            self._column(frame, name, dots=dots)
            if name in frame.columns
            else pl.repeat(None, pl.len(), dtype=dtype).alias(name)
            for name, dtype in self.of_files.items()
        ]
        others = [
            self._casts.cast(name, dtype, pl.String()).alias(name)
            for name, dtype in frame.schema.items()
            if name not in self._schema
            and name not in self._of_path
            and is_column(name)
        ]
        return [*columns, *others] or [pl.repeat(None, pl.len()).alias(HIDDEN)]


def _losses(given: pl.DataFrame, cast: pl.DataFrame) -> dict[str, pl.Series]:
    """Return the rows in which a value was lost, by column."""
    return {
        name: cast[name].is_null() & given[name].is_not_null()
        for name in given.columns
        if name in cast.columns and cast[name].null_count() > given[name].null_count()
    }


def _without_faults(
    part: Part, faults: pl.Series | None, lost: Mapping[str, pl.Series]
) -> Part:
    """Return the rows without a fault, and a rejection for each other row.

    Args:
        part: All rows.
        faults: Error type of records that could not be read.
        lost: Rows in which a value was lost, by column.
    """
    fields = [None, *lost]
    unread = pl.repeat(None, part.frame.height, dtype=pl.String, eager=True)
    unread = unread if faults is None else faults
    columns = [unread.is_not_null(), *lost.values()]
    flags = pl.DataFrame([column.alias(str(at)) for at, column in enumerate(columns)])
    first = flags.select(
        pl.coalesce(
            pl.when(pl.col(str(at))).then(pl.lit(at, pl.Int32))
            for at in range(len(columns))
        )
    ).to_series()
    wrong = first.is_not_null()
    rejected = [
        Rejection(key, version, fault if at == 0 else WRONG_TYPE, fields[at])
        for key, version, fault, at in zip(
            part.source_keys.filter(wrong),
            part.versions.filter(wrong),
            unread.filter(wrong),
            first.filter(wrong),
            strict=True,
        )
    ]
    return _only(part, ~wrong)._replace(rejected=rejected)


def _only(part: Part, kept: pl.Series) -> Part:
    """Return some of the rows."""
    return Part(
        part.frame.filter(kept),
        part.source_keys.filter(kept),
        part.versions.filter(kept),
    )
