"""Filter for the files of a distribution that go into a package.

These are the files that are imported or read at run time, and licences.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

_SOURCES = {".pyi", ".h", ".hpp", ".c", ".cc", ".cpp", ".pyx", ".pxd"}
"""Suffixes of files that only type checkers and compilers read."""

_UNUSED = tuple(
    f"reporting_framework/{part}/"
    for part in (
        "cli",
        "lambda_build",
        "operations",
        "query/sql",
        "scaffolding",
        "testing",
    )
)
"""Folders that no function imports: command line and its operations, builder of
packages, SQL, templates of packages, conformance suites.
"""

_LICENCES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS")


def packaged_files(
    files: Iterable[PurePosixPath], unused: tuple[str, ...] = _UNUSED
) -> list[PurePosixPath]:
    """Return the files to package, sorted.

    Args:
        files: Files of a distribution, relative to its folder.
        unused: Beginnings of paths to leave out; by default, those that no function
            imports.
    """
    return sorted(file for file in files if _is_packaged(file, unused))


def _is_packaged(path: PurePosixPath, unused: tuple[str, ...]) -> bool:
    folders = path.parts[:-1]
    if folders and folders[0].endswith(".dist-info"):
        licence = "licenses" in folders[1:] or path.name.upper().startswith(_LICENCES)
        return licence or (
            len(folders) == 1 and path.name in ("METADATA", "entry_points.txt")
        )
    if (
        folders[:1] == ("bin",)
        or str(path).startswith(unused)
        or "tests" in folders
        or "__pycache__" in folders
    ):
        return False
    return path.suffix not in _SOURCES
