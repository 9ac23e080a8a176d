"""An upserting run of the whole program is killed at each storage call; the next one makes the table equal the source."""

import json
import os
import random
import shutil
import signal
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from tests.examples.test_third_party import EXAMPLE
from tests.framework.distributions import Site
from tests.support import Fault
from tests.support.programs import Program

from reporting_framework.storage import open_store

ROWS, SAMPLED, AT_ONCE = 40, 1, 8

REPORT = """
[reports.orders]
source     = {{ use = "sqlite-table", path = "{shop}", table = "orders", cursor = "updated_at", full_scan = true }}
validator  = {{ use = "frame", columns = {{ id = {{ type = "int64" }}, item = {{ type = "string" }}, price = {{ type = "float64", ge = 0 }}, placed_at = {{ type = "datetime" }} }} }}
sinks      = [{sink}]
write_mode = "upsert"
"""
PARQUET = '{ use = "parquet-checkpoint", uri = "%s/orders.parquet", timestamp = "placed_at", deletes = "hard" }'
SINKS = {
    "one file": PARQUET % "OUT",
    "a file for each item": PARQUET % "OUT/{item}",
    "sqlite": '{ use = "sqlite-table", path = "OUT/orders.db", table = "orders" }',
}


def first_rows():
    """Orders, one an hour; one of ten is rejected."""
    for number in range(ROWS):
        price = number if number % 10 else -1
        day, hour = divmod(number, 24)
        at = f"2024-02-{1 + day:02}T{hour:02}:00:00Z"
        item = "cup" if number % 3 else "jug"
        yield number, item, price, "2024-01-01T10:00:00Z", at


LATER = "2024-03-01T10:00:00Z"
CHANGES = [
    f"UPDATE orders SET price = 99, updated_at = '{LATER}' WHERE id = 1",
    f"UPDATE orders SET item = 'jug', updated_at = '{LATER}' WHERE id = 2",
    f"UPDATE orders SET price = 7, updated_at = '{LATER}' WHERE id = 10",
    f"UPDATE orders SET price = -2, updated_at = '{LATER}' WHERE id = 5",
    "DELETE FROM orders WHERE id IN (4, 20)",
    f"INSERT INTO orders VALUES (1000, 'lid', 1, '2024-01-01T10:00:00Z', '{LATER}')",
]
STATE = "_state/orders.json"
"""Place of the state of a table of several files."""

KEPT = {5: 5.0}
"""A row whose newest version is rejected stays as it was."""


def timeless(state):
    """Return a state without the time of the last full scan, and the number of commits."""
    known = state if isinstance(state, dict) else json.loads(state)
    source = {**known["state"], "scanned": None}
    return {"source": known["source"], "mode": known["mode"], "state": source}


def parts_of(parquet):
    """Return the bytes of the rows of a file, its metadata and its state."""
    metadata = pl.read_parquet_metadata(parquet)
    state = metadata.pop("reporting_framework.state", None)
    length = int.from_bytes(parquet[-8:-4], "little")
    checksums = json.loads(metadata.pop("reporting.checksums"))
    del checksums["footer"]  # which holds the state, and so its time
    known = timeless(state) if state else None
    return parquet[: -8 - length], metadata, checksums, known


