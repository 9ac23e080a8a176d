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
    # most runs need few of these models: a schema is built when it is first used
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Output(_Model):
    """One output of a sink as it is after the run.

    Attributes:
        uri: URI of the output.
        rows: Number of rows, without deleted rows.
        deleted_rows: With ``upsert``, number of rows that are kept and marked as
            deleted; `None`, and not printed, in other modes.
        new_rows: Number of rows that this run added.
        bytes: Size in bytes; 0 if it is not known.
        version: Version that the storage gives it (an ETag or the like).
    """

    uri: str
    rows: int
    new_rows: int
    bytes: int
    version: str | None = None
    deleted_rows: int | None = Field(default=None, exclude_if=_is_none)

    _redacted = field_validator("uri")(redacted)


class RejectionCount(_Model):
    """Number of records that were rejected for one reason."""

    type: str
    field: str | None
    count: int


class SchemaChange(_Model):
    """Change of a column of the source since the last run.

    Attributes:
        column: Name of the column.
        change: ``added``, ``removed``, or ``retyped``: it has another type.
        before: Type that it had.
        after: Type that it has.
    """

    column: str
    change: Literal["added", "removed", "retyped"]
    before: str | None = None
    after: str | None = None


class CheckOutcome(_Model):
    """Outcome of a check of a run.

    Attributes:
        name: Name of the check in this report.
        check: Kind of the check, such as ``unique``.
        columns: Columns that it is about; empty if it is about rows as a whole.
        over: Rows that were judged: those of the ``run``, or the ``table``.
        severity: ``fail``: the run fails if the check does; ``warn``: it only warns.
        passed: Whether it passed; `None` if it was not judged.
        measured: Numbers that were measured, such as ``rows`` and ``failing``; never a
            value of a record.
        problem: What is wrong, or why it was not judged; empty if it passed.
        stream: Stream of the source, if the result is the sum of several.
    """

    name: str
    check: str
    columns: list[str] = []
    over: Literal["run", "table"]
    severity: Literal["warn", "fail"]
    passed: bool | None
    measured: dict[str, int | float | None] = {}
    problem: str = ""
    stream: str | None = Field(default=None, exclude_if=_is_none)

    @property
    def failed(self) -> bool:
        """True if the check was judged and did not pass."""
        return self.passed is False


class QuarantineState(_Model):
    """Place of the quarantine, and the number of records in it."""

    uri: str
    rows: int

    _redacted = field_validator("uri")(redacted)


