"""A dataset: its folders, files and manifest, what a commit costs, and what it refuses."""

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from pydantic import ValidationError

from reporting_datasets.parquet_sink.data_files import DataFiles
from reporting_datasets.parquet_sink.manifest_store import ManifestStore
from reporting_datasets.parquet_sink.place import Place
from reporting_datasets.parquet_sink.sink import ParquetDataset
from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION, CommitContext, Split
from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    SettingsError,
    StorageUnavailable,
)
from reporting_framework.query.schemas import SchemaMapping
from tests.docs.playing import DOCS, blocks

SCHEMA = pl.Schema({"year": pl.Int64(), "price": pl.Float64(), SOURCE_KEY: pl.String()})


def table(numbers, year=None, **more):
    """Prices, ten to a year unless a year is given."""
    numbers = list(numbers)
    return pl.DataFrame(
        {
            "year": [
                2000 + number // 10 if year is None else year for number in numbers
            ],
            "price": [number * 1.5 for number in numbers],
            **more,
            SOURCE_KEY: [f"prices/{number:06}" for number in numbers],
        }
    )


def versioned(frame, version="1", deleted=None):
    return frame.with_columns(
        pl.lit(version).alias(VERSION),
        pl.lit(deleted, pl.Datetime("us", "UTC")).alias(DELETED_AT),
    )


class Dataset:
    """A dataset in a folder."""

    def __init__(self, uri, mode="append", **settings):
        self.uri, self.mode = str(uri), mode
        self.settings = {"partition_by": ["year"], **settings}

    def sink(self, schema=SCHEMA, **settings):
        model = ParquetDataset.Settings(uri=self.uri, **{**self.settings, **settings})
        sink = ParquetDataset(model)
        sink.open(schema, self.mode)
        return sink

    def run(self, *frames, schema=SCHEMA, context=None, **settings):
        sink = self.sink(schema, **settings)
        sink.ledger()
        if self.mode != "append":
            frames = [
                frame if VERSION in frame.columns else versioned(frame)
                for frame in frames
            ]
        parts = [
            sink.stage(frame, Split(str(number), {}), 0)
            for number, frame in enumerate(frames)
        ]
        try:
            return sink.commit(parts, context or CommitContext())
        finally:
            sink.close()

    @property
    def manifest(self):
        return ManifestStore(Place.parse(self.uri)).read()

    @property
    def keys(self):
        return [file.key for file in self.manifest.files]

    def names(self):
        """Files of the folder, relative to it."""
        return sorted(
            str(path.relative_to(self.uri))
            for path in Path(self.uri).rglob("*")
            if path.is_file()
        )


@pytest.fixture
def dataset(tmp_path):
    return Dataset(tmp_path / "out" / "prices")


# -- folders ---------------------------------------------------------------------------


def test_the_folder_has_nothing_but_the_files_of_the_manifest(dataset):
    dataset.run(table(range(25)))
    assert dataset.names() == sorted(dataset.keys)
    assert {key.rpartition("/")[0] for key in dataset.keys} == {
        "year=2000",
        "year=2001",
        "year=2002",
    }
    assert pl.scan_parquet(dataset.uri).collect().height == 25


def test_values_of_partitions_are_read_back_by_other_readers(tmp_path):
    places = ["a b", "ü/é", "x=1", "50%", None, "__x", "", "..", "q" * 300]
    frame = pl.DataFrame(
        {"place": places, SOURCE_KEY: [f"{number}" for number in range(len(places))]}
    )
    dataset = Dataset(tmp_path / "places", partition_by=["place"])
    dataset.run(frame, schema=frame.schema)
    short = [place for place in places if place and len(place) < 200]
    for read in (pl.read_parquet(dataset.uri), read_with_any(dataset.uri)):
        assert sorted(filter(None, read["place"].to_list()), key=str)[: len(short)]
        assert set(short) <= set(read["place"].to_list())
    scan = dataset.sink(frame.schema).scan().collect()
    assert scan.sort(SOURCE_KEY)["place"].to_list() == places


def read_with_any(uri):
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT place FROM read_parquet(?, hive_partitioning = true)",
            [f"{uri}/**/*.parquet"],
        )
        return pl.DataFrame(found.fetchall(), ["place"], orient="row")


