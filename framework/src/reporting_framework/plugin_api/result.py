"""`RunResult`: what a run did, as the command line prints it with ``--format json``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
)

from reporting_framework._text.messages import as_utc, redacted

_Moment = Annotated[datetime, AfterValidator(as_utc)]


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: Any) -> bool:
    return not value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Output(_Model):
    """One output of a sink as it is after the run.

    Attributes:
        uri: Where it is.
        rows: Rows in all, without deleted ones.
        deleted_rows: Rows of a table that is upserted to that are there and deleted;
            `None`, and not printed, in other modes.
        new_rows: Rows that this run added.
        bytes: Size in bytes.
        version: The storage's version of it (an ETag or the like).
    """

    uri: str
    rows: int
    new_rows: int
    bytes: int
    version: str | None = None
    deleted_rows: int | None = Field(None, exclude_if=_is_none)

    _redacted = field_validator("uri")(redacted)


class RejectionCount(_Model):
    """How many records were turned away for one reason."""

    type: str
    field: str | None
    count: int


class QuarantineState(_Model):
    """Where rejected and filtered records are set down, and how many lie there."""

    uri: str
    rows: int

    _redacted = field_validator("uri")(redacted)


class Seconds(_Model):
    """Wall time by stage, in seconds.

    Stages overlap where splits are worked on at once, so they need not add up to
    `total`; `read`, `validate` and `transform` are summed over splits. `merge` is a
    part of `commit`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )

    plan: float = 0.0
    read: float = 0.0
    validate_: float = Field(0.0, alias="validate")
    transform: float = 0.0
    merge: float = 0.0
    commit: float = 0.0
    total: float = 0.0


class RunResult(_Model):
    """What one execution of a report did.

    `records_read` = accepted + rejected + filtered + duplicates, always.

    Attributes:
        report: Name of the report.
        run_id: Unique id of the execution.
        status: ``ok``; ``partial`` when objects were left unread or the deadline came
            first; ``failed``.
        complete: Whether all that was listed and is new was handled; False when the
            deadline came first, or when pages could not be read to the last one: run
            again. It says nothing of what was not listed: see `listing`.
        cut_short: Whether it is incomplete for no other reason than that pages could
            not be read to the last one. Not printed unless it is so.
        listing: What was listed: ``full``: everything; ``window``: what is not dated
            before `listed_from` by its name; ``named``: only what a trigger or a replay
            named. `None`: the source lists nothing.
        listed_from: Start of the window (UTC). An object dated earlier that has come in
            since the last full scan is found by the next one.
        full_scan_due: When a full scan is due (UTC); in the past: the next run is one.
            `None`: each run is one, or it is not known.
        dry_run: Whether nothing was written on purpose.
        records_read: Records read from the source.
        accepted: Records newly kept.
        rejected: Records turned away by the source or the validator.
        filtered: Records dropped by a transform.
        duplicates: Records whose source key another run had already brought in; with
            ``upsert``, records of which the table has a newer version.
        inserted: With ``upsert``, accepted records whose source key was not in the
            table, or was deleted; accepted = inserted + updated + unchanged. In other
            modes it is `None`, and not printed, as are the next three.
        updated: Accepted records that have replaced another version.
        unchanged: Accepted records that the table had already.
        deleted: Rows of the table that count as deleted now.
        objects_unread: Objects that could not be read, or records that could not be
            kept; they are tried again.
        unread_reasons: Why, counted; of what was read with the name of the step, as in
            ``ndjson-archive: unavailable``.
        objects_ignored: Objects whose name the report does not know.
        ignored_samples: A few of those names.
        remaining: Objects left for the next run because the deadline came; of a bucket
            that was not listed to its end, those found so far.
        ignored_fields: Unknown fields that were left out, counted by name.
        warnings: What is probably not what was meant, in sentences; also in the log.
        outputs: Every output as it is now.
        last_processed_timestamp: Newest timestamp in the outputs, in UTC; in JSON it
            ends in ``Z``.
        rejections: Reasons, counted; filtered records are not among them.
        quarantine: Where rejected and filtered records lie, if anywhere.
        seconds: Time by stage.
        spans: When each stage first began and last ended, in seconds since the epoch;
            for observers, never printed.
        response: What the trigger expects back from the source, if it names its work;
            never printed.
        streams: Of a source with streams, what the run of each did; all else is their
            sum, and each has a quarantine of its own. It is empty, and not printed, if
            there are none.
    """

    report: str
    run_id: str
    status: Literal["ok", "partial", "failed"]
    complete: bool
    cut_short: bool = Field(False, exclude_if=_is_empty)
    listing: Literal["full", "window", "named"] | None = None
    listed_from: datetime | None = None
    full_scan_due: datetime | None = None
    dry_run: bool = False
    records_read: int = 0
    accepted: int = 0
    rejected: int = 0
    filtered: int = 0
    duplicates: int = 0
    inserted: int | None = Field(None, exclude_if=_is_none)
    updated: int | None = Field(None, exclude_if=_is_none)
    unchanged: int | None = Field(None, exclude_if=_is_none)
    deleted: int | None = Field(None, exclude_if=_is_none)
    objects_unread: int = 0
    unread_reasons: dict[str, int] = {}
    objects_ignored: int = 0
    ignored_samples: list[str] = []
    remaining: int = 0
    ignored_fields: dict[str, int] = {}
    warnings: list[str] = []
    outputs: list[Output] = []
    last_processed_timestamp: _Moment | None = None
    rejections: list[RejectionCount] = []
    quarantine: QuarantineState | None = None
    seconds: Seconds = Seconds()
    spans: dict[str, tuple[float, float]] = Field(
        default_factory=dict, exclude=True, repr=False
    )
    response: Any = Field(None, exclude=True, repr=False)
    streams: dict[str, RunResult] = Field({}, exclude_if=_is_empty)


