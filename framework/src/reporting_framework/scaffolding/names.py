"""Checks of the name of a new package, before anything is written."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from reporting_framework._text.messages import one_line
from reporting_framework.errors import SettingsError
from reporting_framework.registry.discovery import installed, normalised

if TYPE_CHECKING:
    from reporting_framework.registry.plugin_info import PluginInfo

LONGEST = 32
"""Maximum length: a bucket's name has at most 63 characters with a deployment's suffix.
"""

FIRST_PARTY = frozenset(
    {
        "reporting-aws",
        "reporting-dagster-pipes",
        "reporting-dataframely",
        "reporting-datasets",
        "reporting-delta",
        "reporting-event-log-checkpoint",
        "reporting-event-processor",
        "reporting-files",
        "reporting-framework",
        "reporting-json-schema",
        "reporting-notify",
        "reporting-object-store",
        "reporting-openlineage",
        "reporting-pages",
        "reporting-redcap",
        "reporting-rest",
        "reporting-singer",
        "reporting-spark",
        "reporting-sql",
    }
)
"""Distributions of this project, installed or not."""

PLUGINS = frozenset(
    {
        "counters",
        "csv",
        "dagster-pipes",
        "dataframely",
        "delta-table",
        "dynamodb-counters",
        "dynamodb-enrich",
        "event-log-checkpoint",
        "event-processor",
        "exclude-projects",
        "experiment-event",
        "files",
        "frame",
        "join",
        "json-schema",
        "kinesis",
        "local",
        "ndjson-archive",
        "notify",
        "object-store-json",
        "openlineage",
        "parquet-checkpoint",
        "parquet-dataset",
        "processes",
        "pydantic",
        "redcap",
        "redcap-report",
        "rest-api",
        "singer",
        "spark",
        "sql-table",
        "sqs",
        "visit-event",
        "visit-event-v2",
    }
)
"""Plugins, reports and commands of this project, installed or not."""

REQUIRED = frozenset(
    {
        "adbc-driver-manager",
        "adbc-driver-postgresql",
        "adbc-driver-sqlite",
        "altair",
        "annotated-types",
        "apprise",
        "aws-lambda-powertools",
        "aws-xray-sdk",
        "backports-zstd",
        "boto3",
        "click",
        "cookiecutter",
        "cyclonedx-python-lib",
        "dagster-pipes",
        "dataframely",
        "deltalake",
        "duckdb",
        "fastexcel",
        "fsspec",
        "hatch",
        "hatchling",
        "httpcore2",
        "hypothesis",
        "isal",
        "jiter",
        "jsonschema-rs",
        "markupsafe",
        "moto",
        "msgspec",
        "mypy",
        "obstore",
        "openlineage-python",
        "packaging",
        "pluggy",
        "polars",
        "pydantic",
        "pymysql",
        "pyspark",
        "pytest",
        "rich",
        "ruff",
        "tenacity",
        "tree-sitter",
        "tree-sitter-toml",
        "typing-extensions",
        "uv",
        "vl-convert-python",
    }
)
"""Distributions that a new package, this project or the README's commands require. A
package of such a name would hide one of them, or be taken for it.
"""

BESIDE = frozenset({"conftest", "dist", "example", "out", "src", "terraform", "tests"})
"""Modules and folders of a new package beside its own module."""

_STANDARD = sys.stdlib_module_names | {"test"}
"""Python's own modules; `sys.stdlib_module_names` leaves out its tests."""

_PLAIN = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)


def package_of(name: str) -> str:
    """Return the import package of a distribution."""
    return name.replace("-", "_")


def check_name(name: str) -> None:
    """Check that a name can be used for a distribution.

    The name must also fit the import package and the resources of a deployment.

    Raises:
        SettingsError: The name cannot be used.
    """
    shown = repr(one_line(name, 80))
    if not _PLAIN.fullmatch(name):
        better = normalised(name).strip("-")
        hint = f"; write {better}" if _PLAIN.fullmatch(better) else ""
        raise SettingsError(
            f"{shown} is not a name to use: lower-case letters, digits and single"
            f" hyphens between them, a letter first{hint}"
        )
    if len(name) > LONGEST:
        raise SettingsError(
            f"{shown} is too long: {len(name)} characters, {LONGEST} are allowed;"
            " shorten it"
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise SettingsError(
            f"{shown} is a word of the Python language and cannot be imported; choose"
            " another name"
        )
    if package_of(name) in _STANDARD:
        raise SettingsError(
            f"{shown} is a module of Python's standard library, which the package would"
            " hide; choose another name"
        )
    if name in FIRST_PARTY | PLUGINS or name == "reporting":
        raise SettingsError(
            f"{shown} is a name of this project's own; choose another name"
        )
    if name in REQUIRED:
        raise SettingsError(
            f"{shown} is the name of a distribution that a new package requires; choose"
            " another name"
        )
    if name in BESIDE:
        raise SettingsError(
            f"{shown} is the name of a file or folder in every package; choose another"
            " name"
        )


def check_free(
    name: str, roles: Collection[str], listing: Iterable[PluginInfo]
) -> None:
    """Check that no installed plugin, distribution or package has the name.

    Args:
        name: A name that passed `check_name`.
        roles: Roles of the plugins to register under it.
        listing: Installed plugins, as the registry lists them.

    Raises:
        SettingsError: The name is in use.
    """
    for row in listing:
        if row.name == name and (row.role in roles or row.role == "plugin"):
            origin = f"{row.distribution} {row.version}".rstrip()
            article = "an" if row.role in ("engine", "observer") else "a"
            raise SettingsError(
                f"there is {article} {row.role} {name} already, of {origin}; choose"
                " another name"
            )
    for _, point in installed():
        if normalised(point.distribution) == name:
            raise SettingsError(
                f"the distribution {point} is installed already; choose another name"
            )
    if importlib.util.find_spec(package_of(name)) is not None:
        raise SettingsError(
            f"there is a package {package_of(name)} already, of another distribution;"
            " choose another name"
        )


def check_folder(folder: Path) -> None:
    """Check that a folder can be made.

    Raises:
        SettingsError: It exists already, or its parent is not a folder.
    """
    if folder.exists() or folder.is_symlink():
        raise SettingsError(
            f"{folder} exists already; choose another name, or another folder with"
            " --out"
        )
    if not folder.parent.is_dir() and folder.parent.exists():
        raise SettingsError(
            f"{folder.parent} is not a folder; choose another one with --out"
        )
