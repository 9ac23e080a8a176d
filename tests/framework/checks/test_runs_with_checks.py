"""A failed check stops the commit or warns; each check's verdict is in the result and in the history."""

import pytest

from reporting_framework.errors import CheckFailed
from tests.framework.checks.reports import (
    Given,
    execute,
    outcomes,
    parquet,
    report,
    rows,
    sqlite,
)

UNIQUE = {"check": "unique", "columns": "sku"}


def table(folder, sinks=parquet):
    sink = report(folder, Given([]), sinks=sinks).sinks[0]
    import polars as pl

    from reporting_framework import SOURCE_KEY
    from tests.framework.checks.reports import COLUMNS

    sink.open(pl.Schema({**COLUMNS, SOURCE_KEY: pl.String()}), "append", ())
    scanned = sink.scan()
    return [] if scanned is None else sorted(scanned.collect()["sku"].to_list())


@pytest.mark.parametrize("sinks", [parquet, sqlite])
def test_a_failed_check_commits_nothing(tmp_path, sinks):
    one = rows({"id": 1, "sku": "A"}, {"id": 2, "sku": "B"})
    assert outcomes(execute(report(tmp_path, Given([one]), UNIQUE, sinks=sinks))) == {
        "unique": True
    }
    again = rows({"id": 3, "sku": "B"}, {"id": 4, "sku": "C"})
    with pytest.raises(CheckFailed) as error:
        execute(report(tmp_path, Given([again]), UNIQUE, sinks=sinks))
    assert str(error.value) == (
        "report prices: check unique(sku) failed: rows that share a key: 2 of 4; nothing was committed;"
        " correct the records at the source, or set its severity to warn"
    )
    assert table(tmp_path, sinks) == ["A", "B"]
    result = execute(
        report(tmp_path, Given([again]), {**UNIQUE, "severity": "warn"}, sinks=sinks)
    )
    assert result.checks[0].measured == {"rows": 4, "failing": 2, "keys": 1}
    assert table(tmp_path, sinks) == ["A", "B", "B", "C"]
