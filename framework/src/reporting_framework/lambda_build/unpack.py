"""Unpacking of wheels, as an installer on the target would."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from typing import Any

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.target import Target
from reporting_framework.lambda_build.uv import uv
from reporting_framework.lambda_build.wheels import Wheel
from reporting_framework.plugin_api.markers import PROJECT
from reporting_framework.registry.discovery import normalised


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A distribution on disk.

    Attributes:
        name: Its normalised name.
        version: Its version.
        folder: The folder that holds it, laid out like site-packages.
        files: Its files, relative to `folder`.
        requires: Its ``Requires-Dist``.
        license: Licence in its metadata, as an SPDX expression or in words.
        plugin: Whether it declares a plugin.
        tags: Tags of its wheel: the platforms that it runs on.
    """

    name: str
    version: str
    folder: Path
    files: tuple[PurePosixPath, ...]
    requires: tuple[str, ...] = ()
    license: str = ""
    plugin: bool = False
    tags: tuple[str, ...] = ("py3-none-any",)

    @property
    def pure(self) -> bool:
        """True if the wheel is the same for every machine."""
        return all(tag.endswith("-any") for tag in self.tags)


def unpack(
    lock: Path, wheels: Sequence[Wheel], target: Target, folder: Path, python: str
) -> dict[str, Unpacked]:
    """Download and unpack the wheels of a lock, and unpack the local wheels.

    The hashes of the lock's wheels are checked.

    Args:
        lock: The lock.
        wheels: Local wheels.
        target: Target of the packages.
        folder: Folder to unpack to.
        python: An interpreter of the target's version; uv only queries it.

    Raises:
        BuildError: A wheel cannot be downloaded, does not match the lock, or does not
            fit the target.
    """
    common = ["--quiet", "--python", python, "--no-deps", "--only-binary", ":all:"]
    common += ["--python-platform", target.platform, "--python-version", target.python]
    index_folder, ours = folder / "index", folder / "local"
    uv(
        "pip",
        "install",
        *common,
        "--target",
        index_folder,
        "-r",
        lock,
        doing=f"fetching the wheels of {lock.name}",
    )
    if wheels:
        paths = [wheel.path for wheel in wheels]
        uv(
            "pip",
            "install",
            *common,
            "--target",
            ours,
            *paths,
            doing="unpacking the wheels of this machine",
        )
    return {
        distribution.name: distribution
        for place in (index_folder, ours)
        for distribution in read_folder(place)
    }


def read_folder(folder: Path) -> list[Unpacked]:
    """Return the distributions that are installed in a folder, sorted by name."""
    return sorted(
        map(_read, importlib.metadata.distributions(path=[str(folder)])),
        key=lambda wheel: wheel.name,
    )


def _read(distribution: importlib.metadata.Distribution) -> Unpacked:
    folder = Path(str(distribution.locate_file("")))
    metadata: Any = distribution.metadata
    name = normalised(metadata["Name"])
    if distribution.files is None:
        raise BuildError(
            f"{name} {distribution.version}: it has no RECORD, so its files are not"
            " known; install it from a wheel"
        )
    files = {PurePosixPath(file) for file in distribution.files}
    return Unpacked(
        name,
        distribution.version,
        folder,
        tuple(
            sorted(
                file
                for file in files
                if ".." not in file.parts and (folder / file).is_file()
            )
        ),
        tuple(distribution.requires or ()),
        str(
            metadata.get("License-Expression") or metadata.get("License") or ""
        ).strip(),
        any(point.group == PROJECT for point in distribution.entry_points),
        tuple(
            HeaderParser()
            .parsestr(distribution.read_text("WHEEL") or "")
            .get_all("Tag")
            or ()
        ),
    )
