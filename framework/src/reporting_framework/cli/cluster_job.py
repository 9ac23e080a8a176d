"""Run of a report as a job of a cluster, from the script of `reporting build`."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reporting_framework.cli.context import CliContext
from reporting_framework.cli.exit_codes import FAILED
from reporting_framework.config.file import DEFAULT_NAME

OPTIONS = "--report-options"
"""Argument of a job in Glue that holds the report's options."""


def run_job(
    report: str, options: Sequence[str], *, engine: str, config: str = ""
) -> int:
    """Run a report as ``reporting-run`` does, and return the exit code.

    Args:
        report: Name of the report.
        options: Options of the report, as on the command line.
        engine: Engine of a report that would otherwise use the engine `local`.
        config: Content of the configuration file; it applies unless the options or
            ``REPORTING_CONFIG`` name a file.
    """
    from reporting_framework.cli.main import reporting_run

    words = [report, *options]
    state = CliContext(words, engine=engine)
    with _config_file(config):
        try:
            reporting_run.main(words, prog_name="reporting-run", obj=state)
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else FAILED
    return FAILED


@contextmanager
def _config_file(content: str) -> Iterator[None]:
    """Let ``REPORTING_CONFIG`` name a file of this content, unless it names one."""
    before = os.environ.get("REPORTING_CONFIG")
    if not content or before:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="reporting-") as folder:
        path = Path(folder) / DEFAULT_NAME
        path.write_text(content, encoding="utf-8")
        os.environ["REPORTING_CONFIG"] = str(path)
        try:
            yield
        finally:
            del os.environ["REPORTING_CONFIG"]
            if before is not None:
                os.environ["REPORTING_CONFIG"] = before


def glue_options(arguments: Sequence[str]) -> list[str]:
    """Return the report's options among the arguments of a job in Glue.

    Glue gives a script each argument of the job as two words, among arguments of its
    own. The report's options are the value of one argument, quoted as for a shell.

    Args:
        arguments: Arguments of the script.
    """
    words = iter(arguments)
    return next((shlex.split(next(words, "")) for word in words if word == OPTIONS), [])
