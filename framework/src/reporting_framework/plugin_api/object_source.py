"""Base class of sources that read objects: files of a folder, a bucket, a server.

An object is taken once: it is new if its key is not in the ledger.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from reporting_framework.errors import (
    AccessDenied,
    ObjectMissing,
    PluginError,
    ReportingError,
)
from reporting_framework.plugin_api.ledger import RunLedger
from reporting_framework.plugin_api.object_plan import ObjectInfo, ObjectPlan
from reporting_framework.plugin_api.records import (
    Batch,
    ReadFailure,
    Rejection,
    Split,
    line_source_key,
    single_source_key,
)
from reporting_framework.plugin_api.source import PlanStats, Source
from reporting_framework.plugin_api.source_keys import (
    joined_frames,
    numbered_keys,
    repeated,
)

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.source_keys import Keys

PAGE = 1_000
"""Objects of a listing that are collected before they are looked up in the ledger."""


class ObjectRecords(NamedTuple):
    """Records of one object.

    Attributes:
        payloads: The records, as bytes; empty if there is a frame.
        version: Version of the object (an ETag, a time of modification), the same as
            `ObjectInfo.version`.
        multi_record: Whether objects of this kind may hold several records. If so,
            source keys have a line number, even for a single record. If not, there is
            one record, whose source key is the key of the object.
        frame: The records as a polars frame, if the source declares ``output_format =
            "frames"``. All objects have the same columns.
    """

    payloads: Sequence[bytes] = ()
    version: str | None = None
    multi_record: bool = False
    frame: pl.DataFrame | None = None


class ObjectSource(Source):
    """Base class of sources of objects: implement `list_objects` and `read_object`.

    Attributes:
        split_objects: Largest number of objects in a split. A run can stop between
            splits.
        split_bytes: Largest size of a split in bytes, unless it holds one larger
            object.
        batch_bytes: Size of a batch in bytes of records; of frames, as polars estimates
            it. A batch ends with the object that reaches this size.
    """

    split_objects: ClassVar[int] = 500
    split_bytes: ClassVar[int] = 64 * 1024 * 1024
    batch_bytes: ClassVar[int] = 16 * 1024 * 1024

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self._plan = ObjectPlan(self.split_objects, self.split_bytes)
        self._replayed = False

    @abstractmethod
    def list_objects(self) -> Iterable[ObjectInfo]:
        """Yield all objects that the report should read.

        Raises:
            AccessDenied: Listing was refused.
            LocationError: There is no such place.
            StorageUnavailable: Listing failed after retries.
        """

    @abstractmethod
    def read_object(self, key: str) -> ObjectRecords | Rejection:
        """Return the records of an object, or the rejection of the whole object.

        Called from several threads at once.

        Raises:
            ObjectMissing: The object no longer exists. After this error, as after the
                others, the object counts as unread, and a later run retries it.
            AccessDenied: Reading was refused.
            StorageUnavailable: Reading failed after retries.
        """

    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """Return splits of the objects that the ledger does not have."""
        self._plan = ObjectPlan(self.split_objects, self.split_bytes)
        pages, plan = self._pages(), self._plan
        return plan.splits(plan.new_objects(pages, ledger, self.object_version))

    def plan_replay(self, objects: Sequence[str]) -> Iterable[Split]:
        """Return splits of these objects."""
        self._plan = ObjectPlan(self.split_objects, self.split_bytes)
        self._replayed = True
        return self._plan.replay(objects)

    def object_version(self, name: str) -> str | None:
        """Return the present version of the object, from a listing of all objects.

        Override the method if a single object can be looked up.
        """
        named = (info for info in self.list_objects() if info.key == name)
        return next((info.version for info in named), None)

    def remaining_splits(self) -> int:
        """Return the number of splits for the objects that are known to be new."""
        return self._plan.remaining_splits()

    def plan_stats(self) -> PlanStats:
        """Return the statistics of a full listing, or of a replay."""
        return PlanStats(
            waiting=self._plan.waiting,
            exhausted=self._plan.ended,
            listing="named" if self._replayed else "full",
        )

    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        """Return one sentence: each run lists everything."""
        return ["Lists all objects, and reads those that were not taken yet."]

    def read(self, split: Split) -> Iterator[Batch]:
        """Yield batches, each of whole objects."""
        parts: list[Batch] = []
        size = 0
        for key in split.data["keys"]:
            part = self._read(key)
            parts.append(part)
            size += _size(part)
            if size >= self.batch_bytes:
                yield _joined(parts)
                parts, size = [], 0
        yield _joined(parts)

    def _pages(self) -> Iterator[list[ObjectInfo]]:
        page: list[ObjectInfo] = []
        for listed in self.list_objects():
            page.append(listed)
            if len(page) >= PAGE:
                yield page
                page = []
        yield page

    def _read(self, key: str) -> Batch:
        """Return the records of one object, its rejection, or the reading failure."""
        try:
            records = self.read_object(key)
        except ReportingError as error:
            return Batch(unread=[ReadFailure(key, _reason(error))])
        if isinstance(records, Rejection):
            return Batch(rejected=[records])
        frame = records.frame
        number = len(records.payloads) if frame is None else frame.height
        keys: Keys
        if records.multi_record:
            keys = (
                numbered_keys(key, number)
                if frame is not None
                else [line_source_key(key, line) for line in range(1, number + 1)]
            )
        elif number == 1:
            keys = [single_source_key(key)]
        else:
            raise PluginError(
                f"source {self.name}: an object has {number} records; set"
                " ObjectRecords.multi_record if an object may have more or fewer than"
                " one"
            )
        if frame is not None:
            return Batch(keys, repeated(records.version, number), None, frame)
        return Batch(keys, [records.version] * number, records.payloads)


def _reason(error: ReportingError) -> str:
    if isinstance(error, ObjectMissing):
        return "missing"
    return "denied" if isinstance(error, AccessDenied) else "unavailable"


def _size(part: Batch) -> int:
    """Return the bytes of the records of a batch."""
    if part.frame is not None:
        return int(part.frame.estimated_size())
    return sum(map(len, part.payloads or ()))


def _joined(parts: Sequence[Batch]) -> Batch:
    """Return several batches as one."""
    if any(part.frame is not None for part in parts):
        return joined_frames(parts)
    return Batch(
        [key for part in parts for key in part.source_keys],
        [version for part in parts for version in part.versions],
        [payload for part in parts for payload in part.payloads or ()],
        rejected=[rejection for part in parts for rejection in part.rejected],
        unread=[failure for part in parts for failure in part.unread],
    )
