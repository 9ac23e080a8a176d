"""``reporting build``: what is asked for and what is said."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reporting_framework.cli.build import PYTHONS, described
from reporting_framework.cli.main import reporting
from reporting_framework.lambda_build.manifest import Manifest, Package
from tests.framework.lambda_build.conftest import RUNNING, offline, target  # noqa: F401 - fixtures

MANIFEST = Manifest(
    "toy",
    "arm64",
    "3.13",
    "",
    {
        "function.zip": Package("", 1_000, 2_000, ()),
        "data-layer.zip": Package("", 60_000_000, 200_000_000, ()),
    },
    {},
    {"click": "8.3", "rich": "14"},
)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(reporting, ["build", *arguments], prog_name="reporting")


def test_sizes_are_shown_against_the_limits_and_how_each_is_uploaded():
    lines = [
        " ".join(line.split())
        for line in described(MANIFEST, Path("dist"), built=True).splitlines()
    ]
    assert lines == [
        "toy for arm64, Python 3.13, in dist: built",
        "",
        "package zipped unzipped upload",
        "function.zip 1,000 2,000 directly",
        "data-layer.zip 60,000,000 200,000,000 through S3",
        "together 60,001,000 200,002,000",
        "Lambda allows 52,428,800 a direct upload 262,144,000 together",
        "",
        "left out, needed by the command line only: click, rich",
    ]


def test_when_nothing_was_built_that_is_said():
    assert "in dist: unchanged, nothing was built\n" in described(
        MANIFEST, Path("dist"), built=False
    )


@pytest.mark.skipif(
    RUNNING not in PYTHONS,
    reason=f"Lambda has no Python {RUNNING} that these packages could be for",
)
@pytest.mark.usefixtures("offline")
def test_a_build_and_what_it_says(tmp_path):
    arguments = ["toy", "--python", RUNNING, "--out", str(tmp_path / "dist")]
    done = invoke(*arguments)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (
        0,
        f"toy for x86_64, Python {RUNNING}, in {tmp_path}/dist: built",
    )
    assert "compiling …" in done.stderr
    again = invoke(*arguments, "--format", "json")
    assert again.stderr == ""
    assert json.loads(again.stdout) == json.loads(
        (tmp_path / "dist" / "manifest.json").read_text()
    )


def test_usage(toy):
    assert (
        "'sparc' is not one of 'x86_64', 'arm64'"
        in invoke("toy", "--arch", "sparc").stderr
    )
    assert (
        "'3.11' is not one of '3.12', '3.13', '3.14'"
        in invoke("toy", "--python", "3.11").stderr
    )
    done = invoke("toi")
    assert (done.exit_code, done.stderr.partition(";")[0]) == (
        2,
        "error: there is no report 'toi'",
    )
    done = invoke("toy", "--config", "nowhere.toml")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: --config names nowhere.toml, which is not a file; correct the path\n",
    )
