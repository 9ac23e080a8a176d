"""Zip files from unpacked distributions."""

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
"""Name of the configuration file in the function's folder."""


def contents_of(
    layout: Layout,
    unpacked: Mapping[str, Unpacked],
    config: Path | None,
    folder: Path,
    python: str,
) -> dict[str, Files]:
    """Return the files of each package by their names in it.

    Names in layers begin with `python/`.

    Args:
        layout: The package of each distribution.
        unpacked: The distributions.
        config: A configuration file for the function.
        folder: Folder for the compiled files.
        python: An interpreter of the target's version.

    Raises:
        BuildError: Two distributions have different files of the same name, or the
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
                    f"{name}: its file {path} differs from another distribution's in"
                    f" {package}; leave one of them out"
                )
    if config:
        contents[FUNCTION][CONFIG] = config
    return contents


def shipped_of(
    unpacked: Mapping[str, Unpacked], wheels: Iterable[Wheel], lock: Path
) -> dict[str, PackagedDistribution]:
    """Return the wheel that each distribution was unpacked from.

    Args:
        unpacked: The distributions.
        wheels: Wheels of this machine.
        lock: The lock, for the other wheels.

    Raises:
        BuildError: The lock is damaged, or has no matching wheel.
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
    """Write a zip file and return its description."""
    unzipped = write_zip(path, files)
    distributions = tuple(shipped[name] for name in layout.packages[path.name])
    return Package(sha256(path), path.stat().st_size, unzipped, distributions)
