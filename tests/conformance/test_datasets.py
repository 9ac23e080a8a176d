"""reporting-datasets keeps the promises of its sinks, in folders and in S3."""

import shutil
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from reporting_datasets.csv_sink.sink import CsvFile
from reporting_datasets.parquet_sink.manifest_store import ManifestStore
from reporting_datasets.parquet_sink.place import Place
from reporting_datasets.parquet_sink.sink import ParquetDataset
from reporting_framework import SOURCE_KEY
from reporting_framework.storage import open_store
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


class Dataset(SinkContract):
    plugin = ParquetDataset
    strict = True

    @pytest.fixture
    def settings(self, uri):
        return {"uri": uri, "partition_by": ["study"], "timestamp": "timestamp"}

    @pytest.fixture
    def rows(self):
        return made

    @pytest.fixture
    def visible(self, uri):
        """Rows that a reader of the manifest sees."""

        def read():
            place = Place.parse(uri)
            manifest = ManifestStore(place).read()
            frames = [
                pl.read_parquet(place.store.get(place.key(file.key)).data)
                for file in manifest.files
            ]
            return pl.concat(frames, how="diagonal") if frames else made([])

        return read

    @pytest.fixture
    def files(self, uri):
        """The bytes of data files by their folder, whatever their names."""

        def read():
            place = Place.parse(uri)
            manifest = ManifestStore(place).read()
            found = {}
            for number, file in enumerate(manifest.files):
                name = f"{file.partition}/{number}"
                found[name] = place.store.get(place.key(file.key)).data
            return found

        return read


class InAFolder:
    """A place that goes with the test."""

    name = "visits"

    @pytest.fixture
    def uri(self, tmp_path):
        return str(tmp_path / "place" / self.name)

    @pytest.fixture(
        params=[pytest.param("reporting_store_faults", marks=pytest.mark.slow)]
    )
    def faults(self, request):
        return request.getfixturevalue(request.param)

    @pytest.fixture
    def clear(self, tmp_path):
        return lambda: shutil.rmtree(tmp_path / "place", ignore_errors=True)


class InABucket:
    """A place in S3, reached through a proxy that breaks requests."""

    name = "visits"

    @pytest.fixture
    def uri(self, reporting_bucket):
        return f"s3://{reporting_bucket}/place/{self.name}"

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


class TestFolderDataset(InAFolder, Dataset):
    crowd = 64_000


@pytest.mark.slow
class TestBucketDataset(InABucket, Dataset):
    """Conditional writes over the wire."""

    strict = False  # the server is in the process whose memory would be measured


class Csv(SinkContract):
    plugin = CsvFile
    strict = True
    name = "visits.csv"

    @pytest.fixture
    def settings(self, uri):
        return {"uri": uri}

    @pytest.fixture
    def rows(self):
        return made

    @pytest.fixture
    def visible(self, uri):
        """Rows that any reader of CSV sees; timestamps are texts."""

        def read():
            data = content(uri)
            if not data:
                return made([])
            seen = pl.read_csv(data, infer_schema=False)
            return seen.drop("timestamp")

        return read

    @pytest.fixture
    def files(self, uri):
        return lambda: {"visits.csv": data} if (data := content(uri)) else {}


def content(uri):
    folder, _, name = uri.rpartition("/")
    store = open_store(folder)
    return store.get(name).data if store.head(name) else b""


class TestFolderCsv(InAFolder, Csv):
    name = "visits.csv"
    crowd = 64_000


@pytest.mark.slow
class TestBucketCsv(InABucket, Csv):
    name = "visits.csv"
    strict = False  # as above