def test_parts_of_a_timestamp_are_folders(tmp_path):
    frame = pl.DataFrame(
        {
            "at": [
                datetime(2024, 5, 31, 23, tzinfo=UTC),
                datetime(2024, 6, 1, tzinfo=UTC),
            ],
            "day": [date(2024, 1, 2), None],
            SOURCE_KEY: ["a", "b"],
        }
    )
    dataset = Dataset(
        tmp_path / "x", partition_by=["month(at)", "day(day)", "year(at)"]
    )
    dataset.run(frame, schema=frame.schema)
    assert [key.rpartition("/")[0] for key in dataset.keys] == [
        "at_month=2024-05/day_day=2024-01-02/at_year=2024",
        "at_month=2024-06/day_day=__HIVE_DEFAULT_PARTITION__/at_year=2024",
    ]


@pytest.mark.parametrize(
    ("partition_by", "message"),
    [
        (["yeer"], "partition_by: no column yeer; there are year, price$"),
        ([SOURCE_KEY], "partition_by: no column source_key"),
        (["price"], "column price is Float64, which has no folder name; use another"),
        (["year", "YEAR"], "no column YEAR"),
        (["month(year)"], r"month\(year\) needs a day or timestamp, not Int64"),
    ],
)
def test_columns_that_cannot_be_folders_are_refused(dataset, partition_by, message):
    with pytest.raises(SettingsError, match=message):
        dataset.sink(partition_by=partition_by)


@pytest.mark.parametrize(
    ("partition_by", "message"),
    [(["year", "year"], "year is named twice"), (["year", ""], "at least 1 character")],
)
def test_folders_of_no_columns_are_refused_by_the_settings(partition_by, message):
    with pytest.raises(ValidationError, match=message):
        ParquetDataset.Settings(uri="x", partition_by=partition_by)


def test_a_moment_that_is_a_folder_is_refused_with_what_to_write(dataset):
    schema = pl.Schema({"at": pl.Datetime("us", "UTC"), SOURCE_KEY: pl.String()})
    with pytest.raises(SettingsError, match=r"use day\(at\)"):
        dataset.sink(schema, partition_by=["at"])


def test_a_timestamp_that_is_none_is_refused(dataset):
    with pytest.raises(SettingsError, match="timestamp: there is no column price of"):
        dataset.sink(timestamp="price")


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/", "/", "x/_y/", "x/.y"])
def test_a_place_without_room_for_the_manifest_is_refused(uri):
    with pytest.raises(ValueError, match="folder"):
        ParquetDataset.Settings(uri=uri)


def test_other_folders_than_before_are_refused(dataset):
    dataset.run(table(range(10)))
    with pytest.raises(
        SettingsError, match="partition_by is no column, .* of year; set"
    ):
        dataset.run(table(range(10, 20)), partition_by=())
    dataset.mode = "replace"
    dataset.run(table(range(10, 20)), partition_by=())
    assert [key.partition("/")[1] for key in dataset.keys] == [""]


def test_a_folder_with_files_of_another_program_is_refused(dataset):
    path = Path(dataset.uri, "year=1999", "other.parquet")
    path.parent.mkdir(parents=True)
    table([1]).write_parquet(path)
    with pytest.raises(
        CorruptCheckpoint, match="it has 1 files, and there is no manif"
    ):
        dataset.run(table(range(10)))
    assert dataset.names() == ["year=1999/other.parquet"]


# -- cost ------------------------------------------------------------------------------


def test_an_increment_touches_only_its_partition_and_files(tmp_path):
    dataset = Dataset(tmp_path / "prices", "upsert", target_file_bytes=30_000)
    dataset.run(table(range(100), year=1), table(range(100, 30_000), year=2))
    before = set(dataset.keys)
    assert len(before) > 3
    dataset.run(table(range(30_000, 30_010), year=3))
    assert before < set(dataset.keys)
    changed = versioned(table([50], year=1), "2")
    result = dataset.run(changed)
    assert result.upserted.updated == 1
    gone = before - set(dataset.keys)
    assert [key.partition("/")[0] for key in gone] == ["year=1"]


def test_a_lookup_reads_only_files_whose_range_has_the_keys(dataset, monkeypatch):
    dataset.run(table(range(100)))
    read = []
    rows = DataFiles.rows
    monkeypatch.setattr(
        DataFiles,
        "rows",
        lambda self, manifest, file: (
            read.append(file.key) or rows(self, manifest, file)
        ),
    )
    ledger = dataset.sink().ledger()
    wanted = ["prices/000012", "prices/000012x", "prices/9", "a"]
    assert ledger.filter_new(wanted) == wanted[1:]
    assert [key.partition("/")[0] for key in read] == ["year=2001"]


