"""Script of a job on Spark, which runs the report as the command line does."""

from __future__ import annotations

from pathlib import Path

from reporting_framework.lambda_build.target import Service

SCRIPT = "job.py"

_TEMPLATE = '''\
"""Run the report {report} on Spark; made by `reporting build`."""

import sys

from reporting_framework.cli.cluster_job import {names}

CONFIG = {config}

if code := run_job({report!r}, {options}, engine={engine!r}, config=CONFIG):
    sys.exit(code)
'''


def job_script(report: str, service: Service, engine: str, config: Path | None) -> str:
    """Return the script as text.

    It holds the configuration file, so that the job needs no other file, and a change
    of settings needs no new archive.

    Args:
        report: Name of the report.
        service: Service that runs the script.
        engine: Engine, unless the report or its options choose another one.
        config: The configuration file, if it has a table for the report.
    """
    glue = service == "glue"
    lines = (
        config.read_text(encoding="utf-8").splitlines(keepends=True) if config else []
    )
    return _TEMPLATE.format(
        report=report,
        names="glue_options, run_job" if glue else "run_job",
        config="".join(["(\n", *(f"    {line!r}\n" for line in lines), ")"])
        if lines
        else '""',
        options="glue_options(sys.argv)" if glue else "sys.argv[1:]",
        engine=engine,
    )
