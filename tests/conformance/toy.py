"""Toy plugins that keep every promise; `test_mutants` breaks them, one promise at a time. Nothing is imported from here."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from html import escape
from itertools import islice
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict

from reporting_framework import (
    DELETED_AT,
    ROWS_ONLY,
    SOURCE_KEY,
    VERSION,
    Batch,
    CommitConflict,
    CommitResult,
    DatedObject,
    Engine,
    Page,
    PlanStats,
    Query,
    ReadFailure,
    RecordSource,
    Rejection,
    SettingsError,
    Sink,
    Source,
    Split,
    StagedPart,
    StorageUnavailable,
    TableInfo,
    TableSettings,
    TableSource,
    Transform,
    UpsertCounts,
    Validated,
    Validator,
    hookimpl,
)
from reporting_framework.plugin_api.records import StoredArtifact
from reporting_framework.plugin_api.result import Output

SCHEMA = pl.Schema({"number": pl.Int64(), "note": pl.String(), SOURCE_KEY: pl.String()})


class ToySettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    folder: Path = Path()


# -- I/O: what the tests break ------------------------------------------------------------------------------------------


def read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write(path: Path, data: bytes) -> None:
    scratch = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
    scratch.write_bytes(data)
    os.replace(scratch, path)


# -- the source -----------------------------------------------------------------------------------------------------------


class ToySource(Source):
    name = "toy-source"
    Settings = ToySettings
    parallelism = 2

    def plan(self, ledger):
        found = sorted(path.name for path in self.settings.folder.glob("*.json*"))
        names = iter(ledger.filter_new(found, lambda name: None))
        while keys := list(islice(names, 2)):
            yield Split(keys[0], {"keys": keys})

    def read(self, split):
        batch = {"source_keys": [], "payloads": [], "unread": []}
        for key in split.data["keys"]:
            try:
                payload = read(self.settings.folder / key)
            except StorageUnavailable:
                batch["unread"].append(ReadFailure(key, "unavailable"))
                continue
            if payload is None:
                batch["unread"].append(ReadFailure(key, "missing"))
            if payload is not None:
                batch["source_keys"].append(key)
                batch["payloads"].append(payload)
        yield Batch(versions=["1"] * len(batch["source_keys"]), **batch)

    def plan_stats(self):
        return PlanStats()

    def plan_replay(self, objects):
        for key in objects:
            yield Split(key, {"keys": [key]})

    def list_window(self, first, last):
        found = sorted(path.name for path in self.settings.folder.glob("*.json*"))
        dated = [
            DatedObject(key, None, date.fromordinal(int(key[:6]))) for key in found
        ]
        yield [item for item in dated if first <= item.day <= last]

    def next_hints(self, *, complete, unread, rows):
        return {"rows": rows}


class ToyTableSettings(TableSettings):
    folder: Path = Path()
    lookback: int | timedelta | None = 60


class ToyTable(TableSource):
    name = "toy-table"
    Settings = ToyTableSettings

    def table_info(self):
        schema = pl.Schema({"id": pl.Int64(), "note": pl.String(), "at": pl.Int64()})
        return TableInfo("orders", ["id"], schema, cursor="at")

    def fetch(self, query):
        text, values = query.select("orders")
        with closing(sqlite3.connect(self.settings.folder / "orders.db")) as database:
            rows = database.execute(text, values).fetchall()
        schema = {name: self.info.schema[name] for name in query.columns}
        return pl.DataFrame(rows, schema, orient="row")

    def read(self, split):
        yield from super().read(split)


class ToyTexts(ToyTable):
    name = "toy-texts"

    def table_info(self):
        info = super().table_info()
        return info._replace(schema=pl.Schema({**info.schema, "at": pl.String()}))

    def list_window(self, first, last):
        for page in super().list_window(first, last):
            yield list(page)


def fetch(folder, offset):
    """The API of `ToyFeed`: two records of a log, from this one on."""
    records = json.loads(read(folder / "feed.json") or "[]")
    return records[offset : offset + 2]


class ToyFeedSettings(ToySettings):
    full_scan: bool = False


DELETES = {
    SOURCE_KEY: pl.String(),
    VERSION: pl.String(),
    DELETED_AT: pl.Datetime("us", "UTC"),
}


def deletes_of(table, rows):
    deletes = [
        (f"{table}/{row['id']}", f"{row['at']:06}", datetime.now(UTC))
        for row in rows
        if "deleted" in row
    ]
    return pl.DataFrame(deletes, DELETES, orient="row")


class ToyFeed(RecordSource):
    name = "toy-feed"
    Settings = ToyFeedSettings
    versions_ordered = True

    def pages(self, after):
        offset = after["offset"] if after else 0
        while rows := self.page(offset):
            offset += len(rows)
            kept = [row for row in rows if "deleted" not in row]
            yield Batch(
                [f"orders/{row['id']}" for row in kept],
                [f"{row['at']:06}" for row in kept],
                [json.dumps(row).encode() for row in kept],
                deletes=deletes_of("orders", rows),
                position={"offset": offset},
            )

    def page(self, offset):
        return fetch(self.settings.folder, offset)


class ToySharedFeed(ToyFeed):
    name = "toy-shared-feed"
    reads_streams_together = True

    def streams(self):
        return ["orders", "customers"]

    def pages(self, after):
        offset = after["offset"] if after else 0
        while rows := self.page(offset):
            offset += len(rows)
            for stream in self.streams():
                own = [row for row in rows if row["stream"] == stream]
                kept = [row for row in own if "deleted" not in row]
                yield Batch(
                    [f"{stream}/{row['id']}" for row in kept],
                    [f"{row['at']:06}" for row in kept],
                    [json.dumps(row).encode() for row in kept],
                    deletes=deletes_of(stream, own),
                    stream=stream,
                )
            yield Batch(position={"offset": offset})


# -- the validator --------------------------------------------------------------------------------------------------------


class ToyValidator(Validator):
    name = "toy-validator"
    Settings = ToySettings
    schema = SCHEMA

    def validate(self, batch):
        rows, rejections, ignored = [], [], {}
        for source_key, version, payload in zip(
            batch.source_keys, batch.versions, batch.payloads, strict=True
        ):
            try:
                record = json.loads(payload)
                number, note = record["number"], record["note"]
                note.encode()
            except (ValueError, TypeError, RecursionError, AttributeError):
                rejections.append(Rejection(source_key, version, "json_invalid"))
                continue
            except KeyError as error:
                rejections.append(
                    Rejection(source_key, version, "missing", error.args[0])
                )
                continue
            if type(number) is not int or abs(number) >= 2**63:
                rejections.append(Rejection(source_key, version, "int_type", "number"))
                continue
            rows.append((number, note, source_key))
        return Validated(
            pl.DataFrame(rows, schema=SCHEMA, orient="row"), rejections, ignored
        )


# -- the transform --------------------------------------------------------------------------------------------------------


class ToyTransform(Transform):
    name = "toy-transform"
    Settings = ToySettings
    keeps_values = True

    def apply(self, frame):
        kept = frame.filter(pl.col("number") >= 0)
        doubled = kept.with_columns(double=pl.col("number") * 2)
        return doubled.select(pl.exclude(SOURCE_KEY), SOURCE_KEY)


# -- the sink -------------------------------------------------------------------------------------------------------------


class ToyLedger:
    newest = None

    def __init__(self, rows):
        self._known = set(rows)

    @property
    def rows(self):
        return len(self._known)

    def filter_new(self, objects):
        return [each for each in objects if each not in self._known]


class ToySink(Sink):
    name = "toy-sink"
    Settings = ToySettings

    def __init__(self, settings):
        self.file = settings.folder / "rows.json"

    def open(self, schema, mode="append", primary_key=()):
        self.schema = schema

    def _rows(self):
        return json.loads(read(self.file) or b"{}")

    def ledger(self):
        self.planned = self._rows()
        return ToyLedger(self.planned)

    def stage(self, frame, split, part):
        staged = {row[SOURCE_KEY]: row for row in frame.to_dicts()}
        return StagedPart(frame.height, staged)

    @contextmanager
    def _alone(self):
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def commit(self, staged_parts, context=None):
        staged = {}
        for staged_part in staged_parts:
            staged = staged_part.data | staged
        with self._alone():
            rows = self._rows()
            overtaken = rows != self.planned
            new = {
                source_key: row
                for source_key, row in staged.items()
                if source_key not in rows
            }
            if new:
                write(self.file, json.dumps(rows | new, sort_keys=True).encode())
        output = Output(
            uri=str(self.file), rows=len(rows) + len(new), new_rows=len(new), bytes=0
        )
        return CommitResult(
            [output],
            sum(staged_part.rows for staged_part in staged_parts) - len(new),
            overtaken=overtaken,
        )

    def output_versions(self):
        data = read(self.file)
        return {"rows": data and hashlib.sha256(data).hexdigest()}

    def stored_artifacts(self):
        data = read(self.file)
        if data is None:
            return []
        version = hashlib.sha256(data).hexdigest()
        return [
            StoredArtifact(
                "output", str(self.file), rows=len(json.loads(data)), version=version
            )
        ]

    def _as_told(self, stored_artifacts):
        if stored_artifacts != self.stored_artifacts():
            raise CommitConflict("it has changed")

    def back_up(self, stored_artifacts, name):
        self._as_told(stored_artifacts)
        copy = self.file.with_name(f"copy-{name}.json")
        write(copy, read(self.file))
        return [str(copy)]

    def remove(self, stored_artifacts):
        with self._alone():
            self._as_told(stored_artifacts)
            self.file.unlink()

    def scan(self):
        rows = list(self._rows().values())
        return pl.DataFrame(rows, schema=self.schema).lazy() if rows else None


class ToyTableSink(Sink):
    """A table that can be upserted to, in one file with the source state."""

    name = "toy-table-sink"
    Settings = ToySettings
    write_modes = frozenset({"append", "upsert", "replace"})

    def __init__(self, settings):
        self.file = settings.folder / "table.json"

    def _read(self):
        return json.loads(
            read(self.file) or b'{"number": 0, "rows": {}, "state": null}'
        )

    def open(self, schema, mode="append", primary_key=()):
        self.mode, self.opened = mode, self._read()

    def load_state(self):
        return self._read()["state"]

    def stage(self, frame, split, part):
        rows = frame.to_dicts()
        return StagedPart(frame.height, json.loads(json.dumps(rows, default=str)))

    def commit(self, staged_parts, context=ROWS_ONLY):
        rows = [row for part in staged_parts for row in part.data]
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            content = self._read()
            lost = content["number"] != self.opened["number"]
            old = content["rows"]
            if self.mode == "append":
                new = {row[SOURCE_KEY]: row for row in reversed(rows)} | old
                counts, kept = None, len(new) - len(old)
            else:
                latest = latest_rows(rows)
                if self.mode == "replace":
                    new = {key: row for key, row in latest.items() if alive(row)}
                    counts, kept = None, len(new)
                else:
                    read_keys = {*latest, *context.not_staged}
                    at = context.at if context.snapshot and not lost else None
                    new, counts = upserted(old, latest, read_keys, at)
                    kept = counts.inserted + counts.updated + counts.unchanged
            state = content["state"] if lost or context.state is None else context.state
            after = {"number": content["number"] + 1, "rows": new, "state": state}
            if (new, state) != (old, content["state"]):
                write(self.file, json.dumps(after, sort_keys=True).encode())
        live = sum(map(alive, new.values()))
        added = kept if counts is None else counts.inserted
        output = Output(uri=str(self.file), rows=live, new_rows=added, bytes=0)
        staged = sum(map(alive, rows))
        return CommitResult([output], staged - kept, upserted=counts)


def alive(row):
    return row.get("_deleted_at") is None


def age(row):
    return row["_version"] is not None, row["_version"] or ""


def rank(row):
    return *age(row), not alive(row) and row["_version"] is not None


def outlived(row, known):
    """Return whether the source deleted a row in this version; a snapshot leaves its values."""
    others = known.keys() - {SOURCE_KEY, "_version", "_deleted_at"}
    gone = not alive(known) and all(known[name] is None for name in others)
    same = row["_version"] is not None and row["_version"] == known["_version"]
    return gone and same and alive(row)


def latest_rows(rows):
    """The newest version of each source key; of equal ones a delete, and then the later row."""
    latest = {}
    for row in rows:
        known = latest.get(row[SOURCE_KEY])
        if known is None or rank(row) >= rank(known):
            latest[row[SOURCE_KEY]] = row
    return latest


def upserted(old, latest, read_keys, snapshot_at):
    """The rows after an upsert, and what was done."""
    new, counts = dict(old), dict.fromkeys(UpsertCounts._fields, 0)
    if snapshot_at is not None:
        for key in filter(lambda key: alive(old[key]), old.keys() - read_keys):
            counts["deleted"] += 1
            new[key] = {**old[key], "_deleted_at": str(snapshot_at)}
    for key, row in latest.items():
        known = old.get(key)
        if known is not None and (age(row) < age(known) or outlived(row, known)):
            continue
        there = known is not None and alive(known)
        new[key] = row
        if alive(row):
            kind = (
                "inserted" if not there else "unchanged" if row == known else "updated"
            )
            counts[kind] += 1
        else:
            counts["deleted"] += there
    return new, UpsertCounts(**counts)


# -- the query ------------------------------------------------------------------------------------------------------------


class ToyQuerySettings(ToySettings):
    by: str = "note"


class ToyQuery(Query):
    """Number of rows, and the mean of their numbers, for each value of a column, sorted by it."""

    name = "toy-query"
    Settings = ToyQuerySettings
    required_columns = frozenset({"number"})

    def run(self, rows):
        by, number = self.settings.by, pl.col("number")
        if by not in rows.collect_schema().names():
            raise SettingsError(f"query toy-query: there is no column {by}")
        mean = pl.when(number.count() > 0).then(number.sum() / number.count())
        counted = rows.group_by(by).agg(rows=pl.len(), mean=mean)
        return counted.sort(by, nulls_last=False)


# -- the page -------------------------------------------------------------------------------------------------------------


class ToyPage(Page):
    """The largest number, and the notes."""

    name = "toy-page"
    Settings = ToySettings
    required_columns = frozenset({"number", "note"})

    def render(self, material):
        rows = material.rows.select("number", "note").collect()
        notes = "".join(
            f"<li>{escape(note)}</li>"
            for note in sorted(rows["note"].drop_nulls().unique())
        )
        head = f"<meta charset='utf-8'><title>{escape(material.report)}</title><style>p {{ color: red }}</style>"
        body = f"<p>{rows['number'].max()}</p><ul>{notes}</ul>"
        return f"<!DOCTYPE html><html lang='en'><head>{head}</head><body>{body}</body></html>"


# -- the engine -----------------------------------------------------------------------------------------------------------


class ToyEngine(Engine):
    name = "toy-engine"
    Settings = ToySettings

    def map(self, process, splits, *, parallelism, stop):
        splits = iter(splits)
        with ThreadPoolExecutor(parallelism) as pool:
            while not stop():
                chunk = []
                while len(chunk) < parallelism and not stop():
                    if (split := next(splits, None)) is None:
                        break
                    chunk.append(split)
                if not chunk:
                    return
                yield from pool.map(process, chunk)


# -- the observer ---------------------------------------------------------------------------------------------------------


class ToyObserver:
    def __init__(self):
        self.read = 0

    @hookimpl
    def reporting_split_finished(self, split_result):
        self.read += len(split_result.source_keys)

    @hookimpl
    def reporting_run_failed(self, error):
        print("failed:", type(error).__name__)
