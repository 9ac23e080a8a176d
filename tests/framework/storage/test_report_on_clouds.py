"""A report whose source and table are in Google Cloud Storage and Azure."""

from __future__ import annotations

import json

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework import run_report
from reporting_framework.cli.main import reporting
from reporting_framework.storage import open_store
from tests.support.events import made_of, name

CONFIG = """\
[settings.event-log-checkpoint]
source     = "{source}/events/"
checkpoint = "{table}/out/visits.parquet"
"""


def call(*arguments: str, code: int = 0) -> str:
    """Text that a command prints."""
    done = CliRunner().invoke(reporting, arguments, prog_name="reporting")
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.mark.parametrize("swapped", [False, True])
def test_runs_add_what_is_new_and_commands_read_it(
    google, container, tmp_path, monkeypatch, swapped
):
    places = [f"gs://bucket/{container}", f"az://{container}/x"]
    source, table = reversed(places) if swapped else places
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text(CONFIG.format(source=source, table=table))
    store = open_store(f"{source}/events")
    for number in range(3):
        store.put(
            name(number),
            made_of(study=7) if number == 2 else made_of(),
            if_version=None,
        )
    first = run_report("event-log-checkpoint")
    assert (first.accepted, first.rejected) == (2, 1)
    store.put(name(5), made_of(), if_version=None)
    second = run_report("event-log-checkpoint")
    assert (second.accepted, second.rejected, second.complete) == (1, 0, True)
    data = open_store(f"{table}/out").get("visits.parquet").data
    assert pl.read_parquet(data).height == 3

    lines = json.loads(
        call("doctor", "event-log-checkpoint", "--write", "--format", "json")
    )
    status = {line["check"]: line["status"] for line in lines}
    assert {status["source"], status["checkpoint"], status["conditional writes"]} == {
        "ok"
    }
    assert "no problems" in call("lint")
    volumes = call("query", "event-log-checkpoint", "volumes", "--format", "json")
    assert sum(row["events"] for row in json.loads(volumes)) == 3
    history = json.loads(call("history", "event-log-checkpoint", "--format", "json"))
    assert len(history) == 2
    call("state", "event-log-checkpoint", "reset", "--yes")
    third = run_report("event-log-checkpoint")
    assert (third.accepted, third.rejected) == (3, 1)
