"""A source that reads its streams together is read once, and no stream loses a record."""

import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework import (
    AccessDenied,
    Batch,
    PluginError,
    ReadFailure,
    RecordSource,
    TransientError,
    Trigger,
    TriggerError,
    run_report,
)
from reporting_framework.cli.main import reporting
from reporting_framework.execution.shared_reading import MAX_WAITING, SharedReading
from reporting_framework.execution.stream_source import stream_source
from reporting_framework.plugin_api.source import PlanStats
from reporting_framework.testing.harness.ledger import KnownObjects
from tests.examples.test_third_party import EXAMPLE

SOURCE = '''
    import json
    import os
    import pickle
    import time
    from pathlib import Path

    import polars as pl

    from reporting_framework import (
        AccessDenied, Batch, Engine, ReadFailure, RecordSource, Source, Split, StorageUnavailable,
    )
    from reporting_framework.plugin_api.settings import Settings
    from reporting_object_store.parquet_sink.sink import ParquetCheckpoint

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


    class Apart(Feed):
        """The same feed, said to be read by stream."""

        name = "apart"
        reads_streams_together = False


    class Elsewhere(Engine):
        """Each split is worked on by a copy, as on another machine."""

        name = "elsewhere"

        def map(self, process, splits, *, parallelism, stop):
            for split in splits:
                yield pickle.loads(pickle.dumps(process))(split)


    class Log(Streams, Source):
        """The same pages, each of them a split."""

        name = "log"
        triggers = frozenset({"sqs"})

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


    class Checkpoint(ParquetCheckpoint):
        """A checkpoint whose commit does what a file says: orders.commit and so on."""

        name = "checkpoint"

        def commit(self, *arguments):
            table = Path(self.settings.uri)
            wish = Path(f"{table.stem}.commit")
            text = wish.read_text() if wish.exists() else ""
            if text == "fail":
                raise StorageUnavailable("injected")
            if text.startswith("after "):  # another stream
                until = time.monotonic() + 20
                while not table.with_stem(text.split()[1]).exists():
                    assert time.monotonic() < until, "the other one was not committed"
                    time.sleep(0.01)
                os._exit(9)
            return super().commit(*arguments)


    @hookimpl
    def reporting_sinks():
        return [LazyPlugin("checkpoint", f"{__name__}:Checkpoint", "a checkpoint")]


    @hookimpl
    def reporting_sources():
        return [
            LazyPlugin("feed", f"{__name__}:Feed", "a feed"),
            LazyPlugin("log", f"{__name__}:Log", "a log"),
            LazyPlugin("apart", f"{__name__}:Apart", "a feed"),
        ]


    @hookimpl
    def reporting_engines():
        return [LazyPlugin("elsewhere", f"{__name__}:Elsewhere", "an engine")]
'''
SCHEMAS = {
    "orders": {"id": "int", "item": "text", "at": "time"},
    "customers": {"id": "int", "name": "text", "at": "time"},
    "items": {"id": "int", "at": "time"},
}
SINK = '{ use = "checkpoint", uri = "out/{stream}.parquet", timestamp = "at" }'


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


@pytest.fixture
def acme(toy, monkeypatch):
    """The third-party example is installed, too."""
    monkeypatch.syspath_prepend(str(EXAMPLE / "src"))
    toy.metadata(
        "acme-reporting", "[reporting_framework]\ntable = acme_reporting.plugin\n"
    )
    yield
    for name in [each for each in sys.modules if each.startswith("acme_reporting")]:
        del sys.modules[name]


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


