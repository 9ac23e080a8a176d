"""``reporting build``: what is asked for and what is said."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reporting_framework.cli.build import PYTHONS, described
from reporting_framework.cli.cluster_job import glue_options
from reporting_framework.cli.job_commands import described_job
from reporting_framework.cli.main import reporting
from reporting_framework.lambda_build.manifest import Manifest, Package
from tests.framework.lambda_build.conftest import (  # noqa: F401 - fixtures
    RUNNING,
    home,
    offline,
    spark,
    target,
)

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


def job(service: str) -> Manifest:
    package = Package("", 100_000_000, 300_000_000, ())
    packages = {"environment.tar.gz": package}
    return Manifest("toy", "x86_64", "3.11", "", packages, {}, {}, service)


def commands_of(text: str) -> list[list[str]]:
    """The commands that a text shows, as a shell reads them."""
    lines = text.partition("Next:\n")[2].replace("\\\n", "").splitlines()
    return [shlex.split(line) for line in lines]


def test_a_job_for_emr_serverless_and_the_commands_that_start_it():
    said = described_job(job("emr-serverless"), Path("my dist"), built=True)
    assert said.splitlines()[:2] == [
        "toy for emr-serverless on x86_64, Python 3.11, in my dist: built",
        "environment.tar.gz: 100,000,000 bytes, 300,000,000 unpacked",
    ]
    *copies, start = commands_of(said)
    place = "s3://BUCKET/PREFIX"
    assert copies == [
        ["aws", "s3", "cp", f"my dist/{name}", f"{place}/{name}"]
        for name in ("environment.tar.gz", "job.py")
    ]
    assert start[:9] == [
        *("aws", "emr-serverless", "start-job-run"),
        *("--application-id", "APPLICATION_ID", "--execution-role-arn", "ROLE_ARN"),
        *("--name", "toy"),
    ]
    submit = json.loads(start[-1])["sparkSubmit"]
    assert (start[-2], submit["entryPoint"]) == ("--job-driver", f"{place}/job.py")
    python = "./environment/bin/python"
    assert submit["sparkSubmitParameters"].split() == [
        *("--conf", f"spark.archives={place}/environment.tar.gz#environment"),
        *("--conf", f"spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON={python}"),
        *("--conf", f"spark.emr-serverless.driverEnv.PYSPARK_PYTHON={python}"),
        *("--conf", f"spark.executorEnv.PYSPARK_PYTHON={python}"),
    ]


def test_a_job_for_glue_and_the_commands_that_start_it():
    said = described_job(job("glue"), Path("dist"), built=False)
    assert "in dist: unchanged, nothing was built\n" in said
    *copies, create, start = commands_of(said)
    assert len(copies) == 2
    assert create[:3] == ["aws", "glue", "create-job"]
    options = dict(zip(create[3::2], create[4::2], strict=True))
    assert options["--glue-version"] == "5.1"
    assert json.loads(options["--command"])["ScriptLocation"].endswith("/job.py")
    assert json.loads(options["--default-arguments"]) == {
        "--python-virtual-env": "s3://BUCKET/PREFIX/environment.tar.gz"
    }
    assert start[:5] == ["aws", "glue", "start-job-run", "--job-name", "toy"]
    assert glue_options(next(iter(json.loads(start[-1]).items()))) == [
        "--OPTION",
        "VALUE",
    ]


@pytest.mark.usefixtures("toy")
def test_options_that_do_not_go_together():
    done = invoke("toy", "--target", "glue", "--image", "plain")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        2,
        "Error: --image: only for --target lambda; leave one of them out",
    )
    done = invoke("toy", "--target", "glue", "--arch", "arm64")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: --arch: 'arm64' is not one of 'x86_64' for --target glue\n",
    )


@pytest.mark.skipif(RUNNING not in ("3.11", "3.13"), reason=f"Glue has no {RUNNING}")
@pytest.mark.usefixtures("spark")
def test_a_build_of_a_job_and_what_it_says(tmp_path):
    out = tmp_path / "dist"
    arguments = ["toy", "--target", "glue", "--python", RUNNING, "--out", str(out)]
    done = invoke(*arguments)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (
        0,
        f"toy for glue on x86_64, Python {RUNNING}, in {out}: built",
    )
    again = invoke(*arguments, "--format", "json")
    assert again.stdout == (out / "manifest.json").read_text()