def test_objects_of_several_records_are_found_at_the_edges_of_files(dataset):
    keys = ["a#1", "a#2", "b#10", "b#2", "c", "d#x"]
    frame = pl.DataFrame(
        {"year": [1, 1, 2, 2, 3, 3], "price": [0.0] * 6, SOURCE_KEY: keys}
    )
    dataset.run(frame)
    ledger = dataset.sink().ledger()
    asked = ["a", "b", "c", "d", "a#1", "d#x", "b#", "0"]
    assert ledger.filter_new(asked) == ["d", "a#1", "b#", "0"]


def test_the_newest_timestamp_is_known_without_reading(tmp_path):
    frame = pl.DataFrame(
        {
            "at": [datetime(2024, month, 1, tzinfo=UTC) for month in range(1, 13)],
            SOURCE_KEY: [f"{month:02}" for month in range(1, 13)],
        }
    )
    dataset = Dataset(tmp_path / "x", partition_by=["month(at)"], timestamp="at")
    assert dataset.run(frame, schema=frame.schema).newest == datetime(
        2024, 12, 1, tzinfo=UTC
    )
    ledger = dataset.sink(frame.schema).ledger()
    assert ledger.newest == datetime(2024, 12, 1, tzinfo=UTC)
    assert ledger.newest_until(datetime(2024, 6, 15, tzinfo=UTC)) == datetime(
        2024, 6, 1, tzinfo=UTC
    )
    assert ledger.newest_until(datetime(2023, 1, 1, tzinfo=UTC)) is None


# -- files that go ---------------------------------------------------------------------


def test_replaced_files_stay_as_long_as_it_is_set(tmp_path):
    dataset = Dataset(tmp_path / "prices", "upsert", keep_replaced_seconds=3600)
    dataset.run(table(range(10)))
    scan = dataset.sink().scan()
    dataset.run(versioned(table(range(10)), "2"))
    assert len(dataset.names()) == 2
    assert scan.select(pl.col(VERSION).unique()).collect().item() == "1"
    dataset.run(versioned(table(range(10)), "3"), keep_replaced_seconds=0)
    assert dataset.names() == dataset.keys
    assert [old.key for old in dataset.manifest.retired] != []


def test_a_run_without_rows_removes_what_a_killed_one_has_replaced(
    tmp_path, monkeypatch
):
    dataset = Dataset(tmp_path / "prices", "upsert")
    dataset.run(table(range(10)))

    def refused(*_, **__):
        raise StorageUnavailable("no")

    with monkeypatch.context() as patch:
        patch.setattr(ManifestStore, "remove", refused)
        dataset.run(versioned(table(range(10)), "2"))
    assert len(dataset.names()) == 2
    dataset.run()
    assert dataset.names() == dataset.keys


def test_a_file_that_is_missing_is_an_error_and_nothing_is_written(dataset):
    dataset.run(table(range(30)))
    Path(dataset.uri, dataset.keys[1]).unlink()
    with pytest.raises(StorageUnavailable, match=r"year=2001/.*|prices: "):
        dataset.run(table(range(12, 15)))
    with pytest.raises(StorageUnavailable, match="a file of the manifest is missing"):
        dataset.sink().parquet_files()


def test_a_check_counts_the_rows_that_are_not_deleted(tmp_path):
    dataset = Dataset(tmp_path / "prices", "upsert")
    dataset.run(table(range(12)))
    deleted = datetime(2024, 1, 2, tzinfo=UTC)
    dataset.run(versioned(table(range(2)), "2", deleted))
    check = dataset.sink().health_checks(write=False)["dataset"]
    assert check().found.endswith(": 10 rows in 2 files")
    [artifact, *_] = dataset.sink().stored_artifacts()
    assert artifact.rows == 10