class Step(_Model):
    """A plugin that a run used.

    Attributes:
        role: What it did: ``source``, ``validator``, ``transform``, ``sink`` or
            ``engine``.
        name: Its name.
        distribution: The distribution that brought it.
        version: The version of that.
    """

    role: str
    name: str
    distribution: str
    version: str


class RunRecord(_Model):
    """Small extract of a `RunResult` that is kept when the run is over.

    It also holds what the run was made with.

    Attributes:
        run_id: Unique id of the run.
        report: Name of the report.
        started_at: When it began (UTC).
        finished_at: When it was over (UTC).
        status: ``ok``, ``partial`` or ``failed``.
        complete: False when the deadline came before all that is new was handled.
        inserted: With ``upsert``, as in `RunResult`; so are the next three.
        replay: Whether it read quarantined objects again, and nothing else.
        inputs: Places that the source read, as URIs.
        outputs: Outputs as they were then, those with new rows first, 50 at the most.
        rejections: Reasons, counted, 50 at the most.
        steps: The plugins that it used.
        framework: Version of the framework.
        error: Type of what ended a failed run; never its message.
    """

    run_id: str
    report: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    status: Literal["ok", "partial", "failed"]
    complete: bool
    replay: bool = False
    records_read: int = 0
    accepted: int = 0
    rejected: int = 0
    filtered: int = 0
    duplicates: int = 0
    inserted: int | None = Field(None, exclude_if=_is_none)
    updated: int | None = Field(None, exclude_if=_is_none)
    unchanged: int | None = Field(None, exclude_if=_is_none)
    deleted: int | None = Field(None, exclude_if=_is_none)
    objects_unread: int = 0
    remaining: int = 0
    last_processed_timestamp: _Moment | None = None
    inputs: list[str] = []
    outputs: list[Output] = []
    rejections: list[RejectionCount] = []
    steps: list[Step] = []
    framework: str = ""
    error: str | None = None
