"""Work folder of a distributed run: its plan, and the results of its splits.

::

    FOLDER/
    ├── plan.json      report, number and digest of the splits, statistics of the plan
    ├── splits.jsonl   the splits, one a line
    ├── items.jsonl    number and bytes of each line, for whoever starts the readers
    └── results/N      result of the split with the number N, see `part_archive`
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.errors import CorruptCheckpoint, ObjectMissing, PluginError
from reporting_framework.execution.part_archive import pack_parts, unpack_parts
from reporting_framework.plugin_api.records import Split
from reporting_framework.plugin_api.source import PlanStats
from reporting_framework.storage import Location, open_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reporting_framework.execution.split_reader import PreparedPart

PLAN, SPLITS, ITEMS = "plan.json", "splits.jsonl", "items.jsonl"

MAX_DELETES = 16
"""Number of objects that are deleted at once."""


class Item(NamedTuple):
    """Split of a plan, as a reader gets it: the same few bytes for any split.

    Attributes:
        number: Number of the split, from 0.
        start: First byte of its line.
        size: Number of bytes of its line.
    """

    number: int
    start: int
    size: int


class PlannedWork(NamedTuple):
    """Plan of a distributed run.

    Attributes:
        report: Name of the report.
        splits: The splits, in their order.
        stats: Statistics of the source's plan.
        complete: Whether the splits cover everything that is new.
        settings: Digest of the settings of source and sinks.
        rows: Number of rows that each table had at least.
    """

    report: str
    splits: Sequence[Split]
    stats: PlanStats
    complete: bool
    settings: str
    rows: int


class WorkFolder:
    """Work folder of one distributed run.

    Args:
        location: The folder, which is of this run alone.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self._store = open_store(location)

    @property
    def items(self) -> Location:
        """Location of the items, one a line (JSON)."""
        return self.location.join(ITEMS)

    def write_plan(self, work: PlannedWork) -> None:
        """Write a plan; `plan.json` comes last, so a plan that can be read is whole.

        Raises:
            PluginError: The data of a split is not JSON.
        """
        lines = [_line(work, split) for split in work.splits]
        items, start = [], 0
        for number, line in enumerate(lines):
            item = Item(number, start, len(line))
            items.append(json.dumps(item._asdict()).encode() + b"\n")
            start += len(line)
        facts = {
            "report": work.report,
            "splits": len(lines),
            "sha256": hashlib.sha256(b"".join(lines)).hexdigest(),
            "complete": work.complete,
            "settings": work.settings,
            "rows": work.rows,
            "stats": _to_json(work.stats),
        }
        self._put(SPLITS, b"".join(lines))
        self._put(ITEMS, b"".join(items))
        self._put(PLAN, json.dumps(facts).encode())

    def read_plan(self) -> PlannedWork:
        """Return the plan.

        Raises:
            CorruptCheckpoint: It is damaged.
            ObjectMissing: There is no plan, or it was removed.
        """
        facts = self._facts()
        data = self._store.get(SPLITS).data
        try:
            whole = hashlib.sha256(data).hexdigest() == facts["sha256"]
            splits = [Split(*json.loads(line)[:2]) for line in data.splitlines()]
            stats = _from_json(facts["stats"])
            report, complete = str(facts["report"]), bool(facts["complete"])
            settings, rows = str(facts["settings"]), int(facts["rows"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged() from error
        if not whole:
            raise self._damaged()
        return PlannedWork(report, splits, stats, complete, settings, rows)

    def read_split(self, item: Item) -> tuple[Split, str]:
        """Return one split of the plan, and `PlannedWork.settings`.

        Raises:
            CorruptCheckpoint: The plan has no such split.
            ObjectMissing: There is no plan, or it was removed.
        """
        pinned = self._store.pin(SPLITS, held=False)
        if pinned is None:
            raise ObjectMissing(f"{self.location.join(SPLITS).uri}: there is no plan")
        try:
            line = pinned.read(item.start, item.size)
        finally:
            pinned.close()
        try:
            identity, data, settings = json.loads(line)
            return Split(str(identity), dict(data)), str(settings)
        except (TypeError, ValueError) as error:
            raise self._damaged() from error

    def write_result(
        self, number: int, split: Split, parts: Iterable[PreparedPart]
    ) -> int:
        """Write the result of a split in one step, and return its number of records.

        A split that is read again replaces its result.
        """
        data, records = pack_parts(split, parts)
        self._put(_result_key(number), data)
        return records

    def read_result(self, number: int, split: Split) -> Iterator[PreparedPart] | None:
        """Return the parts of a split, `None` if it has no result.

        Raises:
            CorruptCheckpoint: The result is damaged.
        """
        key = _result_key(number)
        try:
            data = self._store.get(key).data
        except ObjectMissing:
            return None
        return unpack_parts(data, split, self.location.join(key).uri)

    def remove(self) -> None:
        """Remove the plan and the results, and nothing else.

        A removal that was interrupted can be repeated, since `plan.json` goes last.
        """
        try:
            splits = int(self._facts()["splits"])
        except ObjectMissing:
            return
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged() from error
        keys = [*map(_result_key, range(splits)), ITEMS, SPLITS]
        with ThreadPoolExecutor(MAX_DELETES, "reporting-remove") as pool:
            for _ in pool.map(self._delete, keys):
                pass
        self._delete(PLAN)

    def _facts(self) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = dict(json.loads(self._store.get(PLAN).data))
        except (TypeError, ValueError) as error:
            raise self._damaged() from error
        return facts

    def _put(self, key: str, data: bytes) -> None:
        kind = "application/octet-stream"
        self._store.replace(key, data, content_type=kind, metadata={})

    def _delete(self, key: str) -> None:
        self._store.delete(key, if_version=None)

    def _damaged(self) -> CorruptCheckpoint:
        return CorruptCheckpoint(
            f"{self.location.uri}: its plan is damaged; start the execution again"
        )


def _result_key(number: int) -> str:
    return f"results/{number:06d}"


def _line(work: PlannedWork, split: Split) -> bytes:
    """Return a split as a line.

    Raises:
        PluginError: The source has put other types than those of JSON into it.
    """
    try:
        return json.dumps([*split, work.settings]).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"report {work.report}: the data of a split is not JSON; the source must"
            " put only JSON types into it"
        ) from error


def _to_json(stats: PlanStats) -> dict[str, Any]:
    """Return statistics as JSON types; a snapshot is of the time of the plan alone."""
    facts = stats._replace(snapshot=False, snapshot_streams=())._asdict()
    for name in ("listed_from", "full_scan_due"):
        if (moment := facts[name]) is not None:
            facts[name] = moment.isoformat()
    return {name: list(v) if isinstance(v, tuple) else v for name, v in facts.items()}


def _from_json(facts: dict[str, Any]) -> PlanStats:
    moments = {
        name: None if (text := facts[name]) is None else datetime.fromisoformat(text)
        for name in ("listed_from", "full_scan_due")
    }
    return PlanStats(**{**facts, **moments})
