"""The smallest sources of the how-to page, one for each base class, work as they stand there."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from reporting_framework import FinishedSplit, ReadFailure, StorageUnavailable, Trigger
from reporting_framework.testing import (
    CANARY,
    CallFaults,
    RecordSourceContract,
    SourceContract,
    TableSourceContract,
)
from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_framework.testing.harness.table_harness import TableRuns
from tests.docs.playing import blocks

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-source.md"


def example(name):
    """The class of this name in the page, and how many lines its class has."""
    (text,) = [
        block.text
        for block in blocks(PAGE.read_text())
        if block.title is None and f"class {name}(" in block.text
    ]
    space = {"__name__": "example"}
    exec(text, space)
    return space[name], len(text.partition(f"class {name}(")[2].splitlines())


@pytest.mark.parametrize("name", ["CsvFolder", "Orders", "Events", "Messages"])
def test_the_smallest_source_of_a_base_has_less_than_25_lines(name):
    (found,) = re.findall(
        rf"^class {name}\((?:Object|Table|Record|Push)Source\):\n(?:(?:    .*)?\n)*",
        PAGE.read_text(),
        re.MULTILINE,
    )
    assert len(found.rstrip().splitlines()) < 25


class TestMessages(SourceContract):
    plugin, _ = example("Messages")

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def records(self):
        return {f"shop/{number}": f"{CANARY} {number}".encode() for number in range(5)}

    @pytest.fixture
    def trigger(self, records):
        messages = [
            {"messageId": key.removeprefix("shop/"), "body": body.decode()}
            for key, body in records.items()
        ]
        return Trigger("sqs", {"Records": messages}, names_work=True)


def test_the_table_names_each_base_class_and_each_has_an_example():
    text = PAGE.read_text()
    table = text.partition("## Contract")[0]
    for base in ("ObjectSource", "TableSource", "RecordSource", "PushSource", "Source"):
        assert f"[`{base}`](#" in table
        assert f"({base}):" in text


def test_the_smallest_table_source_reads_increments_and_deletes(tmp_path):
    orders, _ = example("Orders")
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item, changed)")
        database.executemany(
            "INSERT INTO orders VALUES (?, 'cup', ?)",
            [(number, f"2024-01-01T{number:02}:00:00Z") for number in range(20)],
        )
    runs = TableRuns(
        lambda **changed: orders(orders.Settings(path=str(path), **changed))
    )
    assert len(runs.run().read) == 20
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "UPDATE orders SET item = 'jug', changed = '2024-02-01T00:00Z' WHERE id = 3"
        )
        database.execute("DELETE FROM orders WHERE id = 4")
    assert [key for key, _ in runs.run().read] == ["orders/18", "orders/19", "orders/3"]
    assert runs.live["orders/3"]["item"] == "jug"
    runs.run(full_scan=True)
    assert len(runs.live) == 19


def test_the_smallest_table_source_makes_no_file_that_is_missing(tmp_path):
    orders, _ = example("Orders")
    path = tmp_path / "a ?#%20.db"
    source = orders(orders.Settings(path=str(path)))
    with pytest.raises(
        StorageUnavailable,
        match="source shop-orders: .* opened .SQLITE_CANTOPEN.; check its location",
    ):
        list(source.plan(KnownObjects()))
    assert not list(tmp_path.iterdir())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item, changed)")
    assert list(source.plan(KnownObjects())) == []


@pytest.mark.parametrize("state", [None, {"id": 2}])
def test_the_smallest_api_source_reads_each_page_once(state):
    events, _ = example("Events")
    asked = []

    class Source(events):
        def _fetch(self, last):
            asked.append(last)
            return [{"id": last + 1}, {"id": last + 2}] if last < 5 else []

    source = Source(Source.Settings(url="http://127.0.0.1:1"))
    (split,) = source.plan(KnownObjects(state=state))
    batches = list(source.read(split))
    keys = [key for batch in batches for key in batch.source_keys]
    assert keys == [f"events/{number}" for number in range(3 if state else 1, 7)]
    assert asked == ([2, 4, 6] if state else [0, 2, 4, 6])
    done = [FinishedSplit(split, batches[-1].position)]
    assert source.next_state(done) == {"id": 6}


class Api(BaseHTTPRequestHandler):
    """Answers with one record after the one that is asked for, up to number 3."""

    cut_off = False

    def do_GET(self):
        last = int(parse_qs(urlsplit(self.path).query)["after"][0])
        self.send_response(200)
        self.end_headers()
        data = json.dumps([{"id": last + 1}] if last < 3 else []).encode()
        self.wfile.write(data[:3] if self.cut_off else data)

    def log_message(self, *_):
        pass


def test_the_smallest_api_source_asks_its_api(monkeypatch):
    events, _ = example("Events")
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        (split,) = events(events.Settings(url=url)).plan(KnownObjects())
        batches = list(events(events.Settings(url=url)).read(split))
        monkeypatch.setattr(Api, "cut_off", True)
        (batch,) = events(events.Settings(url=url)).read(split)
        server.shutdown()
    assert batch.unread[0].reason == "unavailable"
    assert [batch.payloads for batch in batches] == [
        [b'{"id": 1}'],
        [b'{"id": 2}'],
        [b'{"id": 3}'],
    ]
    (batch,) = events(events.Settings(url=url)).read(split)
    assert batch.unread[0].reason == "unavailable"


SHOP_PAGES = {
    "/orders?page=1": {
        "records": [{"id": 1, "changed": "2024-01-01T10:06:00Z"}],
        "next": 2,
    },
    "/orders?page=2": {"records": [{"id": 1, "changed": "2024-01-01T10:06:00.5Z"}]},
    "/customers?page=1": {
        "records": [{"id": 7, "changed": "2024-01-01T11:00:00+01:00"}]
    },
}


class ShopApi(BaseHTTPRequestHandler):
    """Pages of orders and customers; the times are of several forms."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(SHOP_PAGES[self.path]).encode())

    def log_message(self, *_):
        pass


