"""The five roles, a report and what they are composed to, and queries on its table.

The docstrings are the reference for plugin authors.

Every plugin class has a `name`, a pydantic model `Settings` and a constructor that takes an instance of it. Objects are
made afresh for each run. Nothing here imports polars or pydantic at run time, so that a plugin module stays light.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from datetime import date, datetime

    import polars as pl
    from pydantic import BaseModel

    from reporting_framework.records import (
        Batch,
        Fragment,
        Outcome,
        Receipt,
        Rejection,
        Split,
        Validated,
    )
    from reporting_framework.result import QuarantineState, RunRecord

Shape = Literal["payloads", "frames"]
"""What a source yields and a validator takes: raw records (bytes) or polars frames."""

Listed = Literal["full", "window", "named"]
"""What a run listed: everything its source has, what can be new by its name, or only what its trigger named."""


@runtime_checkable
class Plugin(Protocol):
    """What all roles share.

    Attributes:
        name: What users select it by.
    """

    name: ClassVar[str]

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - a class
        """The pydantic model of its settings: a class attribute (read-only here, so that any model will do)."""
        ...

    def __init__(self, settings: Any) -> None: ...


class Ledger(Protocol):
    """The set of objects already accounted for, as far as one sink, or a run as a whole, knows."""

    @property
    def rows(self) -> int:
        """Number of rows that the ledger knows; 0 means that nothing has been taken yet."""
        ...

    @property
    def newest(self) -> datetime | None:
        """Newest timestamp accounted for (aware, UTC), or None."""
        ...

    def unseen(self, objects: Sequence[str]) -> list[str]:
        """Those of `objects` (keys relative to the source) that are not accounted for, in the order given."""
        ...


class RunLedger(Protocol):
    """What a source plans from: all sinks' ledgers and the quarantine's together."""

    @property
    def rows(self) -> int:
        """Number of rows in the sink that holds least; 0 means that nothing has been taken yet."""
        ...

    @property
    def newest(self) -> datetime | None:
        """Newest timestamp that every sink has, or None."""
        ...

    def newest_until(self, moment: datetime) -> datetime | None:
        """Return the newest timestamp up to `moment` that every sink has; `None` if one cannot tell or has none.

        One record from the future says nothing of what came in before it.
        """
        ...

    @property
    def bookmark(self) -> Mapping[str, Any]:
        """What the source left behind at the end of the last run (JSON types); it may be empty at any time."""
        ...

    def unseen(self, objects: Sequence[str], version_of: Callable[[str], str | None]) -> list[str]:
        """Those of `objects` that must be read, in the order given.

        An object is left out when every sink has it, or when it is in quarantine in the very version that
        `version_of` tells. `version_of` is called only for objects that are in quarantine.
        """
        ...


class Survey(NamedTuple):
    """What a source saw while it planned.

    Attributes:
        ignored: Objects whose name is not one the report reads.
        ignored_samples: A few of those names.
        waiting: Objects that were found to be new and not handed out in a split.
        exhausted: Whether there is certainly nothing else to hand out: a run that was stopped just then is complete.
            After a stop `plan` is not asked again: a source that wants to know looks ahead before it hands out a split.
        repeated: How often an object was listed that had been listed before; these count as duplicates.
        listing: What was listed: everything (``full``), what can be new (``window``), or nothing, as the objects were
            ``named``; `None`: the source lists nothing.
        listed_from: Of a window, its start (aware, UTC): objects of known kinds whose names are dated earlier were not
            looked for.
        full_scan_due: When a run will list everything (aware, UTC); in the past: the next one does. `None`: each one
            does, or it is not known.
        warnings: What is probably not what was meant, each as ``<subject>: <problem>; <fix>``.
        read_before: Places that the last run read, as the bookmark has them (URIs), for where no history is kept.
    """

    ignored: int = 0
    ignored_samples: Sequence[str] = ()
    waiting: int = 0
    exhausted: bool = False
    repeated: int = 0
    listing: Listed | None = None
    listed_from: datetime | None = None
    full_scan_due: datetime | None = None
    warnings: Sequence[str] = ()
    read_before: Sequence[str] = ()


class Source(Plugin, Protocol):
    """Where records come from.

    `plan` and `read` are deterministic: the same storage and ledger give the same splits, the same split gives the same
    batches. `read` may run in another thread, process or machine than `plan`, and more than once.

    A source whose records have keys of their own (rows of a table, records of an API) has the class attribute
    ``natural_keys = True`` too: an object that it plans is one record, whatever its key ends in. Otherwise an origin
    that ends in ``#`` and digits is a line of the object before it.

    Attributes:
        yields: Whether batches carry payloads or frames.
    """

    yields: ClassVar[Shape]

    @property
    def parallelism(self) -> int:
        """How many splits are worth having under way at once on one machine."""
        ...

    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """Splits that cover every record not in the ledger. Lazy where listing is slow: reading starts meanwhile.

        Raises:
            AccessDenied: Listing was refused.
            LocationError: There is no such bucket or folder.
            StorageUnavailable: Listing failed after retries.
        """
        ...

    def read(self, split: Split) -> Iterator[Batch]:
        """Batches of bounded size. An object that cannot be read is reported in `Batch.unread`, not raised."""
        ...

    def survey(self) -> Survey:
        """What was seen besides the splits; called after the last split was taken."""
        ...

    def bookmark(self, *, complete: bool, unread: Sequence[str], rows: int) -> Mapping[str, Any]:
        """What the next run's `plan` should find in `RunLedger.bookmark` (JSON types), where a sink has a quarantine.

        Args:
            complete: Whether all splits were handled.
            unread: Objects that could not be read.
            rows: Rows in the sink that holds least, after the commit.
        """
        ...

    def close(self) -> None:
        """Give up what is still under way. Called at the end of every run, however it ends; errors are logged."""
        ...


class Validator(Plugin, Protocol):
    """What tells good records from bad ones.

    Attributes:
        takes: Whether it takes payloads or frames; a mismatch with the source is refused before anything is read.
    """

    takes: ClassVar[Shape]

    @property
    def schema(self) -> pl.Schema:
        """Schema of the frames it gives; the last column is `ORIGIN_COLUMN`, a String."""
        ...

    def validate(self, batch: Batch) -> Validated:
        """Each record of the batch is either a row of the frame or a rejection. Never raises for a bad record."""
        ...


class Transform(Plugin, Protocol):
    """What shapes frames. It keeps the column `ORIGIN_COLUMN` as it is; the rows it drops are counted as filtered."""

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The new frame. Must also work on a frame with no rows: the sinks' schema is found that way."""
        ...


