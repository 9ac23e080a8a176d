"""Plan of a source of objects: the new objects, in splits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from reporting_framework.plugin_api.records import Split

if TYPE_CHECKING:
    from reporting_framework.plugin_api.ledger import RunLedger

LOOKUP_OBJECTS = 131_072
"""Objects looked up in a ledger at once: each lookup is one pass over its keys."""


class SomeObject(Protocol):
    """Object that was listed, with any further attributes."""

    @property
    def key(self) -> str:
        """Key, relative to the source."""
        ...

    @property
    def size(self) -> int | None:
        """Size in bytes, `None` if it is not known."""
        ...

    @property
    def version(self) -> str | None:
        """Version, `None` if it is not known."""
        ...


class ObjectInfo(NamedTuple):
    """Object that was listed.

    Attributes:
        key: Key, relative to the source.
        size: Size in bytes, `None` if it is not known.
        version: Version, which differs if the content of the key changes (an ETag or
            the like); `None` if it is not known.
    """

    key: str
    size: int | None = None
    version: str | None = None


O = TypeVar("O", bound=SomeObject)  # noqa: E741 - an object


class ObjectPlan:
    """Plan that returns new objects in splits.

    Args:
        split_objects: Largest number of objects in a split.
        split_bytes: Largest size of a split in bytes, unless it holds one larger
            object.
        lookup_objects: Number of objects looked up in the ledger at once.

    Attributes:
        waiting: Number of new objects that were not yet returned in a split.
        ended: Whether all objects of the listing were returned.
        left: Keys to track, set by the caller: old objects and objects that were
            returned in a split are removed.
    """

    def __init__(
        self,
        split_objects: int,
        split_bytes: int,
        lookup_objects: int = LOOKUP_OBJECTS,
    ) -> None:
        self._split_objects, self._split_bytes = split_objects, split_bytes
        self._lookup_objects = lookup_objects
        self.waiting = 0
        self.ended = False
        self.left: set[str] = set()

    def remaining_splits(self, listed: int = 0) -> int:
        """Estimate the number of splits that were not returned yet.

        Args:
            listed: Number of objects that are listed and were not looked up yet.
        """
        return -(-(self.waiting + listed) // self._split_objects)

    def new_objects(
        self,
        pages: Iterable[Collection[O]],
        ledger: RunLedger,
        version_of: Callable[[str], str | None],
    ) -> Iterator[O]:
        """Yield the listed objects that the ledger does not have.

        With an empty ledger, objects are not collected before they are looked up.

        Args:
            pages: Listed objects, page by page.
            ledger: The ledger.
            version_of: Function that looks up the version of an object that was listed
                without a version.
        """
        chunk: dict[str, O] = {}
        size = self._lookup_objects if ledger.rows else 1
        for page in pages:
            chunk.update({listed.key: listed for listed in page})
            if len(chunk) >= size:
                yield from self._filter_new(chunk, ledger, version_of)
                chunk = {}
        yield from self._filter_new(chunk, ledger, version_of)

    def _filter_new(
        self,
        chunk: Mapping[str, O],
        ledger: RunLedger,
        version_of: Callable[[str], str | None],
    ) -> Iterable[O]:
        """Return the objects of a chunk that the ledger does not have."""

        def version(key: str) -> str | None:
            known = chunk[key].version
            return known if known is not None else version_of(key)

        new = ledger.filter_new(list(chunk), version) if chunk else []
        if self.left:
            self.left -= chunk.keys() - set(new)
        self.waiting += len(new)
        return map(chunk.__getitem__, new)

    def splits(self, objects: Iterable[SomeObject]) -> Iterator[Split]:
        """Yield splits of bounded number and size, in the order given.

        The data of a split is its ``keys``.
        """
        keys: list[str] = []
        size = 0
        for item in objects:
            more = item.size or 0
            full = len(keys) >= self._split_objects or size + more > self._split_bytes
            if keys and full:
                yield self._split(keys)
                keys, size = [], 0
            keys.append(item.key)
            size += more
        self.ended = True
        if keys:
            yield self._split(keys)

    def replay(self, objects: Sequence[str]) -> Iterator[Split]:
        """Yield splits of these objects, regardless of any ledger."""
        keys = list(dict.fromkeys(objects))
        self.waiting = len(keys)
        return self.splits(map(ObjectInfo, keys))

    def _split(self, keys: list[str]) -> Split:
        self.waiting -= len(keys)
        self.left -= set(keys)
        return Split(keys[0], {"keys": keys})


def objects_of_split(split: Split) -> list[str]:
    """Return the objects of a split of an `ObjectPlan`; of others, the id alone."""
    keys = split.data.get("keys")
    return list(keys) if isinstance(keys, list) else [split.id]
