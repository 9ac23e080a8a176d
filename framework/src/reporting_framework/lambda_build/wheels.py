"""Wheels of this machine's own distributions, and the requirements for uv."""

from __future__ import annotations

import email.parser
import sys
import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.provenance import Provenance
from reporting_framework.lambda_build.selection import Selection
from reporting_framework.lambda_build.target import Target
from reporting_framework.lambda_build.uv import uv


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that does not come from an index.

    Attributes:
        name: The distribution's normalised name.
        path: The file.
        requires: Its ``Requires-Dist``.
    """

    name: str
    path: Path
    requires: tuple[str, ...]


def local_wheels(local: Sequence[Provenance], folder: Path) -> list[Wheel]:
    """Build a wheel of each folder; return them with the wheel files.

    Args:
        local: The distributions.
        folder: Folder to build in; each wheel gets a folder of its own there.

    Raises:
        BuildError: A wheel cannot be built, or a file is not a wheel.
    """
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda path: _wheel(path, folder / path.name), local))


def _wheel(local: Provenance, folder: Path) -> Wheel:
    path = local.path
    if path is None:
        raise BuildError(
            f"{local.name}: it comes from no folder or wheel on this machine; install"
            " it from one"
        )
    if local.kind == "folder":
        command: list[str | Path] = [
            "build",
            "--quiet",
            "--wheel",
            "--python",
            sys.executable,
            "--out-dir",
            folder,
            path,
        ]
        uv(*command, doing=f"building a wheel of {local.name} in {path}")
        path = next(folder.glob("*.whl"))
    return Wheel(local.name, path, requires_of(path))


def requires_of(wheel: Path) -> tuple[str, ...]:
    """Return the ``Requires-Dist`` of a wheel.

    Raises:
        BuildError: The file is not a wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (
                name
                for name in archive.namelist()
                if name.endswith(".dist-info/METADATA")
            )
            text = archive.read(name).decode()
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BuildError(
            f"{wheel}: not a wheel ({error}); build or download it again"
        ) from None
    return tuple(
        email.parser.HeaderParser().parsestr(text).get_all("Requires-Dist") or ()
    )


def requirements(selection: Selection, wheels: Iterable[Wheel]) -> list[str]:
    """Return the requirements for uv to resolve.

    Local wheels are given by their path, other distributions by their version.
    """
    lines = [
        f"{_with_extras(wheel.name, selection)} @ {wheel.path.resolve().as_uri()}"
        for wheel in wheels
    ]
    return [*lines, *_pinned_requirements(selection)]


def identity(
    selection: Selection, wheels: Iterable[Wheel], target: Target
) -> list[str]:
    """Return the inputs that decide the resolution.

    They hold no path. A lock is kept while they are the same.
    """
    lines = [f"{target.platform} {target.python}"]
    for wheel in wheels:
        version = wheel.path.name.split("-")[1]
        lines += [
            f"{_with_extras(wheel.name, selection)} {version}",
            *(f"  {need}" for need in wheel.requires),
        ]
    return [*lines, *_pinned_requirements(selection)]


def _pinned_requirements(selection: Selection) -> list[str]:
    return [
        f"{_with_extras(package.name, selection)}=={package.version}"
        for package in selection.pinned
    ]


def _with_extras(name: str, selection: Selection) -> str:
    extras = ",".join(selection.roots.get(name, ()))
    return f"{name}[{extras}]" if extras else name