def test_damage_is_found_when_a_file_is_rewritten_and_by_the_check(tmp_path):
    dataset = Dataset(tmp_path / "prices", "upsert")
    dataset.run(table(range(2000), year=1))
    path = Path(dataset.uri, dataset.keys[0])
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        CorruptCheckpoint, match="does not match its checksums|not a par"
    ):
        dataset.run(versioned(table([5], year=1), "2"))
    with pytest.raises(CorruptCheckpoint):
        dataset.sink().health_checks(write=False)["dataset"]()
    path.write_bytes(data[:-1])
    with pytest.raises(CorruptCheckpoint, match="bytes, the manifest has"):
        dataset.sink().parquet_files()


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"format": 1}', None])
def test_a_damaged_manifest_is_refused(dataset, damage):
    dataset.run(table(range(3)))
    path = Path(dataset.uri).parent / Place.parse(dataset.uri).manifest
    text = path.read_bytes()
    path.write_bytes(
        text.replace(b'"rows": 3', b'"rows": 4') if damage is None else damage
    )
    with pytest.raises(CorruptCheckpoint, match="not the manifest of a dataset"):
        dataset.run(table(range(3)))


def test_a_dataset_that_was_removed_meanwhile_is_not_begun_again(dataset):
    dataset.run(table(range(3)))
    sink = dataset.sink()
    sink.ledger()
    part = sink.stage(table(range(5, 9)), Split("s", {}), 0)
    other = dataset.sink()
    [artifact] = [one for one in other.stored_artifacts() if one.kind == "output"]
    other.remove([artifact])
    with pytest.raises(CommitConflict, match="it was removed while this run was under"):
        sink.commit([part])
    sink.close()
    assert dataset.names() == []


@pytest.mark.parametrize("begun", [False, True])
def test_a_removal_that_was_killed_is_finished(dataset, monkeypatch, begun):
    dataset.run(table(range(30)), context=CommitContext(state={"at": 1}))
    sink = dataset.sink()
    [artifact] = [one for one in sink.stored_artifacts() if one.kind == "output"]

    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ManifestStore, "remove" if begun else "publish", killed)
        with pytest.raises(Killed):
            sink.remove([artifact])
    assert dataset.manifest.exists != begun
    again = dataset.sink()
    assert (again.scan() is None, again.load_state() is None) == (begun, begun)
    [found] = [one for one in again.stored_artifacts() if one.kind == "output"]
    assert found.version == artifact.version
    again.remove([found])
    assert dataset.names() == []
    assert dataset.manifest.version is None


