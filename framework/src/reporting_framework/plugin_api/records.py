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
    """Something that a sink keeps, as it is now.

    Attributes:
        kind: What it is: an ``output``, the ``quarantine``, the source's ``bookmark``,
            a ``lock``, or a ``leftover`` of a process that was killed.
        uri: Where it is.
        rows: Rows of an output, entries of a quarantine; None where that has no
            meaning, or it cannot be read.
        bytes: Its size.
        version: The storage's version of it.
        newest: The newest timestamp in it (aware, UTC).
        modified: When it was last written (aware, UTC).
    """

    kind: Literal["output", "quarantine", "bookmark", "lock", "leftover"]
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
        source_keys: Source key of each record, n of them.
        versions: Version of each record's object, n of them.
        payloads: n raw records (bytes), or None when the source yields frames.
        frame: A polars frame of n rows, or None when the source yields payloads.
        rejected: Records that the source itself could not take (too large, a damaged
            archive); not among `source_keys`.
        unread: Objects that could not be read.
        ignored: Names of objects that turned out not to be the report's when they were
            read.
    """

    source_keys: Sequence[str] = ()
    versions: Sequence[str | None] = ()
    payloads: Sequence[bytes] | None = None
    frame: pl.DataFrame | None = None
    rejected: Sequence[Rejection] = ()
    unread: Sequence[ReadFailure] = ()
    ignored: Sequence[str] = ()


def with_natural_keys(batch: Batch) -> Batch:
    """Return a batch whose natural keys `object_of` gives back.

    The batch that is given has natural keys as its source keys.

    A key that happens to end in ``#`` and digits gets a line, as in
    `single_source_key`.
    """
    rejected = [
        rejection._replace(source_key=single_source_key(rejection.source_key))
        for rejection in batch.rejected
    ]
    return batch._replace(
        source_keys=list(map(single_source_key, batch.source_keys)), rejected=rejected
    )


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


class CommitResult(NamedTuple):
    """What a sink's commit did.

    Attributes:
        outputs: Every output as it is now, also those to which nothing was added.
        duplicates: How many staged rows were left out because they were already there;
            None where the sink cannot tell.
        failed: Staged rows that could not be kept for a reason that passes. Only for
            sources that deliver such records again (see `Source.triggers`); any other
            needs an error.
        newest: The newest timestamp of all outputs, if there is one.
        spans: Stages within the commit, such as ``merge``, each time that they took
            place.
    """

    outputs: Sequence[Output] = ()
    duplicates: int | None = 0
    newest: datetime | None = None
    spans: Sequence[tuple[str, TimeRange]] = ()
    failed: Sequence[ReadFailure] = ()


@dataclass(slots=True)
class SplitResult:
    """What became of one split.

    Attributes:
        split: The split.
        source_keys: Source keys of all records that were read, rejected ones included.
        versions: Version of each one's object.
        accepted: Rows handed to the sinks.
        rejections: Rejected and filtered records.
        unread: Objects that could not be read.
        ignored: Names of objects that are not the report's.
        ignored_fields: Counts of unknown fields by name.
        staged_parts: Staged parts by the sink's position in the report.
        seconds: Wall time by stage (``read``, ``validate``, ``transform``, ``commit``).
        spans: When each of these stages first began and last ended.
    """

    split: Split
    source_keys: list[str] = field(default_factory=list)
    accepted: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    unread: list[ReadFailure] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    ignored_fields: dict[str, int] = field(default_factory=dict)
    staged_parts: list[list[StagedPart]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    spans: dict[str, TimeRange] = field(default_factory=dict)
    versions: list[str | None] = field(default_factory=list)

    def add(self, other: SplitResult) -> None:
        """Add what became of another part of the split."""
        self.source_keys += other.source_keys
        self.versions += other.versions
        self.accepted += other.accepted
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
        self.source_keys += [rejection.source_key for rejection in rejections]
        self.versions += [rejection.version for rejection in rejections]
        self.rejections += rejections

    def add_time(self, stage: str, at: float, seconds: float) -> None:
        """Add the time of a stage, from `at` (since the epoch) on."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self.spans[stage] = around(self.spans.get(stage), (at, at + seconds))


def around(one: TimeRange | None, other: TimeRange) -> TimeRange:
    """The span from the earlier beginning to the later end."""
    return other if one is None else (min(one[0], other[0]), max(one[1], other[1]))
