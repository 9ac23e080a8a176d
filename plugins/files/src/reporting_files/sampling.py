"""Columns of files, found in the first rows of a few of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import polars as pl

from reporting_files.column_types import dtype_of
from reporting_files.contents import SMALL, Content, fetch
from reporting_files.csv_dialect import read_header
from reporting_files.decompress import plain_blocks
from reporting_files.formats import STREAMED, format_by_name
from reporting_files.json_records import parse_lines
from reporting_files.path_columns import PathColumns
from reporting_files.problems import UnreadableError
from reporting_files.raw_frames import is_column
from reporting_files.records import FileRecords
from reporting_files.settings import FileFormat, FilesSettings
from reporting_files.text import utf_8_blocks
from reporting_framework.errors import ReportingError
from reporting_framework.storage import Store

SAMPLE_BYTES = 1024 * 1024
MAX_HEADERS, HEADER_BYTES = 64, 64 * 1024
"""Most files of which only the columns are looked up, and the text read for it."""

WHOLE_BYTES = 1024 * 1024
"""Largest JSON, Excel or Avro file that is read only to look up its columns."""

HEADER_REQUESTS = 16
"""Requests for headers at once."""

EXACT_DIGITS, EXACT_WHOLE = 17, 15
"""Most digits of a number, and before its point, that float64 keeps."""

_INTEGER = r"^-?(?:0|[1-9][0-9]*)$"
_NUMBER = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_CODE, _FRACTION = r"^[0-9]+[eE][0-9]+$", "."
"""Text such as 1E10, which is a number only beside a fraction."""

_WITH_TYPES = ("parquet", "avro")
"""Formats whose files say which columns are texts."""

_WORD = r"^(?:true|false|True|False|TRUE|FALSE)$"

_log = logging.getLogger(__name__)


class Sample(NamedTuple):
    """Columns and formats of a sample of files.

    Attributes:
        schema: The columns, those of paths last; `None` if none are known.
        formats: Formats of the files.
        files: Whether there are files.
    """

    schema: pl.Schema | None
    formats: Sequence[FileFormat]
    files: bool


def sample_files(
    store: Store,
    keys: Sequence[str],
    settings: FilesSettings,
    known: Mapping[str, pl.DataType] = {},
) -> Sample:
    """Return the columns and formats of files.

    Declared types win. Of other columns, the first files and the last one say the type.
    Columns that only further files have follow: of the last `MAX_HEADERS` ones. A file
    without a known column is left out, unless no sampled file has one.

    Args:
        store: Store of the files.
        keys: Paths of files, in order.
        settings: Settings of the source.
        known: Columns of earlier files, which are kept; see `_widened`.

    Raises:
        ReportingError: Files cannot be read.
    """
    declared = {name: dtype_of(text) for name, text in settings.columns.items()}
    path = PathColumns.parse(settings.path_columns) if settings.path_columns else None
    found: dict[str, pl.DataType] = {}
    kept = dict(known)
    own = known.keys() - set(path.names if path else ())
    chosen = _chosen(keys, settings.sample_files)
    sampled = [_sampled(store, key, settings) for key in chosen]
    formats = [form for form, _ in sampled if form]
    types_of = [types for _, types in sampled]
    sharing = [types for types in types_of if not own.isdisjoint(types)]
    for types in sharing or types_of:
        found, kept = _united(found, types), _widened(kept, types)
    others = [key for key in keys if key not in chosen][-MAX_HEADERS:]
    further = _further(store, others, found.keys() | declared.keys() | own, settings)
    found |= {name: dtype for name, dtype in further.items() if name not in found}
    found = kept | {name: of for name, of in found.items() if name not in kept}
    of_path = {} if path is None else _path_types(path, keys, known)
    columns = {
        name: declared.get(name, dtype)
        for name, dtype in (found | dict.fromkeys(declared, pl.Null())).items()
        if name not in of_path
    }
    columns |= {name: declared.get(name, dtype) for name, dtype in of_path.items()}
    types = {
        name: pl.String() if isinstance(dtype, pl.Null) else dtype
        for name, dtype in columns.items()
    }
    schema = pl.Schema(types) if types else None
    return Sample(schema, list(dict.fromkeys(formats)), bool(keys))


def _chosen(keys: Sequence[str], most: int) -> Sequence[str]:
    """Return the first paths and, if there may be several, the last one."""
    if most == 1 or len(keys) <= most:
        return keys[:most]
    return [*keys[: most - 1], keys[-1]]


def _further(
    store: Store, keys: Sequence[str], known: Set[str], settings: FilesSettings
) -> dict[str, pl.DataType]:
    """Return the columns of further files that have at least one known column."""
    found: dict[str, pl.DataType] = {}
    look_up = partial(_sampled, store, settings=settings, header=True)
    with ThreadPoolExecutor(HEADER_REQUESTS if store.remote else 1) as requests:
        for _, types in requests.map(look_up, keys):
            if not known or not known.isdisjoint(types):
                found = _united(found, types)
    return found


def _united(
    known: Mapping[str, pl.DataType], others: Mapping[str, pl.DataType]
) -> dict[str, pl.DataType]:
    """Return columns of both, in types for the values of both."""
    return {**known} | {
        name: _common(known.get(name, pl.Null()), dtype)
        for name, dtype in others.items()
    }


def _widened(
    known: Mapping[str, pl.DataType], found: Mapping[str, pl.DataType]
) -> dict[str, pl.DataType]:
    """Return known columns; an integer becomes a float if a file has fractions.

    A single value of another type would make another table, which sinks refuse.
    """
    return {
        name: _common(dtype, other)
        if dtype.is_numeric() and (other := found.get(name, dtype)).is_numeric()
        else dtype
        for name, dtype in known.items()
    }


def _sampled(
    store: Store, key: str, settings: FilesSettings, *, header: bool = False
) -> tuple[FileFormat | None, dict[str, pl.DataType]]:
    """Return the format and the columns of a file; none if it cannot be read.

    Args:
        store: Store of the file.
        key: Its path.
        settings: Settings of the source.
        header: Whether to read no more than it takes to know the names of the columns.
    """
    reader = FileRecords(settings, pl.Schema())
    form = settings.format or format_by_name(key)
    small = HEADER_BYTES if header else SMALL
    content = fetch(store, key, reader.limit(form), small=small)
    if not isinstance(content, Content):
        return None, {}
    if header:
        content = content._replace(block=HEADER_BYTES)
    try:
        form = reader.form(content)
        if header and form not in STREAMED and content.size > WHOLE_BYTES:
            return form, {}
        if header and form == "parquet":
            schema = reader.parquet_schema(content)
            return form, _types(schema.to_frame(), of_texts=False)
        size = HEADER_BYTES if header else SAMPLE_BYTES
        frame = _first_rows(reader, content, form, settings, size)
    except UnreadableError:
        return None, {}  # the run rejects the file
    except ReportingError as error:
        _log.warning("no sample of a file: %s", error)
        return None, {}
    if form == "csv" and settings.decimal_comma:
        frame = frame.with_columns(_with_points(pl.col(pl.String)))
    return form, _types(frame, of_texts=form not in _WITH_TYPES)


def _with_points(text: pl.Expr) -> pl.Expr:
    """Return texts in which the first comma and each dot has become the other.

    So a number with a decimal comma, and no other text, is one with a decimal point.
    """
    return text.str.replace_many([",", "."], [".", ","])


def _types(frame: pl.DataFrame, *, of_texts: bool) -> dict[str, pl.DataType]:
    """Return the types of columns; `of_texts`: texts may be numbers or booleans."""
    return {
        name: _inferred(frame[name])
        if of_texts or frame.schema[name] != pl.String
        else pl.String()
        for name in frame.columns
        if is_column(name)
    }


def _first_rows(
    reader: FileRecords,
    content: Content,
    form: FileFormat,
    settings: FilesSettings,
    size: int,
) -> pl.DataFrame:
    if form in ("csv", "ndjson") and content.size:
        plain = plain_blocks(content.blocks(), settings.max_streamed_bytes)
        text = _head(utf_8_blocks(plain, settings.encoding), size)
        if form == "ndjson":
            frame = parse_lines(text, {}).frame
        else:
            table = read_header(text, settings)
            parser = reader.csv_parser(table)
            body = reader.uniform(text[table.body :], table)
            frame = (parser.parse(body) if body else parser.empty()).frame
    else:
        frame = next(reader.frames(content, form)).frame
    return frame.head(settings.sample_rows)


def _head(blocks: Iterable[bytes], size: int) -> bytes:
    """Return the first lines of a text, of about `size` bytes."""
    text = b""
    for block in blocks:
        text += block
        if len(text) >= size:
            cut = text[:size].rfind(b"\n") + 1
            return text[:cut] if cut else text
    return text if text.endswith(b"\n") else text + b"\n"


def _inferred(column: pl.Series) -> pl.DataType:
    """Return the type of a sample; texts may be numbers or booleans.

    A number with leading zeros stays a text, and so does one with more digits than the
    type of numbers keeps.
    """
    dtype = column.dtype
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    if not isinstance(dtype, pl.String):
        return dtype
    values = column.filter(column != "")
    if not len(values):
        return pl.Null()
    if values.str.contains(_INTEGER).all():
        fits = values.cast(pl.Int64, strict=False).null_count() == 0
        return pl.Int64() if fits else pl.String()
    if values.str.contains(_NUMBER).all():
        fractions = values.str.contains(_FRACTION, literal=True).any()
        codes = not fractions and values.str.contains(_CODE).any()
        return pl.String() if codes or _has_long(values) else pl.Float64()
    return pl.Boolean() if values.str.contains(_WORD).all() else pl.String()


def _has_long(numbers: pl.Series) -> bool:
    """Return whether a number has more digits than float64 keeps."""
    digits = numbers.str.replace("[eE].*$", "").str.strip_prefix("-")
    known = digits.str.replace(".", "", literal=True).str.strip_chars_start("0")
    whole = digits.str.replace(r"\..*$", "")
    long = (known.str.len_bytes() > EXACT_DIGITS) | (
        whole.str.len_bytes() > EXACT_WHOLE
    )
    return bool(long.any())


def _common(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    """Return a type for the values of both types."""
    if isinstance(one, pl.Null) or one == other:
        return other
    if isinstance(other, pl.Null):
        return one
    if one.is_integer() and other.is_integer():
        return pl.Int64()
    if one.is_numeric() and other.is_numeric():
        return pl.Float64()
    return pl.String()


def _path_types(
    path: PathColumns, keys: Sequence[str], known: Mapping[str, pl.DataType]
) -> dict[str, pl.DataType]:
    rows = [values for key in keys if (values := path.values(key)) is not None]
    frame = pl.DataFrame(rows, dict.fromkeys(path.names, pl.String()), orient="row")
    types = {
        name: _common(known.get(name, pl.Null()), _inferred(frame[name]))
        for name in path.names
    }
    return {
        name: dtype if dtype in (pl.Int64(), pl.Null()) else pl.String()
        for name, dtype in types.items()
    }
