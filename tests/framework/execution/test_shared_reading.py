"""A source that reads its streams together is read once, and no stream loses a record."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework import (
    AccessDenied,
    PluginError,
    ReportingError,
    StorageUnavailable,
    Trigger,
    TriggerError,
    hookimpl,
    run_report,
)
from reporting_framework.cli.main import reporting

SOURCE = '''
    import json
    import os
    import time
    from pathlib import Path

    import polars as pl

    from reporting_framework import (
        AccessDenied, Batch, ReadFailure, RecordSource, Source, Split, StorageUnavailable,
    )
    from reporting_framework.plugin_api.settings import Settings

    TYPES = {"int": pl.Int64(), "text": pl.String(), "time": pl.Datetime("us", "UTC")}


    class FeedSettings(Settings):
        folder: str
        resources: list[str] = []
        full_scan: bool = False
        seconds: float = 0


    class Streams:
        reads_streams_together = True
        output_format = "frames"
        versions_ordered = True
        Settings = FeedSettings

        def streams(self):
            return self.settings.resources

        @property
        def folder(self):
            return Path(self.settings.folder)

        def schema(self):
            text = (self.folder / f"{self.stream}.schema").read_text()
            if text == "403":
                raise AccessDenied(f"source {self.name}: refused")
            return pl.Schema({name: TYPES[kind] for name, kind in json.loads(text).items()})

        def fetch(self, number):
            """A page, `None` behind the last one; a text in place of JSON is an error."""
            page = self.folder / f"{number}.json"
            if not page.exists():
                return None
            with (self.folder / "fetched").open("a") as log:
                log.write(f"{number} ")
            time.sleep(self.settings.seconds)
            text = page.read_text()
            if text == "503":
                raise StorageUnavailable(f"source {self.name}: answered 503")
            if text == "403":
                raise AccessDenied(f"source {self.name}: refused")
            if text == "interrupt":
                raise KeyboardInterrupt
            return json.loads(text)

        def batches(self, number, **more):
            for stream, rows in self.fetch(number).items():
                frame = pl.DataFrame(rows).with_columns(
                    pl.from_epoch("at").dt.replace_time_zone("UTC")
                )
                keys = [f"{stream}/{row}" for row in frame["id"]]
                yield Batch(
                    keys, ["1"] * len(keys), frame=frame, stream=stream or None
                )


    class Feed(Streams, RecordSource):
        """Pages of all streams: 1.json and so on, each with rows by stream."""

        name = "feed"

        def pages(self, after):
            number = after["page"] + 1 if after else 1
            while (self.folder / f"{number}.json").exists():
                yield from self.batches(number)
                yield Batch(position={"page": number})
                number += 1


    class Log(Streams, Source):
        """The same pages, each of them a split."""

        name = "log"

        def plan(self, ledger):
            number = (ledger.state or {"page": 0})["page"] + 1
            while (self.folder / f"{number}.json").exists():
                yield Split(str(number), {"page": number})
                number += 1

        def read(self, split):
            try:
                yield from self.batches(split.data["page"])
            except StorageUnavailable:
                yield Batch(unread=[ReadFailure(split.id, "unavailable")])

        def next_state(self, done):
            read = [each.split.data["page"] for each in done if each.whole]
            return {"page": max(read)} if read else None


    @hookimpl
    def reporting_sources():
        return [
            LazyPlugin("feed", f"{__name__}:Feed", "a feed"),
            LazyPlugin("log", f"{__name__}:Log", "a log"),
        ]
'''
SCHEMAS = {
    "orders": {"id": "int", "item": "text", "at": "time"},
    "customers": {"id": "int", "name": "text", "at": "time"},
    "items": {"id": "int", "at": "time"},
}
SINKS = {
    "parquet": '{ use = "parquet-checkpoint", uri = "out/{stream}.parquet", timestamp = "at" }',
    "sqlite": '{ use = "sqlite", path = "out/shop.db", table = "{stream}" }',
}


@pytest.fixture
def feed(toy):
    toy.add("feed", SOURCE)
    for folder in ("feed", "out"):
        Path(folder).mkdir()
    for stream, schema in SCHEMAS.items():
        Path("feed", f"{stream}.schema").write_text(json.dumps(schema))
    configure()
    put(1, orders=[1, 2], customers=[1])
    put(2, orders=[3], customers=[2])
    put(3, customers=[3])


def put(page, text=None, **ids):
    """Write a page: ids of records by stream."""
    rows = {
        stream: [
            {name: f"{name}-{number}" for name in SCHEMAS[stream]}
            | {"id": number, "at": number}
            for number in numbers
        ]
        for stream, numbers in ids.items()
    }
    Path("feed", f"{page}.json").write_text(text or json.dumps(rows))


def configure(
    sink=SINKS["parquet"], streams=("orders", "customers"), mode="append", **more
):
    source = {"use": "feed", "folder": "feed", "resources": list(streams), **more}
    given = ", ".join(f"{name} = {json.dumps(value)}" for name, value in source.items())
    Path("reporting.toml").write_text(
        f"[reports.shop]\nsource = {{ {given} }}\n"
        'validator = { use = "frame" }\n'
        f'sinks = [{sink}]\nwrite_mode = "{mode}"\n'
    )


def ids(stream):
    path = Path(f"out/{stream}.parquet")
    return sorted(pl.read_parquet(path)["id"]) if path.exists() else []


def fetched():
    log = Path("feed/fetched")
    pages = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return [int(page) for page in pages]


def cli(*arguments):
    done = CliRunner().invoke(reporting, list(arguments))
    return done


@pytest.mark.usefixtures("feed")
class TestOneReading:
    @pytest.mark.parametrize("use", ["feed", "log"])
    @pytest.mark.parametrize("mode", ["append", "upsert"])
    def test_each_page_is_fetched_once_for_all_streams(self, use, mode):
        configure(use=use, mode=mode)
        result = run_report("shop")
        assert fetched() == [1, 2, 3]
        assert (ids("orders"), ids("customers")) == ([1, 2, 3], [1, 2, 3])
        assert (result.status, result.complete, result.accepted) == ("ok", True, 6)
        put(4, orders=[4])
        result = run_report("shop")
        assert (fetched(), result.accepted, ids("orders")) == ([4], 1, [1, 2, 3, 4])
        assert (run_report("shop").accepted, fetched()) == (0, [])
