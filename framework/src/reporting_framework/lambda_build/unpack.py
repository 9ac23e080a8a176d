"""Wheels unpacked as an installer would, for another machine than this one."""

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
        folder: The folder like site-packages that it lies in.
        files: What it brings, relative to `folder`.
        requires: Its ``Requires-Dist``.
        license: What its metadata says of its licence, as an SPDX expression or in
            words.
        plugin: Whether it declares a plugin.
        tags: What its wheel runs on.
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
        """Whether it is the same on every machine."""
        return all(tag.endswith("-any") for tag in self.tags)


def unpack(
    lock: Path, wheels: Sequence[Wheel], target: Target, folder: Path, python: str
) -> dict[str, Unpacked]:
    """Fetch and unpack the wheels of a lock and those of this machine.

    The hashes of the lock's wheels are checked.

    Args:
        lock: The lock.
        wheels: Wheels of this machine.
        target: What they are for.
        folder: Where to put them.
        python: An interpreter of the target's version; uv runs nothing in it but asks
            what it is.

    Raises:
        BuildError: A wheel cannot be had, is not what the lock says, or is not for the
            target.
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
    """The distributions that are installed in a folder, by name."""
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
            f"{name} {distribution.version} has no RECORD, so that its files are not"
            " known"
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
