"""Header and separator of a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reporting_files import problems
from reporting_files.csv_quoting import Requoting
from reporting_files.problems import UnreadableError
from reporting_files.settings import FilesSettings

SEPARATORS = (b",", b";", b"\t", b"|")


class CsvTable(NamedTuple):
    """Layout of a CSV file.

    Attributes:
        names: Names of the columns, empty for columns that are left out.
        separator: Separator of values.
        body: Position of the first record in the text.
    """

    names: Sequence[str]
    separator: str
    body: int


def read_header(text: bytes, settings: FilesSettings) -> CsvTable:
    """Read the header of a text that begins with it.

    Raises:
        UnreadableError: There is no header, it names a column twice, or a name in
            quotes is longer than the csv module reads.
    """
    at = 0
    for _ in range(settings.skip_lines):
        at = text.find(b"\n", at) + 1
        if not at:
            raise UnreadableError(problems.EMPTY)
    quote = (settings.quote or "").encode()
    names: Sequence[str]
    if settings.header is not None:
        _, line = _line(text, at, settings)
        names, separator = settings.header, _separator(line, quote, settings)
        return CsvTable(names, separator, at)
    while (found := _line(text, at, settings))[0] and not found[1].strip():
        at = found[0]  # blank lines
    end, line = found
    if not end:
        raise UnreadableError(problems.EMPTY)
    line = line.rstrip(b"\r\n")
    if (b"\r" in line and not quote) or b"\r" in _unquoted(line, quote):
        raise UnreadableError(problems.CSV)  # lines end with a carriage return alone
    separator = _separator(line, quote, settings)
    names = [name.strip() for name in _fields(line.decode(), separator, quote.decode())]
    known = [name for name in names if name]
    if len(set(known)) < len(known):
        raise UnreadableError("duplicate_column")
    if not known:
        raise UnreadableError(problems.CSV)
    return CsvTable(names, separator, end)


def _line(text: bytes, at: int, settings: FilesSettings) -> tuple[int, bytes]:
    """Return the position after the record at `at`, and the record.

    Each value of it with a quote is quoted, unless a quoted value does not end.
    """
    quote = (settings.quote or "").encode()
    end = text.find(b"\n", at) + 1 or len(text)
    if settings.quote and quote in text[at:end]:
        separators = settings.separator or b"".join(SEPARATORS).decode()
        requoting = Requoting(separators, settings.quote)
        if end := requoting.end(text, at):
            return end, requoting.uniform(text[at:end])
    end = end_of_record(text, at, quote)
    return end, text[at:end]


def end_of_record(text: bytes, at: int, quote: bytes) -> int:
    """Return the position after the record at `at`; 0 if the text ends there.

    Args:
        text: CSV text.
        at: Position of the beginning of a record.
        quote: Quote of values, empty if there is none.
    """
    end, odd = at, False
    while end < len(text):
        begin, end = end, text.find(b"\n", end) + 1 or len(text)
        odd ^= bool(quote) and text.count(quote, begin, end) % 2 == 1
        if not odd:
            return end
    return end if end > at else 0


def _unquoted(line: bytes, quote: bytes) -> bytes:
    """Return what is outside of quotes."""
    return b"".join(line.split(quote)[::2]) if quote else line


def _separator(line: bytes, quote: bytes, settings: FilesSettings) -> str:
    """Return the most frequent separator of a line."""
    if settings.separator is not None:
        return settings.separator
    outside = _unquoted(line, quote)
    return max(SEPARATORS, key=outside.count).decode()


def _fields(line: str, separator: str, quote: str) -> list[str]:
    """Return the values of a line."""
    if not quote or quote not in line:
        return line.split(separator)
    import csv

    rows = csv.reader([line], delimiter=separator, quotechar=quote)
    try:
        return [value for row in rows for value in row]
    except csv.Error as error:
        # a quote that no other one closes makes the rest of the text one name
        raise UnreadableError(problems.CSV) from error
