"""Checks of whether a new package can have a name.

Everything is checked before anything is written.
"""

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
"""With what a deployment appends, a bucket's name may have 63 characters."""

FIRST_PARTY = frozenset(
    {
        "reporting-aws",
        "reporting-event-log-checkpoint",
        "reporting-event-processor",
        "reporting-framework",
        "reporting-object-store",
        "reporting-openlineage",
        "reporting-pages",
    }
)
"""Distributions of this project, installed or not."""

PLUGINS = frozenset(
    {
        "counters",
        "dynamodb-counters",
        "dynamodb-enrich",
        "event-log-checkpoint",
        "event-processor",
        "exclude-projects",
        "experiment-event",
        "frame",
        "kinesis",
        "local",
        "ndjson-archive",
        "object-store-json",
        "openlineage",
        "parquet-checkpoint",
        "pydantic",
        "sqs",
        "visit-event",
        "visit-event-v2",
    }
)
"""Plugins, reports and commands of this project, installed or not."""

REQUIRED = frozenset(
    {
        "altair",
        "annotated-types",
        "aws-lambda-powertools",
        "aws-xray-sdk",
        "boto3",
        "click",
        "cookiecutter",
        "duckdb",
        "fsspec",
        "cyclonedx-python-lib",
        "hatch",
        "hatchling",
        "hypothesis",
        "isal",
        "jiter",
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
        "pytest",
        "rich",
        "ruff",
        "typing-extensions",
        "uv",
        "vl-convert-python",
    }
)
"""What a new package, this project's distributions and the README's commands require:
it would hide it, or be it.
"""

BESIDE = frozenset({"conftest", "dist", "example", "out", "src", "terraform", "tests"})
"""Modules and folders that a new package has beside its own."""

_STANDARD = sys.stdlib_module_names | {"test"}
"""Python's own modules; its list leaves out the package of its own tests."""

_PLAIN = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)


def package_of(name: str) -> str:
    """The import package of a distribution."""
    return name.replace("-", "_")


def check_name(name: str) -> None:
    """See that a name can be that of a distribution.

    It must also do for the import package, and for what a deployment makes.

    Raises:
        SettingsError: It cannot.
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
            f"{shown} is too long: {len(name)} characters, {LONGEST} are allowed"
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise SettingsError(
            f"{shown} is a word of the Python language: no package can be imported"
            " under it"
        )
    if package_of(name) in _STANDARD:
        raise SettingsError(
            f"{shown} is a module of Python's standard library: its package would"
            " hide it"
        )
    if name in FIRST_PARTY | PLUGINS or name == "reporting":
        raise SettingsError(f"{shown} is a name of this project's own")
    if name in REQUIRED:
        raise SettingsError(
            f"{shown} is the name of something that a new package requires; choose"
            " another name"
        )
    if name in BESIDE:
        raise SettingsError(
            f"{shown} is the name of something that lies beside every package"
        )


def check_free(
    name: str, roles: Collection[str], listing: Iterable[PluginInfo]
) -> None:
    """See that nothing installed has the name.

    Args:
        name: A name that `check_name` lets pass.
        roles: What will be registered under it.
        listing: What is installed, as the registry lists it.

    Raises:
        SettingsError: Something has it.
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
            f"there is a package {package_of(name)} already, which another distribution"
            " brings"
        )


def check_folder(folder: Path) -> None:
    """See that a folder can be made.

    Raises:
        SettingsError: Something is there.
    """
    if folder.exists() or folder.is_symlink():
        raise SettingsError(
            f"{folder} is there already; choose another name or another folder with"
            " --out"
        )
    if not folder.parent.is_dir() and folder.parent.exists():
        raise SettingsError(f"{folder.parent} is not a folder")
