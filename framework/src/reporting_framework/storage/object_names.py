"""Names of objects that a source reads, and a listing of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from reporting_framework.storage.store import Entry, Store

MAX_SAMPLES = 5
"""Number of names of ignored objects that are kept."""


class ObjectNames:
    """Filter of the names that are read, with statistics of a listing.

    Args:
        matches: Function that returns whether a name matches: a key, or its last part.
        whole: Whether keys must match as a whole, and not their last part.

    Attributes:
        ignored: Number of objects that are not read.
        samples: First names of ignored objects.
        repeated: Number of times that an object was listed again.
        seen: Whether anything was listed.
    """

    def __init__(self, matches: Callable[[str], object], *, whole: bool) -> None:
        self._matches, self._whole = matches, whole
        self.ignored = self.repeated = 0
        self.samples: list[str] = []
        self.seen = False

    def keep(self, page: Sequence[Entry]) -> list[Entry]:
        """Return the entries of a page that are read, and count the others."""
        self.seen |= bool(page)
        if self._reads_all([entry.key for entry in page]):
            return list(page)
        kept = []
        for entry in page:
            if self.reads(entry.key):
                kept.append(entry)
            else:
                self.ignore(entry.key)
        return kept

    def _reads_all(self, keys: Sequence[str]) -> bool:
        """Return whether these are plain names that are all read, the common case."""
        text = "".join(keys)
        return (
            "/" not in text
            and text.isascii()
            and all(keys)
            and all(map(self._matches, keys))
        )

    def reads(self, key: str) -> bool:
        """Return whether the object is read.

        An object with an empty name is not, as consoles create such objects for
        folders.
        """
        name = key.rpartition("/")[2]
        matched = self._matches(key if self._whole else name)
        return bool(name and matched) and (key.isascii() or _is_text(key))

    def ignore(self, key: str) -> None:
        """Count an object that is not read."""
        self.ignored += 1
        if len(self.samples) < MAX_SAMPLES:
            self.samples.append(
                (key or "/").encode("utf-8", "backslashreplace").decode()
            )


def _is_text(key: str) -> bool:
    """Return whether the key is valid Unicode.

    The name of a file may be invalid, and no table can store such a name.
    """
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def list_all(
    store: Store, names: ObjectNames, pages: Iterable[list[Entry]]
) -> Iterator[list[Entry]]:
    """Yield what is read of a listing of everything, page by page."""
    last: str | None = None
    for page in pages:
        kept = names.keep(unique_entries(page, last, names))
        yield (
            [entry for entry in kept if _is_first(entry.key, store, names)]
            if store.shared
            else kept
        )
        last = page[-1].key if page else last


def _is_first(key: str, store: Store, names: ObjectNames) -> bool:
    """Return whether a key is the first readable key among the names of its file.

    Count the key as ignored if it is not.
    """
    first = next(
        (other for other in store.shared.get(key, ()) if names.reads(other)), key
    )
    if first != key:
        names.ignore(key)
    return first == key


def unique_entries(
    page: list[Entry], last: str | None, names: ObjectNames
) -> list[Entry]:
    """Return the entries without repetitions of the previous key, and count these.

    The entry before the first one has the key `last`.
    """
    keys = [last, *(entry.key for entry in page)]
    if len(set(keys)) == len(keys):
        return page
    again = [
        entry for entry, before in zip(page, keys, strict=False) if entry.key == before
    ]
    names.repeated += sum(names.reads(entry.key) for entry in again)
    return [
        entry for entry, before in zip(page, keys, strict=False) if entry.key != before
    ]
