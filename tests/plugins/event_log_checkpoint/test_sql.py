"""The published queries in SQL: the same answers as the queries of the plugin, wherever and in how many files the table is."""

import itertools
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from reporting_event_log_checkpoint.report import EventLogCheckpoint
from reporting_framework import Split, run_report
from reporting_framework.config.file import Config
from reporting_framework.query.sql.answer import open_answer
from reporting_framework.query.sql.table import opened
from reporting_framework.registry.registry import load_plugins
from reporting_framework.registry.reports import compose_report
from tests.plugins.event_log_checkpoint.test_queries import (
    EXAMPLE,
    KINDS,
    SCHEMA,
    checkpoints,
    event,
)
from tests.support.plugins import checkpoint

SQL = {
    path.stem: path.read_text()
    for path in sorted((Path(__file__).parents[3] / "examples" / "sql").glob("*.sql"))
}
PLACES = {"file": "events.parquet", "grouped": "{study}/{datatype}/events.parquet"}

_numbers = itertools.count(1)
_registry = load_plugins()


def committed(uri, rows):
    sink = checkpoint(uri)
    sink.open(pl.Schema(SCHEMA))
    sink.ledger()
    frame = pl.DataFrame(rows, schema=SCHEMA)
    sink.commit([sink.stage(frame, Split("s", {}), 0)])
    sink.close()


def answers(uri, folder, queries=SQL):
    """What each query gives, as written to a file."""
    composition = compose_report(
        "event-log-checkpoint",
        _registry,
        Config(),
        environment={},
        options={"source": "x", "checkpoint": uri, "validator": "visit-event-v2"},
    )
    found = {}
    with opened(EventLogCheckpoint(), composition, _registry) as table:
        for name, sql in queries.items():
            path = Path(folder, f"{name}-{next(_numbers)}.parquet")
            path.touch()
            with open_answer(sql, table, [path]) as question:
                question.write("parquet", path)
            found[name] = pl.read_parquet(path)
    return found


def same(found, rows):
    """Whether the answers are those of the queries in polars: columns, types, order and values."""
    assert found.keys() == {"latest-per-visit", "monthly-errors", "qc-timing"}
    for name, frame in found.items():
        kind = KINDS[name]
        wanted = kind(kind.Settings()).run(rows.lazy()).collect()
        assert frame.schema == wanted.schema
        for mine, theirs in zip(frame.rows(), wanted.rows(), strict=True):
            near = [
                pytest.approx(each, rel=1e-12) if isinstance(each, float) else each
                for each in theirs
            ]
            assert list(mine) == near


SOME = [event(number, number) for number in range(0, 7000, 37)]


@pytest.mark.parametrize("layout", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("kind", ["folder", "memory", "s3"])
def test_sql_answers_as_the_queries_do(request, tmp_path, kind, layout):
    folder = {
        "folder": f"{tmp_path}/out",
        "memory": f"memory://sql-{next(_numbers)}/out",
    }.get(kind)
    if folder is None:
        request.getfixturevalue("s3_environment")
        folder = f"s3://{request.getfixturevalue('bucket')}/out"
    committed(f"{folder}/{layout}", SOME)
    same(answers(f"{folder}/{layout}", tmp_path), pl.DataFrame(SOME, schema=SCHEMA))


@pytest.mark.parametrize("layout", PLACES.values(), ids=PLACES)
def test_sql_answers_as_the_queries_do_on_the_example(tmp_path, layout):
    place = f"{tmp_path}/out/{layout}"
    run_report("event-log-checkpoint", {"source": str(EXAMPLE), "checkpoint": place})
    files = [
        path
        for path in (tmp_path / "out").rglob("*.parquet")
        if not {"_quarantine", "_runs"} & {*path.parts}
    ]
    same(answers(place, tmp_path), pl.read_parquet(files, hive_partitioning=False))


PUBLISHED = {
    "latest": """
        SELECT ptid, action FROM (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY ptid, visit_date, visit_number ORDER BY timestamp DESC) as rn
            FROM checkpoint_events
        ) ranked WHERE rn = 1 ORDER BY ptid
    """,
    "days": """
        SELECT ptid, visit_date >= '2024-01-31' AS late, DATEDIFF(timestamp, visit_date) AS days,
            DATEDIFF('day', visit_date, timestamp) AS same
        FROM checkpoint_events WHERE action IN ('pass-qc', 'submit') ORDER BY days
    """,
    "mean": "SELECT AVG(DATEDIFF(timestamp, visit_date)) AS days FROM checkpoint_events",
}
"""The constructs of the published queries."""


def test_sql_of_the_published_dialect_runs_on_the_published_name(tmp_path):
    """Both arguments of DATEDIFF are days in UTC, and it is the first less the second."""
    moments = [
        datetime(2024, 1, 29, 23, 59, tzinfo=UTC),
        datetime(2024, 2, 2, 0, 1, tzinfo=UTC),
    ]
    rows = [
        {
            **event(0, number),
            "action": action,
            "ptid": "A",
            "visit_date": date(2024, 1, 31),
            "timestamp": moment,
        }
        for number, (action, moment) in enumerate(
            zip(("submit", "pass-qc"), moments, strict=True)
        )
    ]
    committed(f"{tmp_path}/out/events.parquet", rows)
    found = answers(f"{tmp_path}/out/events.parquet", tmp_path, PUBLISHED)
    assert found["latest"].rows() == [("A", "pass-qc")]
    assert found["days"].rows() == [("A", True, -2, -2), ("A", True, 2, 2)]
    assert found["mean"].rows() == [(0.0,)]


def _on_any(tmp_path_factory, rows, layout):
    folder = tmp_path_factory.mktemp("sql")
    if rows:
        committed(f"{folder}/out/{layout}", rows)
        same(
            answers(f"{folder}/out/{layout}", folder), pl.DataFrame(rows, schema=SCHEMA)
        )


@pytest.mark.slow
@pytest.mark.parametrize("layout", PLACES.values(), ids=PLACES)
@given(rows=checkpoints)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_sql_answers_as_the_queries_do_on_any_checkpoint(
    tmp_path_factory, layout, rows
):
    _on_any(tmp_path_factory, rows, layout)


@pytest.mark.slow
@pytest.mark.parametrize("layout", PLACES.values(), ids=PLACES)
@given(rows=checkpoints)
@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_sql_answers_as_the_queries_do_on_any_checkpoint_in_a_bucket(
    s3_environment, bucket, tmp_path, layout, rows
):
    place = f"s3://{bucket}/{next(_numbers)}/{layout}"
    if rows:
        committed(place, rows)
        same(answers(place, tmp_path), pl.DataFrame(rows, schema=SCHEMA))
