"""reporting-files keeps the promises of its roles, in folders and in S3."""

import gzip
import io
from pathlib import Path

import polars as pl
import pytest

from reporting_files.decompress import zstd
from reporting_files.source import Files
from reporting_framework.storage import open_store
from reporting_framework.testing import CANARY, SourceContract

ROWS = [{"note": f"{CANARY} {number}", "count": number} for number in range(3)]
FRAME = pl.DataFrame(ROWS)


def csv(frame, **options):
    return frame.write_csv(**options).encode()


def written(write):
    target = io.BytesIO()
    write(target)
    return target.getvalue()


FILES = {
    "in-a.csv": csv(FRAME[:1]),
    "in-b/c d.csv": csv(FRAME[1:], separator=";", quote_style="always"),
    "in-lines.ndjson": FRAME[:2].write_ndjson().encode(),
    "in-packed.csv.gz": gzip.compress(csv(FRAME[:2])),
    "in-packed.json.zst": zstd.compress(FRAME.write_json().encode()),
    "in-rows.parquet": written(FRAME.write_parquet),
    "in-#7": csv(FRAME[2:]),
}
EXPECTED = {
    "in-a.csv": ROWS[:1],
    "in-b/c d.csv": ROWS[1:],
    "in-lines.ndjson": ROWS[:2],
    "in-packed.csv.gz": ROWS[:2],
    "in-packed.json.zst": ROWS,
    "in-rows.parquet": ROWS,
    "in-#7": ROWS[2:],
}


def one_more(number):
    """Return the path, the row and the content of a further file."""
    row = {"note": f"{number} {'x' * 4000}", "count": number}
    return f"in-{number:06}.csv", row, csv(pl.DataFrame([row]))


class Source(SourceContract):
    plugin = Files

    @pytest.fixture
    def settings(self, uri):
        return {"uri": uri, "include": "in-**"}

    @pytest.fixture
    def records(self, uri):
        store = open_store(uri)
        for key, data in {**FILES, "other.txt": b"ignored"}.items():
            store.put(key, data, if_version=None)
        return {
            f"{key}#{number}": row
            for key, rows in EXPECTED.items()
            for number, row in enumerate(rows, 1)
        }

    @pytest.fixture
    def add(self, uri):
        def put(number):
            key, row, data = one_more(number)
            open_store(uri).put(key, data, if_version=None)
            return f"{key}#1", row

        return put


class TestFolderFiles(Source):
    crowd = 4000

    @pytest.fixture
    def uri(self, tmp_path):
        return str(tmp_path / "place")

    @pytest.fixture
    def add(self, uri):
        def put(number):
            key, row, data = one_more(number)
            (Path(uri) / key).write_bytes(data)
            return f"{key}#1", row

        return put

    @pytest.fixture
    def faults(self, reporting_store_faults):
        return reporting_store_faults


@pytest.mark.slow
@pytest.mark.slow
class TestBucketFiles(Source):
    """Listings, reads and retries over the wire."""

    @pytest.fixture
    def uri(self, reporting_bucket):
        return f"s3://{reporting_bucket}/place"

    @pytest.fixture
    def faults(self, reporting_s3_faults):
        return reporting_s3_faults
