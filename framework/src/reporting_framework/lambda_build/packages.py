"""From unpacked distributions to zip files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.archive import sha256, write_zip
from reporting_framework.lambda_build.bytecode import Files, compile_all
from reporting_framework.lambda_build.layout import FUNCTION, PLACES, Layout
from reporting_framework.lambda_build.lock import matching_wheel, read_lock
from reporting_framework.lambda_build.manifest import Package, PackagedDistribution
from reporting_framework.lambda_build.unpack import Unpacked
from reporting_framework.lambda_build.wheels import Wheel

CONFIG = "reporting.toml"
"""Where the framework finds the configuration file in the function's folder."""


def contents_of(
    layout: Layout,
    unpacked: Mapping[str, Unpacked],
    config: Path | None,
    folder: Path,
    python: str,
) -> dict[str, Files]:
    """The files of each package by their names in it.

    The layers have them in `python/`.

    Args:
        layout: Which distribution goes where.
        unpacked: The distributions.
        config: A configuration file for the function.
        folder: Where to put what is compiled.
        python: An interpreter of the target's version.

    Raises:
        BuildError: Two distributions bring different files of the same name, or the
            interpreter fails.
    """
    places = [
        (package, name) for package, names in layout.packages.items() for name in names
    ]
    compiled = compile_all(
        [(unpacked[name], PLACES[package]) for package, name in places], folder, python
    )
    contents: dict[str, Files] = {package: {} for package in layout.packages}
    for (package, name), files in zip(places, compiled, strict=True):
        within = "" if package == FUNCTION else "python/"
        for path, source in files.items():
            existing = contents[package].setdefault(within + path, source)
            if existing is not source and existing.read_bytes() != source.read_bytes():
                raise BuildError(
                    f"{name} brings {path}, which another distribution in {package}"
                    " brings otherwise"
                )
    if config:
        contents[FUNCTION][CONFIG] = config
    return contents


def shipped_of(
    unpacked: Mapping[str, Unpacked], wheels: Iterable[Wheel], lock: Path
) -> dict[str, PackagedDistribution]:
    """Which wheel each distribution was unpacked from.

    Args:
        unpacked: The distributions.
        wheels: The wheels of this machine.
        lock: The lock, which tells of the others.

    Raises:
        BuildError: The lock is damaged, or does not tell.
    """
    ours, locked = {wheel.name: wheel.path for wheel in wheels}, read_lock(lock)
    shipped = {}
    for name, distribution in unpacked.items():
        if path := ours.get(name):
            shipped[name] = PackagedDistribution(
                name, distribution.version, path.name, sha256(path)
            )
        else:
            wheel = matching_wheel(name, locked[name], distribution.tags)
            shipped[name] = PackagedDistribution(
                name, distribution.version, wheel.filename, wheel.hashes["sha256"]
            )
    return shipped


def write_package(
    path: Path,
    files: Files,
    layout: Layout,
    shipped: Mapping[str, PackagedDistribution],
) -> Package:
    """Write a zip file and say what is in it."""
    unzipped = write_zip(path, files)
    distributions = tuple(shipped[name] for name in layout.packages[path.name])
    return Package(sha256(path), path.stat().st_size, unzipped, distributions)
