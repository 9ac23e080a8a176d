"""Bodies of answers as frames of texts; a cell without a value is null."""

from __future__ import annotations

import io
import re

import msgspec
import polars as pl

from reporting_redcap.answers import TooMuchError, ends_exhausted

_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_NAMES = msgspec.json.Decoder(dict[str, object])
_QUOTED = re.compile(rb'"[^"]*"')


def from_json(body: bytes) -> pl.DataFrame:
    """Return the rows of a JSON array of flat objects.

    The end of the array shows that the answer is complete.

    Raises:
        TooMuchError: It is not complete.
    """
    try:
        items = _RAWS.decode(body)
        if not items:
            return pl.DataFrame()
        schema = dict.fromkeys(_NAMES.decode(items[0]), pl.String())
        frame = pl.read_json(io.BytesIO(body), schema=schema)
    except (msgspec.DecodeError, UnicodeError, pl.exceptions.PolarsError):
        raise TooMuchError from None
    return frame.with_columns(pl.all().replace("", None))


def from_csv(body: bytes, record_id: str) -> pl.DataFrame:
    """Return the rows of a CSV text with a header, one row for each record.

    If the text does not end with a line end, its last row may be cut off and is left
    out. Other rows must have as many fields as the header: a server that is exhausted
    writes a text, with line ends, where the answer breaks off.

    Raises:
        TooMuchError: It is not complete.
    """
    if not body.strip():
        return pl.DataFrame()
    if ends_exhausted(body):
        raise TooMuchError
    if body.endswith(b"\n"):
        body = body.rstrip(b"\r\n") + b"\n"  # an empty line is no row
    try:
        frame = pl.read_csv(body, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeError):
        raise TooMuchError from None
    if record_id not in frame.columns:
        raise TooMuchError
    frame = frame if body.endswith(b"\n") else frame[:-1]
    if _separators(body) != (frame.height + 1) * (frame.width - 1):
        raise TooMuchError  # polars fills short rows with null, and refuses long ones
    return frame.with_columns(pl.all().replace("", None))


def _separators(body: bytes) -> int:
    """Return the number of commas between fields in all lines that have an end.

    Raises:
        TooMuchError: A quoted value has no end.
    """
    bare = _QUOTED.sub(b"", body)
    if b'"' in bare:
        raise TooMuchError
    return bare.count(b",", 0, bare.rfind(b"\n") + 1)