def test_the_source_of_several_streams_reads_each_and_its_versions_are_in_order():
    shop, _ = example("Shop")
    read = {}
    with HTTPServer(("127.0.0.1", 0), ShopApi) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        settings = shop.Settings(url=f"http://127.0.0.1:{server.server_port}")
        for stream in shop(settings).streams():
            source = shop(settings)
            source.select_stream(stream)
            (split,) = source.plan(KnownObjects())
            read[stream] = list(source.read(split))
        server.shutdown()
    keys = {
        name: [key for each in batches for key in each.source_keys]
        for name, batches in read.items()
    }
    assert keys == {"orders": ["orders/1"] * 2, "customers": ["customers/7"]}
    older, newer = (batch.versions[0] for batch in read["orders"])
    assert older < newer
    assert read["customers"][0].versions == ["2024-01-01T10:00:00.000000+00:00"]


class ChangesApi:
    """The change feed of the page: two changes a page."""

    def __init__(self):
        self.changes, self.requests = [], []

    def put(self, number, tick):
        return self.put_into("orders", number, tick)

    def put_into(self, table, number, tick):
        row = {"id": number, "tick": tick, "note": CANARY * 3_000}
        self.add(table, row, deleted=False)
        return f"{table}/{number}", json.dumps(row).encode()

    def delete(self, number, tick):
        self.add("orders", {"id": number}, deleted=True)
        return f"orders/{number}"

    def add(self, table, row, **change):
        at = datetime.now(UTC).isoformat()
        number = len(self.changes) + 1
        self.changes.append(
            {"table": table, "number": number, "at": at, "row": row, **change}
        )

    def fetched(self):
        requests, self.requests = self.requests, []
        return requests

    def answer(self, path):
        self.requests.append(path)
        last = int(parse_qs(urlsplit(path).query)["after"][0])
        return self.changes[last : last + 2]


