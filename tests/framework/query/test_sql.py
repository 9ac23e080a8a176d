"""The engine behind ``reporting sql``: what it reads of a bucket, what becomes of it when files are replaced or out of reach."""

import random
import threading
from typing import NamedTuple

import polars as pl
import pytest

from reporting_framework import supports
from reporting_framework.errors import FatalError, ReportingError, StorageUnavailable
from reporting_framework.plugin_api.sink import ParquetFile
from reporting_framework.query.sql.answer import columns_of, open_answer
from reporting_framework.query.sql.engine import engine
from reporting_framework.query.sql.files import OpenFile, TableFiles, names
from reporting_framework.query.sql.table import Table
from reporting_framework.query.sql.views import select
from reporting_framework.storage import open_store
from reporting_framework.testing.faults.rules import Fault
from reporting_framework.testing.s3 import lead_to
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint
from tests.plugins.object_store.tables import WIDE, table
from tests.plugins.object_store.test_scan import committed, meter, prepared, row


def opened(uri, spill):
    files = prepared(uri).parquet_files()
    return Table(["t"], files, select(files, names(len(files)), WIDE), spill)


def rows(sql, source, spill):
    found = opened(source, spill) if isinstance(source, str) else source
    with open_answer(sql, found) as question:
        return question.first(10_000).rows


def test_a_checkpoint_is_parquet_backed():
    assert supports(ParquetCheckpoint, "parquet_files")
    assert supports(ParquetCheckpoint, "scan")


# -- what is read of a bucket --------------------------------------------------------------------------------------------


@pytest.fixture
def large(s3, s3_environment, bucket):
    """A checkpoint of 50,000 rows in four row groups, in a bucket."""
    chance = random.Random(1)
    made = [
        row(number, "ab"[number % 2], note=chance.randbytes(40).hex())
        for number in range(50_000)
    ]
    committed(f"s3://{bucket}/x.parquet", made)
    frame = pl.concat(
        [
            table(made)
            .with_row_index("n")
            .with_columns(pl.col("timestamp") + pl.duration(hours="n"))
        ]
    )
    store = open_store(f"s3://{bucket}")
    with store.temp_path("x") as path:
        frame.select(WIDE.names()).write_parquet(path, row_group_size=16_384)
        store.put("x.parquet", path, if_version=store.head("x.parquet").version)
    return f"s3://{bucket}/x.parquet"


def test_of_a_file_in_a_bucket_only_the_columns_and_row_groups_that_are_needed_are_read(
    s3, large, tmp_path, monkeypatch
):
    bucket = large.split("/")[2]
    size = open_store(f"s3://{bucket}").head("x.parquet").size
    taken = {}
    with meter(s3.endpoint) as (endpoint, count):
        lead_to(s3.behind(endpoint), monkeypatch)
        for sql in (
            "SELECT count(*) FROM t",
            "SELECT count(*) FROM t WHERE study = 'a'",
            "SELECT sum(length(note)) FROM t",
            "SELECT sum(length(note)) FROM t WHERE timestamp < '2024-02-01'",
            "SELECT max(note) FROM t WHERE timestamp > '2024-01-01' AND source_key = 'k00007'",
        ):
            before = count[0]
            [found] = rows(sql, large, tmp_path)
            taken[sql] = (
                found[0] if isinstance(found[0], int) else len(found[0]),
                (count[0] - before) / size,
            )
    (
        (every, least),
        (half, few),
        (all_notes, most),
        (some_notes, part),
        (one, little),
    ) = taken.values()
    assert (every, half, all_notes, some_notes, one) == (
        50_000,
        25_000,
        4_000_000,
        744 * 80,
        80,
    )
    assert least < few < 0.1, "the count is in the footer, a short column costs little"
    assert most > 0.7, "this column is most of the file"
    assert part < most / 2, "the first of four row groups"
    assert little < most / 2