@dataclass
class Shop:
    """A source as it is before a run, and a table as a run before has left it.

    Attributes:
        folder: Where all of it is.
        kind: Which of `SINKS` the report has.
        changed: Whether there was a run before, and the source has changed since.
    """

    folder: Path
    kind: str
    changed: bool
    cases: int = 0

    def make(self):
        self.folder.mkdir()
        Site(self.folder).metadata(
            "acme-reporting", "[reporting_framework]\ntable = acme_reporting.plugin\n"
        )
        columns = "id INTEGER PRIMARY KEY, item TEXT, price REAL, placed_at TEXT"
        self.change(f"CREATE TABLE orders ({columns}, updated_at TEXT)")
        self.change("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", *first_rows())
        self.before = self.table()
        if self.changed:
            assert self.before.program.run() == 0
            for statement in CHANGES:
                self.change(statement)
        self.expected = self.copy()
        assert self.expected.program.run() == 0
        self.expected.check_equals_source()
        return self

    def change(self, statement, *values):
        with closing(sqlite3.connect(self.folder / "shop.db")) as database, database:
            database.executemany(statement, values or [()])

    def table(self, out="", **environment):
        self.cases += 1
        folder = self.folder / str(self.cases)
        folder.joinpath("out").mkdir(parents=True)
        table = Table(self, folder, out or str(folder / "out"), environment)
        sink = SINKS[self.kind].replace("OUT", table.out)
        text = REPORT.format(shop=self.folder / "shop.db", sink=sink)
        folder.joinpath("reporting.toml").write_text(text)
        return table

    def copy(self, out="", **environment):
        """Return a table that is as the run before has left it."""
        table = self.table(out, **environment)
        target = open_store(table.out)
        for key, content in self.before.files().items():
            target.put(key, content, if_version=None)
        return table


@dataclass
class Table:
    """A table that the report writes to, with a configuration of its own."""

    shop: Shop
    folder: Path
    out: str
    environment: dict[str, str]

    @property
    def program(self):
        paths = [self.shop.folder, EXAMPLE / "src"]
        arguments = ["orders", "--format", "json"]
        out = self.folder / "out"
        return Program(self.folder, arguments, out, paths, self.environment)

    def files(self):
        store = open_store(self.out)
        keys = [entry.key for page in store.list() for entry in page]
        return {key: store.get(key).data for key in keys}

    def content(self):
        """Return what must be the same as if nothing had been killed."""
        if self.shop.kind == "sqlite":
            with closing(sqlite3.connect(f"{self.out}/orders.db")) as database:
                query = "SELECT id, item, price, source_key, _version, _deleted_at IS NULL FROM orders ORDER BY source_key"
                rows = database.execute(query).fetchall()
                ((state,),) = database.execute("SELECT state FROM _reporting_state")
            files = {"rows": rows, "state": timeless(state)}
        else:
            files = {
                key: data if data[:4] != b"PAR1" else parts_of(data)
                for key, data in self.files().items()
                if key[0] != "_" and not key.endswith(".lock")
            }
            files |= {
                key: timeless(json.loads(data)["state"])
                for key, data in self.files().items()
                if key == STATE
            }
        store = open_store(f"{self.out}/_quarantine")
        keys = [entry.key for page in store.list() for entry in page]
        quarantine = [key for key in keys if key.endswith(".parquet")]
        rows = [pl.read_parquet(store.get(key).data) for key in quarantine]
        known = [each["source_key", "version", "error_type"].rows() for each in rows]
        return files, known

    def rows(self):
        if self.shop.kind == "sqlite":
            with closing(sqlite3.connect(f"{self.out}/orders.db")) as database:
                query = "SELECT id, price FROM orders WHERE _deleted_at IS NULL"
                return sorted(database.execute(query).fetchall())
        files = [data for key, data in self.files().items() if key[0] != "_"]
        parquet = [data for data in files if data[:4] == b"PAR1"]
        return sorted(
            pl.concat(pl.read_parquet(data)["id", "price"] for data in parquet).rows()
        )

    def check_equals_source(self):
        query = "SELECT id, price FROM orders WHERE price >= 0"
        with closing(sqlite3.connect(self.shop.folder / "shop.db")) as database:
            wanted = dict(database.execute(query).fetchall())
        if self.shop.changed:
            wanted |= KEPT
        assert self.rows() == sorted(wanted.items())

    def check_next_run(self):
        """Check that the next run makes all of it as if nothing had been killed."""
        assert self.program.run() == 0, self.log()
        self.check_equals_source()
        assert self.content() == self.shop.expected.content()

    def log(self):
        return "".join(path.read_text() for path in self.folder.glob("*.err"))

    def results(self):
        return [json.loads(path.read_text()) for path in self.folder.glob("*.out")]


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    """Give a shop of each kind, made when it is asked for."""
    made = {}

    def of(kind, changed):
        if (kind, changed) not in made:
            folder = tmp_path_factory.mktemp("shop") / "shop"
            made[kind, changed] = Shop(folder, kind, changed).make()
        return made[kind, changed]

    return of