@pytest.fixture
def served(feed):
    """Settings that lead to a feed behind HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = feed.answer(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield {"url": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()


class TestChanges(RecordSourceContract):
    plugin = example("Changes")[0]
    stream = "orders"
    strict = True
    crowd = 500

    @pytest.fixture
    def feed(self):
        return ChangesApi()

    @pytest.fixture
    def settings(self, served):
        return served

    @pytest.fixture
    def faults(self, monkeypatch):
        faults = CallFaults()
        monkeypatch.setattr(self.plugin, "_fetch", faults.around(self.plugin._fetch))
        return faults


class ShopTable:
    """The table of the page, as the contract changes it."""

    def __init__(self, path):
        self.path = path
        self.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, item, changed)")

    def put(self, number, tick):
        at = datetime(2024, 1, 1) + timedelta(minutes=tick)
        changed = f"{at.isoformat()}Z"
        values = {"id": number, "item": f"{CANARY} {tick}", "changed": changed}
        self.run("INSERT OR REPLACE INTO orders VALUES (?, ?, ?)", *values.values())
        return f"orders/{number}", values

    def delete(self, number):
        self.run("DELETE FROM orders WHERE id = ?", number)

    def run(self, statement, *values):
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute(statement, values)


class TestSmallestTableSource(TableSourceContract):
    plugin = example("Orders")[0]

    @pytest.fixture
    def settings(self, tmp_path):
        return {"path": str(tmp_path / "shop.db")}

    @pytest.fixture
    def table(self, settings):
        return ShopTable(settings["path"])

    @pytest.fixture
    def faults(self, monkeypatch):
        faults = CallFaults(lambda: sqlite3.OperationalError("injected"))

        class Broken(sqlite3.Connection):
            execute = faults.around(sqlite3.Connection.execute)

        broken = partial(sqlite3.connect, factory=Broken)
        monkeypatch.setattr(sqlite3, "connect", broken)
        return faults


class ItemsApi:
    """The API of the source of items: two items a page, by change and id."""

    def __init__(self):
        self.items, self.requests = {}, []

    def put(self, number, tick, **more):
        at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=tick / 2)
        note = CANARY * 3_000
        item = {"id": number, "changed": at.isoformat(), "note": note, **more}
        self.items[number] = item
        return f"items/{number}", json.dumps(item).encode()

    def delete(self, number, tick):
        return self.put(number, tick, deleted=True)[0]

    def fetched(self):
        requests, self.requests = self.requests, []
        return requests

    def answer(self, path):
        self.requests.append(path)
        parts = urlsplit(path)
        if parts.path != "/items":
            return self.items.get(int(parts.path.removeprefix("/items/")))
        query = {name: value for name, [value] in parse_qs(parts.query).items()}
        first = query.get("since", ""), int(query.get("after", -1))
        items = {(item["changed"], item["id"]): item for item in self.items.values()}
        return [items[at] for at in sorted(items) if at > first][:2]


class TestItems(RecordSourceContract):
    plugin = example("Items")[0]
    strict = True
    crowd = 500

    @pytest.fixture
    def feed(self):
        return ItemsApi()

    @pytest.fixture
    def settings(self, served):
        return served

    @pytest.fixture
    def faults(self, monkeypatch):
        faults = CallFaults()
        monkeypatch.setattr(self.plugin, "_get", faults.around(self.plugin._get))
        return faults

    def test_a_delete_of_the_api_is_a_version(self, feed, make):
        feed.put(1, 1)
        feed.put(2, 2, deleted=True)
        (page,) = make().pages(None)
        assert page.source_keys == ["items/1"]
        [(key, version, at)] = page.deletes.rows()
        assert (key, at) == ("items/2", datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC))
        assert version == at.isoformat(timespec="microseconds") > page.versions[0]

    def test_a_replay_reads_single_items(self, feed, make):
        expected = feed.put(1, 1)
        (split,) = make().plan_replay(["items/1", "items/2"])
        read, missing = make().read(split)
        assert (read.source_keys[0], read.payloads[0]) == expected
        assert missing.unread == [ReadFailure("items/2", "missing")]
        assert feed.fetched() == ["/items/1", "/items/2"]