def test_the_requests_for_a_file_are_few(s3, large, tmp_path, monkeypatch, proxy):
    lead_to(s3.behind(proxy.endpoint), monkeypatch)
    assert rows(
        "SELECT count(DISTINCT study), min(number) FROM t", large, tmp_path
    ) == [(2, 0)]
    assert proxy.count("HEAD") == 1  # the file
    assert proxy.count("PUT") == proxy.count("LIST") == 0
    assert proxy.count("GET") <= 4 + 2 * 4, (
        "the schema, DuckDB's footer, and up to two columns of four row groups"
    )


# -- files that are replaced, out of reach, or damaged ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.parquet", "{study}.parquet"])
@pytest.mark.parametrize("kind", ["folder", "memory", "s3"])
def test_what_is_replaced_is_read_as_it_was_or_not_at_all(
    request, tmp_path, kind, name
):
    place = {
        "folder": f"{tmp_path}/out",
        "memory": f"memory://sql-replaced-{len(name)}/out",
    }.get(kind)
    if place is None:
        request.getfixturevalue("s3_environment")
        place = f"s3://{request.getfixturevalue('bucket')}/out"
    committed(
        f"{place}/{name}", [row(number, "ab"[number % 2]) for number in range(100)]
    )
    before = opened(f"{place}/{name}", tmp_path)
    committed(
        f"{place}/{name}",
        [row(number, "z" if "{" not in name else "a") for number in range(100, 3000)],
    )
    sql = "SELECT count(*), sum(number) FROM t"
    if kind == "folder":
        assert rows(sql, before, tmp_path) == [(100, 4950)]
    else:
        with pytest.raises(
            StorageUnavailable,
            match=r"parquet: another run has replaced it while it was read; run again",
        ):
            rows(sql, before, tmp_path)
    assert rows(sql, f"{place}/{name}", tmp_path) == [(3000, sum(range(3000)))]
    for file in before.files:
        file.close()


def test_of_many_files_one_that_is_replaced_is_refused(tmp_path):
    made = [row(number, f"s{number:03}") for number in range(70)]
    committed(f"{tmp_path}/{{study}}.parquet", made)
    before = opened(f"{tmp_path}/{{study}}.parquet", tmp_path)
    assert len(before.files) == 70
    assert rows("SELECT count(*), sum(number) FROM t", before, tmp_path) == [
        (70, sum(range(70)))
    ]
    committed(f"{tmp_path}/{{study}}.parquet", [row(100, "s042")])
    with pytest.raises(
        StorageUnavailable,
        match=r"s042\.parquet: another run has replaced it while it was read",
    ):
        rows("SELECT sum(number) FROM t", before, tmp_path)


def test_a_server_that_refuses_is_told_as_everywhere(
    s3, large, tmp_path, monkeypatch, proxy
):
    lead_to(s3.behind(proxy.endpoint), monkeypatch)
    before = opened(large, tmp_path)
    proxy.inject(Fault.answer(403, "AccessDenied"), kind="GET", times=None)
    with pytest.raises(
        ReportingError, match=r"x\.parquet: access denied \(AccessDenied\)"
    ):
        rows("SELECT max(note) FROM t", before, tmp_path)
    with pytest.raises(
        ReportingError, match=r"x\.parquet: access denied \(AccessDenied\)"
    ):
        columns_of(before)


def test_an_answer_that_breaks_off_is_asked_for_again(
    s3, large, tmp_path, monkeypatch, proxy
):
    lead_to(s3.behind(proxy.endpoint), monkeypatch)
    before = opened(large, tmp_path)
    broken = proxy.inject(Fault.truncate(), kind="GET", nth=3, times=1)
    assert rows("SELECT sum(length(note)) FROM t", before, tmp_path) == [(4_000_000,)]
    assert broken.fired == 1


