"""Columns of files, found in the first rows of a few of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from reporting_files.column_types import dtype_of
from reporting_files.contents import Content, fetch
from reporting_files.csv_dialect import read_header
from reporting_files.decompress import plain_blocks
from reporting_files.formats import format_by_name
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
_INTEGER = r"^-?(?:0|[1-9][0-9]{0,17})$"
_NUMBER = r"^-?(?:0|[1-9][0-9]*)?(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
_WORD = r"^(?:true|false|True|False|TRUE|FALSE)$"

_log = logging.getLogger(__name__)


class Sample(NamedTuple):
    """Columns and formats of a sample of files.

    Attributes:
        schema: The columns, those of paths last; `None` if none are known.
        formats: Formats of the files.
    """

    schema: pl.Schema | None
    formats: Sequence[FileFormat]


def sample_files(store: Store, keys: Sequence[str], settings: FilesSettings) -> Sample:
    """Return the columns and formats of files.

    Declared types win. Of other columns, the first files and the last one say the type.

    Args:
        store: Store of the files.
        keys: Paths of files, in order.
        settings: Settings of the source.

    Raises:
        ReportingError: Files cannot be read.
    """
    declared = {name: dtype_of(text) for name, text in settings.columns.items()}
    path = PathColumns.parse(settings.path_columns) if settings.path_columns else None
    found: dict[str, pl.DataType] = {}
    formats = []
    for key in _chosen(keys, settings.sample_files):
        form, types = _sampled(store, key, settings)
        formats += [form] if form else []
        for name, dtype in types.items():
            found[name] = _common(found.get(name, pl.Null()), dtype)
    of_path = {} if path is None else _path_types(path, keys)
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
    return Sample(schema, list(dict.fromkeys(formats)))


def _chosen(keys: Sequence[str], most: int) -> Sequence[str]:
    """Return the first paths and, if there may be several, the last one."""
    if most == 1 or len(keys) <= most:
        return keys[:most]
    return [*keys[: most - 1], keys[-1]]


def _sampled(
    store: Store, key: str, settings: FilesSettings
) -> tuple[FileFormat | None, dict[str, pl.DataType]]:
    """Return the format and the columns of a file; none if it cannot be read."""
    reader = FileRecords(settings, pl.Schema())
    form = settings.format or format_by_name(key)
    content = fetch(store, key, reader.limit(form))
    if not isinstance(content, Content):
        return None, {}
    try:
        form = reader.form(content)
        frame = _first_rows(reader, content, form, settings)
    except UnreadableError:
        return None, {}  # the run rejects the file
    except ReportingError as error:
        _log.warning("no sample of a file: %s", error)
        return None, {}
    return form, {
        name: _inferred(frame[name]) for name in frame.columns if is_column(name)
    }


def _first_rows(
    reader: FileRecords, content: Content, form: FileFormat, settings: FilesSettings
) -> pl.DataFrame:
    if form in ("csv", "ndjson") and content.size:
        plain = plain_blocks(content.blocks(), settings.max_streamed_bytes)
        text = _head(utf_8_blocks(plain, settings.encoding))
        if form == "ndjson":
            frame = parse_lines(text, {}).frame
        else:
            table = read_header(text, settings)
            parser = reader.csv_parser(table)
            body = text[table.body :]
            frame = (parser.parse(body) if body else parser.empty()).frame
    else:
        frame = next(reader.frames(content, form)).frame
    return frame.head(settings.sample_rows)


def _head(blocks: Iterable[bytes]) -> bytes:
    """Return the first lines of a text."""
    text, size = b"", 0
    for block in blocks:
        text += block
        size = len(text)
        if size >= SAMPLE_BYTES:
            cut = text[:SAMPLE_BYTES].rfind(b"\n") + 1
            return text[:cut] if cut else text
    return text if text.endswith(b"\n") else text + b"\n"


def _inferred(column: pl.Series) -> pl.DataType:
    """Return the type of a sample; texts may be numbers or booleans.

    A number with leading zeros stays a text.
    """
    dtype = column.dtype
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    if not isinstance(dtype, pl.String):
        return dtype
    values = column.drop_nulls()
    if not len(values):
        return pl.Null()
    if values.str.contains(_INTEGER).all():
        return pl.Int64()
    if values.str.contains(_NUMBER).all():
        return pl.Float64()
    return pl.Boolean() if values.str.contains(_WORD).all() else pl.String()


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


def _path_types(path: PathColumns, keys: Sequence[str]) -> dict[str, pl.DataType]:
    rows = [values for key in keys if (values := path.values(key)) is not None]
    frame = pl.DataFrame(rows, dict.fromkeys(path.names, pl.String()), orient="row")
    types = {name: _inferred(frame[name]) for name in path.names}
    return {
        name: dtype if dtype in (pl.Int64(), pl.Null()) else pl.String()
        for name, dtype in types.items()
    }
