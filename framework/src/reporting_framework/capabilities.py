"""What a plugin may have besides: a method or two, and the framework can do more with it.

A class has a capability by having its methods; it need not inherit anything. The docstrings are the reference for
plugin authors, as those of `interfaces` are. Nothing here imports polars or pydantic at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from reporting_framework.interfaces import RunLedger
    from reporting_framework.records import Belonging, Finding, Rejection, Response, Split, Trigger, Unread
    from reporting_framework.result import RunRecord, RunResult


@runtime_checkable
class Triggered(Protocol):
    """What a source has besides when a trigger can name its work: a notification, a queue, a stream.

    Attributes:
        triggers: The kinds of triggers it takes (`Trigger.kind`); any other that names its work is refused.

    What a trigger named comes again when it is not taken. So where one has named the work, a `TransientError` of a
    validator, a transform or a sink's `stage` leaves the records of that batch unread, and the run goes on.
    """

    triggers: ClassVar[frozenset[str]]

    def receive(self, trigger: Trigger) -> None:
        """Called before `plan`, which then gives the work that the trigger names and no other.

        Raises:
            TriggerError: The trigger is not what it seems to be.
        """
        ...

    def respond(self, unread: Sequence[Unread], rejections: Sequence[Rejection]) -> Response:
        """What the trigger expects back; called after the commit.

        Args:
            unread: Objects or records that could not be taken: they must come again.
            rejections: Records that were read and are not kept, filtered ones among them. Where no sink has a
                quarantine, it is for the source to set them aside.
        """
        ...


@runtime_checkable
class DatedLedger(Protocol):
    """Method of a ledger that can look behind a newest timestamp that is in the future; without it, all is listed."""

    def newest_until(self, moment: datetime) -> datetime | None:
        """Return the newest timestamp up to `moment` (aware, UTC), or `None`. It should not read all rows."""
        ...


class Absence(NamedTuple):
    """Reason why an object that is there is in no table.

    Attributes:
        reason: ``not matched``: the source does not read such names. ``outside the source``: it is elsewhere. ``before
            the window``: it is dated before what runs list. ``without a date``: its name says no date by which runs
            would find it before they list everything. ``newer than the last run``: no run can have seen it.
        text: The same for people, with what to do.
    """

    reason: Literal[
        "not matched", "outside the source", "before the window", "without a date", "newer than the last run"
    ]
    text: str


@runtime_checkable
class Accounting(Protocol):
    """Method of a source that can say why an object was not read; for ``reporting explain``."""

    def absence(self, name: str, ledger: RunLedger, last_run: datetime | None) -> Absence | None:
        """Return why the object `name`, which is there, was not read; `None` if nothing speaks against it.

        Args:
            name: Its key, relative to the source.
            ledger: What the next run would plan from.
            last_run: When the last run began (aware, UTC), if that is known.
        """
        ...


class ColumnFacts(NamedTuple):
    """What is known of a column beside its type.

    Attributes:
        description: What it holds, in words.
        nullable: Whether it may be null.
        values: The only texts that it may hold; none where there are others.
    """

    description: str = ""
    nullable: bool = True
    values: Sequence[str] = ()


@runtime_checkable
class Describing(Protocol):
    """What a validator has besides when it knows more of its columns than their types."""

    def column_facts(self) -> Mapping[str, ColumnFacts]:
        """What it knows, by column; for ``reporting schema``."""
        ...


@runtime_checkable
class Readable(Protocol):
    """What a sink has besides when what it holds can be asked for as a table."""

    def scan(self) -> pl.LazyFrame | None:
        """What it holds, lazily, or None where there is nothing yet.

        Called after `prepare`, whose columns it has, in their order and types; others that are there follow. A query
        picks columns and rows before the frame is collected: where they lie, no more than those should be read.

        Raises:
            CorruptCheckpoint: What is there cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means "nothing yet".
            StorageUnavailable: Reading failed after retries.
        """
        ...


@runtime_checkable
class Filed(Protocol):
    """What a sink has besides when its table is all the parquet files below one folder."""

    @classmethod
    def table_folder(cls, settings: Any) -> str:
        """URI of that folder under these settings. Looks nothing up and opens nothing."""
        ...


class ParquetFile(Protocol):
    """One file of a table, in the version that it had when it was looked into; read from any thread."""

    @property
    def uri(self) -> str:
        """Where it is, for messages."""
        ...

    @property
    def schema(self) -> pl.Schema:
        """The columns that it has."""
        ...

    @property
    def size(self) -> int:
        """Its size in bytes."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """These bytes of that version.

        Raises:
            StorageUnavailable: Another version has taken its place, or reading failed after retries.
        """
        ...

    def close(self) -> None:
        """Give it up."""
        ...


@runtime_checkable
class ParquetBacked(Readable, Protocol):
    """What a readable sink has besides when its table is parquet files: other engines then read them themselves."""

    def parquet_files(self) -> Sequence[ParquetFile]:
        """The files whose rows are those of `scan`, none where there is nothing yet. Called after `prepare`.

        What `scan` makes of an older file's columns, who reads these makes of them too: one that is missing is null, a
        text in the place of a day is parsed, another type is cast.

        Raises:
            CorruptCheckpoint: What is there cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means "nothing yet".
            StorageUnavailable: Reading failed after retries.
        """
        ...


class History(Protocol):
    """What a report's runs did, and which of them brought a row in, kept beside a sink's outputs."""

    def records(self) -> Sequence[RunRecord]:
        """What the last runs left behind, the newest first; how many are kept is bounded."""
        ...

    def note(self, origins: Sequence[str], versions: Sequence[str | None]) -> None:
        """Take in what this run is about to commit; called any number of times before `write`, thread-safe.

        Args:
            origins: Origins of accepted rows.
            versions: Version of each one's object.
        """
        ...

    def write(self, *, run_id: str, validator: str, at: datetime) -> None:
        """Set down what was noted, before any commit: a run that dies afterwards has told where its rows came from.

        Args:
            run_id: The run.
            validator: Name of its validator.
            at: When the run began (aware, UTC).
        """
        ...

    def keep(self, record: RunRecord) -> None:
        """Add the record of a run that is over, and let go of the oldest. Losing it never loses a row."""
        ...

    def lineage(self, origins: Sequence[str]) -> pl.DataFrame:
        """Where rows came from: one row for each of `origins` and run that set it down, the newest run first.

        Columns: `source_key`, `version`, `run_id`, `validator` (String) and `at` (Datetime us UTC).
        """
        ...


@runtime_checkable
class Recording(Protocol):
    """What a sink has besides when it keeps a history of runs."""

    def history(self) -> History | None:
        """The history beside this sink's outputs, or None where the settings ask for none.

        Called after `prepare`, in a run before `ledger`, which may then read it along with the rest. A dry run only
        reads it.
        What the history raises is logged, and never fails a run.
        """
        ...


@runtime_checkable
class Located(Protocol):
    """What a source has besides when what it reads lies at places that have a URI."""

    def uris(self) -> Sequence[str]:
        """The places that it reads under its settings, without credentials. Looks nothing up."""
        ...


@runtime_checkable
class Traceable(Protocol):
    """What a source has besides when single objects can be pointed at, for ``reporting explain``."""

    def locate(self, name: str) -> str:
        """URI of the object that is called `name` in origins. Looks nothing up."""
        ...

    def version(self, name: str) -> str | None:
        """Version that the object has now, as batches tell it; None when it is definitely not there.

        Raises:
            AccessDenied: Looking was refused.
            StorageUnavailable: Looking failed after retries.
        """
        ...


@runtime_checkable
class Revisiting(Protocol):
    """What a source has besides when it can read single objects again, for `reporting quarantine REPORT replay`."""

    def revisit(self, objects: Sequence[str]) -> Iterable[Split]:
        """Splits that cover these objects and no others, whatever the ledger says; in the place of `plan`.

        An object that is gone is reported by `read` in `Batch.unread`.
        """
        ...


@runtime_checkable
class Telling(Protocol):
    """What a source has besides when it can say in words what the next run will list."""

    def tell(self, ledger: RunLedger) -> Sequence[str]:
        """Describe what a run that began now would list, in sentences for people. Lists and reads nothing.

        Args:
            ledger: What that run would plan from; any bookmark will do.
        """
        ...


@runtime_checkable
class Inspectable(Protocol):
    """What a sink has besides when it can tell what it keeps, for `reporting state REPORT`."""

    def belongings(self) -> Sequence[Belonging]:
        """All that it keeps, as it is now, outputs first. Called after `prepare`; it changes nothing.

        What is there and cannot be read as what it should be is told without its rows, not raised.
        """
        ...


@runtime_checkable
class Resettable(Inspectable, Protocol):
    """What a sink has besides when it can begin anew, for `reporting state REPORT reset`."""

    def back_up(self, belongings: Sequence[Belonging], name: str) -> Sequence[str]:
        """Copy these belongings beside them, and compare; where each copy is.

        Args:
            belongings: As `belongings` gave them.
            name: Name of the backup; there is none of it yet.

        Raises:
            CommitConflict: One has changed since it was looked at.
        """
        ...

    def remove(self, belongings: Sequence[Belonging]) -> None:
        """Remove these belongings, each only in the version that it was looked at.

        Raises:
            CommitConflict: One has changed since. It was left, and so were those that come after it.
        """
        ...


@runtime_checkable
class Resuming(Resettable, Protocol):
    """Optional interface of a resettable sink whose reset leaves a marker while it is under way.

    `Resettable.remove` writes the marker before it removes anything and removes the marker last. Whatever finds the
    marker of a reset that was killed finishes the reset, or refuses: a table of which a part was removed must not be
    taken for the whole.
    """

    def unfinished_reset(self) -> str | None:
        """Describe a reset that has begun and not ended, `None` if there is none. Called after `prepare`."""
        ...

    def finish_reset(self, *, by_hand: bool) -> None:
        """Finish a reset that has begun and not ended, if there is one. Called after `prepare`, before `ledger`.

        Args:
            by_hand: Whether a person has asked for it, and so says that the process that began it is dead. Otherwise a
                run, a replay or a discard is about to write.

        Raises:
            CommitConflict: It is not certain that the process that began it is dead.
        """
        ...


@runtime_checkable
class Checkable(Protocol):
    """What a source or a sink has besides when it can check its surroundings, for `reporting doctor REPORT`."""

    def checks(self, *, write: bool) -> Mapping[str, Callable[[], Finding]]:
        """Checks by name, each to be carried out on its own, in any order; for a sink after `prepare`.

        Args:
            write: Whether they may write a probe, which they remove again.
        """
        ...


@runtime_checkable
class Shelving(Protocol):
    """What a sink has besides when small files can be put beside its outputs, such as a page made of them."""

    def shelve(self, kind: str, name: str, data: bytes, *, content_type: str) -> str:
        """Put a file beside the outputs, in one atomic step, whatever was there; its URI. Called after `prepare`.

        What reads the outputs as a table must not take the file for a part of it, and another checkpoint beside this
        one must not have the same place for it.

        Args:
            kind: What kind of file it is, such as ``reports``: a word that may name a folder.
            name: Its name among those of its kind, such as ``2024-01.html``.
            data: The bytes.
            content_type: Their media type.

        Raises:
            AccessDenied: Writing was refused.
            StorageUnavailable: Writing failed after retries.
        """
        ...


class Permission(NamedTuple):
    """What a plugin must be allowed to do in AWS, no more: one statement of an IAM policy.

    Attributes:
        actions: Actions, without wildcards, such as ``s3:GetObject``.
        resource: An ARN, or a pattern of ARNs.
        conditions: Conditions by operator, key and values.
    """

    actions: tuple[str, ...]
    resource: str
    conditions: Mapping[str, Mapping[str, Sequence[str]]] = {}


@runtime_checkable
class Permitted(Protocol):
    """What a plugin has besides when it uses AWS."""

    @classmethod
    def permissions(cls, settings: Any) -> Sequence[Permission]:
        """What it must be allowed to do under these settings. Looks nothing up and opens nothing."""
        ...


@runtime_checkable
class Answering(Protocol):
    """What a report may have besides, for those who know its results by names of its own."""

    def answer(self, settings: Any, result: RunResult) -> Mapping[str, Any]:
        """Entries (JSON types) that the answer to a trigger holds beside those of the result."""
        ...

    def metrics(self, result: RunResult) -> Mapping[str, tuple[float, str]]:
        """Value and CloudWatch unit (``Count``, ``Bytes``, ``Milliseconds``, …) of metrics beside the general ones."""
        ...
