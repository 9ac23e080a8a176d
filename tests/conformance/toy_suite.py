"""The suites of the toy plugins, as their author would write them."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
import toy

from reporting_framework.plugin_api.page import PageContext
from reporting_framework.testing import (
    CANARY,
    CallFaults,
    EngineContract,
    ObserverContract,
    PageContract,
    QueryContract,
    RecordSourceContract,
    SinkContract,
    SourceContract,
    TableSourceContract,
    TransformContract,
    ValidatorContract,
)


@pytest.fixture
def broken_io(monkeypatch):
    faults = CallFaults()
    for name in ("read", "write"):
        monkeypatch.setattr(toy, name, faults.around(getattr(toy, name)))
    return faults


def payload(number):
    return json.dumps({"number": number, "note": CANARY + "x" * 2000}).encode()


class TestSource(SourceContract):
    plugin = toy.ToySource
    crowd = 300

    @pytest.fixture
    def settings(self, tmp_path):
        return {"folder": str(tmp_path)}

    @pytest.fixture
    def records(self, add):
        return dict(add(number) for number in range(100_000, 100_005))

    @pytest.fixture
    def add(self, tmp_path):
        def put(number):
            (tmp_path / f"{number:06}.json").write_bytes(payload(number))
            return f"{number:06}.json", payload(number)

        return put

    @pytest.fixture
    def faults(self, broken_io):
        return broken_io


class OrdersSource(toy.ToySource):
    natural_keys = True


class TestNaturalKeys(TestSource):
    """Keys that end as a line of an object would."""

    plugin = OrdersSource
    crowd = 0

    @pytest.fixture
    def add(self, tmp_path):
        def put(number):
            (tmp_path / f"{number:06}.json#1").write_bytes(payload(number))
            return f"{number:06}.json#1", payload(number)

        return put


class ToyRows:
    """The table behind `ToyTable`."""

    def __init__(self, path):
        self.path = path
        self.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT, at INTEGER)"
        )

    def execute(self, text, *values):
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute(text, values)

    def put(self, number, tick):
        note = f"{CANARY} {tick}"
        self.execute("REPLACE INTO orders VALUES (?, ?, ?)", number, note, tick)
        return f"orders/{number}", {"id": number, "note": note, "at": tick}

    def delete(self, number):
        self.execute("DELETE FROM orders WHERE id = ?", number)


class TestTable(TableSourceContract):
    plugin = toy.ToyTable

    @pytest.fixture
    def settings(self, tmp_path):
        return {"folder": tmp_path}

    @pytest.fixture
    def table(self, tmp_path):
        return ToyRows(tmp_path / "orders.db")


class ToyTextRows(ToyRows):
    """The table behind `ToyTexts`; a tick is a minute."""

    def put(self, number, tick):
        at = (datetime(2024, 1, 1) + timedelta(minutes=tick)).isoformat()
        return super().put(number, at)


class TestTexts(TestTable):
    plugin = toy.ToyTexts
    look_back = 1

    @pytest.fixture
    def table(self, tmp_path):
        return ToyTextRows(tmp_path / "orders.db")


class ToyLog:
    """The API behind `ToyFeed`: its file, and what was asked for."""

    def __init__(self, path):
        self.path, self.records, self.requests = path, [], []

    def put(self, number, tick, **more):
        record = {"id": number, "at": tick, "note": f"{CANARY} {tick}", **more}
        self.records.append(record)
        self.path.write_text(json.dumps(self.records))
        return f"orders/{number}", json.dumps(record).encode()

    def delete(self, number, tick):
        return self.put(number, tick, deleted=True)[0]

    def fetched(self):
        requests, self.requests = self.requests, []
        return requests


class TestFeed(RecordSourceContract):
    plugin = toy.ToyFeed
    log = ToyLog

    @pytest.fixture
    def settings(self, tmp_path):
        return {"folder": tmp_path}

    @pytest.fixture
    def feed(self, tmp_path, monkeypatch):
        feed, fetch = self.log(tmp_path / "feed.json"), toy.fetch

        def logged(folder, offset):
            feed.requests.append(str(offset))
            return fetch(folder, offset)

        monkeypatch.setattr(toy, "fetch", logged)
        return feed

    @pytest.fixture
    def faults(self, broken_io):
        return broken_io


class ToySharedLog(ToyLog):
    """The API behind `ToySharedFeed`."""

    def put(self, number, tick, **more):
        return super().put(number, tick, stream="orders", **more)

    def put_into(self, stream, number, tick):
        source_key, payload = super().put(number, tick, stream=stream)
        return source_key.replace("orders", stream), payload


class TestSharedFeed(TestFeed):
    plugin = toy.ToySharedFeed
    stream = "orders"
    log = ToySharedLog


class TestValidator(ValidatorContract):
    plugin = toy.ToyValidator

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def good(self):
        return [payload(1), payload(2)]

    @pytest.fixture
    def bad(self):
        note = f'"note": "{CANARY}"'
        return [
            (f'{{"number": "{CANARY}", {note}}}'.encode(), "int_type", "number"),
            (f"{{{note}}}".encode(), "missing", "number"),
            (CANARY.encode(), "json_invalid", None),
        ]


class TestTransform(TransformContract):
    plugin = toy.ToyTransform

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def frame(self):
        rows = [(number, CANARY, f"{number}.json") for number in (1, -2, 3)]
        return pl.DataFrame(rows, schema=toy.SCHEMA, orient="row")

    @pytest.fixture
    def expected(self, frame):
        return frame[[0, 2]].insert_column(2, pl.Series("double", [2, 6]))


class TestSink(SinkContract):
    plugin = toy.ToySink
    bounded = False

    @pytest.fixture
    def settings(self, tmp_path):
        return {"folder": str(tmp_path)}

    @pytest.fixture
    def rows(self):
        return lambda numbers: pl.DataFrame(
            [(number, CANARY, f"{number}.json") for number in numbers],
            schema=toy.SCHEMA,
            orient="row",
        )

    @pytest.fixture
    def visible(self, tmp_path):
        def read():
            file = tmp_path / "rows.json"
            return pl.DataFrame(
                list(json.loads(file.read_bytes()).values()) if file.exists() else []
            )

        return read

    @pytest.fixture
    def files(self, tmp_path):
        return lambda: {
            path.name: path.read_bytes() for path in tmp_path.glob("rows.json")
        }

    @pytest.fixture
    def clear(self, tmp_path):
        return lambda: (tmp_path / "rows.json").unlink(missing_ok=True)

    @pytest.fixture
    def faults(self, broken_io):
        return broken_io


class TestEngine(EngineContract):
    plugin = toy.ToyEngine
    look_ahead = 16


class TestObserver(ObserverContract):
    plugin = toy.ToyObserver


def table():
    rows = [
        (number, (CANARY, "b", None)[number % 3], f"{number}.json")
        for number in range(7)
    ]
    return pl.DataFrame(rows, schema=toy.SCHEMA, orient="row")


class TestTableSink(SinkContract):
    plugin = toy.ToyTableSink
    bounded = False

    @pytest.fixture
    def settings(self, tmp_path):
        return {"folder": str(tmp_path)}

    @pytest.fixture
    def rows(self):
        return lambda numbers: pl.DataFrame(
            [(number, CANARY, f"{number}.json") for number in numbers],
            schema=toy.SCHEMA,
            orient="row",
        )

    @pytest.fixture
    def visible(self, files):
        def read():
            content = json.loads(files().get("table.json", b'{"rows": {}}'))
            rows = content["rows"]
            frame = pl.DataFrame(
                list(rows.values() if isinstance(rows, dict) else rows),
                schema={
                    **toy.SCHEMA,
                    **dict.fromkeys(("_version", "_deleted_at"), pl.String),
                },
            )
            return frame.with_columns(
                pl.col("_deleted_at").str.to_datetime(
                    "%+", time_unit="us", time_zone="UTC"
                )
            )

        return read

    @pytest.fixture
    def files(self, tmp_path):
        return lambda: {
            path.name: path.read_bytes() for path in tmp_path.glob("table.json")
        }

    @pytest.fixture
    def faults(self, broken_io):
        return broken_io


class TestQuery(QueryContract):
    plugin = toy.ToyQuery

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def rows(self):
        return table()

    @pytest.fixture
    def expected(self):
        schema = {"note": pl.String, "rows": pl.get_index_type(), "mean": pl.Float64}
        return pl.DataFrame(
            [(None, 2, 3.5), ("b", 2, 2.5), (CANARY, 3, 3.0)],
            schema=schema,
            orient="row",
        )


class TestPage(PageContract):
    plugin = toy.ToyPage

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def material(self):
        at = datetime(2024, 2, 1, tzinfo=UTC)
        return PageContext(
            "toy",
            date(2024, 1, 1),
            table().lazy(),
            table().head(1),
            (),
            "here",
            "there",
            at,
        )
