"""Text in which quotes stand at other places than around values, made uniform."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from reporting_files import problems
from reporting_files.problems import UnreadableError


class Requoting:
    """Quoting of values that have a quote, but do not begin with it.

    A quote opens a value only at its beginning. Parsers that take each quote for the
    beginning or the end of a value then find the same records.

    Args:
        separator: Separator of values, or all that may be one.
        quote: Quote of values.
    """

    def __init__(self, separator: str, quote: str) -> None:
        self._quote = quote.encode()
        mark, end = re.escape(self._quote), re.escape(separator.encode())
        inner = b"[^%b]*(?:%b%b[^%b]*)*" % (mark, mark, mark, mark)
        rest = b"[^%b\n]*" % end
        quoted = b"%b%b%b(?!%b)%b" % (mark, inner, mark, mark, rest)
        value = b"(?:%b|(?!%b)%b)" % (quoted, mark, rest)
        self._record = re.compile(b"%b(?:[%b]%b)*\n" % (value, end, value))
        self._value = re.compile(
            b"(?<![^%b\n])(?:(?P<quoted>%b%b%b(?!%b))(?P<behind>%b)|(?P<text>%b))"
            % (end, mark, inner, mark, mark, rest, rest)
        )

    def texts(self, blocks: Iterable[bytes], most: int) -> Iterator[bytes]:
        """Yield a text in which each value with a quote is quoted.

        In a value that goes on behind its end quote, further quotes are left out: its
        record is rejected.

        Args:
            blocks: Records, without a header.
            most: Largest size of a record.

        Raises:
            UnreadableError: A record is too large, or a quoted value does not end.
        """
        rest = b""
        for block in chain(blocks, [b""]):
            text = rest + block
            if not block and text and not text.endswith(b"\n"):
                text += b"\n"
            parts, at = [], 0
            while (found := self._record.match(text, at)) is not None:
                parts.append(self.uniform(found[0]))
                at = found.end()
            rest = text[at:]
            if len(rest) > most:
                raise UnreadableError(problems.TOO_LARGE)
            if parts:
                yield b"".join(parts)
        if rest:
            raise UnreadableError(problems.CSV)

    def end(self, text: bytes, at: int) -> int:
        """Return the position after the record at `at`, 0 if it does not end."""
        found = self._record.match(text, at)
        return found.end() if found else 0

    def uniform(self, record: bytes) -> bytes:
        """Return a record in which each value with a quote is quoted."""
        if self._quote not in record:
            return record
        return self._value.sub(self._requoted, record)

    def _requoted(self, value: re.Match[bytes]) -> bytes:
        quote = self._quote
        if (quoted := value["quoted"]) is not None:
            return quoted + value["behind"].replace(quote, b"")
        text = value["text"]
        if quote not in text:
            return text
        bare = text.removesuffix(b"\r")
        end = text[len(bare) :]
        return quote + bare.replace(quote, quote * 2) + quote + end
