"""reporting-object-store keeps the promises of its roles, in folders and in S3."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from reporting_framework import SOURCE_KEY, Trigger
from reporting_framework.storage import open_store
from reporting_framework.testing import CANARY, SinkContract, SourceContract
from reporting_object_store.json_source.source import ObjectStoreJson
from reporting_object_store.ndjson_sink.sink import NdjsonArchive
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint

LINES = [b'{"note": "%s %d"}' % (CANARY.encode(), number) for number in range(3)]
OBJECTS = {
    "log-a.json": LINES[0],
    "log-b/log-c d.json": LINES[1],
    "log-lines.ndjson": b"\n".join(LINES),
    "log-packed.json.gz": gzip.compress(LINES[2]),
    "log-#7": LINES[0],
    "log-20240105.json": LINES[1],
}
RECORDS = {
    "log-20240105.json": LINES[1],
    "log-a.json": LINES[0],
    "log-b/log-c d.json": LINES[1],
    **{f"log-lines.ndjson#{number}": line for number, line in enumerate(LINES, 1)},
    "log-packed.json.gz": LINES[2],
    "log-#7#1": LINES[0],
}


class InAFolder:
    """A place that goes with the test."""

    @pytest.fixture
    def uri(self, tmp_path):
        return str(tmp_path / "place")

    @pytest.fixture
    def faults(self, reporting_store_faults):
        return reporting_store_faults


class InABucket:
    """A place in S3, reached through a proxy that breaks requests."""

    @pytest.fixture
    def uri(self, reporting_bucket):
        return f"s3://{reporting_bucket}/place"

    @pytest.fixture
    def faults(self, reporting_s3_faults):
        return reporting_s3_faults


class Source(SourceContract):
    plugin = ObjectStoreJson

    @pytest.fixture
    def settings(self, uri):
        return {"uri": uri, "include": "log-*"}

    @pytest.fixture
    def records(self, uri):
        store = open_store(uri)
        for key, data in {**OBJECTS, "other.txt": b"ignored"}.items():
            store.put(key, data, if_version=None)
        return RECORDS

    @pytest.fixture
    def add(self, uri):
        def put(number):
            record = b'{"note": "%s"}' % (b"x" * 4000)
            open_store(uri).put(f"log-{number:06}.json", record, if_version=None)
            return f"log-{number:06}.json", record

        return put


class TestFolderSource(InAFolder, Source):
    crowd = 3000

    @pytest.fixture
    def settings(self, uri):
        pattern = "(?P<range>log-)(?P<timestamp>[0-9]{8})"
        return {"uri": uri, "include": "log-*", "name_pattern": pattern}

    @pytest.fixture
    def add(self, uri):
        def put(number):
            record = b'{"note": "%s"}' % (b"x" * 4000)
            (Path(uri) / f"log-{number:06}.json").write_bytes(record)
            return f"log-{number:06}.json", record

        return put


@pytest.mark.slow
class TestBucketSource(InABucket, Source):
    """Listings, reads and retries over the wire."""


class TestNotified(InABucket, Source):
    """Work that S3 names."""

    @pytest.fixture
    def add(self):
        return None

    @pytest.fixture
    def faults(self):
        return None

    @pytest.fixture
    def notification(self, reporting_bucket, reporting_event):
        [record, *_] = reporting_event("s3-put")["Records"]
        keys = [key.replace(" ", "+").replace("#", "%23") for key in OBJECTS]
        records = [
            {
                **record,
                "s3": {
                    "bucket": {"name": reporting_bucket},
                    "object": {"key": f"place/{key}"},
                },
            }
            for key in keys
        ]
        return {"Records": records}

    @pytest.fixture
    def trigger(self, notification):
        return Trigger("s3", notification, names_work=True)


class TestQueued(TestNotified):
    """Work that S3 names, in messages of a queue."""

    @pytest.fixture
    def trigger(self, notification, reporting_event):
        [message, *_] = reporting_event("sqs-s3")["Records"]
        messages = [
            {
                **message,
                "messageId": str(number),
                "body": json.dumps({"Records": [record]}),
            }
            for number, record in enumerate(notification["Records"])
        ]
        return Trigger("sqs", {"Records": messages}, names_work=True)


NOTE = CANARY * 80


def made(numbers):
    """Rows of two studies, a minute apart."""
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "study": [("alpha", "beta")[number % 2] for number in numbers],
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


class Files(SinkContract):
    """Sinks whose outputs are files of one folder."""

    @pytest.fixture
    def rows(self):
        return made

    @pytest.fixture
    def files(self, uri):
        def read():
            store, found = open_store(uri), {}
            try:
                keys = [entry.key for page in store.list() for entry in page]
            except Exception:  # there is no folder yet
                keys = []
            for key in keys:
                if not key.startswith("_") and key.endswith(self.ending):
                    found[key] = store.get(key).data
            return found

        return read


class Checkpoint(Files):
    plugin = ParquetCheckpoint
    name = "x.parquet"
    ending = ".parquet"

    @pytest.fixture
    def settings(self, uri):
        return {"uri": f"{uri}/{self.name}"}

    @pytest.fixture
    def visible(self, files):
        def read():
            found = [*map(pl.read_parquet, files().values())]
            return pl.concat(found) if found else made([])

        return read


class TestFolderCheckpoint(InAFolder, Checkpoint):
    crowd = 64_000

    @pytest.fixture(
        params=[pytest.param("reporting_store_faults", marks=pytest.mark.slow)]
    )
    def faults(self, request):
        return request.getfixturevalue(request.param)

    @pytest.fixture
    def clear(self, tmp_path):
        return lambda: [each.unlink() for each in tmp_path.rglob("*") if each.is_file()]


@pytest.mark.slow
class TestFolderCheckpoints(TestFolderCheckpoint):
    """A file for each study."""

    name = "{study}/x.parquet"
    atomic = False


@pytest.mark.slow
class TestFolderMonths(TestFolderCheckpoint):
    """A file for each month of the timestamp."""

    name = "{month}/x.parquet"
    atomic = False

    @pytest.fixture
    def rows(self):
        month = timedelta(days=31)

        def moved(numbers):
            frame = made(numbers)
            shift = pl.Series([month * (number % 2) for number in numbers])
            return frame.with_columns(pl.col("timestamp") + shift)

        return moved


@pytest.mark.slow
class TestBucketCheckpoint(InABucket, Checkpoint):
    """Conditional writes over the wire."""

    @pytest.fixture
    def clear(self, reporting_s3, reporting_bucket):
        return lambda: emptied(reporting_s3, reporting_bucket)


@pytest.mark.slow
class TestBucketCheckpoints(TestBucketCheckpoint):
    """A file for each study."""

    name = "{study}/x.parquet"
    atomic = False


class Archive(Files):
    """Rows that come again among others are written again, and told by their source key, as the documentation says."""

    plugin = NdjsonArchive
    bounded = False
    ending = ".ndjson.gz"

    @pytest.fixture
    def settings(self, uri):
        return {"uri": uri}

    @pytest.fixture
    def visible(self, files):
        def read():
            lines = [
                json.loads(line)
                for data in files().values()
                for line in gzip.decompress(data).splitlines()
            ]
            seen = pl.DataFrame(
                lines or None,
                schema={"study": pl.String, "note": pl.String, SOURCE_KEY: pl.String},
            )
            return seen.unique(SOURCE_KEY)

        return read


class TestFolderArchive(InAFolder, Archive):
    @pytest.fixture
    def clear(self, tmp_path):
        return lambda: [each.unlink() for each in tmp_path.rglob("*") if each.is_file()]


@pytest.mark.slow
class TestBucketArchive(InABucket, Archive):
    @pytest.fixture
    def clear(self, reporting_s3, reporting_bucket):
        return lambda: emptied(reporting_s3, reporting_bucket)


def emptied(server, bucket):
    client = server.client()
    for entry in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
        client.delete_object(Bucket=bucket, Key=entry["Key"])
    client.close()