class Quarantine(Protocol):
    """Where what was read and not kept is set down, beside a sink's outputs, with the source's bookmark."""

    def versions(self, objects: Sequence[str]) -> Mapping[str, str | None]:
        """Those of `objects` that are in quarantine, each with the version it was read at.

        None: unknown, or begun and never settled; to be read again.
        """
        ...

    @property
    def bookmark(self) -> Mapping[str, Any]:
        """What the source left behind at the end of the last run."""
        ...

    def entries(self) -> pl.DataFrame:
        """All that is set down and was neither replayed nor dropped, in the order of `source_key`.

        Columns: `source_key`, `version`, `error_type`, `field`, `run_id` (String) and `rejected_at` (Datetime us UTC).
        """
        ...

    def begin(self, objects: Sequence[str]) -> None:
        """Set down, before any commit, that these objects of several records may be taken in part.

        Until `settle`, they count as not accounted for, so that a run which dies between two commits is made good
        by the next one.
        """
        ...

    def settle(
        self, reread: Iterable[str], rejections: Sequence[Rejection], *, run_id: str, at: datetime
    ) -> QuarantineState:
        """Replace what is set down for the objects `reread` by `rejections`, in one atomic write.

        Args:
            reread: Objects that this run has read again, or named to `begin`.
            rejections: What this run did not keep.
            run_id: The run.
            at: When the run began (aware, UTC).
        """
        ...

    def drop(self, entries: pl.DataFrame) -> int:
        """Set these entries aside for good, in one atomic write; how many that were.

        They are no longer among `entries` nor counted, and stay accounted for: `versions` names their objects at the
        version they were read at, so that an object comes back only when it changes. `settle` leaves a dropped record
        as it is when it was rejected again at that version.

        Args:
            entries: Rows of `entries`. One that is not there any more just as it was shown is left alone.
        """
        ...

    def dropped(self) -> pl.DataFrame:
        """What was dropped and is still accounted for, each with the reason that it had; as `entries` gives them."""
        ...

    def leave(self, bookmark: Mapping[str, Any]) -> None:
        """Keep the source's bookmark for the next run. It only saves work: losing it never loses a record."""
        ...


