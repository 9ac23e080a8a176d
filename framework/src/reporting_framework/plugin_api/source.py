"""The base class of sources."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
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
    from datetime import datetime

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
    )


ListingKind = Literal["full", "window", "named"]
"""What a run listed: everything its source has, what can be new by its name, or only
what its trigger named.
"""


class PlanStats(NamedTuple):
    """What a source saw while it planned.

    Attributes:
        ignored: Objects whose name is not one the report reads.
        ignored_samples: A few of those names.
        waiting: Objects that were found to be new and not handed out in a split.
        exhausted: Whether there is certainly nothing else to hand out: a run that was
            stopped just then is complete. After a stop `plan` is not asked again: a
            source that wants to know looks ahead before it hands out a split.
        repeated: How often an object was listed that had been listed before; these
            count as duplicates.
        listing: What was listed: everything (``full``), what can be new (``window``),
            or nothing, as the objects were ``named``; `None`: the source lists nothing.
        listed_from: Of a window, its start (aware, UTC): objects of known kinds whose
            names are dated earlier were not looked for.
        full_scan_due: When a full scan is due (aware, UTC); in the past: the next run
            is one. `None`: each run is one, or it is not known.
        warnings: What is probably not what was meant, each as ``<subject>: <problem>;
            <fix>``.
        read_before: Places that the last run read, as the hints have them (URIs), for
            where no history is kept.
        snapshot: Whether the splits cover all records that the source has now: with
            ``upsert``, other rows of the table were deleted at the source.
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


