"""Plain data between the roles: splits, batches, rejections, staged parts, results."""

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
"""Name of the column with the version of each row: of two versions of a source key, the
greater text is newer. Frames that are staged for ``upsert`` have it.
"""

DELETED_AT = "_deleted_at"
"""Name of the column with the time at which a row was deleted at its source (Datetime
us UTC), null if it was not. Frames that are staged for ``upsert`` have it.
"""

WriteMode = Literal["append", "upsert", "replace"]
"""Write mode of a run: ``append``: a source key is taken once; ``upsert``: the newest
version of a source key wins, and deletes apply; ``replace``: the run's rows become the
table.
"""

FILTERED = "filtered"
"""Error type of a record that a transform dropped."""

LOOKS_LIKE = "looks_like_"
"""Prefix of the error type of bytes in a format that a source does not read; the name
of the format follows.
"""

_LINE = re.compile(r"#[0-9]+\Z")


def line_source_key(key: str, line: int) -> str:
    """Return the source key of record number `line` (from 1) of the object `key`."""
    return f"{key}#{line}"


def object_of(source_key: str) -> str:
    """Return the object of a source key: the source key without its ``#line``."""
    return (
        source_key[: match.start()]
        if "#" in source_key and (match := _LINE.search(source_key))
        else source_key
    )


def single_source_key(key: str) -> str:
    """Return the source key of the only record of the object `key`: the key itself.

    A key that happens to end in ``#`` and digits gets a line, so that `object_of` stays
    exact.
    """
    return line_source_key(key, 1) if "#" in key and _LINE.search(key) else key


def holds_several(source_key: str) -> bool:
    """Return whether the source key is one of several in its object."""
    return "#" in source_key and _LINE.search(source_key) is not None


TimeRange = tuple[float, float]
"""Beginning and end, in seconds since the epoch."""


class Trigger(NamedTuple):
    """Event that started a run from outside.

    Attributes:
        kind: Kind of the trigger, such as ``direct``, ``schedule``, ``s3`` or the name
            of the service of a queue or a stream.
        event: The whole event, as received (JSON types).
        settings: Settings of the report that the trigger sets.
        names_work: Whether the trigger names the objects or records to take. The source
            must then support this kind (see `Source.triggers`).
        awaited: Whether the caller reads the answer.
    """

    kind: str
    event: Mapping[str, Any] = {}
    settings: Mapping[str, Any] = {}
    names_work: bool = False
    awaited: bool = True


class Split(NamedTuple):
    """Unit of a source's work that can be read on its own, on any machine.

    Attributes:
        id: Id, unique within a run; the same plan gives the same ids.
        data: Data that the source needs to read the split. JSON types only, so that a
            split can be sent to another machine.
    """

    id: str
    data: Mapping[str, Any]


class FinishedSplit(NamedTuple):
    """Split that was read, as a whole or up to a position.

    Attributes:
        split: The split.
        position: The last `Batch.position` of its batches before the first unread
            object; `None` if no batch had a position.
        whole: Whether the whole split was read, without an unread object. If not, only
            the records up to `position` were read.
    """

    split: Split
    position: Mapping[str, Any] | None = None
    whole: bool = True


class Rejection(NamedTuple):
    """Record that was read and is not kept, without any of its values.

    Attributes:
        source_key: Source key of the record.
        version: Version of its object (an ETag or the like); `None` if the source has
            no versions.
        error_type: A short machine-readable reason, such as ``missing`` or
            ``filtered``.
        field: Path of the declared field at fault; `None` if the record as a whole is
            at fault.
    """

    source_key: str
    version: str | None
    error_type: str
    field: str | None = None


class ReadFailure(NamedTuple):
    """Object or record that could not be taken after retries; a later run retries it.

    Attributes:
        source_key: Source key of the record, or key of the object.
        reason: A short machine-readable reason: ``denied``, ``archived``, ``missing``
            or ``unavailable``. If a record was read and could not be kept, the name of
            the step precedes it, as in ``ndjson-archive: unavailable``.
    """

    source_key: str
    reason: str


class TriggerResponse(NamedTuple):
    """Response of a source to the trigger that named its work.

    Attributes:
        answer: Answer that the trigger expects (JSON types), or `None`.
        unread: Rejected records that could not be stored. They are delivered again, so
            they count as not read.
    """

    answer: Any = None
    unread: Sequence[ReadFailure] = ()


class StoredArtifact(NamedTuple):
    """File or table that a report keeps, in its present state.

    Attributes:
        kind: An ``output``, the ``quarantine``, the source's ``hints``, a ``lock``, or
            a ``leftover`` of a process that was killed.
        uri: URI of the artifact.
        rows: Number of rows of an output, or of entries of a quarantine; `None` if not
            applicable or if the artifact cannot be read.
        bytes: Size in bytes.
        version: Version that the storage gives it.
        newest: Newest timestamp in it (aware, UTC).
        modified: Time of the last write (aware, UTC).
    """

    kind: Literal["output", "quarantine", "hints", "lock", "leftover"]
    uri: str
    rows: int | None = None
    bytes: int | None = None
    version: str | None = None
    newest: datetime | None = None
    modified: datetime | None = None


class CheckResult(NamedTuple):
    """Result of a check of ``reporting doctor``.

    Attributes:
        status: ``ok``; ``warn``: it works now, but may stop working; ``fail``: it does
            not work.
        found: The finding, in a few words; never a secret, never a value of a record.
        advice: What the user should do.
    """

    status: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""


