"""Fingerprint of a build: one hash of all its inputs.

While the fingerprint is the same, nothing needs to be built.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterator
from pathlib import Path

from reporting_framework.lambda_build.archive import sha256
from reporting_framework.lambda_build.selection import Selection
from reporting_framework.lambda_build.target import Target
from reporting_framework.lambda_build.uv import NEEDED
from reporting_framework.registry.discovery import FRAMEWORK

_OUTPUTS = ("dist", "build")
"""Folders of a project that hold its own build results."""


def fingerprint(
    report: str, selection: Selection, target: Target, lock: Path, out: Path
) -> str:
    """Return the hash of all inputs.

    It depends on no path: the same inputs in another folder have the same hash.

    Args:
        report: The report.
        selection: Distributions to package.
        target: Target of the packages.
        lock: Lock of the build, which may be missing.
        out: The folder for the results, which is never an input.
    """
    inputs = {
        "report": report,
        "target": [target.arch, target.python, target.service],
        "tools": {
            name: importlib.metadata.version(name)
            for name in (FRAMEWORK, *NEEDED.values())
        },
        "roots": {name: list(extras) for name, extras in selection.roots.items()},
        "pinned": {package.name: package.version for package in selection.pinned},
        "local": {
            distribution.name: [distribution.version, _content(distribution.path, out)]
            for distribution in selection.local
        },
        "config": sha256(selection.config) if selection.config else None,
        "lock": sha256(lock) if lock.is_file() else None,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _content(path: Path | None, out: Path) -> str:
    """Return the hash of a wheel file, or of all sources in a folder."""
    if path is None:
        return ""
    if path.is_file():
        return sha256(path)
    path = path.resolve()
    lines = [
        f"{file.relative_to(path).as_posix()} {sha256(file)}\n"
        for file in sorted(sources(path, out))
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def sources(folder: Path, out: Path) -> Iterator[Path]:
    """Yield the source files of a project.

    Compiled, cached and built files and environments are left out.

    Args:
        folder: The project's folder.
        out: A further folder to leave out.
    """
    for here, folders, files in os.walk(folder):
        place = Path(here)
        folders[:] = [
            name
            for name in folders
            if not _is_generated(place / name, folder) and place / name != out.resolve()
        ]
        yield from (
            place / name
            for name in files
            if name != ".git" and not name.startswith(".coverage")
        )


def _is_generated(folder: Path, project: Path) -> bool:
    return (
        folder.name.startswith(".")
        or folder.name in ("__pycache__", "node_modules")
        or folder.name.endswith(".egg-info")
        or (folder.parent == project and folder.name in _OUTPUTS)
        or (folder / "pyvenv.cfg").exists()
    )
