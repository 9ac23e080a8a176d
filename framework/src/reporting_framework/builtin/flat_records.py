"""Parser of flat JSON records, all at once, into the columns of a frame.

It takes only records that the model would certainly accept; all others are left to the
model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import polars as pl
from polars.exceptions import ComputeError, PolarsError

from reporting_framework.builtin.flat_schema import (
    NOT_TEXT,
    FlatField,
    flat_fields,
    value_of,
)
from reporting_framework.plugin_api.records import SOURCE_KEY, Batch

LONG = 1_500
"""Mean number of bytes of a record from which the model alone is as fast."""

CHUNK = 256
"""Number of records that are parsed together if some record of all is not JSON."""

_BLANKS = " \t\r\n"
_NOT_PLAIN = r'[\\\n]|"[ \t\r]+:'
"""Escapes, line breaks, and blanks before a colon, in a record."""

_TEXT, _AT = "_reporting_text", "_reporting_at"
_MEMBERS = "_reporting_members"

_MISFITS: Mapping[pl.DataType, str] = {
    pl.Binary(): '1, 1.5, true, ["1"], {"1": "1"}',
    pl.Int64(): f'"1", 1.0, 1e3, true, [1], {2**63}, {2**64}, {-(2**65)}',
    pl.Float64(): '"1", true, [1.0]',
    pl.Boolean(): '"true", 1, 1.0, [true]',
}
"""JSON values that a column of each type must read as null."""

_WIDE = f"{2**64}, {2**127}, {-(2**63) - 1}"
"""Integers that a column of texts must read as null or with `NOT_TEXT`."""


class FlatRecordParser:
    """Parser of records whose values are texts, numbers, booleans and nulls.

    A record is taken only if it is certain that it has no key twice and no unknown
    field, and that each value is valid. Texts are read as bytes: polars reads a number
    as a text, and as bytes only if it has more than 64 bits; see `NOT_TEXT`.

    The keys of a record are counted by the two characters ``":`` behind each. Without
    escapes, they are elsewhere only where a text begins with a colon. So if there are
    as many as there are fields with a value or with the value null, there is no other
    key.

    Args:
        fields: The fields by name.
        columns: Types of the columns of the frame by name, in their order.
    """

    def __init__(
        self, fields: Mapping[str, FlatField], columns: Mapping[str, pl.DataType]
    ) -> None:
        self._schema = pl.Schema({name: each.dtype for name, each in fields.items()})
        self._stored = pl.Schema(
            {
                name: pl.Binary() if dtype == pl.String() else dtype
                for name, dtype in self._schema.items()
            }
        )
        present = {name: pl.col(name).is_not_null() for name in fields}
        null = [
            ~present[name] & pl.col(_TEXT).str.contains(rf'"{name}":[ \t\r]*null')
            for name, each in fields.items()
            if each.null
        ]
        values = {
            name: fields[name].value.cast(dtype, strict=False)
            for name, dtype in columns.items()
        }
        valid = {name: each.valid.fill_null(False) for name, each in fields.items()}
        for name, dtype in columns.items():
            if dtype == pl.Int32():  # the model may allow more than the column holds
                valid[name] &= pl.col(value_of(name)).is_not_null()
        self._taken = pl.all_horizontal(
            pl.col(_MEMBERS) == pl.sum_horizontal(*present.values(), *null),
            *(
                (
                    ~present[name] | valid[name]
                    if each.null
                    else valid[name] & present[name]
                )
                for name, each in fields.items()
            ),
        )
        self._values = [value.alias(value_of(name)) for name, value in values.items()]
        self._columns = {value_of(name): name for name in values}

    @classmethod
    def of(
        cls,
        schema: Mapping[str, Any],
        columns: Mapping[str, pl.DataType],
        defaults: Mapping[str, Any],
    ) -> FlatRecordParser | None:
        """Return the parser for a model, or `None` if it cannot do without the model.

        Args:
            schema: Core schema of the model.
            columns: Types of the columns by name, in their order.
            defaults: Values for fields that a record may omit.
        """
        fields = flat_fields(schema, defaults)
        if not fields or not columns.keys() <= fields.keys() or not _reads_strictly():
            return None
        parser = cls(fields, columns)
        try:
            parser.parse([b"{}"])
        except PolarsError:  # a pattern that polars does not know
            return None
        return parser

    def split(self, batch: Batch) -> tuple[pl.DataFrame, pl.Series, list[int]] | None:
        """Return rows, their positions, and the positions of records for the model.

        Returns `None` if the records are long, and the model alone is as fast.
        """
        payloads = batch.payloads or ()
        sizes = (len(payload) for payload in payloads if isinstance(payload, bytes))
        if sum(sizes) > LONG * len(payloads):
            return None
        frame, at = self.parse(payloads)
        keys = pl.Series(SOURCE_KEY, batch.source_keys, dtype=pl.String)[at]
        rest = pl.repeat(True, len(payloads), eager=True).scatter(at, False)
        return frame.with_columns(keys), at, rest.arg_true().to_list()

    def parse(self, payloads: Sequence[bytes]) -> tuple[pl.DataFrame, pl.Series]:
        """Return the records that are taken as a frame, and their positions in order.

        Args:
            payloads: JSON texts.
        """
        text = pl.col(_TEXT)
        plain = (
            _texts(payloads)
            .str.strip_chars(_BLANKS)
            .to_frame()
            .with_row_index(_AT)
            .filter(text.str.ends_with("}") & ~text.str.contains(_NOT_PLAIN))
            .with_columns(text.str.count_matches('":', literal=True).alias(_MEMBERS))
        )
        none = pl.Schema({**plain.schema, **self._schema}).to_frame()
        read = pl.concat([none, *self._read(plain)])
        read = read.with_columns(self._values)  # `_taken` uses them too
        taken = read.filter(self._taken)
        return taken.select(*self._columns).rename(self._columns), taken[_AT]

    def _read(
        self, plain: pl.DataFrame, rows: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the records with their fields; leave out chunks that are not JSON."""
        rows = rows or max(1, plain.height)
        for begin in range(0, plain.height, rows):
            part = plain[begin : begin + rows]
            lines = part[_TEXT].str.join("\n").cast(pl.Binary).item()
            try:
                fields = pl.read_ndjson(lines, schema=self._stored, ignore_errors=True)
            except ComputeError:
                if rows > CHUNK:
                    yield from self._read(part, CHUNK)
                continue
            if fields.height == part.height:
                yield part.hstack(fields.cast(self._schema))


def _texts(payloads: Sequence[bytes]) -> pl.Series:
    """Return payloads as texts, null for one that is not bytes or not UTF-8."""
    if {bytes}.issuperset(map(type, payloads)):
        with suppress(ComputeError):
            return pl.Series(_TEXT, payloads, dtype=pl.Binary).cast(pl.String)
    return pl.Series(_TEXT, map(_text, payloads), dtype=pl.String)


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode() if type(payload) is bytes else None
    except UnicodeDecodeError:
        return None


def _reads_strictly() -> bool:
    """Return whether polars reads values of other JSON types as null.

    It does; a later version might read the text ``"1"`` as a number.
    """
    wide = _values(_WIDE, pl.Binary()).cast(pl.String).drop_nulls()
    return wide.str.starts_with(NOT_TEXT).all() and all(
        _values(values, dtype).is_null().all() for dtype, values in _MISFITS.items()
    )


def _values(values: str, dtype: pl.DataType) -> pl.Series:
    """Return JSON values as polars reads them into a column of a type."""
    lines = "\n".join(f'{{"value": {value}}}' for value in values.split(", "))
    read = pl.read_ndjson(lines.encode(), schema={"value": dtype}, ignore_errors=True)
    return read["value"]
