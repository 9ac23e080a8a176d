"""The bars of tables: rows with a key and a cursor into a checkpoint, by upsert.

Times are processor time of the work itself, without imports.
"""

import os
import sysconfig
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import PAIRS, BenchmarkError, Usage, alternate, measure, middle
from benchmarks.peers.table_run import TABLE
from benchmarks.postgres import server
from benchmarks.rows import Group, Row, compared, megabytes

ROWS = 1_000_000
SCRIPT = Path(__file__).parent / "peers" / "table_run.py"
COLUMNS = "rows of 6 columns"


def _run(bench: Bench, what: str, rows: int, folder: Path, uri: str = "") -> Usage:
    environment = {**os.environ, "BENCHMARK_PACKAGES": sysconfig.get_path("purelib")}
    words = [bench.python, str(SCRIPT), what, str(rows), str(folder)]
    usage = measure([*words, uri] if uri else words, environment)
    if usage.answer["rows"] != rows:
        raise BenchmarkError(f"{what}: {usage.answer['rows']} rows instead of {rows}")
    return usage


def frames(bench: Bench) -> Sequence[Row]:
    """Measure the framework alone, with frames in memory."""
    rows = ROWS // bench.scale

    def ours() -> Usage:
        return _run(bench, "frames", rows, bench.fresh("tables"))

    def bare() -> Usage:
        return _run(bench, "frames-bare", rows, bench.fresh("tables"))

    def upsert() -> Usage:
        return _run(bench, "frames-upsert", rows, bench.fresh("tables"))

    appended, upserted, bares = alternate(PAIRS, ours, upsert, bare)
    what = f"{rows:,} {COLUMNS}, frames to checkpoint"
    return [
        compared(
            "table-frames",
            f"{what}: of `write_parquet`",
            1.8,
            appended,
            bares,
            "seconds",
        ),
        compared(
            "table-frames-upsert",
            f"{what} with `upsert`: of `write_parquet`",
            1.8,
            upserted,
            bares,
            "seconds",
        ),
    ]


def change(bench: Bench) -> Sequence[Row]:
    """Two rows of a checkpoint change."""
    rows = ROWS // bench.scale
    folder = bench.fresh("tables")

    def ours() -> Usage:
        _run(bench, "frames-upsert", rows, bench.fresh("tables"))
        return _run(bench, "change", rows, folder)

    changes, bares = alternate(
        PAIRS, ours, partial(_run, bench, "change-bare", rows, folder)
    )
    return [
        compared(
            "table-change",
            f"2 of {rows:,} rows change: of polars scan to sink of the checkpoint",
            1.3,
            changes,
            bares,
            "seconds",
        )
    ]


def postgres(bench: Bench) -> Sequence[Row]:
    """Measure the first read of a table of PostgreSQL, in two sizes."""
    import adbc_driver_postgresql.dbapi as driver

    rows = ROWS // bench.scale
    with server() as uri:

        def fill(number: int) -> None:
            with driver.connect(uri) as connection, connection.cursor() as cursor:
                cursor.execute("DROP TABLE IF EXISTS orders")
                cursor.execute(TABLE.format(rows=number))
                cursor.execute("ALTER TABLE orders ADD PRIMARY KEY (id)")
                cursor.execute("CREATE INDEX ON orders (updated_at, id)")
                connection.commit()

        def run(what: str, number: int) -> Usage:
            return _run(bench, what, number, bench.fresh("tables"), uri)

        fill(rows)
        ours, bares = alternate(
            PAIRS,
            partial(run, "postgres", rows),
            partial(run, "postgres-bare", rows),
        )
        slow, fast = (
            [bench.peer("dlt_table", backend, str(rows), bench.fresh("dlt"), uri)]
            for backend in ("sqlalchemy", "pyarrow")
        )
        fill(10 * rows)
        large = middle([run("postgres", 10 * rows)], "peak")
    small = middle(ours, "peak")
    what = f"PostgreSQL to checkpoint, {COLUMNS}"
    return [
        compared(
            "table-postgres",
            f"{rows:,} from {what} by `sql-table`: of ADBC to `sink_parquet`",
            1.3,
            ours,
            bares,
            "seconds",
        ),
        *(
            compared(
                f"table-postgres-dlt-{backend}",
                f"{rows:,} from {what}: as fast as dlt's `sql_table` with {backend}",
                bound,
                ours[:1],
                others,
                "seconds",
                at_least=True,
            )
            for backend, bound, others in (
                ("sqlalchemy", 8, slow),
                ("pyarrow", 3, fast),
            )
        ),
        Row(
            "table-memory",
            f"{what}: peak memory of {10 * rows:,}, of that of {rows:,}",
            1.1,
            large / small,
            f"{megabytes(large)} to {megabytes(small)}",
            peak=large,
        ),
    ]


GROUPS = (
    Group(("table-frames", "table-frames-upsert"), frames),
    Group(("table-change",), change),
    Group(
        (
            "table-postgres",
            "table-postgres-dlt-sqlalchemy",
            "table-postgres-dlt-pyarrow",
            "table-memory",
        ),
        postgres,
    ),
)
