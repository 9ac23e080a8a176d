"""BATCH messages: files of records that a tap has written, as the Singer SDK does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

import msgspec
from isal import igzip

from reporting_singer.messages import Message
from reporting_singer.problems import TapFailed


class Encoding(msgspec.Struct):
    """Encoding of the files."""

    format: str = "jsonl"
    compression: str | None = None


def records_of(message: Message, max_line: int) -> Iterator[msgspec.Raw]:
    """Yield the records of the files that a BATCH message names, in their order.

    Args:
        message: The message.
        max_line: Maximum number of bytes of a line.

    Raises:
        TapFailed: A file cannot be read, or has a form that is not known.
    """
    try:
        encoding = msgspec.json.decode(bytes(message.encoding) or b"{}", type=Encoding)
    except msgspec.DecodeError:
        encoding = Encoding("", "")
    if encoding.format != "jsonl" or encoding.compression not in (None, "none", "gzip"):
        raise TapFailed(
            "a BATCH message has files of another form than jsonl and gzip; configure"
            " the tap's batch_config so"
        )
    for uri in message.manifest or ():
        try:
            yield from _lines(_path(uri), encoding, max_line)
        except (OSError, EOFError) as error:
            raise TapFailed(
                "a file of a BATCH message cannot be read"
                f" ({getattr(error, 'strerror', None) or 'it is damaged'}); let the tap"
                " write them to a folder of this machine"
            ) from error


def _path(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    if parts.scheme or parts.netloc:
        raise TapFailed(
            f"a BATCH message has files at {parts.scheme}://; configure the tap's"
            " batch_config with a root of file:///"
        )
    return Path(uri)


def _lines(path: Path, encoding: Encoding, max_line: int) -> Iterator[msgspec.Raw]:
    with path.open("rb") as raw:
        zipped = encoding.compression == "gzip"
        file = cast("BinaryIO", igzip.open(raw) if zipped else raw)  # type: ignore[no-untyped-call]
        while line := file.readline(max_line + 1):
            if len(line) > max_line:
                raise TapFailed(
                    f"a line of a file of a BATCH message is longer than {max_line}"
                    " bytes; raise max_line_bytes"
                )
            if line := line.strip():
                yield msgspec.Raw(line)