class Seconds(_Model):
    """Wall time by stage, in seconds.

    Stages overlap if several splits are processed at once, so they need not add up to
    `total`. `read`, `validate` and `transform` are sums over splits. `check` is printed
    only if the report has checks. `merge` is a part
    of `commit`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )

    plan: float = 0.0
    read: float = 0.0
    validate_: float = Field(default=0.0, alias="validate")
    transform: float = 0.0
    check: float = Field(default=0.0, exclude_if=_is_empty)
    merge: float = 0.0
    commit: float = 0.0
    total: float = 0.0


class Traffic(_Model):
    """Counted requests and bytes of a run.

    Attributes:
        requests: Number of requests by kind: ``get``, ``head``, ``list``, ``put``
            (also copies) and ``delete`` to buckets, ``api`` to APIs. A request
            that is repeated counts once. Empty, and not printed, if there were none,
            as with folders.
        bytes_read: Bytes that were read from objects and files, and of responses of
            APIs, as stored or sent.
        bytes_written: Bytes that were written to objects and files, and sent to APIs.
    """

    requests: dict[str, int] = Field(default={}, exclude_if=_is_empty)
    bytes_read: int = 0
    bytes_written: int = 0


class RunResult(_Model):
    """Result of one run of a report.

    `records_read` = accepted + rejected + filtered + duplicates, always.

    Attributes:
        report: Name of the report.
        run_id: Unique id of the run.
        status: ``ok``; ``partial``: objects were left unread, or the deadline was
            reached; ``failed``.
        complete: Whether all new objects that were listed were processed. False if the
            deadline was reached, or if pages could not be read to the last one: run
            again. Objects that were not listed do not count: see `listing`.
        cut_short: Whether the only reason for an incomplete run is that pages could not
            be read to the last one. Printed only if true.
        listing: Extent of the listing: ``full``: all objects; ``window``: objects that
            are not dated before `listed_from` by their names; ``named``: only objects
            that a trigger or a replay named. `None`: the source lists nothing.
        listed_from: Start of the window (UTC). The next full scan finds objects with
            earlier dates that have arrived since the last full scan.
        full_scan_due: Time at which a full scan is due (UTC). If it is in the past, the
            next run is a full scan. `None`: every run is one, or the time is not known.
        dry_run: Whether the run was a dry run, which writes nothing.
        records_read: Records read from the source.
        accepted: Records newly kept.
        rejected: Records rejected by the source or the validator.
        filtered: Records dropped by a transform.
        duplicates: Records whose source key an earlier run has already taken; with
            ``upsert``, records of which the table has a newer version.
        inserted: With ``upsert``, accepted records whose source key was not in the
            table, or was deleted; accepted = inserted + updated + unchanged. In other
            modes it is `None`, and not printed, as are the next three.
        updated: Accepted records that have replaced another version.
        unchanged: Accepted records that the table had already.
        deleted: Rows of the table that now count as deleted.
        objects_unread: Objects that could not be read, or records that could not be
            kept; a later run retries them.
        unread_reasons: Counts of the reasons. The reason of a record that was read
            starts with the name of the step, as in ``ndjson-archive: unavailable``.
        objects_ignored: Objects with names that the report does not recognize.
        ignored_samples: A few of those names.
        remaining: Objects left for the next run because the deadline was reached. If a
            bucket was not listed to its end, the number of objects found so far.
        ignored_fields: Counts of unknown fields that were left out, by name.
        warnings: Probable mistakes, in sentences; also logged.
        outputs: All outputs in their present state.
        last_processed_timestamp: Newest timestamp in the outputs, in UTC; in JSON it
            ends in ``Z``.
        rejections: Counts of the reasons for rejection, without filtered records.
        quarantine: Quarantine of the rejected and filtered records, if there is one.
        checks: Outcomes of the report's checks. Empty, and not printed, if it has none.
        schema_changes: Changes of the columns of the source since the last run. Empty,
            and not printed, if there are none.
        traffic: Requests and bytes that the framework has counted. `None`, and not
            printed, if there was nothing to count. Not counted is what a library reads
            or writes by itself: polars, a database driver, a library of a table format.
        seconds: Time by stage.
        spans: First beginning and last end of each stage, in seconds since the epoch;
            for observers, never printed.
        response: Response that the trigger expects from the source, if the trigger
            names its work; never printed.
        streams: Results by stream, of a source with streams. All other fields are their
            sums, and each stream has its own quarantine. Empty, and not printed, if
            there are no streams.
    """

    report: str
    run_id: str
    status: Literal["ok", "partial", "failed"]
    complete: bool
    cut_short: bool = Field(default=False, exclude_if=_is_empty)
    listing: Literal["full", "window", "named"] | None = None
    listed_from: datetime | None = None
    full_scan_due: datetime | None = None
    dry_run: bool = False
    records_read: int = 0
    accepted: int = 0
    rejected: int = 0
    filtered: int = 0
    duplicates: int = 0
    inserted: int | None = Field(default=None, exclude_if=_is_none)
    updated: int | None = Field(default=None, exclude_if=_is_none)
    unchanged: int | None = Field(default=None, exclude_if=_is_none)
    deleted: int | None = Field(default=None, exclude_if=_is_none)
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
    checks: list[CheckOutcome] = Field(default=[], exclude_if=_is_empty)
    schema_changes: list[SchemaChange] = Field(default=[], exclude_if=_is_empty)
    traffic: Traffic | None = Field(default=None, exclude_if=_is_none)
    seconds: Seconds = Seconds()
    spans: dict[str, tuple[float, float]] = Field(
        default_factory=dict, exclude=True, repr=False
    )
    response: Any = Field(default=None, exclude=True, repr=False)
    streams: dict[str, RunResult] = Field(default={}, exclude_if=_is_empty)

    def _repr_html_(self) -> str:
        """Return the result as tables, as notebooks show it."""
        from reporting_framework.plugin_api.result_html import (
            result_html,
        )  # imported late: only notebooks need it

        return result_html(self)


class Step(_Model):
    """Plugin that a run used.

    Attributes:
        role: Role of the plugin: ``source``, ``validator``, ``transform``, ``sink`` or
            ``engine``.
        name: Name of the plugin.
        distribution: Distribution that contains the plugin.
        version: Version of the distribution.
    """

    role: str
    name: str
    distribution: str
    version: str


class RunRecord(_Model):
    """Small extract of a `RunResult` for the history, with the plugins that were used.

    Attributes:
        run_id: Unique id of the run.
        report: Name of the report.
        started_at: Time at which it began (UTC).
        finished_at: Time at which it ended (UTC).
        status: ``ok``, ``partial`` or ``failed``.
        complete: As in `RunResult`.
        cut_short: As in `RunResult`.
        inserted: With ``upsert``, as in `RunResult`; so are the next three.
        replay: Whether it read only named objects: a replay of the quarantine, or a
            part of a backfill.
        inputs: Places that the source read, as URIs.
        outputs: Outputs at the end of the run, those with new rows first; at most 50.
        rejections: Counts of the reasons for rejection; at most 50.
        checks: Outcomes of the report's checks; at most 50.
        schema_changes: Changes of the columns of the source; at most 50.
        steps: Plugins that it used.
        framework: Version of the framework.
        error: Type of the error that ended a failed run; never its message.
    """

    run_id: str
    report: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    status: Literal["ok", "partial", "failed"]
    complete: bool
    cut_short: bool = Field(False, exclude_if=_is_empty)
    replay: bool = False
    records_read: int = 0
    accepted: int = 0
    rejected: int = 0
    filtered: int = 0
    duplicates: int = 0
    inserted: int | None = Field(default=None, exclude_if=_is_none)
    updated: int | None = Field(default=None, exclude_if=_is_none)
    unchanged: int | None = Field(default=None, exclude_if=_is_none)
    deleted: int | None = Field(default=None, exclude_if=_is_none)
    objects_unread: int = 0
    remaining: int = 0
    last_processed_timestamp: _Moment | None = None
    inputs: list[str] = []
    outputs: list[Output] = []
    rejections: list[RejectionCount] = []
    checks: list[CheckOutcome] = Field(default=[], exclude_if=_is_empty)
    schema_changes: list[SchemaChange] = Field(default=[], exclude_if=_is_empty)
    steps: list[Step] = []
    framework: str = ""
    error: str | None = None