CASES = [(kind, changed) for kind in SINKS for changed in (False, True)]
of_each = pytest.mark.parametrize(("kind", "changed"), CASES)


def kill_on_disk(shop, number):
    """Kill a run at a call, and check the next one; say whether there was that call."""
    table = shop.copy()
    code = table.program.run(number)
    assert code in (0, -signal.SIGKILL), table.log()
    table.check_next_run()
    shutil.rmtree(table.folder)
    return code != 0


@pytest.mark.parametrize(
    ("kind", "changed"),
    [("a file for each item", True), ("one file", False), ("sqlite", True)],
)
def test_a_run_that_is_killed_at_some_calls_loses_nothing(shops, kind, changed):
    shop = shops(kind, changed)
    chosen = random.Random(f"{kind} {changed}").sample(range(20, 70), SAMPLED)
    assert all(kill_on_disk(shop, number) for number in chosen)


@pytest.mark.slow
@of_each
def test_a_run_that_is_killed_at_any_call_loses_nothing(shops, kind, changed):
    number = 1
    while kill_on_disk(shops(kind, changed), number):
        number += 1
    assert number > 30


@pytest.fixture
def proxied(s3_environment, proxy, bucket):
    """Give a bucket behind a proxy, the proxy and the variables that lead there."""
    return bucket, proxy, s3_environment.behind(proxy.endpoint).environment()


def kill_in_bucket(shop, proxied, number):
    """Kill a run at a request, and check the next one; say whether there was that one."""
    bucket, proxy, environment = proxied
    table = shop.copy(f"s3://{bucket}/{number}", **environment)
    proxy.reset()
    process, requests = table.program.begin(), count(1)

    def due(_):
        if next(requests) < number:
            return False
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        return True

    proxy.inject(Fault.cut(), times=None, when=due)
    code = table.program.end(process)
    assert code in (0, -signal.SIGKILL), table.log()
    proxy.reset()
    table.check_next_run()
    return code != 0


of_each_in_a_bucket = pytest.mark.parametrize(
    ("kind", "changed"), [case for case in CASES if case[0] != "sqlite"]
)


@pytest.mark.parametrize(
    ("kind", "changed"), [("a file for each item", True), ("one file", False)]
)
def test_a_run_that_is_killed_at_some_requests_loses_nothing(
    shops, proxied, kind, changed
):
    shop = shops(kind, changed)
    chosen = random.Random(f"{kind} {changed}").sample(range(6, 12), SAMPLED)
    assert all(kill_in_bucket(shop, proxied, number) for number in chosen)


@pytest.mark.slow
@of_each_in_a_bucket
def test_a_run_that_is_killed_at_any_request_loses_nothing(
    shops, proxied, kind, changed
):
    number = 1
    while kill_in_bucket(shops(kind, changed), proxied, number):
        number += 1
    assert number > 10


# -- runs at once ----------------------------------------------------------------------


def run_at_once(table):
    """Run several times at once, and check what is left, and that nothing is counted twice."""
    program = table.program
    running = [program.begin() for _ in range(AT_ONCE)]
    assert [program.end(process) for process in running] == [0] * AT_ONCE, table.log()
    table.check_equals_source()
    assert table.content() == table.shop.expected.content()
    for name in ("inserted", "updated", "deleted"):
        (alone,) = [result[name] for result in table.shop.expected.results()]
        assert sum(result[name] for result in table.results()) == alone
    table.check_next_run()


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        pytest.param(*case, marks=() if case == CASES[1] else pytest.mark.slow)
        for case in CASES
    ],
)
def test_runs_at_once_give_what_one_gives(shops, kind, changed):
    run_at_once(shops(kind, changed).copy())


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        pytest.param("one file", False, marks=pytest.mark.slow),
        ("a file for each item", True),
    ],
)
def test_runs_at_once_give_in_a_bucket_what_one_gives(
    shops, bucket, s3_environment, kind, changed
):
    environment = s3_environment.environment()
    run_at_once(shops(kind, changed).copy(f"s3://{bucket}/out", **environment))