def configure(sink=SINK, streams=("orders", "customers"), mode="append", **more):
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
    return CliRunner().invoke(reporting, list(arguments))


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

    def test_each_stream_has_a_table_of_its_own_in_a_database(self, acme):
        configure('{ use = "sqlite-table", path = "out/shop.db", table = "{stream}" }')
        result = run_report("shop")
        assert (result.status, result.accepted, fetched()) == ("ok", 6, [1, 2, 3])
        for stream in ("orders", "customers"):
            assert rows_of_table(stream) == [1, 2, 3]
        put(4, customers=[4])
        assert (run_report("shop").accepted, fetched()) == (1, [4])

    def test_a_full_scan_reads_all_pages_and_takes_no_record_twice(self):
        run_report("shop")
        fetched()
        result = run_report("shop", {"source": {"full_scan": True}})
        assert fetched() == [1, 2, 3]
        assert (result.accepted, ids("orders")) == (0, [1, 2, 3])

    def test_a_dry_run_writes_nothing_and_ends_with_the_first_full_sample(self):
        for page in range(4, 50):
            put(page, orders=[page])
        configure(streams=["orders", "customers", "items"])
        result = run_report("shop", dry_run=True, limit=2)
        assert (result.dry_run, result.complete) == (True, False)
        assert result.streams["orders"].records_read == 2
        assert not result.streams["items"].complete
        assert 1 < len(fetched()) < 10
        assert ids("orders") == ids("customers") == []

    def test_one_stream_alone_commits_its_rows_and_not_the_position(self):
        assert run_report("shop/orders").accepted == 3
        assert (ids("orders"), ids("customers")) == ([1, 2, 3], [])
        fetched()
        result = run_report("shop")
        assert (fetched(), result.accepted) == ([1, 2, 3], 3)
        assert (ids("orders"), ids("customers")) == ([1, 2, 3], [1, 2, 3])
        assert run_report("shop/orders").accepted == 0
        assert fetched() == [], "it starts at its own position"

    def test_a_stream_that_is_added_later_gets_all_its_records(self):
        put(4, items=[1])
        put(5, items=[2], orders=[4])
        configure(streams=["orders", "customers"], use="feed")
        for page in (4, 5):
            Path(f"feed/{page}.json").rename(f"feed/later-{page}")
        run_report("shop")
        for page in (4, 5):
            Path(f"feed/later-{page}").rename(f"feed/{page}.json")
        configure(streams=["orders", "customers", "items"])
        fetched()
        result = run_report("shop")
        assert (fetched(), result.accepted) == ([1, 2, 3, 4, 5], 3)
        assert (ids("items"), ids("orders")) == ([1, 2], [1, 2, 3, 4])
        run_report("shop")
        assert fetched() == []

    def test_a_reset_of_one_stream_leads_to_a_reading_from_the_beginning(self):
        run_report("shop")
        assert cli("state", "shop/orders", "reset", "--yes").exit_code == 0
        fetched()
        result = run_report("shop")
        assert (fetched(), result.accepted) == ([1, 2, 3], 3)
        assert (ids("orders"), ids("customers")) == ([1, 2, 3], [1, 2, 3])

    def test_commands_on_one_stream_work_as_for_other_streams(self):
        run_report("shop")
        for arguments in (
            ("state", "shop/orders"),
            ("history", "shop/orders"),
            ("sql", "shop/orders", "SELECT count(*) FROM shop_orders"),
            ("freshness", "shop/orders", "--max-age", "1d"),
            ("doctor", "shop"),
        ):
            done = cli(*arguments)
            assert done.exit_code == 0, done.output
        assert "Reads the pages after" in cli("state", "shop/orders").output

    def test_a_stream_with_much_and_one_with_nothing_do_not_wait_for_each_other(self):
        for page in range(4, 60):
            put(page, orders=list(range(10 * page, 10 * page + 10)))
        configure(streams=["items", "orders", "customers"])
        result = run_report("shop")
        assert (result.status, len(ids("orders"))) == ("ok", 563)
        assert (result.streams["items"].accepted, fetched()[-1]) == (0, 59)


def rows_of_table(name):
    with closing(sqlite3.connect("out/shop.db")) as database:
        rows = database.execute(f"SELECT id FROM {name} ORDER BY id")
        return [number for (number,) in rows]


def run_elsewhere(wait=True):
    """Run the report in a process of its own."""
    paths = os.pathsep.join(path for path in sys.path if path)
    code = "from reporting_framework import run_report; run_report('shop')"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        stderr=subprocess.PIPE,
        text=True,
    )
    if wait:
        process.communicate(timeout=60)
    return process


