"""One reading of a tap: its messages in, batches of all streams out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

from reporting_framework.plugin_api.records import Batch
from reporting_singer.batch_files import records_of
from reporting_singer.catalog import TapStream
from reporting_singer.messages import Message, MessageReader, Unreadable
from reporting_singer.problems import TapFailed
from reporting_singer.settings import SingerSettings
from reporting_singer.snapshots import Snapshots
from reporting_singer.stream_reader import StreamReader

FLUSH_SECONDS = 5.0
"""Seconds after which records become a batch even if they are few: a run that must end
commits what is in batches.
"""

MAX_BYTES = 32 * 1024 * 1024
"""Number of bytes of output after which records become a batch."""

_log = logging.getLogger(__name__)


class Reading:
    """Reading of a tap's output.

    A state covers all records before it. So it is the position of a batch that follows
    all of these.

    Args:
        streams: Streams that are read.
        settings: Settings of the source.
        state: State that the tap was started with.
    """

    def __init__(
        self, streams: Sequence[TapStream], settings: SingerSettings, state: Any
    ) -> None:
        self._settings = settings
        self._readers: dict[str | None, StreamReader] = {
            name: reader
            for stream in streams
            for reader in [StreamReader(stream, state)]
            for name in stream.names
        }
        self._messages = MessageReader(settings.max_line_bytes)
        self._snapshots = Snapshots(state)
        self._state: Any = None
        self._rows = self._bytes = self._skipped = 0
        self._most_rows = 2 * settings.batch_rows
        self._flushed = time.monotonic()

    def read(self, chunk: bytes) -> Iterator[Batch]:
        """Yield the batches that a chunk of the output completes; empty: time passes.

        Raises:
            TapFailed: The output breaks the protocol.
        """
        self._bytes += len(chunk)
        for message in self._messages.read(chunk) if chunk else ():
            if self._is_plain(message):
                if self._rows >= self._most_rows:
                    yield from self.flush()
            else:
                yield from self._take(message)
        late = time.monotonic() - self._flushed > FLUSH_SECONDS
        if late or self._bytes >= MAX_BYTES:
            yield from self.flush()
        if late or not chunk:
            yield Batch()  # so that a run whose time is up can end

    def end(self) -> Iterator[Batch]:
        """Yield the rest, at the end of the output.

        Raises:
            TapFailed: The output breaks the protocol.
        """
        for message in self._messages.end():
            yield from self._take(message)
        yield from self.flush()

    def flush(self) -> Iterator[Batch]:
        """Yield all records that came, and then the last state."""
        state, self._state = self._state, None
        self._rows = self._bytes = 0
        for reader in dict.fromkeys(self._readers.values()):
            yield from reader.batches()
        if state is not None:
            yield Batch(position={"state": state})
        self._flushed = time.monotonic()

    def whole(self) -> frozenset[str]:
        """Return the streams that were read as a whole; the tap must have ended.

        A row whose record was rejected must not count as deleted, so source keys must
        be known of all rejected records. A record without a version says nothing of the
        rows that do not come.
        """
        if self._skipped:
            _log.info("%d records of other streams were skipped", self._skipped)
        exact = {
            reader.stream.name
            for reader in self._readers.values()
            if reader.has_all_keys and not reader.has_unversioned
        }
        return self._snapshots.whole() & exact

    def _is_plain(self, message: Message | Unreadable) -> bool:
        """Take a message if it is as nearly all are: a record without a version."""
        reader = self._readers.get(message.stream)
        if (
            reader is None
            or isinstance(message, Unreadable)
            or message.type != "RECORD"
            or message.version is not None
            or not message.record
        ):
            return False
        reader.raws.append(message.record)
        reader.has_unversioned = True
        self._rows += 1
        return True

    def _take(self, message: Message | Unreadable) -> Iterator[Batch]:
        if isinstance(message, Unreadable):
            reader = self._readers.get(message.stream)
            if reader is not None:
                reader.add_unreadable(message)
                self._add_version(reader, message.version)
            return
        kind, stream = message.type, message.stream
        if kind == "STATE":
            yield from self._take_state(message)
            return
        reader = self._readers.get(stream)
        if reader is None:
            self._skipped += kind == "RECORD"
        elif kind == "RECORD":
            if not message.record:
                raise TapFailed(
                    f"stream {reader.stream.name}: a RECORD message has no record"
                )
            reader.raws.append(message.record)
            self._add_version(reader, message.version)
            yield from self._count()
        elif kind == "SCHEMA":
            if reader.differs(message):
                yield from reader.batches()
                reader.describe(message)
        elif kind == "ACTIVATE_VERSION":
            self._snapshots.activate(reader.stream.name, message.version)
        elif kind == "BATCH":
            for record in records_of(message, self._settings.max_line_bytes):
                reader.raws.append(record)
                reader.has_unversioned = True
                self._bytes += len(bytes(record))
                yield from self._count()
        # messages of other kinds are for other programs

    def _add_version(self, reader: StreamReader, version: float | None) -> None:
        if version is None:
            reader.has_unversioned = True
        else:
            self._snapshots.add_record(reader.stream.name, version)

    def _count(self) -> Iterator[Batch]:
        self._rows += 1
        if self._rows >= self._most_rows or self._bytes >= MAX_BYTES:
            yield from self.flush()

    def _take_state(self, message: Message) -> Iterator[Batch]:
        try:
            state = json.loads(bytes(message.value) or b"null")
        except (ValueError, RecursionError) as error:
            raise TapFailed("a STATE message has no valid value") from error
        if state is None:
            return
        for reader in dict.fromkeys(self._readers.values()):
            reader.mark(state)
        self._state = state
        if self._rows >= self._settings.batch_rows:
            yield from self.flush()
