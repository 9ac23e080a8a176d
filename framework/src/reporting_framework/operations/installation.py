"""Checks of the installation, which need no report."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING

from reporting_framework._text.install_command import extras_of, install_command
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.registry.discovery import FRAMEWORK, installed
from reporting_framework.storage.temporary import abandoned_temporary, temporary_root

if TYPE_CHECKING:
    from reporting_framework.config.file import Config
    from reporting_framework.operations.doctor import Check
    from reporting_framework.registry.registry import Registry

OLDEST_PYTHON = (3, 11)

MIN_FREE_BYTES = 1024**3
"""Free bytes in the temporary folder below which a warning is due."""

EXTRAS: Mapping[str, str] = {
    "aws": "functions in Lambda",
    "build": "reporting build",
    "new": "reporting new",
    "sql": "reporting sql",
    "testing": "the conformance suites",
}
"""Purposes of the framework's extras."""


def general(
    plugins: Callable[[], Registry],
    registry: Callable[[], Registry],
    config: Callable[[], Config],
) -> dict[str, Check]:
    """Return the checks that need no report.

    Args:
        plugins: Returns the installed plugins.
        registry: Returns the plugins and the reports of the configuration file.
        config: Returns the configuration file.
    """
    return {
        "framework": _framework,
        "extras": _extras,
        "configuration": lambda: _configuration(registry(), config()),
        "plugins": lambda: _plugins(plugins()),
        "temporary folder": _temporary,
    }


def _framework() -> CheckResult:
    text = (
        f"reporting-framework {metadata.version('reporting-framework')}, Python"
        f" {platform.python_version()}"
    )
    if sys.version_info < OLDEST_PYTHON:
        return CheckResult("fail", text, "install Python 3.11 or newer")
    return CheckResult("ok", text)


def _extras() -> CheckResult:
    """Check for extras of the framework and its plugins that are not installed.

    In a Lambda function, a missing extra ``aws`` is a failure.
    """
    lacking: dict[str, str] = {}
    for distribution in sorted(
        {FRAMEWORK, *(origin.distribution for _, origin in installed())}
    ):
        for extra in sorted(
            {extra for extra, name in extras_of(distribution) if not _installed(name)}
        ):
            purpose = (
                f" (for {EXTRAS[extra]})"
                if distribution == FRAMEWORK and extra in EXTRAS
                else ""
            )
            lacking[f"{distribution}[{extra}]"] = purpose
    if not lacking:
        return CheckResult("ok", "all are installed")
    broken = f"{FRAMEWORK}[aws]" in lacking and "AWS_LAMBDA_FUNCTION_NAME" in os.environ
    distribution, _, extra = next(iter(lacking)).removesuffix("]").partition("[")
    advice = (
        f"install the extras you need, as in {install_command(extra, distribution)}"
    )
    missing = ", ".join(name + purpose for name, purpose in lacking.items())
    return CheckResult("fail" if broken else "ok", f"not installed: {missing}", advice)


def _installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _configuration(registry: Registry, config: Config) -> CheckResult:
    from reporting_framework.config.resolve import unknown_report_settings

    where = (
        str(config.path.resolve())
        if config.path
        else "no reporting.toml here, and REPORTING_CONFIG names none"
    )
    problems = unknown_report_settings(config, os.environ, registry.names("report"))
    if problems:
        return CheckResult(
            "warn", f"{where}; {'; '.join(problems)}", "correct the names"
        )
    return CheckResult("ok", where)


def _plugins(registry: Registry) -> CheckResult:
    rows = registry.listing
    bad = [
        f"{row.name} of {row.distribution}: {row.reason}"
        for row in rows
        if row.status == "broken"
    ]
    blocked = sorted({row.distribution for row in rows if row.status == "blocked"})
    known = sorted(
        {
            f"{row.distribution} {row.version}"
            for row in rows
            if row.status == "registered" and row.version
        }
    )
    text = f"registered: {', '.join(known) or 'none'}"
    if blocked:
        text += f"; not in REPORTING_PLUGINS: {', '.join(blocked)}"
    if bad:
        return CheckResult(
            "warn",
            f"broken: {'; '.join(bad)}; {text}",
            "reinstall or remove them",
        )
    return CheckResult("ok", text)


def _temporary() -> CheckResult:
    folder = temporary_root()
    free = shutil.disk_usage(folder).free
    old = abandoned_temporary()
    text = f"{folder}: {free / MIN_FREE_BYTES:.1f} GiB free"
    if old:
        left = f"left by killed processes: {len(old)}, such as {old[0].name}"
        return CheckResult(
            "warn", f"{text}; {left}", "the next run with new rows removes them"
        )
    if free < MIN_FREE_BYTES:
        return CheckResult(
            "warn", text, "new rows are staged there: free some space, or set TMPDIR"
        )
    return CheckResult("ok", text)
