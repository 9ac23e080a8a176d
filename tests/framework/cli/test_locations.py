"""A URI that is none, on the command line and in reporting.toml: exit code 2, and nothing is made."""

import itertools
import os

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting


@pytest.fixture(autouse=True)
def _unset(monkeypatch):
    for name in [each for each in os.environ if each.startswith("REPORTING_")]:
        monkeypatch.delenv(name)


NO_PLACES = [
    "gcs://b/in",
    "s3:/b/in",
    "s3://b//in/",
    "s3://b/in//",
    " s3://b/in",
    "S3://b/in",
    "file:/in",
    "x:/in",
    "s3://b c/in",
]


@pytest.mark.parametrize("option", ["--source", "--checkpoint", "--quarantine"])
@pytest.mark.parametrize("uri", NO_PLACES)
def test_a_uri_that_is_none_is_a_usage_error_and_makes_nothing(
    tmp_path, monkeypatch, option, uri
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    places = {"--source": "in", "--checkpoint": "out/x.parquet"} | {
        option: uri if option == "--source" else f"{uri}/x.parquet"
    }
    done = CliRunner().invoke(
        reporting, ["run", "event-log-checkpoint", *itertools.chain(*places.items())]
    )
    assert done.exit_code == 2, done.output
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("uri", NO_PLACES)
@pytest.mark.parametrize("part", ["source", "sink", "archive"])
def test_a_uri_that_is_none_is_a_usage_error_in_a_report_without_code(
    tmp_path, monkeypatch, uri, part
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    uris = {"source": "in", "sink": "x.parquet", "archive": "archive"} | {
        part: f"{uri}/x.parquet"
    }
    (tmp_path / "reporting.toml").write_text(
        "[reports.orders]\n"
        f"source = {{ use = 'object-store-json', uri = '{uris['source']}' }}\n"
        "validator = 'visit-event'\n"
        f"sinks = [{{ use = 'parquet-checkpoint', uri = '{uris['sink']}' }}, {{ use = 'ndjson-archive', uri = '{uris['archive']}' }}]\n"
    )
    done = CliRunner().invoke(reporting, ["run", "orders"])
    assert done.exit_code == 2, done.output
    assert sorted(os.listdir(tmp_path)) == ["in", "reporting.toml"]