@pytest.mark.usefixtures("feed")
@pytest.mark.parametrize(
    "mode", [pytest.param("append", marks=pytest.mark.slow), "upsert"]
)
class TestFailures:
    @pytest.fixture(autouse=True)
    def configured(self, feed, mode):
        configure(mode=mode)

    def settle(self):
        """The next runs bring every record once, and then nothing is left to read."""
        for wish in Path().glob("*.commit"):
            wish.unlink()
        assert run_report("shop").status == "ok"
        last = max(int(path.stem) for path in Path("feed").glob("[0-9]*.json"))
        assert (ids("orders")[:3], ids("customers")[:3]) == ([1, 2, 3], [1, 2, 3])
        for stream in ("orders", "customers"):
            assert len(ids(stream)) == len(set(ids(stream)))
        fetched()
        run_report("shop")
        assert fetched() == [], f"page {last} was the last one"

    @pytest.mark.parametrize("failing", ["orders", "customers"])
    def test_a_stream_whose_commit_fails_holds_the_position_back(self, failing):
        other = "customers" if failing == "orders" else "orders"
        Path(f"{failing}.commit").write_text("fail")
        result = run_report("shop")
        assert result.status == "partial"
        assert {name: each.status for name, each in result.streams.items()} == {
            failing: "failed",
            other: "ok",
        }
        assert (ids(failing), ids(other)) == ([], [1, 2, 3])
        put(4, orders=[4], customers=[4])
        fetched()
        result = run_report("shop")
        assert fetched() == [1, 2, 3, 4]
        assert (ids(failing), ids(other)) == ([], [1, 2, 3, 4])
        Path(f"{failing}.commit").unlink()
        result = run_report("shop")
        assert fetched() == [1, 2, 3, 4]
        assert (ids(failing), ids(other)) == ([1, 2, 3, 4], [1, 2, 3, 4])
        self.settle()

    def test_a_stream_that_fails_later_starts_at_its_last_commit(self):
        run_report("shop")
        Path("orders.commit").write_text("fail")
        put(4, orders=[4], customers=[4])
        run_report("shop")
        put(5, customers=[5])
        fetched()
        run_report("shop")
        assert fetched() == [4, 5]
        Path("orders.commit").unlink()
        run_report("shop")
        assert (fetched(), ids("orders")) == ([4, 5], [1, 2, 3, 4])
        assert ids("customers") == [1, 2, 3, 4, 5]
        self.settle()

    def test_a_stream_that_cannot_be_opened_holds_the_position_back(self):
        run_report("shop")
        schema = Path("feed/orders.schema").read_text()
        Path("feed/orders.schema").write_text("403")
        for page in (4, 5):
            put(page, orders=[page], customers=[page])
            fetched()
            result = run_report("shop")
            assert result.streams["orders"].status == "failed"
            assert fetched()[0] == 4
        Path("feed/orders.schema").write_text(schema)
        fetched()
        run_report("shop")
        assert (fetched(), ids("orders")) == ([4, 5], [1, 2, 3, 4, 5])
        assert ids("customers") == [1, 2, 3, 4, 5]
        self.settle()

    @pytest.mark.parametrize("killed", ["orders", "customers"])
    def test_a_process_that_dies_between_two_commits_loses_no_record(self, killed):
        other = "customers" if killed == "orders" else "orders"
        Path(f"{killed}.commit").write_text(f"after {other}")
        assert run_elsewhere().returncode == 9
        assert (ids(killed), ids(other)) == ([], [1, 2, 3])
        self.settle()

    def test_a_page_that_cannot_be_fetched_is_unread_in_each_stream(self):
        put(2, "503")
        result = run_report("shop")
        assert (result.status, result.complete) == ("partial", False)
        assert {each.objects_unread for each in result.streams.values()} == {1}
        assert (ids("orders"), ids("customers")) == ([1, 2], [1])
        put(2, orders=[3], customers=[2])
        fetched()
        assert run_report("shop").status == "ok"
        assert fetched() == [2, 3]
        self.settle()

    def test_an_error_of_the_reading_fails_all_streams(self):
        put(2, "403")
        with pytest.raises(AccessDenied, match="refused"):
            run_report("shop")
        assert ids("orders") == ids("customers") == []
        put(2, orders=[3], customers=[2])
        self.settle()

    @pytest.mark.parametrize("stream", ["", "others"])
    def test_a_batch_of_an_unknown_stream_is_an_error_that_shows_no_value(self, stream):
        SCHEMAS[stream] = SCHEMAS["items"]
        try:
            put(2, **{stream: [1]})
        finally:
            del SCHEMAS[stream]
        message = (
            "report shop: source feed: a batch has records of a stream that is not"
            " read here; set its `stream` to orders or customers"
        )
        with pytest.raises(PluginError) as raised:
            run_report("shop")
        assert str(raised.value) == message
        if stream:
            with pytest.raises(PluginError, match="that is not read here"):
                run_report("shop/orders")
        assert ids("orders") == ids("customers") == []
        put(2, orders=[3], customers=[2])
        self.settle()

    def test_a_deadline_ends_the_reading_between_two_splits(self, mode):
        configure(use="log", seconds=0.5, mode=mode)
        for page in range(4, 20):
            put(page, orders=[page])
        result = run_report("shop", time_budget=2)
        assert (result.status, result.complete) == ("partial", False)
        assert all(not each.complete for each in result.streams.values())
        read = fetched()
        assert 0 < len(read) < 5
        run_report("shop", time_budget=0.1)
        assert fetched() == [read[-1] + 1], "one split is always read"
        configure(use="log", mode=mode)
        run_report("shop")
        assert ids("orders") == [1, 2, 3, *range(4, 20)]
        self.settle()

    def test_two_runs_at_once_lose_no_record(self, mode):
        for page in range(4, 12):
            put(page, orders=[page], customers=[page])
        configure(mode=mode, seconds=0.05)
        racing = [run_elsewhere(wait=False) for _ in range(2)]
        for process in racing:
            process.communicate(timeout=60)
        configure(mode=mode)
        run_report("shop")
        assert ids("orders") == ids("customers") == [*range(1, 12)]
        self.settle()

    def test_an_interrupt_ends_all_runs_and_commits_nothing(self, mode):
        configure(mode=mode, seconds=0.2)
        for page in range(4, 300):
            put(page, orders=[page])
        process = run_elsewhere(wait=False)
        until = time.monotonic() + 30
        while not Path("feed/fetched").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert time.monotonic() - began < 10
        assert (process.returncode, "KeyboardInterrupt" in errors) == (-2, True)
        assert ids("orders") == ids("customers") == []


