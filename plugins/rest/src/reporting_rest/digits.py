"""Digits of numbers in columns of texts and decimals, as the server wrote them.

polars reads a number with a fraction as a float, also for a column of texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

_ROUNDED = r"(?s)^(?:-?\d+\.\d|-?\d+[eE]|-?\d{16}|-?inf|[\[{].*\d(?:\.\d|[eE]|\d{15}))"
"""Text that polars may have made of a number with more digits, or of several."""

_WHOLE = r"(?s)^(?:-?\d+$|[\[{].*\d)"
"""Text that polars may have made of a number such as 1.00, or of several."""

_ZEROS = re.compile(r"\d\.0")

_QUOTED_OR_NAMED = (b'"', b"n", b"t", b"f")
"""First characters of other values: texts, null, true and false."""


class Digits:
    """Numbers of records with all their digits.

    Args:
        schema: Columns as polars reads them; those of texts are looked at.
    """

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self._names = [
            name for name, dtype in schema.items() if isinstance(dtype, pl.String)
        ]
        fields = [f"f{number}" for number in range(len(self._names))]
        values = msgspec.defstruct(
            "Values",
            [(field, msgspec.Raw, msgspec.Raw(b"null")) for field in fields],
            rename=dict(zip(fields, self._names, strict=True)),
        )
        self._fields: Mapping[str, str] = dict(zip(self._names, fields, strict=True))
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(values)

    def restored(self, frame: pl.DataFrame, lines: Sequence[bytes]) -> pl.DataFrame:
        """Return a frame with the numbers of its records as they were written.

        Args:
            frame: What polars made of the records.
            lines: The records, one for each row.
        """
        zeros = any(b".0" in line for line in lines)
        for name in self._names:
            column = frame[name]
            rounded = column.str.contains(_ROUNDED).fill_null(value=False)
            texts = {row: self._text(lines[row], name) for row in rounded.arg_true()}
            if zeros:
                whole = column.str.contains(_WHOLE).fill_null(value=False) & ~rounded
                for row in whole.arg_true():
                    text = self._text(lines[row], name)
                    texts[row] = text if text and _ZEROS.search(text) else None
            found = {row: text for row, text in texts.items() if text is not None}
            if found:
                values = pl.Series(list(found.values()), dtype=pl.String)
                column = column.clone().scatter(pl.Series(list(found)), values)
                frame = frame.with_columns(column)
        return frame

    def _text(self, line: bytes, name: str) -> str | None:
        """Return the text of a number, a list or an object, or `None`."""
        try:
            text = bytes(getattr(self._decoder.decode(line), self._fields[name]))
            if text[:1] in _QUOTED_OR_NAMED:
                return None
            return msgspec.json.format(text, indent=0).decode()
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