class Absence(NamedTuple):
    """Reason why an object that is there is in no table.

    Attributes:
        reason: ``not matched``: the source does not read such names. ``outside the
            source``: it is elsewhere. ``before the window``: it is dated before what
            runs list. ``without a date``: its name says no date by which runs would
            find it before a full scan. ``newer than the last run``: no run can
            have seen it.
        text: The same for people, with what to do.
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
    """Base class of sources: where records come from.

    A source needs `plan` and `read`; all else has a default. Both are deterministic:
    the same storage and ledger give the same splits, the same split gives the same
    batches. `read` may run in another thread, process or machine than `plan`, and more
    than once.

    Attributes:
        output_format: Whether batches carry payloads or frames.
        natural_keys: Whether records have keys of their own (rows of a table, records
            of an API): an object that it plans is then one record, whatever its key
            ends in. Otherwise a source key that ends in ``#`` and digits is a line of
            the object before it.
        versions_ordered: Whether of two versions of a source key the one that comes
            later as a text is newer; ``upsert`` needs it.
        triggers: Kinds of triggers whose work it takes (`Trigger.kind`): notifications,
            a queue, a stream. What such a trigger named is delivered again if it is not
            taken, so a `TransientError` of a validator, a transform or a sink's `stage`
            leaves the records of that batch unread, and the run goes on.
        stream: Which of its `streams` it reads; `None` if it has none.
    """

    output_format: ClassVar[Shape] = "payloads"
    natural_keys: ClassVar[bool] = False
    versions_ordered: ClassVar[bool] = False
    triggers: ClassVar[frozenset[str]] = frozenset()
    stream: str | None = None

    @property
    def parallelism(self) -> int:
        """How many splits are worth having under way at once on one machine."""
        return 1

    @property
    def primary_key(self) -> Sequence[str]:
        """Columns that are the key of its records; empty if there are none."""
        return ()

    @optional
    def schema(self) -> pl.Schema | None:
        """Return the columns of its frames, `None` if they are not known.

        Called before `plan`; it may look them up.

        Raises:
            AccessDenied: Looking was refused.
            StorageUnavailable: Looking failed after retries.
        """
        return None

    @abstractmethod
    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """Return splits that cover every record that is not in the ledger.

        It should be lazy if listing is slow: reading starts meanwhile.

        Raises:
            AccessDenied: Listing was refused.
            LocationError: There is no such bucket or folder.
            StorageUnavailable: Listing failed after retries.
        """

    @abstractmethod
    def read(self, split: Split) -> Iterable[Batch]:
        """Return batches of bounded size.

        An object that cannot be read is reported in `Batch.unread`, not raised.
        """

    @optional
    def plan_stats(self) -> PlanStats:
        """Return what was seen besides the splits.

        Called after the last split was taken: before the commit, unless the write mode
        is ``append``.
        """
        return PlanStats()

    @optional
    def next_state(self, done: Sequence[FinishedSplit]) -> Mapping[str, Any] | None:
        """Return the state (JSON types) that the next run's `plan` should start from.

        It is committed with the rows, and found in `RunLedger.state`. All records
        before it must be covered by the state that `plan` found and by these splits.

        Args:
            done: Splits that were read, in any order, each as a whole or up to its
                position (`FinishedSplit.whole`). Others may have been planned and not
                read.

        Returns:
            The state, or `None` if it keeps the one it has.
        """
        return None

    @optional
    def next_hints(
        self, *, complete: bool, unread: Sequence[str], rows: int
    ) -> Mapping[str, Any]:
        """Return what the next run's `plan` should find in `RunLedger.hints`.

        It is of JSON types, and is found there if a sink has a quarantine.

        Args:
            complete: Whether all splits were handled.
            unread: Objects that could not be read.
            rows: Rows in the sink that holds least, after the commit.
        """
        return {}

    # -- streams -----------------------------------------------------------------------

    @optional
    def streams(self) -> Sequence[str]:
        """Return the names of its streams, such as tables or resources of an API.

        A run reads each stream with a source object of its own, in this order, and each
        stream has its own columns, key, state and table. Names begin with a letter,
        digit or underscore; dots and hyphens may follow.

        Raises:
            AccessDenied: Looking was refused.
            StorageUnavailable: Looking failed after retries.
        """
        return ()

    @property
    def parallel_streams(self) -> int:
        """How many streams are read at once; 1: one after another, in their order."""
        return 1

    def select_stream(self, name: str) -> None:
        """Take the stream to read; called before anything but `streams`."""
        self.stream = name

    # -- work that a trigger names -----------------------------------------------------

    @optional
    def accept_trigger(self, trigger: Trigger) -> None:
        """Take the trigger that names the work.

        Called before `plan`, which then gives the work that the trigger names and no
        other.

        Raises:
            TriggerError: The trigger is not what it seems to be.
        """
        raise NotSupported(f"source {self.name}: it takes no trigger that names work")

    @optional
    def build_response(
        self, unread: Sequence[ReadFailure], rejections: Sequence[Rejection]
    ) -> TriggerResponse:
        """Return what the trigger expects back; called after the commit.

        Args:
            unread: Objects or records that could not be taken: they must be delivered
                again.
            rejections: Records that were read and are not kept, filtered ones among
                them. If no sink has a quarantine, the source must set them aside.
        """
        raise NotSupported(f"source {self.name}: it answers no trigger")

    # -- for the commands --------------------------------------------------------------

    @optional
    def source_uris(self) -> Sequence[str]:
        """Return the places that it reads under its settings, without credentials.

        It looks nothing up.
        """
        return ()

    @optional
    def object_uri(self, name: str) -> str | None:
        """Return the URI of the object that is called `name` in source keys.

        It looks nothing up; `None` if objects have none.
        """
        return None

    @optional
    def object_version(self, name: str) -> str | None:
        """Return the version that the object has now, as batches have it.

        `None` when it is definitely not there.

        Raises:
            AccessDenied: Looking was refused.
            NotSupported: The source has no versions.
            StorageUnavailable: Looking failed after retries.
        """
        raise NotSupported(f"source {self.name}: it looks up no single objects")

    @optional
    def plan_replay(self, objects: Sequence[str]) -> Iterable[Split]:
        """Return splits that cover these objects and no others, instead of `plan`.

        The ledger does not matter. An object that is gone is reported by `read` in
        `Batch.unread`.

        Raises:
            NotSupported: The source cannot read single objects again.
        """
        raise NotSupported(f"source {self.name}: it reads no single objects again")

    @optional
    def absence(
        self, name: str, ledger: RunLedger, last_run: datetime | None
    ) -> Absence | None:
        """Return why the object `name`, which is there, was not read.

        `None` if nothing speaks against it.

        Args:
            name: Its key, relative to the source.
            ledger: What the next run would plan from.
            last_run: When the last run began (aware, UTC), if that is known.
        """
        return None

    @optional
    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        """Describe what a run that began now would list, in sentences for people.

        It lists and reads nothing.

        Args:
            ledger: What that run would plan from; any hints will do.
        """
        return ()
