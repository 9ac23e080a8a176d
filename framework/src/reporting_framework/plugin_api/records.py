"""The plain data that travels between the roles.

These are splits, batches, rejections, staged parts and split results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from reporting_framework.plugin_api.result import Output

SOURCE_KEY = "source_key"
"""Name of the last column of every frame: the source key of each row."""

VERSION = "_version"
"""Name of the column that says which version of its source key a row is: texts in whose
order a later one is newer. Frames that are staged for ``upsert`` have it.
"""

DELETED_AT = "_deleted_at"
"""Name of the column that says when a row was deleted at its source (Datetime us UTC),
null if it was not. Frames that are staged for ``upsert`` have it.
"""

WriteMode = Literal["append", "upsert", "replace"]
"""What a run does to a table: ``append``: a source key is taken once; ``upsert``: the
newest version of a source key wins, and deletes apply; ``replace``: the run's rows
become the table.
"""

FILTERED = "filtered"
"""Error type under which a record that a transform dropped is set down."""

LOOKS_LIKE = "looks_like_"
"""Beginning of the error type of bytes in a format that a source does not read; the
format follows.
"""

_LINE = re.compile(r"#[0-9]+\Z")


def line_source_key(key: str, line: int) -> str:
    """Source key of record number `line` (from 1) of the object `key`."""
    return f"{key}#{line}"


def object_of(source_key: str) -> str:
    """Return the object that a source key belongs to.

    It is the source key less its ``#line``, if it has one.
    """
    return (
        source_key[: match.start()]
        if "#" in source_key and (match := _LINE.search(source_key))
        else source_key
    )


def single_source_key(key: str) -> str:
    """Source key of the only record of the object `key`.

    It is the key itself. A key that happens to end in ``#`` and digits gets a line, so
    that `object_of` stays exact.
    """
    return line_source_key(key, 1) if "#" in key and _LINE.search(key) else key


def holds_several(source_key: str) -> bool:
    """Whether the source key is one of several in its object."""
    return "#" in source_key and _LINE.search(source_key) is not None


TimeRange = tuple[float, float]
"""When something began and when it ended, in seconds since the epoch."""


class Trigger(NamedTuple):
    """What started a run from outside.

    Attributes:
        kind: What it is, such as ``direct``, ``schedule``, ``s3`` or the name of a
            queue's or a stream's service.
        event: All of it, as it came (JSON types).
        settings: What it sets of the report's settings.
        names_work: Whether it names the very objects or records to take; then the
            source must know what to do with it (see `Source.triggers`).
        awaited: Whether someone reads the answer.
    """

    kind: str
    event: Mapping[str, Any] = {}
    settings: Mapping[str, Any] = {}
    names_work: bool = False
    awaited: bool = True


class Split(NamedTuple):
    """A piece of a source's work that can be read on its own, anywhere.

    Attributes:
        id: Unique within a run, the same for the same plan.
        data: What the source needs to read it: JSON types only, so that it can be sent
            anywhere.
    """

    id: str
    data: Mapping[str, Any]


class FinishedSplit(NamedTuple):
    """A split that was read: as a whole, or up to a position.

    Attributes:
        split: The split.
        position: The last `Batch.position` of its batches before the first unread
            object, `None` if none had one.
        whole: Whether it was read as a whole, without an unread object. Otherwise only
            what is up to `position` was.
    """

    split: Split
    position: Mapping[str, Any] | None = None
    whole: bool = True


class Rejection(NamedTuple):
    """A record that was read and is not kept. It never holds a value of the record.

    Attributes:
        source_key: Where the record came from.
        version: Version of its object (an ETag or the like), or None where the source
            has none.
        error_type: A short machine-readable reason, such as ``missing`` or
            ``filtered``.
        field: Path of the declared field that is at fault, or None when it is the
            record as a whole.
    """

    source_key: str
    version: str | None
    error_type: str
    field: str | None = None


class ReadFailure(NamedTuple):
    """An object, or a record, that could not be taken after retries; it comes again.

    Attributes:
        source_key: The object, or the record.
        reason: A short machine-readable reason: ``denied``, ``archived``, ``missing``
            or ``unavailable``. Where it was read and could not be kept, the name of the
            step is before it, as in ``ndjson-archive: unavailable``.
    """

    source_key: str
    reason: str


class TriggerResponse(NamedTuple):
    """What a source says to the trigger that named its work.

    Attributes:
        answer: What the trigger expects back (JSON types), or None.
        unread: Rejected records that could not be set aside: they come again, so they
            count as not read.
    """

    answer: Any = None
    unread: Sequence[ReadFailure] = ()


class StoredArtifact(NamedTuple):
    """Something that a report keeps, as it is now.

    Attributes:
        kind: What it is: an ``output``, the ``quarantine``, the source's ``hints``,
            a ``lock``, or a ``leftover`` of a process that was killed.
        uri: Where it is.
        rows: Rows of an output, entries of a quarantine; None where that has no
            meaning, or it cannot be read.
        bytes: Its size.
        version: The storage's version of it.
        newest: The newest timestamp in it (aware, UTC).
        modified: When it was last written (aware, UTC).
    """

    kind: Literal["output", "quarantine", "hints", "lock", "leftover"]
    uri: str
    rows: int | None = None
    bytes: int | None = None
    version: str | None = None
    newest: datetime | None = None
    modified: datetime | None = None


class CheckResult(NamedTuple):
    """What a check found, for ``reporting doctor``.

    Attributes:
        status: ``ok``; ``warn``: it works, and may not for long; ``fail``: it does not
            work.
        found: What was found, in a few words; never a secret, never a value of a
            record.
        advice: What to do about it.
    """

    status: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""


class Batch(NamedTuple):
    """Records on their way from a source to a validator.

    Attributes:
        source_keys: Source key of each record, n of them; of a frame, a series of
            strings saves a Python object per row.
        versions: Version of each record's object, n of them, likewise.
        payloads: n raw records (bytes), or None when the source yields frames.
        frame: A polars frame of n rows, or None when the source yields payloads.
        rejected: Records that the source itself could not take (too large, a damaged
            archive); not among `source_keys`.
        unread: Objects that could not be read.
        ignored: Names of objects that turned out not to be the report's when they were
            read.
        deletes: Records that were deleted at the source; not among `source_keys`. The
            columns are `SOURCE_KEY`, `VERSION` (String) and `DELETED_AT` (Datetime us
            UTC). A delete is a version: it replaces older ones.
        position: How far the source has come with this batch (JSON types), for
            `Source.next_state`: what is learnt by reading alone, wherever that is.
    """

    source_keys: Sequence[str] | pl.Series = ()
    versions: Sequence[str | None] | pl.Series = ()
    payloads: Sequence[bytes] | None = None
    frame: pl.DataFrame | None = None
    rejected: Sequence[Rejection] = ()
    unread: Sequence[ReadFailure] = ()
    ignored: Sequence[str] = ()
    deletes: pl.DataFrame | None = None
    position: Mapping[str, Any] | None = None


class Validated(NamedTuple):
    """What a validator made of a batch.

    Attributes:
        frame: Valid records in the validator's declared schema, its last column
            `SOURCE_KEY`.
        rejections: One for each record that is not in the frame.
        ignored_fields: How often each unknown field was left out, by name; only names
            that are plain identifiers.
    """

    frame: pl.DataFrame
    rejections: Sequence[Rejection] = ()
    ignored_fields: Mapping[str, int] = {}


class StagedPart(NamedTuple):
    """What a sink has staged for one batch of one split and not yet committed.

    Attributes:
        rows: How many rows it holds.
        data: What the sink needs to commit it.
    """

    rows: int
    data: Any


class CommitContext(NamedTuple):
    """What a run commits to a sink beside its staged parts.

    Attributes:
        state: Source state (JSON types) to keep with the rows, in the same atomic step;
            `None`: the one that is there stays.
        at: When the run began (aware, UTC).
        snapshot: Whether all records that the source has were read: with ``upsert``, a
            row of the table whose source key is neither staged nor among
            `not_staged` was deleted at the source.
        not_staged: Source keys of records that were read and are not staged: rejected
            and filtered ones.
    """

    state: Mapping[str, Any] | None = None
    at: datetime | None = None
    snapshot: bool = False
    not_staged: Sequence[str] = ()


ROWS_ONLY = CommitContext()
"""Context of a commit of rows, and nothing else."""


class UpsertCounts(NamedTuple):
    """What an ``upsert`` did to the rows of a table.

    Attributes:
        inserted: Staged rows whose source key was not there, or was deleted.
        updated: Staged rows that have replaced another version.
        unchanged: Staged rows that were there already, in this version and with these
            values.
        deleted: Rows that were there and count as deleted now.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0


