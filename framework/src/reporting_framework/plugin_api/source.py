"""Base class of sources."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
)

from reporting_framework.errors import NotSupported
from reporting_framework.plugin_api.base import Plugin, optional

if TYPE_CHECKING:
    from datetime import date, datetime

    import polars as pl

    from reporting_framework.plugin_api.base import Shape
    from reporting_framework.plugin_api.ledger import RunLedger
    from reporting_framework.plugin_api.records import (
        Batch,
        FinishedSplit,
        ReadFailure,
        Rejection,
        Split,
        Trigger,
        TriggerResponse,
        WriteMode,
    )


ListingKind = Literal["full", "window", "named"]
"""Extent of a listing: all objects of the source, the objects that can be new by their
names, or only the objects that a trigger named.
"""


class PlanStats(NamedTuple):
    """Statistics of a plan.

    Attributes:
        ignored: Number of objects with names that the report does not read.
        ignored_samples: A few of those names.
        waiting: Number of new objects that were not returned in a split.
        exhausted: Whether there are certainly no further splits, so that a run that was
            stopped at this point is complete. After a stop, `plan` is not continued: a
            source must look ahead before it yields a split.
        repeated: Number of times that an object was listed again during the plan; these
            count as duplicates.
        listing: Extent of the listing: all objects (``full``), objects that can be new
            (``window``), or only objects that were ``named``; `None`: the source lists
            nothing.
        listed_from: Start of the window (aware, UTC): objects of known kinds whose
            names have earlier dates were not looked for.
        full_scan_due: Time at which a full scan is due (aware, UTC). If it is in the
            past, the next run is a full scan. `None`: every run is one, or the time is
            not known.
        warnings: Probable mistakes, each as ``<subject>: <problem>; <fix>``.
        read_before: Places that the last run read, taken from the hints (URIs); used
            if there is no history.
        snapshot: Whether the splits cover all records that the source has now. With
            ``upsert``, other rows of the table were then deleted at the source.
        stopped: Whether the plan ended before the source did, so that the run is not
            complete.
        snapshot_streams: Streams for which `snapshot` holds, if the source reads its
            streams together and only some were read as a whole.
    """

    ignored: int = 0
    ignored_samples: Sequence[str] = ()
    waiting: int = 0
    exhausted: bool = False
    repeated: int = 0
    listing: ListingKind | None = None
    listed_from: datetime | None = None
    full_scan_due: datetime | None = None
    warnings: Sequence[str] = ()
    read_before: Sequence[str] = ()
    snapshot: bool = False
    stopped: bool = False
    snapshot_streams: Collection[str] = ()


class DatedObject(NamedTuple):
    """Object of a source, or row of a table, with its day; see `Source.list_window`.

    Attributes:
        key: Key, relative to the source.
        size: Size in bytes, `None` if it is not known.
        day: Day of its records, as its name or the cursor says; `None`: it has no date.
        version: Present version, in the form that batches use; `None` if the listing
            does not know it.
    """

    key: str
    size: int | None
    day: date | None
    version: str | None = None


class Absence(NamedTuple):
    """Reason why an existing object is in no table.

    Attributes:
        reason: ``not matched``: the source does not read such names. ``outside the
            source``: the object is elsewhere. ``before the window``: its date is before
            the window that runs list. ``without a date``: its name has no date, so only
            a full scan finds it. ``newer than the last run``: no run can have seen it.
        text: The reason as text for people, with the next step.
    """

    reason: Literal[
        "not matched",
        "outside the source",
        "before the window",
        "without a date",
        "newer than the last run",
    ]
    text: str


class Source(Plugin):
    """Base class of sources, which read records.

    A source needs `plan` and `read`; all other methods have defaults. Both must be
    deterministic: the same storage and ledger give the same splits, and the same split
    gives the same batches. `read` may run in another thread, process or machine than
    `plan`, and more than once.

    Attributes:
        output_format: Form of the records in batches: payloads or frames.
        natural_keys: Whether records have keys of their own (rows of a table, records
            of an API). An object of a plan is then one record, whatever its key ends
            in. Otherwise a source key that ends in ``#`` and digits is a line of the
            object named before the ``#``.
        versions_ordered: Whether, of two versions of a source key, the greater text is
            newer; ``upsert`` needs it.
        triggers: Kinds of triggers whose work it takes (`Trigger.kind`): notifications,
            a queue, a stream. Such a trigger delivers records again if they are not
            taken. A `TransientError` of a validator, a transform or a sink's `stage`
            therefore leaves the records of that batch unread, and the run continues.
        reads_streams_together: Whether one reading has the records of all streams, as
            with a change feed. A run then reads once for all streams, with a source
            object for which no stream is selected, and each batch of records names its
            stream. The state of `next_state` covers all streams. Splits are read one
            after another, there are no hints, and no trigger names the work.
        stream: Stream to read, one of `streams`; `None` if the source has none, or if
            all are read together.
    """

    output_format: ClassVar[Shape] = "payloads"
    natural_keys: ClassVar[bool] = False
    versions_ordered: ClassVar[bool] = False
    triggers: ClassVar[frozenset[str]] = frozenset()
    reads_streams_together: ClassVar[bool] = False
    stream: str | None = None

    @property
    def parallelism(self) -> int:
        """Useful number of splits to process at once on one machine."""
        return 1

    @property
    def write_modes(self) -> frozenset[WriteMode]:
        """Write modes that fit the settings of the source.

        A sink with another mode is refused, as its table would be wrong.
        """
        return frozenset({"append", "upsert", "replace"})

    @property
    def primary_key(self) -> Sequence[str]:
        """Key columns of the records; empty if there are none."""
        return ()

    @optional
    def schema(self) -> pl.Schema | None:
        """Return the columns of the frames, `None` if they are not known.

        Called before `plan`; the method may look them up.

        Raises:
            AccessDenied: The lookup was refused.
            StorageUnavailable: The lookup failed after retries.
        """
        return None

    @optional
    def schema_problem(self) -> str:
        """Return why `schema` returned `None`, as ``<place>: <problem>; <fix>``.

        For a report that cannot do without the columns of its source.
        """
        return ""

    @optional
    def use_known_columns(self, known: pl.Schema) -> None:
        """Add the columns of the last run to those that `schema` will return.

        For a source that sees only a sample of its records. Called before `schema`, if
        the report has a history with columns.

        Args:
            known: Columns that the source had in the last run that committed.
        """

    @optional
    def use_last_position(self, position: Mapping[str, Any]) -> None:
        """Begin the sample of `schema` where the last reading of all streams ended.

        For a source that reads its streams together and sees only a sample of its
        records. Called before `schema`, if the position is known. It may be outdated:
        the reading begins where its ledger says.

        Args:
            position: Position at which the last reading ended.
        """

    @optional
    def prefetch(self, hints: Mapping[str, Any]) -> None:
        """Start requests whose responses `plan` will probably need, and return at once.

        Called before `plan`, in another thread, while the other plugins are imported
        and the ledgers are read; not called for a replay. The responses must only save
        time: `plan` decides from its ledger what they are worth. It must work without
        this call, too.

        Args:
            hints: Hints of the last run as they are stored. They may be outdated;
                `RunLedger.hints` has only valid ones.
        """

    @abstractmethod
    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """Return splits that cover every record that is not in the ledger.

        Yield them lazily if listing is slow: reading starts with the first split.

        Raises:
            AccessDenied: Listing was refused.
            LocationError: There is no such bucket or folder.
            StorageUnavailable: Listing failed after retries.
        """

    @optional
    def remaining_splits(self) -> int:
        """Estimate the number of splits that `plan` has not yielded yet.

        An engine may prepare for many splits. The method must not look up anything; 0
        stands for an unknown number.
        """
        return 0

    @abstractmethod
    def read(self, split: Split) -> Iterable[Batch]:
        """Return batches of bounded size.

        An object that cannot be read is reported in `Batch.unread`, not raised.
        """

    @optional
    def plan_stats(self) -> PlanStats:
        """Return the statistics of the plan.

        Called after the last split was taken: before the commit, unless the write mode
        is ``append``.
        """
        return PlanStats()

    @optional
    def next_state(self, done: Sequence[FinishedSplit]) -> Mapping[str, Any] | None:
        """Return the state (JSON types) that the next run's `plan` should start from.

        The state is committed with the rows; the next run finds it in
        `RunLedger.state`. All records before it must be covered by the state that
        `plan` found and by these splits.

        Args:
            done: Splits that were read, in any order, each as a whole or up to its
                position (`FinishedSplit.whole`). Further splits may have been planned
                and not read.

        Returns:
            The new state, or `None` to keep the present state.
        """
        return None

    @optional
    def next_hints(
        self, *, complete: bool, unread: Sequence[str], rows: int
    ) -> Mapping[str, Any]:
        """Return the hints (JSON types) for the next run.

        The next `plan` finds them in `RunLedger.hints`, if the report has a metadata
        store.

        Args:
            complete: Whether all splits were processed.
            unread: Objects that could not be read.
            rows: Number of rows in the sink with the fewest, after the commit.
        """
        return {}

    # -- streams -----------------------------------------------------------------------

    @optional
    def streams(self) -> Sequence[str]:
        """Return the names of the streams, such as tables or resources of an API.

        Each stream has its own columns, key, state and table, which a source object of
        its own describes. A run reads each stream with that object, in this order,
        unless `reads_streams_together` is set. Names begin with a letter, digit or
        underscore; dots and hyphens may follow.

        Raises:
            AccessDenied: The lookup was refused.
            StorageUnavailable: The lookup failed after retries.
        """
        return ()

    @classmethod
    @optional
    def declared_streams(cls, settings: Any) -> Sequence[str] | None:
        """Return the names that `streams` will return, if the settings have them.

        For ``reporting lint``; the method must not look up or open anything.

        Args:
            settings: Settings of the source.

        Returns:
            The names; `None` if only a lookup could find them.
        """
        return None

    @property
    def parallel_streams(self) -> int:
        """Number of streams to read at once; 1: one after another, in their order.

        Ignored if `reads_streams_together` is set.
        """
        return 1

    def select_stream(self, name: str) -> None:
        """Select the stream to read; only `streams` may be called before it."""
        self.stream = name

    # -- work that a trigger names -----------------------------------------------------

    @optional
    def accept_trigger(self, trigger: Trigger) -> None:
        """Accept the trigger that names the work.

        Called before `plan`, which must then return only splits of the named work.

        Raises:
            TriggerError: The event is not valid for its kind of trigger.
        """
        raise NotSupported(f"source {self.name}: it takes no trigger that names work")

    @optional
    def build_response(
        self, unread: Sequence[ReadFailure], rejections: Sequence[Rejection]
    ) -> TriggerResponse:
        """Return the response to the trigger; called after the commit.

        Args:
            unread: Objects or records that could not be taken: they must be delivered
                again.
            rejections: Records that were read and are not kept, filtered records
                included. If the report has no quarantine, the source must store them.
        """
        raise NotSupported(f"source {self.name}: it answers no trigger")

    # -- for the commands --------------------------------------------------------------

    @optional
    def source_uris(self) -> Sequence[str]:
        """Return the URIs that the source reads under its settings, less credentials.

        The method must not look up anything.
        """
        return ()

    @optional
    def object_uri(self, name: str) -> str | None:
        """Return the URI of the object that is called `name` in source keys.

        Returns `None` if objects have no URIs. The method must not look up anything.
        """
        return None

    @optional
    def object_version(self, name: str) -> str | None:
        """Return the present version of the object, in the form that batches use.

        Returns `None` if the object definitely does not exist.

        Raises:
            AccessDenied: The lookup was refused.
            NotSupported: The source has no versions.
            StorageUnavailable: The lookup failed after retries.
        """
        raise NotSupported(f"source {self.name}: it looks up no single objects")

    @optional
    def plan_replay(self, objects: Sequence[str]) -> Iterable[Split]:
        """Return splits of exactly these objects; a replay calls it instead of `plan`.

        The ledger is ignored. `read` reports an object that no longer exists in
        `Batch.unread`.

        Raises:
            NotSupported: The source cannot read single objects again.
        """
        raise NotSupported(f"source {self.name}: it reads no single objects again")

    @optional
    def list_window(self, first: date, last: date) -> Iterable[Sequence[DatedObject]]:
        """Yield the objects dated `first` to `last`, both included, for a backfill.

        The ledger and the hints are ignored. Each item is what one request of the
        listing returned, possibly nothing, so the items count the requests. An object
        without a date is yielded too. A source with natural keys leaves out records
        without a version that is a time. `plan_replay` must be able to read the
        objects. A `TableSource` has this method.

        Args:
            first: First day of the window.
            last: Last day of the window.

        Raises:
            AccessDenied: Listing was refused.
            LocationError: There is no such place.
            NotSupported: The source has no dates under its settings.
            StorageUnavailable: Listing failed after retries.
        """
        raise NotSupported(
            f"source {self.name}: it cannot tell which of its records are of a period"
        )

    @optional
    def absence(
        self, name: str, ledger: RunLedger, last_run: datetime | None
    ) -> Absence | None:
        """Return the reason why the existing object `name` was not read.

        Returns `None` if there is no known reason.

        Args:
            name: Key of the object, relative to the source.
            ledger: Ledger that the next run would plan from.
            last_run: Time at which the last run began (aware, UTC), if known.
        """
        return None

    @optional
    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        """Describe what a run that started now would list, in sentences for people.

        The method must not list or read anything.

        Args:
            ledger: Ledger that the run would plan from, possibly without hints.
        """
        return ()