def test_a_run_after_a_killed_removal_begins_again(dataset, monkeypatch):
    dataset.run(table(range(30)))
    sink = dataset.sink()
    outputs = [one for one in sink.stored_artifacts() if one.kind == "output"]
    with monkeypatch.context() as patch:
        patch.setattr(ManifestStore, "remove_retired", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sink.remove(outputs)
    assert len(dataset.names()) == 3
    dataset.run(table(range(5)))
    assert dataset.names() == dataset.keys
    assert dataset.manifest.rows == 5


# -- columns ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_files_of_older_columns_are_read_rewritten_and_merged(tmp_path, mode):
    dataset = Dataset(tmp_path / "prices", mode)
    dataset.run(
        table(range(10), year=1).drop("price"),
        schema=pl.Schema(
            {name: dtype for name, dtype in SCHEMA.items() if name != "price"}
        ),
    )
    dataset.run(table(range(10, 20), year=1))
    wide = pl.Schema(
        {
            "year": pl.Int64(),
            "note": pl.String(),
            "price": pl.Float64(),
            SOURCE_KEY: pl.String(),
        }
    )
    dataset.run(
        table(range(15, 25), year=1, note=["n"] * 10).select(wide.names()), schema=wide
    )
    found = dataset.sink(wide).scan().collect().sort(SOURCE_KEY)
    assert found.columns[:4] == wide.names()
    assert found["price"].to_list()[:11] == [None] * 10 + [15.0]
    due = ["n"] * 5 if mode == "append" else ["n"] * 10
    assert found["note"].drop_nulls().to_list() == due
    result = dataset.sink(wide).compact()
    assert (result.after, dataset.sink(wide).compact().before) == (1, 1)
    again = dataset.sink(wide).scan().collect().sort(SOURCE_KEY)
    assert again.select(found.columns).equals(found)
    assert dataset.sink().scan().collect().height == 25


def test_a_column_of_another_type_is_refused(dataset):
    dataset.run(table(range(5)))
    schema = pl.Schema({**SCHEMA, "price": pl.Date()})
    with pytest.raises(CorruptCheckpoint) as refused:
        dataset.sink(schema).ledger()
    assert str(refused.value) == (
        f"{dataset.uri}: the checkpoint has another schema: column price is Float64,"
        " not Date; nothing was changed; go on with the settings that it was made with, or"
        " name another dataset"
    )


WHOLE = pl.Schema({**SCHEMA, "price": pl.Int64()})


@pytest.mark.parametrize("number", [7, 2**53 + 1])
def test_each_value_must_fit_a_type_that_has_changed(tmp_path, number):
    dataset = Dataset(tmp_path / "prices", partition_by=())
    whole = table(range(5)).with_columns(price=pl.lit(number, pl.Int64))
    dataset.run(whole, schema=WHOLE)
    if number > 2**53:
        with pytest.raises(CorruptCheckpoint, match="Int64, not Float64, and 5 rows"):
            dataset.sink().ledger()
        assert dataset.sink(WHOLE).ledger().rows == 5
        return
    dataset.run(table(range(5, 10)))
    prices = dataset.sink().scan().collect().sort(SOURCE_KEY)["price"]
    assert prices.to_list() == [7.0] * 5 + [at * 1.5 for at in range(5, 10)]
    with pytest.raises(CorruptCheckpoint, match="Float64, not Int64"):
        dataset.sink(WHOLE).ledger()


def test_values_are_compared_once_for_each_change_of_a_type(tmp_path, monkeypatch):
    dataset = Dataset(tmp_path / "prices", partition_by=())
    whole = table(range(5)).with_columns(price=pl.lit(7, pl.Int64))
    dataset.run(whole, schema=WHOLE)
    checked, check = [], SchemaMapping.check
    monkeypatch.setattr(
        SchemaMapping, "check", lambda self, rows: checked.append(check(self, rows))
    )
    dataset.run(table(range(5, 7)))
    assert len(checked) == 1
    dataset.run(table(range(7, 9)))
    assert len(checked) == 1


# -- compaction ------------------------------------------------------------------------


def test_small_files_become_one_file_for_each_partition(dataset):
    for start in range(0, 40, 2):
        dataset.run(table(range(start, start + 2)))
    before = dataset.sink().scan().collect().sort(SOURCE_KEY)
    result = dataset.sink().compact()
    assert (result.before, result.after) == (20, 4)
    assert dataset.names() == sorted(dataset.keys)
    assert dataset.sink().scan().collect().sort(SOURCE_KEY).equals(before)
    assert all(
        pl.read_parquet(Path(dataset.uri, key))[SOURCE_KEY].is_sorted()
        for key in dataset.keys
    )
    keys = dataset.keys
    assert dataset.sink().compact().after == 4
    assert dataset.keys == keys


def test_compaction_ends_where_files_have_the_target_size(dataset):
    dataset.settings["target_file_bytes"] = 20_000
    for start in range(0, 20_000, 500):
        dataset.run(table(range(start, start + 500), year=1))
    result = dataset.sink().compact()
    sizes = [file.bytes for file in dataset.manifest.files]
    assert 1 < result.after < 40
    assert max(sizes) < 2 * 20_000
    assert dataset.sink().compact().before == result.after


def test_nothing_is_compacted_before_the_first_run(dataset):
    assert dataset.sink().compact()[1:] == (0, 0)
    assert dataset.names() == []


def test_an_append_during_a_compaction_is_kept(dataset, monkeypatch):
    for start in range(0, 10, 2):
        dataset.run(table(range(start, start + 2)))
    publish, runs = ManifestStore.publish, []

    def overtaken(self, manifest, expected):
        if not runs:
            runs.append(1)
            raise CommitConflict("another run")
        return publish(self, manifest, expected)

    monkeypatch.setattr(ManifestStore, "publish", overtaken)
    assert dataset.sink().compact().after == 1
    assert dataset.names() == dataset.keys


def test_a_snapshot_that_a_compaction_overtakes_commits_no_state(tmp_path):
    """Its deletes are not applied, so the source must give the snapshot again."""
    dataset = Dataset(tmp_path / "prices", "upsert")
    for start in range(0, 6, 2):
        rows = versioned(table(range(start, start + 2)))
        dataset.run(rows, schema=SCHEMA, context=CommitContext(state={"after": start}))
    sink = dataset.sink()
    sink.ledger()
    part = sink.stage(versioned(table(range(2))), Split("all", {}), 0)
    assert dataset.sink().compact().after == 1
    at = datetime(2024, 3, 1, tzinfo=UTC)
    sink.commit([part], CommitContext(state={"after": 6}, snapshot=True, at=at))
    assert dataset.sink().load_state() == {"after": 4}
    assert dataset.manifest.deleted == 0


def test_a_ledger_goes_on_with_the_files_of_a_compaction(dataset):
    for start in range(0, 10, 2):
        dataset.run(table(range(start, start + 2)))
    ledger = dataset.sink().ledger()
    assert dataset.sink().compact().after == 1
    keys = table(range(12))[SOURCE_KEY].to_list()
    assert ledger.filter_new(keys) == keys[10:]


def test_a_ledger_of_files_that_are_missing_fails(dataset):
    dataset.run(table(range(4)))
    ledger = dataset.sink().ledger()
    shutil.rmtree(dataset.uri)
    with pytest.raises(StorageUnavailable, match="could not be read"):
        ledger.filter_new(table(range(4))[SOURCE_KEY].to_list())


# -- memory stores, killed processes ---------------------------------------------------


def test_a_dataset_may_be_in_memory():
    dataset = Dataset("memory://datasets-in-memory/out/prices", "upsert")
    dataset.run(table(range(30)))
    result = dataset.run(versioned(table(range(5, 15)), "2"))
    assert (result.upserted.updated, result.outputs[0].rows) == (10, 30)
    assert dataset.sink().scan().collect().height == 30
    assert dataset.sink().compact().after == 3


WRITER = """
import sys
from tests.plugins.datasets.test_dataset import Dataset, table
dataset = Dataset(sys.argv[1], target_file_bytes=1024)
print("ready", flush=True)
sys.stdin.readline()
dataset.run(table(range(int(sys.argv[2]), int(sys.argv[2]) + 300)))
"""


@pytest.mark.slow
def test_a_killed_process_leaves_nothing_that_stays(dataset):
    """It is killed after any time; the next run ends as if it had never been."""
    start = 0
    for delay in (0, 2, 5, 10, 15, 20, 30, 40, 60, 80, 120, 200):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, dataset.uri, str(start)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        with process:
            assert process.stdout.readline() == b"ready\n"
            process.stdin.write(b"\n")
            process.stdin.flush()
            time.sleep(delay / 1000)
            process.send_signal(signal.SIGKILL)
        dataset.run(table(range(start, start + 300)), table([900_000 + start]))
        start += 300
        assert dataset.names() == sorted(dataset.keys)
        numbers = dataset.sink().scan().collect()[SOURCE_KEY]
        assert numbers.n_unique() == len(numbers) == start + start // 300
    folder = Path(dataset.uri).parent / "_manifest" / "prices"
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        ".current.json.lock",
        "current.json",
    ]