def test_a_stream_that_waits_for_a_reading_is_ended_by_an_interrupt():
    """The threads of streams may have begun when the next one cannot be started."""
    reading = SharedReading("numbers", ["odd", "even"], Numbers)
    errors = []

    def take():
        with pytest.raises(TransientError, match="was interrupted; run again") as one:
            next(reading.batches("odd"))
        errors.append(one.value)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    reading.interrupt()
    thread.join(10)
    assert len(errors) == 1


def test_batches_that_an_interrupt_dropped_are_read_again():
    source = Numbers(4)
    reading = SharedReading("numbers", ["odd"], lambda: source)
    reading.join("odd", KnownObjects())
    batches = reading.batches("odd")
    thread = threading.Thread(
        target=reading.run, kwargs={"deadline": None, "sample": False}, daemon=True
    )
    thread.start()
    for _ in range(4):
        next(batches)
    thread.join(10)
    reading.interrupt()
    assert reading.next_state("odd") is None


@pytest.mark.usefixtures("feed")
class TestRefused:
    def test_a_trigger_that_names_work_is_refused(self):
        trigger = Trigger("sqs", {"Records": []}, names_work=True)
        for report in ("shop", "shop/orders"):
            with pytest.raises(
                TriggerError, match="reads its streams together, and takes no trigger"
            ):
                run_report(report, trigger=trigger)
        assert fetched() == []

    def test_an_engine_elsewhere_is_refused_before_anything_is_read(self):
        engine = '\nengine = { use = "elsewhere" }'
        with Path("reporting.toml").open("a") as file:
            file.write(engine.lstrip())
        with pytest.raises(
            PluginError, match="source feed: it reads its streams together, in one"
        ):
            run_report("shop")
        assert fetched() == []

    def test_a_source_without_shared_streams_names_no_other_stream(self):
        configure(use="apart")
        with pytest.raises(
            PluginError, match="that is not read here; set its `stream` to orders"
        ):
            run_report("shop/orders")


