"""Datasets, the model that they must equal, and what readers without the manifest see."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import duckdb
import polars as pl

from reporting_datasets.parquet_sink.manifest_store import ManifestStore
from reporting_datasets.parquet_sink.place import Place
from reporting_datasets.parquet_sink.sink import ParquetDataset
from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION, CommitContext, Split
from reporting_framework.errors import CommitConflict, StorageUnavailable
from reporting_framework.storage import list_keys, open_store
from reporting_framework.testing.faults.calls import CallFaults, Killed
from reporting_framework.testing.harness.versions import Change, Frames, TableModel

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
KEYS = 40


def edition(number: int, at: int) -> pl.DataFrame:
    """One row; an edition of it may be in another partition."""
    place = None if at == 3 else f"p{(number + at) % 4}"
    return pl.DataFrame(
        {
            "place": [place],
            "value": [at * 1.5],
            "moment": [BEGIN + timedelta(days=number * 20)],
            SOURCE_KEY: [f"t/{number:05}"],
        },
        schema={
            "place": pl.String,
            "value": pl.Float64,
            "moment": pl.Datetime("us", "UTC"),
            SOURCE_KEY: pl.String,
        },
    )


class World:
    """A dataset that runs write to, with faults, and its model."""

    def __init__(
        self, uri: str, seed: int, faults: CallFaults, mode: str = "upsert", **settings
    ) -> None:
        self.chance, self.faults, self.mode = random.Random(seed), faults, mode
        self.frames, self.model = Frames(edition), TableModel()
        self.uri, self._number = uri, 0
        self.settings = {"uri": uri, "partition_by": ["place"], **settings}
        self.place = Place.parse(uri)

    def sink(self) -> ParquetDataset:
        """A sink at the beginning of a run."""
        settings = ParquetDataset.Settings.model_validate(self.settings)
        sink = ParquetDataset(settings)
        sink.open(self.frames.schema(), self.mode)
        sink.ledger()
        return sink

    def changes(self) -> list[list[Change]]:
        """Parts of a run: each version is there once, so that no tie is decided by time."""
        return [
            [self._change() for _ in range(self.chance.randint(1, 8))]
            for _ in range(self.chance.randint(1, 4))
        ]

    def _change(self) -> Change:
        self._number += 1
        newer = self.chance.random() < 0.7
        version = f"{self._number if newer else 0:06}-{self._number:06}"
        deleted = (
            BEGIN if self.mode == "upsert" and self.chance.random() < 0.2 else None
        )
        number = self.chance.randrange(KEYS)
        return Change(number, version, self.chance.randrange(4), deleted)

    def staged(self, parts: list[list[Change]]) -> Callable[..., object]:
        """Stage a run; return the function that commits it."""
        sink = self.sink()
        staged = [
            sink.stage(
                self.frames.of(part, versions=self.mode != "append"),
                Split(f"s{at}", {}),
                0,
            )
            for at, part in enumerate(parts)
        ]

        def commit(**context: object) -> object:
            try:
                return sink.commit(staged, CommitContext(at=BEGIN, **context))
            finally:
                sink.close()

        return commit

    def broken(self, work: Callable[[], object]) -> bool:
        """Do some work with one fault; return whether it ended."""
        kind = self.chance.choice(list(self.faults.kinds))
        self.faults.arm(kind, self.chance.randint(1, 14))
        try:
            work()
        except (Killed, StorageUnavailable, CommitConflict):
            return False
        finally:
            self.faults.disarm()
        return True

    def step(self) -> None:
        """Do one thing that may happen to a dataset."""
        kind = self.chance.random()
        if kind < 0.15:
            self.compacted(broken=self.chance.random() < 0.5)
        elif kind < 0.3:
            self.race()
        elif kind < 0.4 and self.mode == "upsert":
            self.snapshot()
        else:
            parts = self.changes()
            if self.chance.random() < 0.5:
                self.broken(lambda: self.staged(parts)())
            self.staged(parts)(state={"number": self._number})
            self.model_run(parts)

    def model_run(self, parts: list[list[Change]], **more: object) -> None:
        """Do a run in the model; an append takes the first row of each key."""
        if self.mode == "append":
            for change in (change for part in parts for change in part):
                if change.number not in self.model.rows:
                    self.model.upsert([[change]])
            return
        self.model.upsert(parts, **more)

    def compacted(self, *, broken: bool) -> None:
        """Compact, after a first attempt with a fault."""
        if broken:
            self.broken(lambda: self.sink().compact())
        result = self.sink().compact()
        assert result.after <= result.before
        assert self.sink().compact().before == result.after

    def race(self) -> None:
        """Commit two runs that have begun together; both are there in the end."""
        first, second = self.changes(), self.changes()
        late = self.staged(second)
        before = self.sink().output_versions()
        self.staged(first)()
        self.model_run(first)
        between = self.sink().output_versions()
        assert late().overtaken == (between != before)
        self.model_run(second)

    def snapshot(self) -> None:
        """Read everything: what was not read is deleted."""
        parts = self.changes()
        kept = self.chance.sample(range(KEYS), KEYS // 2)
        context = {
            "snapshot": True,
            "not_staged": [self.frames.key(number) for number in kept],
        }
        if self.chance.random() < 0.5:
            self.broken(partial(self.staged(parts), **context))
        self.staged(parts)(**context)
        self.model_run(parts, snapshot_at=BEGIN, not_staged=kept)

    # -- what readers see --------------------------------------------------------------

    def visible(self) -> pl.DataFrame:
        """The rows of the manifest."""
        place = self.place
        manifest = ManifestStore(place).read()
        frames = [
            pl.read_parquet(place.store.get(place.key(file.key)).data)
            for file in manifest.files
        ]
        return pl.concat(frames) if frames else self.frames.schema().to_frame()

    def check(self) -> None:
        """Fail unless the manifest has the rows of the model."""
        seen = self.visible()
        if self.mode == "append":
            seen = seen.with_columns(
                pl.lit(None, pl.String).alias(VERSION),
                pl.lit(None, pl.Datetime("us", "UTC")).alias(DELETED_AT),
            )
            for number, due in self.model.rows.items():
                self.model.rows[number] = due._replace(version=None)
        wrong = self.frames.differences(self.model, seen)
        assert not wrong, wrong[:5]

    def check_files(self) -> None:
        """Fail unless the folder has the files of the manifest, and nothing else."""
        store = open_store(self.place.folder)
        files = {file.key for file in ManifestStore(self.place).read().files}
        assert set(list_keys(store)) == files
        notes = list_keys(open_store(self.place.pending.parent))
        assert not [key for key in notes if key.startswith("pending/")]

    def check_readers(self) -> None:
        """Fail unless readers of the folder, of SQL and of the sink see the same rows."""
        due = rows_of(self.visible())
        sink = self.sink()
        assert rows_of(sink.scan().collect()) == due
        assert rows_of(read_with_polars(self.uri)) == due
        assert rows_of(read_with_duckdb(self.uri)) == due
        files = sink.parquet_files()
        parts = [pl.read_parquet(file.read(0, file.size)) for file in files]
        for file in files:
            file.close()
        assert rows_of(pl.concat(parts)) == due


def rows_of(frame: pl.DataFrame) -> list[str]:
    """Keys, versions and values of rows; the partition of a delete is not its own."""
    names = [name for name in frame.columns if name not in ("place", "moment")]
    return sorted(map(repr, frame.select(sorted(names)).rows()))


def read_with_polars(uri: str) -> pl.DataFrame:
    """The rows of a folder, without its manifest."""
    return pl.scan_parquet(uri).collect()


def read_with_duckdb(uri: str) -> pl.DataFrame:
    """The rows of a folder, without its manifest."""
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        table = "read_parquet(?, hive_partitioning = true)"
        columns = "* REPLACE (moment::VARCHAR AS moment)"
        found = database.execute(
            f"SELECT {columns} FROM {table}", [f"{uri}/**/*.parquet"]
        )
        names = [column[0] for column in found.description]
        return pl.DataFrame(
            found.fetchall(), names, orient="row", infer_schema_length=None
        )
