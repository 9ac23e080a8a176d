"""Small CSV files of one layout, to be parsed as one text."""

from __future__ import annotations

import re
from functools import cache

from reporting_files.csv_dialect import CsvTable, read_header
from reporting_files.file_columns import FileFacts
from reporting_files.settings import FilesSettings

JOINED_BYTES = 8 * 1024 * 1024
"""Size from which joined texts are parsed."""

SMALL_TEXT = 1024 * 1024
"""Largest text that is joined with others."""


class SmallCsv:
    """Texts of small CSV files with the same layout, in the order of the plan.

    Attributes:
        table: Layout of the files; `None`: there is no file.
        files: Facts of the files.
        bodies: Records of each file, as text.
        counts: Number of lines of records of each file.
        size: Size of all bodies.
    """

    def __init__(self, settings: FilesSettings) -> None:
        self._settings = settings
        quote = (settings.quote or "").encode()
        self._quote = quote
        self._known: dict[bytes, CsvTable] = {}
        self.clear()

    def clear(self) -> None:
        """Remove all files."""
        self.table: CsvTable | None = None
        self.files: list[FileFacts] = []
        self.bodies: list[bytes] = []
        self.counts: list[int] = []
        self.size = 0

    def layout(self, text: bytes) -> CsvTable:
        """Return the layout of a file; the same header is parsed once.

        Raises:
            UnreadableError: There is no header, or it is wrong.
        """
        if self._settings.header is not None or self._settings.skip_lines:
            return read_header(text, self._settings)
        head = text[: text.find(b"\n") + 1]
        if (self._quote and self._quote in head) or not head.strip():
            return read_header(text, self._settings)
        if head not in self._known:
            self._known[head] = read_header(text, self._settings)
        return self._known[head]

    def fits(self, table: CsvTable) -> bool:
        """Return whether a file of this layout can be joined with those here."""
        return self.table is None or self.table[:2] == table[:2]

    def add(self, facts: FileFacts, table: CsvTable, text: bytes) -> bool:
        """Add a file; return False if quotes are not only around its values."""
        body = text[table.body :]
        if body and not body.endswith(b"\n"):
            body += b"\n"
        lines = body
        if self._quote and self._quote in body:
            lines = _quoted(self._quote, table.separator).sub(b"", body)
            if self._quote in lines:
                return False
        self.table = table
        self.files.append(facts)
        self.bodies.append(body)
        self.counts.append(lines.count(b"\n"))
        self.size += len(body)
        return True


@cache
def _quoted(quote: bytes, separator: str) -> re.Pattern[bytes]:
    """Return the pattern of a quoted value."""
    mark, end = re.escape(quote), re.escape(separator.encode())
    begin = b"%b(?<![^%b\n]%b)" % (mark, end, mark)
    inner = b"[^%b]*(?:%b%b[^%b]*)*" % (mark, mark, mark, mark)
    return re.compile(b"%b%b%b(?=%b|\r?\n)" % (begin, inner, mark, end))