class Batch(NamedTuple):
    """Records on their way from a source to a validator.

    Attributes:
        source_keys: Source keys of the n records. With a frame, pass a series of
            strings: it saves a Python object per row.
        versions: Versions of the objects of the n records; with a frame, a series too.
        payloads: n raw records (bytes); `None` if the source yields frames.
        frame: A polars frame of n rows; `None` if the source yields payloads.
        rejected: Records that the source itself rejected (too large, a damaged
            archive); not among `source_keys`.
        unread: Objects that could not be read.
        ignored: Names of objects that, once read, turned out not to belong to the
            report.
        deletes: Records that were deleted at the source; not among `source_keys`. The
            columns are `SOURCE_KEY`, `VERSION` (String) and `DELETED_AT` (Datetime us
            UTC). A delete is a version: it replaces older ones.
        position: Position of the source after this batch (JSON types), for
            `Source.next_state`: facts known only from reading, on whichever machine.
        stream: Stream of the records, if the source reads its streams together
            (`Source.reads_streams_together`). A batch without records may leave it out.
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
    stream: str | None = None


class Validated(NamedTuple):
    """Result of validating a batch.

    Attributes:
        frame: Valid records in the validator's declared schema, whose last column is
            `SOURCE_KEY`.
        rejections: One rejection for each record that is not in the frame.
        ignored_fields: Number of records in which an unknown field was left out, by
            field name; only names that are plain identifiers.
    """

    frame: pl.DataFrame
    rejections: Sequence[Rejection] = ()
    ignored_fields: Mapping[str, int] = {}


class StagedPart(NamedTuple):
    """Rows that a sink has staged for one batch of one split and not yet committed.

    Attributes:
        rows: Number of rows.
        data: Data that the sink needs to commit them.
    """

    rows: int
    data: Any


class CommitContext(NamedTuple):
    """Data that a run commits to a sink together with its staged parts.

    Attributes:
        state: Source state (JSON types) to keep with the rows, in the same atomic step;
            `None`: the sink keeps the state that it has.
        at: Time at which the run began (aware, UTC).
        snapshot: Whether all records of the source were read. With ``upsert``, a row of
            the table whose source key is neither staged nor among `not_staged` was then
            deleted at the source, or a transform drops it.
        not_staged: Source keys of records whose rows must stay although no row was
            staged: rejected records.
    """

    state: Mapping[str, Any] | None = None
    at: datetime | None = None
    snapshot: bool = False
    not_staged: Sequence[str] = ()


ROWS_ONLY = CommitContext()
"""Context of a commit of rows alone."""


class UpsertCounts(NamedTuple):
    """Counts of the rows that an ``upsert`` changed in a table.

    Attributes:
        inserted: Staged rows whose source key was not in the table, or was deleted.
        updated: Staged rows that have replaced another version.
        unchanged: Staged rows that the table already had, in the same version and with
            the same values.
        deleted: Rows of the table that now count as deleted.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0


class CommitResult(NamedTuple):
    """Result of a sink's commit.

    Attributes:
        outputs: All outputs in their present state, unchanged outputs too.
        duplicates: Number of staged rows that were left out because the table already
            had them or, with ``upsert``, has a newer version; `None` if the sink does
            not know.
        failed: Staged rows that could not be kept for a temporary reason. Only for
            sources that deliver such records again (see `Source.triggers`); with any
            other source the commit must raise an error.
        newest: Newest timestamp of all outputs, if there is one.
        spans: Stages within the commit, such as ``merge``, one entry for each time that
            a stage ran.
        upserted: Counts of an ``upsert``; `None` in other modes, or if the sink does
            not know them.
        overtaken: Whether another run has committed an output meanwhile. The hints of
            this run would then be incomplete.
    """

    outputs: Sequence[Output] = ()
    duplicates: int | None = 0
    newest: datetime | None = None
    spans: Sequence[tuple[str, TimeRange]] = ()
    failed: Sequence[ReadFailure] = ()
    upserted: UpsertCounts | None = None
    overtaken: bool = False


class CompactResult(NamedTuple):
    """Result of the compaction of one output.

    Attributes:
        uri: URI of the output.
        before: Number of its files before.
        after: Number of its files after.
    """

    uri: str
    before: int
    after: int


@dataclass(slots=True)
class SplitResult:
    """Result of one split.

    Attributes:
        split: The split.
        source_keys: Source keys of all records that were read, rejected ones included.
        versions: Version of the object of each record.
        accepted: Number of rows handed to the sinks.
        deletes: Source keys and versions of records that were deleted at the source.
        position: The last `Batch.position`.
        rejections: Rejected and filtered records.
        unread: Objects that could not be read.
        ignored: Names of objects that are not the report's.
        ignored_fields: Counts of unknown fields by name.
        staged_parts: Staged parts by the sink's position in the report.
        seconds: Wall time by stage (``read``, ``validate``, ``transform``, ``commit``).
        spans: First beginning and last end of each of these stages.
        check_parts: Files and numbers of the rows that were staged for checks.
        traffic: Requests and bytes that another process has counted; see
            `plugin_api.traffic.count`.
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
    check_parts: list[StagedPart] = field(default_factory=list)
    traffic: dict[str, int] = field(default_factory=dict)

    def add(self, other: SplitResult) -> None:
        """Add the result of another part of the split."""
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
        self.check_parts += other.check_parts
        self.add_traffic(other.traffic)
        for stage, taken in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + taken
            self.spans[stage] = around(self.spans.get(stage), other.spans[stage])

    def add_traffic(self, counts: Mapping[str, int]) -> None:
        """Add requests and bytes that another process has counted."""
        for name, number in counts.items():
            self.traffic[name] = self.traffic.get(name, 0) + number

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
    """Return the span from the earlier beginning to the later end."""
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
