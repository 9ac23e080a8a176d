"""Look-ups of source keys in a dataset: the objects of a listing, in many files."""

import subprocess
import sys

import polars as pl

from reporting_datasets.parquet_sink.sink import ParquetDataset
from reporting_framework import SOURCE_KEY, Split

FILES = 60
OBJECTS = 131_072
"""As many as a source looks up at once."""

LOOK = """
import resource, sys
from tests.plugins.datasets.test_ledger import OBJECTS, sink
ledger = sink(sys.argv[1]).ledger()
names = [f"{number % 7}/{number:06}-of-a-day.json" for number in range(OBJECTS)]
ledger.filter_new(names[:1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(ledger.filter_new(names)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def sink(uri):
    settings = ParquetDataset.Settings(uri=uri, partition_by=("part",))
    made = ParquetDataset(settings)
    made.open(pl.Schema({"part": pl.Int64, SOURCE_KEY: pl.String}))
    return made


def test_files_whose_ranges_overlap_take_the_memory_of_one_look_up(tmp_path):
    """Each file has objects of all ranges of names, so all files are read."""
    uri = str(tmp_path / "out" / "rows")
    made = sink(uri)
    made.ledger()
    numbers = pl.int_range(0, OBJECTS - 5, eager=True)
    rows = pl.select(
        part=numbers % FILES,
        source_key=pl.format(
            "{}/{}-of-a-day.json", numbers % 7, numbers.cast(pl.String).str.zfill(6)
        ),
    ).with_columns(
        pl.when(pl.col("part") == 0)
        .then(pl.col(SOURCE_KEY) + "#2")
        .otherwise(pl.col(SOURCE_KEY))
        .alias(SOURCE_KEY)
    )
    made.commit([made.stage(rows, Split("a", {}), 0)])
    made.close()
    done = subprocess.run(
        [sys.executable, "-c", LOOK, uri], capture_output=True, text=True, check=True
    )
    new, kilobytes = map(int, done.stdout.split())
    assert new == 5
    assert kilobytes < 150_000, "5,000, and 500,000 if each file has its own"
