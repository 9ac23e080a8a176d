"""reporting-delta keeps the promises of its sink, in folders and in S3."""

import shutil
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from reporting_delta.log import DeltaLog
from reporting_delta.place import DeltaPlace
from reporting_delta.sink import DeltaTableSink
from reporting_framework import SOURCE_KEY
from reporting_framework.testing import CANARY, SinkContract

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
    crowd = 64_000

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
