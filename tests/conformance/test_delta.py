"""reporting-delta keeps the promises of its sink, in folders and in S3."""

import shutil
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from reporting_delta.log import DeltaLog
from reporting_delta.place import DeltaPlace
from reporting_delta.sink import DeltaTableSink
from reporting_delta.source import DeltaTableSource
from reporting_framework import SOURCE_KEY
from reporting_framework.testing import CANARY, RecordSourceContract, SinkContract

NOTE = CANARY * 20


def made(numbers):
    """Rows of two studies, a second apart."""
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "study": [("alpha", "be/ta", None)[number % 3] for number in numbers],
            "note": [NOTE] * len(numbers),
            "timestamp": [begin + timedelta(seconds=number) for number in numbers],
            SOURCE_KEY: [f"{number:06}.json" for number in numbers],
        },
        schema={
            "study": pl.String,
            "note": pl.String,
            "timestamp": pl.Datetime("us", "UTC"),
            SOURCE_KEY: pl.String,
        },
    )


class Table(SinkContract):
    plugin = DeltaTableSink
    strict = True
    has_files = False

    @pytest.fixture
    def settings(self, uri):
        return {"uri": uri, "partition_by": ["study"], "timestamp": "timestamp"}

    @pytest.fixture
    def rows(self):
        return made

    @pytest.fixture
    def visible(self, uri):
        """Rows that delta-rs reads, which knows nothing of this package."""

        def read():
            handle = DeltaLog(DeltaPlace.parse(uri)).open()
            if handle is None or not handle.file_uris():
                return made([])
            return pl.DataFrame(handle.scan())

        return read


class TestFolderTable(Table):
    crowd = 16_000

    @pytest.fixture
    def uri(self, tmp_path):
        return str(tmp_path / "place" / "visits")

    @pytest.fixture(
        params=[pytest.param("reporting_store_faults", marks=pytest.mark.slow)]
    )
    def faults(self, request):
        return request.getfixturevalue(request.param)

    @pytest.fixture
    def clear(self, tmp_path):
        return lambda: shutil.rmtree(tmp_path / "place", ignore_errors=True)


@pytest.mark.slow
class TestBucketTable(Table):
    """Conditional writes over the wire, through a proxy that breaks requests."""

    strict = False  # its memory is that of a folder

    @pytest.fixture
    def uri(self, reporting_bucket):
        return f"s3://{reporting_bucket}/place/visits"

    @pytest.fixture
    def faults(self, reporting_s3_faults):
        return reporting_s3_faults

    @pytest.fixture
    def clear(self, reporting_s3, reporting_bucket):
        def empty():
            client = reporting_s3.client()
            for entry in client.list_objects_v2(Bucket=reporting_bucket).get(
                "Contents", ()
            ):
                client.delete_object(Bucket=reporting_bucket, Key=entry["Key"])
            client.close()

        return empty


class Feed:
    """A table that another program changes, one row in a commit."""

    def __init__(self, uri):
        self.uri = uri
        write_deltalake(
            uri,
            pl.DataFrame(schema={"id": pl.Int64, "note": pl.String}),
            configuration={"delta.enableChangeDataFeed": "true"},
        )

    def put(self, number, tick):
        row = {"id": number, "note": f"{NOTE}-{tick}"}
        table = DeltaTable(self.uri)
        table.merge(
            pl.DataFrame([row]), "t.id = s.id", source_alias="s", target_alias="t"
        ).when_matched_update_all().when_not_matched_insert_all().execute()
        return f"feed/{number}", row

    def delete(self, number, tick):
        DeltaTable(self.uri).delete(f"id = {number}")
        return f"feed/{number}"

    def fetched(self):
        asked, Watched.asked = Watched.asked, []
        return asked


class Watched(DeltaTableSource):
    """The source, and the pages that were asked of it."""

    asked: ClassVar[list[str]] = []

    def _page(self, rows, version):
        self.asked.append(f"{version}: {rows['id'].to_list()}")
        return super()._page(rows, version)

    def _changes(self, version):
        self.asked.append(f"changes of {version}")
        return super()._changes(version)


@pytest.mark.slow
class TestSource(RecordSourceContract):
    """Rows of a table, and its changes, from other programs."""

    plugin = Watched

    def test_a_repeated_page_changes_nothing(self, runs, records, feed):
        """All rows of a full scan have the version of the table that is read."""
        runs.run()
        key, record = feed.put(1, 2_000)
        runs.run()
        before = dict(runs.live)
        runs.state = None
        runs.run()
        assert runs.live == before
        assert runs.live[key] == record

    @pytest.fixture
    def feed(self, tmp_path):
        return Feed(str(tmp_path / "feed"))

    @pytest.fixture
    def settings(self, feed):
        return {"uri": feed.uri, "primary_key": ["id"]}
