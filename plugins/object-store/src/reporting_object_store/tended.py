"""Care of a checkpoint by hand: what it keeps, copies of that, and checks of its surroundings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from reporting_framework.errors import CommitConflict, CorruptCheckpoint
from reporting_framework.records import Belonging, Finding
from reporting_framework.storage import Location, same_version
from reporting_object_store.belongings import Place, back_up, leftovers, remove
from reporting_object_store.checks import unwritten, written
from reporting_object_store.files import CheckpointFiles

AT_ONCE = 16
"""Files that are looked at at once: each is a round trip."""


class TendedFiles(CheckpointFiles):
    """What of the sink ``parquet-checkpoint`` is for `reporting state` and `reporting doctor`."""

    def belongings(self) -> Sequence[Belonging]:
        """See `Inspectable.belongings`."""
        return [*(place.belonging for place in self._kept()), *leftovers(dict.fromkeys(self._folders()))]

    def _kept(self) -> list[Place]:
        """Outputs, quarantine and bookmark, as far as they are there."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="reporting-look") as pool:
            outputs = [place for place in pool.map(self._look, self._keys()) if place is not None]
        return [*outputs, *itertools.starmap(Place, self._quarantine.belongings())]

    def _look(self, key: str) -> Place | None:
        """One output as it is; without its rows when it is not what it should be."""
        entry = self.store.head(key)
        if entry is None:
            return None
        found = Belonging(
            "output", self.store.location.join(key).uri, None, entry.size, entry.version, None, self.store.modified(key)
        )
        with suppress(CorruptCheckpoint):
            file = self._own(key)
            if same_version(file.version, entry.version):
                found = found._replace(rows=file.rows, newest=file.newest)
        return Place(self.store, key, found)

    def _folders(self) -> Iterator[Location]:
        """Folders in which runs write: those of the files that are there, and the quarantine's."""
        yield self.layout.folder.join(self.layout.template).parent
        yield from (self.layout.folder.join(key).parent for key in self._keys())
        yield self._place.parent

    def back_up(self, belongings: Sequence[Belonging], name: str) -> Sequence[str]:
        """See `Resettable.back_up`."""
        return back_up(self._places(belongings), self.store, name)

    def remove(self, belongings: Sequence[Belonging]) -> None:
        """See `Resettable.remove`. The outputs come last: what is left of a half removal is only read once more."""
        remove(self._places(belongings)[::-1])

    def _places(self, belongings: Sequence[Belonging]) -> list[Place]:
        """These belongings as they were looked at, each with its store and key."""
        kept = {place.belonging.uri: place for place in self._kept()}
        if gone := [each.uri for each in belongings if each.uri not in kept]:
            raise CommitConflict(f"{gone[0]}: it is not there any more; nothing was changed: try again")
        return [kept[each.uri]._replace(belonging=each) for each in belongings]

    def checks(self, *, write: bool) -> Mapping[str, Callable[[], Finding]]:
        """See `Checkable.checks`."""
        return {
            "checkpoint": self._check_files,
            "quarantine": self._check_quarantine,
            "conditional writes": partial(written, self.store) if write else unwritten,
        }

    def _check_files(self) -> Finding:
        files = [self._own(key) for key in self._keys()]
        rows, places = sum(file.rows for file in files), [file.uri for file in files if file.version is not None]
        more = f" and {len(places) - 1:,} more" if places[1:] else ""
        return Finding("ok", f"{places[0]}{more}: {rows:,} rows" if places else "there is none yet")

    def _check_quarantine(self) -> Finding:
        return Finding("ok", f"{self._quarantine.uri}: {self._quarantine.entries().height:,} records")