def test_duckdb_takes_its_files_from_the_manifest_as_the_page_shows(
    dataset, monkeypatch
):
    dataset.run(table(range(30)))
    other = Path(dataset.uri, "year=2001", "other.parquet")
    table([99]).write_parquet(other)
    monkeypatch.chdir(Path(dataset.uri).parents[1])
    page = (DOCS / "how-to" / "write-a-dataset.md").read_text()
    [query] = [block.text for block in blocks(page) if block.language == "sql"]
    with duckdb.connect() as database:
        assert database.execute(query).fetchone() == (30,)


def test_permissions_cover_the_dataset_and_its_manifest():
    settings = ParquetDataset.Settings(uri="s3://bucket/out/prices/")
    actions = {
        action
        for permission in ParquetDataset.aws_permissions(settings)
        for action in permission.actions
    }
    assert actions == {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "s3:DeleteObject",
    }


@pytest.mark.parametrize("folders", [[], ["year"]])
def test_a_row_of_nulls_that_a_snapshot_lacked_comes_back(tmp_path, folders):
    dataset = Dataset(tmp_path / "prices", "upsert", partition_by=folders)
    rows = table(range(3)).with_columns(
        pl.when(pl.col(SOURCE_KEY) != "prices/000001").then(name).alias(name)
        for name in ("year", "price")
    )
    at = datetime(2024, 3, 1, tzinfo=UTC)
    context = CommitContext(snapshot=True, at=at)
    dataset.run(rows, context=context)
    assert dataset.run(rows[::2], context=context).upserted.deleted == 1
    result = dataset.run(rows, context=context).upserted
    assert (result.inserted, result.unchanged) == (1, 2)
    given = versioned(rows[1:2], deleted=at)
    dataset.run(given)
    assert dataset.run(rows, context=context).upserted.inserted == 0
