"""Records of a page: raw, with the few fields that reading needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from reporting_rest.http import HttpResponse
from reporting_rest.json_paths import JsonPath

Context = Mapping[tuple[str, str], Any]
"""Fields of the rows of parents, by resource and field."""


_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""Escape in a JSON text; the group is half of a surrogate pair."""

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")

_MARKS = [b"\\ufdd%x" % digit for digit in range(16)]
"""Escapes of characters that are never part of a text."""


class Page(NamedTuple):
    """Page of a resource.

    Attributes:
        lines: Records as JSON on one line each.
        facts: Values of the fields that reading needs, for each record; `None` for a
            record that is not an object.
        response: The response.
        items: Number of items in the list of the server. It is not the number of
            records if these are in lists within the items.
    """

    lines: Sequence[bytes]
    facts: Sequence[Sequence[Any] | None]
    response: HttpResponse
    items: int = 0


class PageParser:
    """Parser of the pages of a resource.

    Args:
        records: Path of the records.
        fields: Fields that reading needs; empty: none.
    """

    def __init__(self, records: JsonPath, fields: Sequence[str]) -> None:
        self._records = records
        self.fields = list(fields)
        names = [f"f{number}" for number in range(len(fields))]
        self._facts = msgspec.json.Decoder(
            msgspec.defstruct(
                "Facts",
                [(name, Any, None) for name in names],
                rename=dict(zip(names, fields, strict=True)),
            )
        )

    def parse(self, response: HttpResponse, prefix: bytes = b"") -> Page:
        """Return a page; one that has not changed (304) has no records.

        Args:
            response: The response.
            prefix: Members to put before those of each record, each with a comma
                behind it.

        Raises:
            ValueError: The body is not a page; the message says why.
        """
        lines: list[bytes] = []
        facts: list[Sequence[Any] | None] = []
        if response.status == 304:
            return Page(lines, facts, response)
        try:
            found, mark = self._found(response.body)
        except ValueError:
            raise ValueError("the body is not JSON, or not complete") from None
        if found is None:
            raise ValueError(f"the body has no list of records at {self._records.text}")
        for raw in found:
            line = bytes(raw)
            if mark is not None and mark in line:
                line = b" " + line  # not plain, so it is rejected
            if b"\n" in line or b"\r" in line:
                line = line.replace(b"\n", b" ").replace(b"\r", b" ")
            fact = self._fact(line)
            if prefix and fact is not None:
                rest = line[1:].lstrip()
                line = b"{" + (prefix[:-1] if rest[:1] == b"}" else prefix) + rest
            lines.append(line)
            facts.append(fact)
        items = len(lines)
        if self._records.has_each:
            items = self._records.outer_items(response.body)
        return Page(lines, facts, response, items)

    def _found(self, body: bytes) -> tuple[Sequence[msgspec.Raw] | None, bytes | None]:
        """Return the records, and a mark of those that are no text.

        Half of a surrogate pair is no text. One record with it is rejected, not its
        page.
        """
        try:
            return self._records.records(body), None
        except ValueError:
            mark = next((mark for mark in _MARKS if mark not in body), None)
            if mark is None or not _HALF.search(body):
                raise
            marked = _ESCAPE.sub(lambda found: mark if found[1] else found[0], body)
            return self._records.records(marked), mark

    def _fact(self, line: bytes) -> Sequence[Any] | None:
        if line[:1] != b"{":
            return None
        if not self.fields:
            return ()
        try:
            return msgspec.structs.astuple(self._facts.decode(line))
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
