"""Zip files whose bytes depend only on their content."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)
_LEVEL = 6
"""Level of deflate; 9 takes three times as long and saves less than one percent."""


def write_zip(path: Path, files: Mapping[str, Path]) -> int:
    """Write a zip file, sorted by name and with one time for all entries.

    The mode is 0755 for shared libraries and 0644 for other files.

    Args:
        path: The file to write.
        files: Path of each file's content, by its name in the archive.

    Returns:
        Total unzipped size in bytes.
    """
    total = 0
    with zipfile.ZipFile(
        path, "x", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL
    ) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3  # Unix, whatever this machine is
            entry.external_attr = (0o100755 if _is_library(name) else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.file_size = os.path.getsize(files[name])
            total += entry.file_size
            with open(files[name], "rb") as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    return total


def _is_library(name: str) -> bool:
    return name.endswith(".so") or ".so." in name.rpartition("/")[2]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
