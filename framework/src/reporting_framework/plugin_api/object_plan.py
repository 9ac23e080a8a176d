"""Plan of a source of objects: which of them are new, and their splits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from reporting_framework.plugin_api.records import Split

if TYPE_CHECKING:
    from reporting_framework.plugin_api.ledger import RunLedger

LOOKUP_OBJECTS = 131_072
"""Objects asked of a ledger at once: each question costs one pass over its keys."""


class SomeObject(Protocol):
    """What is known of an object that was listed."""

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
    """An object that was listed.

    Attributes:
        key: Key, relative to the source.
        size: Size in bytes, `None` if it is not known.
        version: What tells its content from another one under this key (an ETag or the
            like), `None` if it is not known.
    """

    key: str
    size: int | None = None
    version: str | None = None


O = TypeVar("O", bound=SomeObject)  # noqa: E741 - an object


class ObjectPlan:
    """Objects that are new, handed out in splits.

    Args:
        split_objects: Largest number of objects in a split.
        split_bytes: Bytes in a split, unless it holds one larger object.
        lookup_objects: Objects asked of the ledger at once.

    Attributes:
        waiting: Objects that were found to be new and not handed out.
        ended: Whether all that was listed was handed out.
        left: Of objects that were set here, those that are new and not handed out.
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

    def new_objects(
        self,
        pages: Iterable[Collection[O]],
        ledger: RunLedger,
        version_of: Callable[[str], str | None],
    ) -> Iterator[O]:
        """Yield the listed objects that the ledger does not have.

        While it has nothing there is no need to gather them first.

        Args:
            pages: What is listed, page by page.
            ledger: The ledger.
            version_of: Looks up the version of an object that was listed without one.
        """
        chunk: dict[str, O] = {}
        size = self._lookup_objects if ledger.rows else 1
        for page in pages:
            chunk.update((listed.key, listed) for listed in page)
            if len(chunk) >= size:
                yield from self._filter_new(chunk, ledger, version_of)
                chunk = {}
        yield from self._filter_new(chunk, ledger, version_of)

    def _filter_new(
        self,
        chunk: Mapping[str, O],
        ledger: RunLedger,
        version_of: Callable[[str], str | None],
    ) -> Iterator[O]:
        def version(key: str) -> str | None:
            known = chunk[key].version
            return known if known is not None else version_of(key)

        new = ledger.filter_new(list(chunk), version) if chunk else []
        if self.left:
            self.left -= chunk.keys() - set(new)
        self.waiting += len(new)
        for key in new:
            yield chunk[key]

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
        """Yield splits of these objects, whatever a ledger says of them."""
        keys = list(dict.fromkeys(objects))
        self.waiting = len(keys)
        return self.splits(map(ObjectInfo, keys))

    def _split(self, keys: list[str]) -> Split:
        self.waiting -= len(keys)
        self.left -= set(keys)
        return Split(keys[0], {"keys": keys})
