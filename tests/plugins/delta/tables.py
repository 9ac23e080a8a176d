"""A Delta table in a folder, and runs of the sink on it."""

from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from reporting_delta.sink import DeltaTableSink
from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION, CommitContext, Split

SCHEMA = pl.Schema({"year": pl.Int64(), "price": pl.Float64(), SOURCE_KEY: pl.String()})


def prices(numbers, year=None, **more):
    """Prices, ten to a year unless a year is given."""
    numbers = list(numbers)
    return pl.DataFrame(
        {
            "year": [
                2000 + number // 10 if year is None else year for number in numbers
            ],
            "price": [number * 1.5 for number in numbers],
            **{
                name: values if isinstance(values, list) else [values] * len(numbers)
                for name, values in more.items()
            },
            SOURCE_KEY: [f"prices/{number:06}" for number in numbers],
        }
    )


def versioned(frame, version="1", deleted=None):
    """The rows in a version, with the columns of an upsert."""
    return frame.with_columns(
        pl.lit(version).alias(VERSION),
        pl.lit(deleted, pl.Datetime("us", "UTC")).alias(DELETED_AT),
    )


class Table:
    """A table in a folder."""

    def __init__(self, uri, mode="append", **settings):
        self.uri, self.mode = str(uri), mode
        self.settings = {"partition_by": ["year"], **settings}

    def sink(self, schema=SCHEMA, **settings):
        """A sink at the beginning of a run."""
        model = DeltaTableSink.Settings(uri=self.uri, **{**self.settings, **settings})
        sink = DeltaTableSink(model)
        sink.open(schema, self.mode)
        return sink

    def staged(self, *frames, schema=SCHEMA, **settings):
        """A sink with staged parts, and the parts."""
        sink = self.sink(schema, **settings)
        sink.ledger()
        if self.mode != "append":
            frames = [
                frame if VERSION in frame.columns else versioned(frame)
                for frame in frames
            ]
        return sink, [
            sink.stage(frame, Split(str(number), {}), 0)
            for number, frame in enumerate(frames)
        ]

    def run(self, *frames, schema=SCHEMA, context=None, **settings):
        """A whole run."""
        sink, parts = self.staged(*frames, schema=schema, **settings)
        try:
            return sink.commit(parts, context or CommitContext())
        finally:
            sink.close()

    @property
    def handle(self):
        return DeltaTable(self.uri)

    def rows(self, version=None):
        """The rows that delta-rs reads, in the order of source keys."""
        handle = DeltaTable(self.uri, version=version)
        return pl.DataFrame(handle.scan()).sort(SOURCE_KEY)

    @property
    def keys(self):
        return self.rows()[SOURCE_KEY].to_list()

    def files(self):
        """Paths of data files in the folder, of any version or none."""
        return {
            str(path.relative_to(self.uri))
            for path in Path(self.uri).rglob("*.parquet")
            if "_delta_log" not in path.parts
        }

    def named(self):
        """Paths of the data files of the present version."""
        return {str(Path(uri).relative_to(self.uri)) for uri in self.handle.file_uris()}
