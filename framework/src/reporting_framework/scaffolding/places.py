"""Origin of the framework for new packages.

It is an index, by version, or wheels or folders on this machine.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from reporting_framework._text.messages import one_line
from reporting_framework.errors import SettingsError
from reporting_framework.registry.discovery import FRAMEWORK, normalised

_REQUIREMENT = re.compile(
    r"(?:reporting-framework)? *((?:[<>=!~]=?=?) *[0-9][0-9A-Za-z.*+! ,<>=~-]*)",
    re.ASCII,
)

VARIABLES = {
    "framework_path": FRAMEWORK,
    "object_store_path": "reporting-object-store",
    "aws_path": "reporting-aws",
}
"""Variables of the templates, each with the distribution whose path it holds."""


def versions(installed: str) -> str:
    """Return the versions that are compatible with the installed one.

    For 0.1.4 they are ``>=0.1,<0.2``, and for 1.4.2 ``>=1.4,<2``.
    """
    major, minor = (int(part) for part in installed.split(".")[:2])
    return f">={major}.{minor},<{major + 1}" if major else f">=0.{minor},<0.{minor + 1}"


def framework_variables(
    given: str | None, installed: str, variables: tuple[str, ...]
) -> dict[str, str]:
    """Return the variables of a template that select the framework.

    Args:
        given: A folder of wheels, a wheel, a folder of this project's sources, or a
            requirement; None: the folder or wheel that the framework was installed
            from, or else a requirement for the installed version.
        installed: The installed version.
        variables: The needed variables of `VARIABLES`.

    Raises:
        SettingsError: `given` has another form, or a distribution is missing.
    """
    framework_requirement = {
        "framework": versions(installed),
        **dict.fromkeys(variables, ""),
    }
    given = given if given is not None else _installed_from()
    if given is None:
        return framework_requirement
    path = Path(given).expanduser()
    if path.exists():
        places = dict(
            _wheels(path)
            if path.is_file() or any(path.glob("*.whl"))
            else _folders(path)
        )
        for variable in variables:
            if VARIABLES[variable] not in places:
                raise SettingsError(
                    f"--framework: {given}: {VARIABLES[variable]} is missing there;"
                    " give a folder of wheels, or of the sources, that has it"
                )
            framework_requirement[variable] = (
                places[VARIABLES[variable]].resolve().as_posix()
            )
        return framework_requirement
    if (match := _REQUIREMENT.fullmatch(given.strip())) is None:
        raise SettingsError(
            f"--framework: {one_line(given, 120)!r} is neither an existing path nor"
            f" a requirement such as {FRAMEWORK}{versions(installed)}"
        )
    return framework_requirement | {"framework": match[1].replace(" ", "")}


def _installed_from() -> str | None:
    """Return the folder or wheel that the framework was installed from.

    Return None if there is none, or it no longer exists.
    """
    try:
        text = importlib.metadata.distribution(FRAMEWORK).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:  # on the path, but not installed
        return None
    place = urlsplit(json.loads(text)["url"]) if text else None
    if place is None or place.scheme != "file":
        return None
    path = Path(url2pathname(place.path))
    return str(path) if path.exists() else None


def _wheels(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the wheels in a folder, or a wheel and its neighbours, by distribution."""
    newest: dict[str, Path] = {}
    for wheel in sorted((path if path.is_dir() else path.parent).glob("*.whl")):
        name = normalised(wheel.name.partition("-")[0])
        if path.is_file() and name == normalised(path.name.partition("-")[0]):
            wheel = path
        elif name in newest and name in VARIABLES.values():
            raise SettingsError(
                f"--framework: {newest[name].name} and {wheel.name} are both in {path};"
                " remove one of them"
            )
        newest[name] = wheel
    yield from newest.items()


def _folders(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the distributions in a checkout of this project.

    `path` is the root of the checkout or a folder directly below it.
    """
    patterns = ("pyproject.toml", "*/pyproject.toml", "plugins/*/pyproject.toml")
    roots = (
        path.resolve().parent,
        path,
    )  # the folder itself overrides its neighbours
    for project in [
        path
        for root in roots
        for pattern in patterns
        for path in sorted(root.glob(pattern))
    ]:
        try:
            name = (
                tomllib.loads(project.read_text(encoding="utf-8"))
                .get("project", {})
                .get("name")
            )
        except (OSError, ValueError):
            continue
        if isinstance(name, str):
            yield normalised(name), project.parent
