"""Bodies of answers as frames of texts; a cell without a value is null."""

from __future__ import annotations

import io

import msgspec
import polars as pl

from reporting_redcap.answers import TooMuchError

_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_NAMES = msgspec.json.Decoder(dict[str, object])


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
    out.

    Raises:
        TooMuchError: It is not complete.
    """
    if not body.strip():
        return pl.DataFrame()
    try:
        frame = pl.read_csv(body, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeError):
        raise TooMuchError from None
    if record_id not in frame.columns:
        raise TooMuchError
    return frame if body.endswith(b"\n") else frame[:-1]
