"""Decoder of the records of a stream: many JSON lines at once into one frame."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec
import polars as pl

from reporting_singer.conversion import check_text, converted
from reporting_singer.json_types import ColumnType, Kind

WRONG_TYPE = "wrong_type"
"""Error type of a record with a value that is not of its column's type."""

NOT_JSON = "json_invalid"
"""Error type of a record that is not JSON."""

_INTEGER = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_FIELD_TYPES: Mapping[Kind, Any] = {
    "boolean": bool | None,
    "integer": _INTEGER | None,
    "number": float | None,
    "text": str | None,
    "moment": str | None,
    "day": str | None,
    "decimal": msgspec.Raw,
    "digits": msgspec.Raw,
    "json": msgspec.Raw,
}
_NULL = msgspec.Raw(b"null")
_PLACE = re.compile(r"at `\$\.(.+?)(?:\[|`)")


class Faulty(NamedTuple):
    """Record that cannot be a row.

    Attributes:
        at: Its number among the records.
        error_type: Reason.
        column: Column at fault, `None` if the record as a whole is.
    """

    at: int
    error_type: str
    column: str | None


class Decoded(NamedTuple):
    """Decoded records.

    Attributes:
        frame: Rows, in the order of the records.
        kept: Number of each row's record, `None` if each record is a row.
        faulty: Records that are no rows.
    """

    frame: pl.DataFrame
    kept: Sequence[int] | None
    faulty: Sequence[Faulty]


class RecordDecoder:
    """Decoder for records of the same columns.

    Args:
        columns: Types by column. Other fields of records are skipped.
    """

    def __init__(self, columns: Mapping[str, ColumnType]) -> None:
        self.columns = dict(columns)
        self._fields = {f"f{at}": name for at, name in enumerate(self.columns)}
        self._raw_fields = [
            field
            for field, of in zip(self._fields, self.columns.values(), strict=True)
            if _FIELD_TYPES[of.kind] is msgspec.Raw
        ]
        self._decoder = self._decoder_of(_FIELD_TYPES)
        self._lenient = self._decoder_of(
            {**_FIELD_TYPES, "integer": _INTEGER | float | None}
        )

    def decode(self, raws: Sequence[msgspec.Raw]) -> Decoded:
        """Return records as a frame, and those that do not fit."""
        try:
            rows = self._decoder.decode_lines(b"\n".join(raws))
            if len(rows) != len(raws):
                raise msgspec.DecodeError
            return self._frame(rows, None, [])
        except (ValueError, RecursionError):  # msgspec does not check skipped bytes
            return self._frame(*self._one_by_one(raws))

    def _frame(
        self, rows: Sequence[Any], kept: list[int] | None, faulty: list[Faulty]
    ) -> Decoded:
        columns, lost = [], {}
        for (field, name), of in zip(
            self._fields.items(), self.columns.values(), strict=True
        ):
            column, lost_here = converted(name, list(map(attrgetter(field), rows)), of)
            columns.append(column)
            if lost_here is not None:
                lost[name] = lost_here
        frame = pl.DataFrame(columns)
        if not lost:
            return Decoded(frame, kept, faulty)
        return _without(Decoded(frame, kept, faulty), lost)

    def _decoder_of(self, types: Mapping[Kind, Any]) -> Any:
        fields = [
            (field, types[of.kind], _NULL if types[of.kind] is msgspec.Raw else None)
            for field, of in zip(self._fields, self.columns.values(), strict=True)
        ]
        record = msgspec.defstruct("Record", fields, rename=self._fields, gc=False)
        return msgspec.json.Decoder(record)

    def _one_by_one(
        self, raws: Sequence[msgspec.Raw]
    ) -> tuple[list[Any], list[int], list[Faulty]]:
        """Decode records one by one, since one of them does not fit."""
        rows, kept, faulty = [], [], []
        for at, raw in enumerate(raws):
            try:
                row = self._row(raw)
                for field in self._raw_fields:
                    check_text(getattr(row, field))
            except msgspec.ValidationError as error:
                match = _PLACE.search(str(error))
                column = match[1] if match and match[1] in self.columns else None
                faulty.append(Faulty(at, WRONG_TYPE, column))
            except (ValueError, RecursionError):
                faulty.append(Faulty(at, NOT_JSON, None))
            else:
                rows.append(row)
                kept.append(at)
        return rows, kept, faulty

    def _row(self, raw: msgspec.Raw) -> Any:
        """Decode a record; 1.0 is an integer, as in JSON Schema."""
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError:
            row = self._lenient.decode(raw)
            for field, name in self._fields.items():
                value = getattr(row, field)
                if self.columns[name].kind == "integer" and type(value) is float:
                    if not (value.is_integer() and abs(value) < 2**63):
                        raise
                    setattr(row, field, int(value))
            return row


def _without(decoded: Decoded, lost: Mapping[str, pl.Series]) -> Decoded:
    """Return the rows without those in which a value was lost."""
    frame, kept, _ = decoded
    numbers = range(frame.height) if kept is None else kept
    at_fault: dict[int, str] = {}
    for name, rows in lost.items():
        for row in rows.arg_true():
            at_fault.setdefault(row, name)
    rest = [row for row in range(frame.height) if row not in at_fault]
    return Decoded(
        frame[rest],
        [numbers[row] for row in rest],
        [
            *decoded.faulty,
            *(
                Faulty(numbers[row], WRONG_TYPE, column)
                for row, column in at_fault.items()
            ),
        ],
    )
