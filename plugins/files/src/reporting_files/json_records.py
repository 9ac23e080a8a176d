"""Records of NDJSON and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from reporting_files.problems import UnreadableError
from reporting_files.raw_frames import HIDDEN, RawFrame

INVALID = "json_invalid"
_SPACE = b" \t\r\n"
_UNREAD = f"{HIDDEN}unread"


def parse_lines(text: bytes, schema: Mapping[str, pl.DataType]) -> RawFrame:
    """Return the records of NDJSON, one in each line that is not blank.

    Args:
        text: Lines, as UTF-8; the last one ends, too.
        schema: Columns that are wanted.
    """
    frame = _read(text, schema)
    if frame is not None and frame.height == text.count(b"\n"):
        return RawFrame(frame, [frame.height])
    lines = [line for line in text.split(b"\n") if line.strip(_SPACE)]
    parts = list(_parts(lines, schema))
    if not parts:
        return RawFrame(pl.DataFrame(), [0])
    frame = _joined([part for part, _ in parts])
    if all(fault is None for _, fault in parts):
        return RawFrame(frame, [frame.height])
    faults = [
        pl.repeat(fault, part.height, dtype=pl.String, eager=True)
        for part, fault in parts
    ]
    return RawFrame(frame, [frame.height], pl.concat(faults))


def parse_document(text: bytes, schema: Mapping[str, pl.DataType]) -> RawFrame:
    """Return the records of a JSON array of objects, or of one object.

    Raises:
        UnreadableError: The text is neither.
    """
    import msgspec

    stripped = text.strip(_SPACE)
    try:
        if stripped.startswith(b"["):
            items = msgspec.json.decode(stripped, type=list[msgspec.Raw])
            lines = [bytes(item).replace(b"\n", b" ") for item in items]
        else:
            msgspec.json.decode(stripped, type=dict[str, msgspec.Raw])
            lines = [stripped.replace(b"\n", b" ")]
    except (ValueError, RecursionError):
        raise UnreadableError(INVALID) from None
    return parse_lines(b"".join(line + b"\n" for line in lines), schema)


def _parts(
    lines: list[bytes], schema: Mapping[str, pl.DataType]
) -> Iterator[tuple[pl.DataFrame, str | None]]:
    """Yield the frames of lines; of halves, down to a line that cannot be read."""
    if not lines:
        return
    frame = _read(b"\n".join(lines), schema)
    if frame is not None and frame.height == len(lines):
        yield frame, None
    elif len(lines) == 1:
        yield pl.DataFrame({_UNREAD: [None]}), INVALID
    else:
        half = len(lines) // 2
        yield from _parts(lines[:half], schema)
        yield from _parts(lines[half:], schema)


def _read(text: bytes, schema: Mapping[str, pl.DataType]) -> pl.DataFrame | None:
    """Return the records of lines, `None` if one cannot be read.

    If values of a column are of types that do not fit together, only wanted columns are
    read, as texts.
    """
    texts = {
        name: dtype if dtype.is_nested() else pl.String()
        for name, dtype in schema.items()
    }
    if not _are_objects(text):
        return None
    try:
        frame = pl.read_ndjson(text, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        try:
            frame = pl.read_ndjson(text, schema=texts)
        except pl.exceptions.PolarsError:
            return None
    return frame if frame.width else pl.DataFrame({_UNREAD: [None] * frame.height})


def _are_objects(text: bytes) -> bool:
    """Return whether each line that is not blank begins like an object.

    polars reads some other values as records without values.
    """
    ends = text.count(b"\n") - text.endswith(b"\n")
    if text.startswith(b"{") and text.count(b"\n{") == ends:
        return True
    lines = (line.lstrip(_SPACE) for line in text.split(b"\n"))
    return all(line.startswith(b"{") for line in lines if line)


def _joined(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Return parts as one frame; columns of different types become texts."""
    try:
        return pl.concat(parts, how="diagonal_relaxed")
    except pl.exceptions.PolarsError:
        scalars = [
            part.with_columns(
                pl.col(name).cast(pl.String)
                for name, dtype in part.schema.items()
                if not dtype.is_nested()
            )
            for part in parts
        ]
        return pl.concat(scalars, how="diagonal_relaxed")
