"""Records of one file, in whatever format it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import polars as pl

from reporting_files import problems
from reporting_files.casting import read_types
from reporting_files.contents import Content
from reporting_files.csv_dialect import CsvTable, read_header
from reporting_files.csv_marks import CsvMarks
from reporting_files.csv_quoting import Requoting
from reporting_files.csv_records import CsvRecords
from reporting_files.decompress import is_compressed, plain_blocks
from reporting_files.excel import excel_frame
from reporting_files.formats import STREAMED, format_of
from reporting_files.json_records import parse_document, parse_lines
from reporting_files.problems import UnreadableError
from reporting_files.raw_frames import RawFrame
from reporting_files.settings import FileFormat, FilesSettings
from reporting_files.text import check_records, utf_8_blocks, whole_records, within
from reporting_files.whole_files import (
    avro_frame,
    parquet_frames,
    parquet_schema,
)


class FileRecords:
    """Reader of the records of files.

    Args:
        settings: Settings of the source.
        schema: Columns of the files, as far as they are known.
    """

    def __init__(self, settings: FilesSettings, schema: pl.Schema) -> None:
        self._settings, self._schema = settings, schema
        self._quote = (settings.quote or "").encode()

    def form(self, content: Content) -> FileFormat:
        """Return the format of a file.

        Raises:
            ReportingError: Reading failed.
            UnreadableError: The file is damaged.
        """
        if self._settings.format is not None:
            return self._settings.format
        most = self._settings.max_streamed_bytes
        head = next(filter(None, plain_blocks(content.blocks(), most)), b"")
        return format_of(content.key, head[:4096])

    def frames(self, content: Content, form: FileFormat) -> Iterator[RawFrame]:
        """Yield all records of a file, or raise before the first one.

        A file that is read in parts is read once before, so that damage is found.

        Raises:
            ReportingError: Reading failed, or another version has replaced the file.
            UnreadableError: The file is damaged, too large or of another format.
        """
        if content.size == 0:
            raise UnreadableError(problems.EMPTY)
        if form in ("csv", "ndjson"):
            yield from self._text_frames(content, form)
        elif form == "parquet":
            for frame in parquet_frames(content, self._parquet_data(content)):
                yield _raw(frame)
        else:
            yield self._whole(self._data(content), form)

    def text(self, content: Content) -> bytes:
        """Return the whole text of a small file as UTF-8.

        Raises:
            UnreadableError: The file is damaged, too large or in another encoding.
        """
        text = b"".join(self._blocks(content))
        return within(text, self._settings.max_record_bytes)

    def parquet_schema(self, content: Content) -> pl.Schema:
        """Return the columns of a Parquet file; its rows are not read.

        Raises:
            UnreadableError: The file is damaged.
        """
        return parquet_schema(content, self._parquet_data(content))

    def csv_parser(self, table: CsvTable) -> CsvRecords:
        """Return the parser of the records of CSV files of a layout."""
        settings = self._settings
        types = {} if settings.decimal_comma else read_types(self._schema)
        return CsvRecords(table, settings.quote, settings.null_values, types)

    def uniform(self, body: bytes, table: CsvTable) -> bytes:
        """Return the whole records of a text, in which quotes are only around values.

        A record that does not end, as the text was cut, is left out, and so is what
        follows a record that is too large.
        """
        if not self._quote or self.csv_parser(table).marks(body).are_well_quoted():
            return body
        requoting = Requoting(table.separator, self._quote.decode())
        whole: list[bytes] = []
        with suppress(UnreadableError):
            whole.extend(requoting.texts([body], self._settings.max_record_bytes))
        return b"".join(whole)

    def _blocks(self, content: Content) -> Iterator[bytes]:
        plain = plain_blocks(content.blocks(), self._settings.max_streamed_bytes)
        return utf_8_blocks(plain, self._settings.encoding)

    def _pieces(self, content: Content, form: FileFormat) -> Iterator[bytes]:
        quote = self._quote if form == "csv" else b""
        most = self._settings.max_record_bytes
        return whole_records(self._blocks(content), quote, most)

    def _text_frames(self, content: Content, form: FileFormat) -> Iterator[RawFrame]:
        if form == "csv":
            yield from self._csv_frames(content)
            return
        pieces = self._pieces(content, form)
        first = next(pieces, b"")
        if next(pieces, None) is None:
            pieces = iter([first])
        else:
            check_records(self._blocks(content), b"", self._settings.max_record_bytes)
            pieces = self._pieces(content, form)
        for piece in pieces:
            yield parse_lines(piece, self._schema)

    def _csv_frames(self, content: Content) -> Iterator[RawFrame]:
        """Yield the records; each quote counts as the begin or end of a value.

        If quotes are at other places, the text is made uniform.
        """
        try:
            pieces = self._pieces(content, "csv")
            first = next(pieces, b"")
            table = read_header(first, self._settings)
            parser = self.csv_parser(table)
            body = first[table.body :]
            marks = parser.marks(body)
            check_quotes(marks)
            if next(pieces, None) is None:
                pieces = iter(())
            else:
                check_records(
                    self._blocks(content),
                    self._quote,
                    self._settings.max_record_bytes,
                    lambda piece: check_quotes(parser.marks(piece)),
                )
                pieces = self._pieces(content, "csv")
                next(pieces)
        except UnreadableError:
            if not self._quote:
                raise
            yield from self._requoted_frames(content)
            return
        yield parser.parse(body, marks) if body else parser.empty()
        for piece in pieces:
            yield parser.parse(piece)

    def _requoted_frames(self, content: Content) -> Iterator[RawFrame]:
        most = self._settings.max_record_bytes
        first = next(whole_records(self._blocks(content), b"", most), b"")
        table = read_header(first, self._settings)
        parser = self.csv_parser(table)
        requoting = Requoting(table.separator, self._quote.decode())

        def pieces() -> Iterator[bytes]:
            body = without_head(self._blocks(content), table.body)
            return whole_records(requoting.texts(body, most), self._quote, most)

        for _ in pieces():  # a value that does not end is found before the first record
            pass
        yield parser.empty()
        for piece in pieces():
            yield parser.parse(piece)

    def _parquet_data(self, content: Content) -> bytes | None:
        """Return the content of a Parquet file; `None`: it can be read in part."""
        if content.data is None:
            head = next(content.blocks(), b"")
            return self._data(content) if is_compressed(head) else None
        return self._data(content)

    def _data(self, content: Content) -> bytes:
        blocks = plain_blocks(content.blocks(), self._settings.max_file_bytes)
        return b"".join(blocks)

    def _whole(self, data: bytes, form: FileFormat) -> RawFrame:
        if form == "json":
            text = b"".join(utf_8_blocks([data], self._settings.encoding))
            return parse_document(text, self._schema)
        most = self._settings.max_file_bytes
        if form == "excel":
            sheet, skip = self._settings.sheet, self._settings.skip_lines
            return _of_sheet(excel_frame(data, sheet, most, skip))
        return _raw(avro_frame(data, most))

    def limit(self, form: FileFormat | None) -> int:
        """Return the largest size of a file of a format, in bytes as stored."""
        if form is not None and form not in STREAMED:
            return self._settings.max_file_bytes
        return self._settings.max_streamed_bytes


def check_quotes(marks: CsvMarks) -> None:
    """Raise `UnreadableError` unless quotes are only around values."""
    if not marks.are_well_quoted():
        raise UnreadableError(problems.CSV)


def without_head(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield a text without its first bytes."""
    for block in blocks:
        yield block[size:]
        size = max(0, size - len(block))


def _raw(frame: pl.DataFrame) -> RawFrame:
    return RawFrame(frame, [frame.height])


def _of_sheet(frame: pl.DataFrame) -> RawFrame:
    if not frame.width:
        return _raw(frame)
    blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    return _raw(frame)._replace(blank=blank if blank.any() else None)
