"""Records of Excel files.

fastexcel guesses a type for each column. Texts that it takes for null, such as `n/a`,
and dates in a column that has texts, are restored from further readings of the sheet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl

from reporting_files import problems
from reporting_files.expanded_size import EXCEL, check_zip
from reporting_files.problems import UnreadableError
from reporting_files.raw_frames import typed_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastexcel import ExcelReader, ExcelSheet

_MOMENT = r"^[0-9]{4,}-[0-9]{2}-[0-9]{2}(?: [0-9:.]+)?$"
"""Date or time as fastexcel writes it as a text."""

_COUNTED = re.compile(r"_[0-9]+$")
"""Number that fastexcel adds to a name that is twice in the header."""


def excel_frame(
    data: bytes, sheet: str | None, limit: int, skip_rows: int = 0
) -> pl.DataFrame:
    """Return the rows of a sheet; the first row that is not skipped has the names.

    Dates and times of a column that has texts, too, are in a column `typed_name`.

    Args:
        data: The file.
        sheet: Name of the sheet, `None`: the first one.
        limit: Largest size after decompression.
        skip_rows: Number of rows above the header.

    Raises:
        UnreadableError: The file is damaged or too large, has no such sheet or no
            header, or a name is twice in the header.
    """
    import fastexcel

    check_zip(data, limit)
    try:
        book = fastexcel.read_excel(data)
        if not book.sheet_names or (sheet and sheet not in book.sheet_names):
            raise UnreadableError("no_such_sheet")
        frame = _Sheet(book, sheet or 0, skip_rows).frame()
    except fastexcel.FastExcelError as error:
        raise UnreadableError(EXCEL) from error
    if skip_rows and not frame.width:
        raise UnreadableError(problems.EMPTY)
    return frame


class _Sheet:
    """Sheet of a book, which is read up to four times."""

    def __init__(self, book: ExcelReader, sheet: str | int, skip_rows: int) -> None:
        self._book, self._sheet, self._skip_rows = book, sheet, skip_rows

    def frame(self) -> pl.DataFrame:
        """Return the rows, without columns that have no name."""
        sheet = self._sheet_of(None)
        if not sheet.width:
            return pl.DataFrame()
        columns = sheet.available_columns()
        names = [
            column.name
            for column in columns
            if column.column_name_from != "generated" and column.name.strip()
        ]
        if not names:
            raise UnreadableError(EXCEL)
        self._check_header(names)
        frame = sheet.to_polars().select(names)
        of_texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
        gaps = [
            name
            for name in frame.columns
            if name not in of_texts and frame[name].null_count()
        ]
        if gaps:
            texts = self._load("string")
            mixed = [
                name
                for name in gaps
                if texts[name].null_count() < frame[name].null_count()
            ]
            frame = frame.with_columns(texts.select(mixed))
            of_texts += mixed
        moments = [name for name in of_texts if frame[name].str.contains(_MOMENT).any()]
        if not moments:
            return frame
        typed = self._load(dict.fromkeys(moments, "datetime"))
        return frame.with_columns(  # a number is read as a date, too
            pl.when(frame[name].str.contains(_MOMENT))
            .then(typed[name])
            .alias(typed_name(name))
            for name in moments
        )

    def _check_header(self, names: Sequence[str]) -> None:
        """Raise `UnreadableError` if a name is twice in the header."""
        if len({_COUNTED.sub("", name) for name in names}) == len(names):
            return
        header = self._book.load_sheet(
            self._sheet,
            header_row=None,
            skip_rows=self._skip_rows or None,  # blank rows may precede the header
            n_rows=1,
            dtypes="string",
        )
        written = [name for name in header.to_polars().row(0) if name]
        if len({*written}) < len(written):
            raise UnreadableError("duplicate_column")

    def _load(self, types: Any) -> pl.DataFrame:
        return self._sheet_of(types).to_polars()

    def _sheet_of(self, types: Any) -> ExcelSheet:
        return self._book.load_sheet(
            self._sheet,
            header_row=self._skip_rows,
            schema_sample_rows=None,
            dtypes=types,
        )