class Sink(Plugin, Protocol):
    """Where accepted rows go."""

    def prepare(self, schema: pl.Schema) -> None:
        """Called first, once, before anything is read.

        Args:
            schema: Schema of every frame that will be staged.

        Raises:
            SettingsError: The schema lacks a column that the settings name.
        """
        ...

    def ledger(self) -> Ledger | None:
        """What this sink already holds, or None when it keeps no account of that.

        What has a ledger is the account of what was taken. So a sink that has none is committed before those that have
        one, and may be given the same rows again: it must make nothing more of them.

        Raises:
            CorruptCheckpoint: What is there cannot be read, or cannot be brought to the schema without loss.
            AccessDenied: Reading was refused. Only a definite "not found" means "nothing yet".
            StorageUnavailable: Reading failed after retries.
        """
        ...

    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> Fragment:
        """Put the rows where `commit` will find them, without making them visible. Repeatable, thread-safe.

        Args:
            frame: At least one row, in the schema given to `prepare`.
            split: Where the rows come from.
            part: Number of the batch within the split, from 0.
        """
        ...

    def commit(self, fragments: Sequence[Fragment]) -> Receipt:
        """Make all fragments visible, atomically for each output; rows whose origin is already there are left out.

        Called once, also with no fragments. When it raises, nothing visible has changed but whole outputs.

        Raises:
            CommitConflict: Other runs kept winning the race.
        """
        ...

    def abort(self) -> None:
        """Remove all that was staged. Called at the end of every run, also after a commit; errors are logged."""
        ...

    def quarantine(self) -> Quarantine | None:
        """The quarantine beside this sink's outputs, or None when it has none."""
        ...


class Engine(Plugin, Protocol):
    """What runs the work on splits, here or on other machines."""

    def map(
        self,
        process: Callable[[Split], Outcome],
        splits: Iterable[Split],
        *,
        parallelism: int,
        stop: Callable[[], bool],
    ) -> Iterator[Outcome]:
        """Outcomes of `process` in any order, as they come.

        Args:
            process: Reads, validates, transforms and stages one split.
            splits: Taken one by one, no faster than they can be worked on.
            parallelism: How many splits the source says are worth having under way at once.
            stop: Asked before each split is taken; once it says True no more are taken.
        """
        ...


class Query(Plugin, Protocol):
    """A question to a report's table.

    The docstring of the class defines it so exactly that two people would write the same numbers: what is counted, in
    which units, what becomes of nulls and ties. Its first line is the summary. The fields of `Settings` are its options
    on the command line.

    Attributes:
        needs: The columns that it reads, whatever its settings. A table without one of them is refused.
    """

    needs: ClassVar[frozenset[str]]

    def ask(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The answer, in an order that does not depend on that of `rows`. Looks at no more than their schema.

        Raises:
            SettingsError: The settings name a column that is not there.
        """
        ...


class Material(NamedTuple):
    """What a page is made of.

    Attributes:
        report: Name of the report.
        month: First day of the month that the page is about.
        rows: The report's whole table, lazily.
        quarantine: What was read and not kept, see `Quarantine.entries`; None where there is no quarantine.
        runs: Records of its last runs, the newest first; none where no sink keeps a history.
        source: Where the records come from, as text for people; empty when unknown.
        table: Where the table is, likewise.
        at: When the page is made (aware, UTC): the only clock that it may go by.
    """

    report: str
    month: date
    rows: pl.LazyFrame
    quarantine: pl.DataFrame | None
    runs: Sequence[RunRecord]
    source: str
    table: str
    at: datetime


class HasHtml(Protocol):
    """Object that is HTML, such as a MarkupSafe `Markup` or an element of an HTML library."""

    def __html__(self) -> str:
        """Return the HTML."""
        ...


class Page(Plugin, Protocol):
    """A report to look at: one HTML page that needs nothing else, of one month of a report's table.

    Attributes:
        needs: The columns that it reads. A table without one of them is refused.
    """

    needs: ClassVar[frozenset[str]]

    def render(self, material: Material) -> str | HasHtml:
        """Return a whole HTML document. The same material gives the same text."""
        ...


class Use(NamedTuple):
    """A plugin by name, with its settings.

    Attributes:
        name: The name that the plugin was registered under.
        settings: What its `Settings` model is made from.
    """

    name: str
    settings: Mapping[str, Any] = {}


class Composition(NamedTuple):
    """A report as plain data: which plugins, with which settings."""

    source: Use
    validator: Use
    sinks: Sequence[Use]
    transforms: Sequence[Use] = ()
    engine: Use = Use("local")


class Report(Protocol):
    """A named composition with a settings model of its own.

    Beside `compose` it may have `answer` and `metrics`, see `Answering`, and the class variables ``table``, what its
    table is called in SQL beside the report's own name, and ``page``, the name of the page that ``reporting report``
    makes unless another is asked for. The model's fields are the options of the command line. Beside the fields it may
    say, as class variables:

    - ``environment``: published names of environment variables, by field;
    - ``alternatives``: fields that stand together in the place of one, as in
      ``{"source": ("source_bucket", "prefix")}``; the higher of two layers wins, both in one layer are refused.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - a class
        """The pydantic model of its settings: a class attribute (read-only here, so that any model will do)."""
        ...

    def compose(self, settings: Any) -> Composition:
        """The composition for these settings. Looks nothing up and opens nothing."""
        ...
