"""Columns of files, found in the first rows of a few of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import partial
from typing import NamedTuple

import polars as pl

from reporting_files.column_types import dtype_of
from reporting_files.contents import SMALL, Content, fetch, read_failure
from reporting_files.csv_dialect import read_header
from reporting_files.decompress import plain_blocks
from reporting_files.formats import STREAMED, format_by_name
from reporting_files.json_records import parse_lines
from reporting_files.path_columns import PathColumns
from reporting_files.problems import UnreadableError
from reporting_files.raw_frames import is_column
from reporting_files.records import FileRecords
from reporting_files.sampled_types import common, inferred
from reporting_files.settings import FileFormat, FilesSettings
from reporting_files.text import utf_8_blocks
from reporting_framework import Rejection
from reporting_framework._text.messages import one_line
from reporting_framework.errors import ReportingError
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import Store

SAMPLE_BYTES = 1024 * 1024
MAX_HEADERS, HEADER_BYTES = 64, 64 * 1024
"""Most files of which only the columns are looked up, and the text read for it."""

WHOLE_BYTES = 1024 * 1024
"""Largest JSON, Excel or Avro file that is read only to look up its columns."""

HEADER_REQUESTS = 16
"""Requests for headers at once."""

_WITH_TYPES = ("parquet", "avro")
"""Formats whose files say which columns are texts."""

_log = logging.getLogger(__name__)


class Sample(NamedTuple):
    """Columns and formats of a sample of files.

    Attributes:
        schema: The columns, those of paths last; `None` if none are known.
        formats: Formats of the files.
        files: Whether there are files.
        problem: Path and reason of the first file that cannot be read; may be empty.
    """

    schema: pl.Schema | None
    formats: Sequence[FileFormat]
    files: bool
    problem: str


class _Columns(NamedTuple):
    """Format and columns of one file, or the reason why there are none."""

    form: FileFormat | None
    types: Mapping[str, pl.DataType]
    problem: str | None = None


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
    formats = [each.form for each in sampled if each.form]
    types_of = [each.types for each in sampled]
    unread = [
        f"{one_line(key, 80)}: {each.problem}"
        for key, each in zip(chosen, sampled, strict=True)
        if each.problem
    ]
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
    problem = unread[0] if unread else ""
    return Sample(schema, list(dict.fromkeys(formats)), bool(keys), problem)


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
    with ContextThreads(HEADER_REQUESTS if store.remote else 1) as requests:
        for each in requests.map(look_up, keys):
            if not known or not known.isdisjoint(each.types):
                found = _united(found, each.types)
    return found


def _united(
    known: Mapping[str, pl.DataType], others: Mapping[str, pl.DataType]
) -> dict[str, pl.DataType]:
    """Return columns of both, in types for the values of both."""
    return {**known} | {
        name: common(known.get(name, pl.Null()), dtype)
        for name, dtype in others.items()
    }


def _widened(
    known: Mapping[str, pl.DataType], found: Mapping[str, pl.DataType]
) -> dict[str, pl.DataType]:
    """Return known columns; an integer becomes a float if a file has fractions.

    A single value of another type would make another table, which sinks refuse.
    """
    return {
        name: common(dtype, other)
        if dtype.is_numeric() and (other := found.get(name, dtype)).is_numeric()
        else dtype
        for name, dtype in known.items()
    }


def _sampled(
    store: Store, key: str, settings: FilesSettings, *, header: bool = False
) -> _Columns:
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
    if isinstance(content, Rejection):
        return _Columns(None, {}, content.error_type)
    if not isinstance(content, Content):
        return _Columns(None, {}, content and content.reason)
    if header:
        content = content._replace(block=HEADER_BYTES)
    try:
        form = reader.form(content)
        if header and form not in STREAMED and content.size > WHOLE_BYTES:
            return _Columns(form, {})
        if header and form == "parquet":
            schema = reader.parquet_schema(content)
            return _Columns(form, _types(schema.to_frame(), of_texts=False))
        size = HEADER_BYTES if header else SAMPLE_BYTES
        frame = _first_rows(reader, content, form, settings, size)
    except UnreadableError as error:
        return _Columns(None, {}, error.reason)  # the run rejects the file
    except ReportingError as error:
        _log.warning("no sample of a file: %s", error)
        return _Columns(None, {}, read_failure(key, error).reason)
    if form == "csv" and settings.decimal_comma:
        frame = frame.with_columns(_with_points(pl.col(pl.String)))
    return _Columns(form, _types(frame, of_texts=form not in _WITH_TYPES))


def _with_points(text: pl.Expr) -> pl.Expr:
    """Return texts in which the first comma and each dot has become the other.

    So a number with a decimal comma, and no other text, is one with a decimal point.
    """
    return text.str.replace_many([",", "."], [".", ","])


def _types(frame: pl.DataFrame, *, of_texts: bool) -> dict[str, pl.DataType]:
    """Return the types of columns; `of_texts`: texts may be numbers or booleans."""
    return {
        name: inferred(frame[name])
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


def _path_types(
    path: PathColumns, keys: Sequence[str], known: Mapping[str, pl.DataType]
) -> dict[str, pl.DataType]:
    rows = [values for key in keys if (values := path.values(key)) is not None]
    frame = pl.DataFrame(rows, dict.fromkeys(path.names, pl.String()), orient="row")
    types = {
        name: common(known.get(name, pl.Null()), inferred(frame[name]))
        for name in path.names
    }
    return {
        name: dtype if dtype in (pl.Int64(), pl.Null()) else pl.String()
        for name, dtype in types.items()
    }
