"""Commands of AWS that upload a job on Spark and start it, as text."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reporting_framework.cli.cluster_job import OPTIONS
from reporting_framework.cli.failures import escape_control_chars

if TYPE_CHECKING:
    from reporting_framework.lambda_build.manifest import Manifest

_PLACE = "s3://BUCKET/PREFIX"
_PYTHON = "./environment/bin/python"
_GLUE_VERSIONS = {"3.11": "5.1", "3.13": "6.0"}
"""Newest version of Glue for a Python version."""


def described_job(manifest: Manifest, out: Path, *, built: bool) -> str:
    """Return the archive's size and the commands that start the job, as text.

    Words in capitals stand for what only the reader knows.
    """
    archive, script = "environment.tar.gz", "job.py"
    package = manifest.packages[archive]
    done = "built" if built else "unchanged, nothing was built"
    start = _emr_serverless if manifest.service == "emr-serverless" else _glue
    return "\n".join(
        [
            (
                f"{manifest.report} for {manifest.service} on {manifest.arch}, Python"
                f" {manifest.python}, in {escape_control_chars(str(out))}: {done}"
            ),
            f"{archive}: {package.zipped:,} bytes, {package.unzipped:,} unpacked",
            "",
            "Next:",
            *(
                _command(["aws", "s3", "cp", str(out / name), f"{_PLACE}/{name}"])
                for name in (archive, script)
            ),
            *start(manifest, f"{_PLACE}/{archive}", f"{_PLACE}/{script}"),
        ]
    )


def _emr_serverless(manifest: Manifest, archive: str, script: str) -> list[str]:
    properties = {
        "spark.archives": f"{archive}#environment",
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": _PYTHON,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": _PYTHON,
        "spark.executorEnv.PYSPARK_PYTHON": _PYTHON,
    }
    driver = {
        "sparkSubmit": {
            "entryPoint": script,
            "entryPointArguments": ["--OPTION", "VALUE"],
            "sparkSubmitParameters": " ".join(
                f"--conf {name}={value}" for name, value in properties.items()
            ),
        }
    }
    return [
        _command(
            ["aws", "emr-serverless", "start-job-run"],
            ["--application-id", "APPLICATION_ID"],
            ["--execution-role-arn", "ROLE_ARN"],
            ["--name", manifest.report],
            ["--job-driver", json.dumps(driver)],
        )
    ]


def _glue(manifest: Manifest, archive: str, script: str) -> list[str]:
    command = {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": script}
    return [
        _command(
            ["aws", "glue", "create-job"],
            ["--name", manifest.report],
            ["--role", "ROLE_ARN"],
            ["--glue-version", _GLUE_VERSIONS[manifest.python]],
            ["--worker-type", "G.1X"],
            ["--number-of-workers", "2"],
            ["--command", json.dumps(command)],
            ["--default-arguments", json.dumps({"--python-virtual-env": archive})],
        ),
        _command(
            ["aws", "glue", "start-job-run"],
            ["--job-name", manifest.report],
            ["--arguments", json.dumps({OPTIONS: "--OPTION VALUE"})],
        ),
    ]


def _command(*parts: Sequence[str]) -> str:
    """Return one command, each part on a line of its own."""
    return "  " + " \\\n    ".join(map(shlex.join, parts))
