"""The report ``redcap-report``: place of the file, write modes, answer."""

from datetime import UTC, datetime

import polars as pl
import pytest
from pydantic import ValidationError

from reporting_framework import run_report
from reporting_redcap.report import RedcapReport
from reporting_redcap.report_settings import RedcapReportSettings
from reporting_redcap.testing import Row, serving
from tests.plugins.redcap.projects import numbered


@pytest.mark.parametrize(
    ("prefix", "uri"),
    [
        ("bucket/folder/", "s3://bucket/folder/dev/a/b.parquet"),
        ("s3://bucket", "s3://bucket/dev/a/b.parquet"),
        ("/data", "/data/dev/a/b.parquet"),
        ("./out", "./out/dev/a/b.parquet"),
    ],
)
def test_the_place_of_the_file(prefix, uri):
    settings = RedcapReportSettings(
        parameter_path="/redcap/aws/pid_0",
        report_id="123",
        s3_prefix=prefix,
        s3_suffix="a/b.parquet",
        environment="dev",
        region="us-west-2",
    )
    assert settings.uri == uri
    spec = RedcapReport().compose(settings)
    assert spec.source.settings["region"] == "us-west-2"
    assert spec.source.settings["parameter_path"] == "/redcap/aws/pid_0"
    assert (spec.sinks[0].settings, spec.write_mode) == ({"uri": uri}, "replace")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"s3_suffix": "a"}, "relative path that ends in .parquet"),
        ({"parameter_path": None}, "give parameter_path, or url and token"),
        ({"s3_prefix": "ftp://x"}, "ftp"),
        ({"mode": "add"}, "mode"),
    ],
)
def test_settings_that_are_refused(changed, message):
    known = {"parameter_path": "/a", "s3_prefix": "b", "s3_suffix": "c.parquet"}
    with pytest.raises(ValidationError, match=message):
        RedcapReportSettings(**{**known, **changed})


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("append", {"0": 0, "1": 1, "2": 2, "7": 7}),
        ("upsert", {"0": 0, "1": 10, "2": 2, "7": 7}),
        ("overwrite", {"0": 0, "1": 10, "7": 7}),
    ],
)
def test_write_modes(tmp_path, monkeypatch, mode, expected):
    project = numbered(3)
    with serving(project) as server:
        monkeypatch.setenv("REDCAP_TOKEN", server.token)
        settings = {
            "url": server.url,
            "token": "secret:env:REDCAP_TOKEN",
            "allow_private": True,
            "s3_prefix": str(tmp_path),
            "s3_suffix": "a.parquet",
            "mode": mode,
        }
        first = run_report("redcap-report", settings)
        project.now = datetime.now(UTC)
        project.put([Row("1", {"number": "10"}), Row("7", {"number": "7"})])
        project.delete("2")
        result = run_report("redcap-report", settings)
    assert (first.accepted, result.status) == (3, "ok")
    rows = pl.read_parquet(tmp_path / "prod" / "a.parquet")
    assert dict(rows.select("record_id", "number").iter_rows()) == expected
    assert server.token not in "".join(
        path.read_bytes().decode("latin-1")
        for path in tmp_path.rglob("*")
        if path.is_file()
    )
    made = RedcapReportSettings(**settings)
    assert RedcapReport().answer(made, result) == {
        "num_records": result.accepted,
        "output_location": f"{tmp_path}/prod/a.parquet",
        "duration_seconds": result.seconds.total,
    }