class CommitResult(NamedTuple):
    """What a sink's commit did.

    Attributes:
        outputs: Every output as it is now, also those to which nothing was added.
        duplicates: How many staged rows were left out because they were already there
            or, with ``upsert``, because a newer version is; None where the sink cannot
            tell.
        failed: Staged rows that could not be kept for a reason that passes. Only for
            sources that deliver such records again (see `Source.triggers`); any other
            needs an error.
        newest: The newest timestamp of all outputs, if there is one.
        spans: Stages within the commit, such as ``merge``, each time that they took
            place.
        upserted: What an ``upsert`` did; `None` in other modes, or if the sink cannot
            tell.
        overtaken: Whether another run has committed an output meanwhile: the hints of
            this run would not know of all.
    """

    outputs: Sequence[Output] = ()
    duplicates: int | None = 0
    newest: datetime | None = None
    spans: Sequence[tuple[str, TimeRange]] = ()
    failed: Sequence[ReadFailure] = ()
    upserted: UpsertCounts | None = None
    overtaken: bool = False


@dataclass(slots=True)
class SplitResult:
    """What became of one split.

    Attributes:
        split: The split.
        source_keys: Source keys of all records that were read, rejected ones included.
        versions: Version of each one's object.
        accepted: Rows handed to the sinks.
        deletes: Records that were deleted at the source, as in `Batch.deletes`.
        position: The last `Batch.position`.
        rejections: Rejected and filtered records.
        unread: Objects that could not be read.
        ignored: Names of objects that are not the report's.
        ignored_fields: Counts of unknown fields by name.
        staged_parts: Staged parts by the sink's position in the report.
        seconds: Wall time by stage (``read``, ``validate``, ``transform``, ``commit``).
        spans: When each of these stages first began and last ended.
    """

    split: Split
    source_keys: Sequence[str] | pl.Series = field(default_factory=list)
    accepted: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    unread: list[ReadFailure] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    ignored_fields: dict[str, int] = field(default_factory=dict)
    staged_parts: list[list[StagedPart]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    spans: dict[str, TimeRange] = field(default_factory=dict)
    versions: Sequence[str | None] | pl.Series = field(default_factory=list)
    deletes: pl.DataFrame | None = None
    position: Mapping[str, Any] | None = None

    def add(self, other: SplitResult) -> None:
        """Add what became of another part of the split."""
        self.take(other.source_keys, other.versions)
        self.accepted += other.accepted
        if not self.unread and not other.unread:
            self.position = other.position or self.position
        if other.deletes is not None:
            self.deletes = (
                other.deletes
                if self.deletes is None
                else self.deletes.vstack(other.deletes)
            )
        self.rejections += other.rejections
        self.unread += other.unread
        self.ignored += other.ignored
        for name, number in other.ignored_fields.items():
            self.ignored_fields[name] = self.ignored_fields.get(name, 0) + number
        for own_part, new in zip(self.staged_parts, other.staged_parts, strict=True):
            own_part += new
        for stage, taken in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + taken
            self.spans[stage] = around(self.spans.get(stage), other.spans[stage])

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Add records that were read and rejected."""
        self.take(
            [rejection.source_key for rejection in rejections],
            [rejection.version for rejection in rejections],
        )
        self.rejections += rejections

    def take(
        self,
        source_keys: Sequence[str] | pl.Series,
        versions: Sequence[str | None] | pl.Series,
    ) -> None:
        """Add the source keys and versions of records that were read."""
        self.source_keys = _joined(self.source_keys, source_keys)
        self.versions = _joined(self.versions, versions)

    def add_time(self, stage: str, at: float, seconds: float) -> None:
        """Add the time of a stage, from `at` (since the epoch) on."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self.spans[stage] = around(self.spans.get(stage), (at, at + seconds))


def around(one: TimeRange | None, other: TimeRange) -> TimeRange:
    """The span from the earlier beginning to the later end."""
    return other if one is None else (min(one[0], other[0]), max(one[1], other[1]))


def _joined(one: Any, other: Any) -> Any:
    """Return one column and then the other: a list, or a series if one of them is."""
    if not len(other):
        return one
    if isinstance(one, list) and isinstance(other, Sequence):
        one += other
        return one
    if not len(one):
        return other
    import polars as pl

    return pl.concat(
        column if isinstance(column, pl.Series) else pl.Series(column, dtype=pl.String)
        for column in (one, other)
    )