class Numbers(RecordSource):
    """Batches of one stream after another; `read` counts them."""

    name = "numbers"
    reads_streams_together = True

    def __init__(self, numbers=50):
        super().__init__()
        self.numbers, self.yielded = numbers, 0

    def streams(self):
        return ["odd", "even"]

    def pages(self, after):
        for number in range(self.numbers):
            self.yielded += 1
            stream = self.streams()[number // 10 % 2]
            yield Batch([str(number)], [None], [b"{}"], stream=stream)


def test_a_reading_waits_for_a_stream_that_is_slow():
    source = Numbers()
    reading = SharedReading("numbers", source.streams(), lambda: source)
    thread = threading.Thread(
        target=reading.run, kwargs={"deadline": None, "sample": False}, daemon=True
    )
    thread.start()
    for stream in source.streams():
        reading.join(stream, KnownObjects())
    reading.leave("even")
    keys = []
    for batch in reading.batches("odd"):
        keys += batch.source_keys
        time.sleep(0.005)
        ahead = source.yielded - 10 * (len(keys) // 10) - len(keys)
        assert ahead <= MAX_WAITING + 1 + 10, "only what is dropped is read in advance"
    thread.join(10)
    assert (len(keys), thread.is_alive()) == (30, False)
    for stream in source.streams():
        with pytest.raises(TransientError, match=f"stream {stream} has left"):
            next(reading.batches(stream))


class Skipping(Numbers):
    """A page between two others cannot be fetched."""

    def read(self, split):
        yield Batch(position={"page": 1})
        yield Batch(unread=[ReadFailure("page 2", "unavailable")])
        yield Batch(position={"page": 3})


def test_the_position_is_before_the_first_unread_object():
    source = Skipping()
    reading = SharedReading("numbers", ["odd"], lambda: source)
    reading.join("odd", KnownObjects())
    take = threading.Thread(target=list, args=[reading.batches("odd")])
    take.start()
    reading.run(deadline=None, sample=False)
    take.join(10)
    assert reading.next_state("odd") == {"start": None, "state": {"page": 1}}


def test_a_reading_ends_when_no_run_takes_batches():
    source = Numbers(10**9)
    reading = SharedReading("numbers", source.streams(), lambda: source)
    for stream in source.streams():
        reading.join(stream, KnownObjects())
    thread = threading.Thread(
        target=reading.run, kwargs={"deadline": None, "sample": False}, daemon=True
    )
    thread.start()
    readers = [reading.batches(stream) for stream in source.streams()]
    for leaving in map(ending_after_one, readers):
        leaving.start()
    thread.join(10)
    assert not thread.is_alive()
    assert all(reading.next_state(stream) is None for stream in source.streams())


def ending_after_one(batches):
    """A thread that takes one batch and no more."""

    def take():
        next(batches)
        batches.close()

    return threading.Thread(target=take)


def test_a_source_of_one_stream_can_be_sent_elsewhere():
    made = stream_source(Numbers, None)()
    made.select_stream("even")
    sent = pickle.loads(pickle.dumps(made))
    (split,) = sent.plan(KnownObjects())
    keys = [key for batch in sent.read(split) for key in batch.source_keys]
    assert keys == [*map(str, range(10, 20)), *map(str, range(30, 40))]
    assert sent.next_state([]) is None


class Slow(Numbers):
    """Pages with positions that never end; one in a while without a record."""

    positions = True

    def pages(self, after):
        for number in range(10**9):
            time.sleep(0.02)
            position = {"page": number} if self.positions else None
            yield Batch(position=position)

    def plan_stats(self):
        return PlanStats(exhausted=True, snapshot_streams=["even"])


@pytest.mark.parametrize("positions", [True, False])
def test_a_deadline_ends_a_split_at_its_last_position(positions):
    source = Slow()
    source.positions = positions
    reading = SharedReading("numbers", source.streams(), lambda: source)
    takers = []
    for stream in source.streams():
        reading.join(stream, KnownObjects())
        take = threading.Thread(target=list, args=[reading.batches(stream)])
        take.start()
        takers.append(take)
    began = time.monotonic()
    reading.run(deadline=began + 0.3, sample=False)
    assert 0.2 < time.monotonic() - began < 5
    for take in takers:
        take.join(10)
    state = reading.next_state("odd")
    assert (state is not None and state["state"]["page"] > 0) is positions
    stats = [reading.plan_stats(stream) for stream in source.streams()]
    assert [each.stopped for each in stats] == [True, True]
    assert [each.snapshot for each in stats] == [False, True]