def test_a_foreign_file_that_is_damaged_in_its_midst_is_a_failure_and_nothing_of_it_is_told(
    tmp_path,
):
    committed(
        f"{tmp_path}/x.parquet",
        [row(number, "secret", note="secret" * 50) for number in range(2000)],
    )
    path = tmp_path / "x.parquet"
    pl.read_parquet(path).write_parquet(
        path, row_group_size=500
    )  # as another program: without checksums
    data = bytearray(path.read_bytes())
    data[8 : len(data) // 2] = bytes(len(data) // 2 - 8)
    path.write_bytes(data)
    with pytest.raises(
        ReportingError, match="its message may quote records and is withheld"
    ) as raised:
        rows("SELECT * FROM t", f"{tmp_path}/x.parquet", tmp_path)
    assert "secret" not in str(raised.value)


# -- threads, memory, and the door -------------------------------------------------------------------------------------


class Bytes(NamedTuple):
    """See `ParquetFile`."""

    data: bytes
    uri: str = "memory"
    schema: pl.Schema = WIDE

    @property
    def size(self):
        return len(self.data)

    def read(self, start, length):
        return self.data[start : start + length]

    def close(self):
        """Nothing."""


def test_threads_that_share_a_file_each_have_a_position():
    file: ParquetFile = Bytes(bytes(range(256)))
    shared = TableFiles([file]).open("reporting://0.parquet")
    barrier, found = threading.Barrier(2), {}

    def read(start):
        shared.seek(start)
        barrier.wait()
        found[start] = (shared.tell(), shared.read(2), shared.tell())

    threads = [threading.Thread(target=read, args=(start,)) for start in (10, 200)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {10: (10, b"\x0a\x0b", 12), 200: (200, b"\xc8\xc9", 202)}
    assert isinstance(shared, OpenFile)
    assert (shared.seek(-1, 2), shared.read(), shared.seek(-2, 1), shared.read(1)) == (
        255,
        b"\xff",
        254,
        b"\xfe",
    )


def test_files_are_read_only_and_known_by_their_names_alone():
    files = TableFiles([Bytes(b"")])
    assert (files.glob("reporting://0.parquet"), files.glob("reporting://*")) == (
        ["reporting://0.parquet"],
        [],
    )
    with pytest.raises(PermissionError):
        files.open("reporting://0.parquet", "wb")


def test_a_database_installs_and_loads_nothing_and_cannot_be_opened_from_within():
    with engine(["CREATE VIEW t AS SELECT 1 AS n"]) as connection:
        said = dict(
            connection.execute(
                "SELECT name, value FROM duckdb_settings() WHERE name IN ('autoinstall_known_extensions', "
                "'autoload_known_extensions', 'enable_external_access', 'lock_configuration', 'TimeZone', "
                "'allow_community_extensions', 'python_enable_replacements')"
            ).fetchall()
        )
        assert said.pop("TimeZone") == "UTC"
        assert said.pop("lock_configuration") == "true"
        assert set(said.values()) == {"false"}
        for each in (
            "SET enable_external_access = true",
            "INSTALL httpfs",
            "LOAD httpfs",
            "COPY t TO 'x.csv'",
        ):
            with pytest.raises(Exception, match="disabled|locked"):
                connection.execute(each)


def test_what_does_not_fit_in_memory_is_an_error_that_says_so(tmp_path):
    import duckdb

    from reporting_framework.query.sql.statement import withheld

    with duckdb.connect(config={"memory_limit": "20MB"}) as connection:
        connection.execute("SET temp_directory = ''")
        with (
            pytest.raises(FatalError, match="the SQL needs more memory than available"),
            withheld("", TableFiles([])),
        ):
            connection.execute(
                "CREATE TABLE t AS SELECT range AS n, hash(range) AS h FROM range(10_000_000)"
            )


def test_a_file_that_cannot_be_written_is_a_failure_of_the_storage(tmp_path):
    committed(f"{tmp_path}/x.parquet", [row(1)])
    target = tmp_path / "gone" / "x.csv"
    found = opened(f"{tmp_path}/x.parquet", tmp_path)
    told = "the SQL could not be answered: IOException; its message may quote records and is withheld"
    with (
        open_answer("SELECT * FROM t", found, [target]) as question,
        pytest.raises(StorageUnavailable, match=told),
    ):
        question.write("csv", target)
