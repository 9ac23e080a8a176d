"""Zip and tar files whose bytes depend only on their content."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)
_TAR_TIME = 315_532_800
"""1980-01-01T00:00:00Z, as in zip files."""

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


def write_tar(path: Path, files: Mapping[str, Path], links: Mapping[str, str]) -> int:
    """Write a compressed tar file, sorted by name and with one time for all entries.

    The mode is 0755 for programs, which are in `bin`, and for shared libraries. It is
    0644 for other files.

    Args:
        path: The file to write.
        files: Path of each file's content, by its name in the archive.
        links: Target of each symbolic link, by its name in the archive.

    Returns:
        Total unpacked size in bytes.
    """
    total = 0
    with (
        open(path, "xb") as raw,
        gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted({*files, *links}):
            entry = tarfile.TarInfo(name)
            entry.mtime = _TAR_TIME
            if name in links:
                entry.type, entry.linkname, entry.mode = (
                    tarfile.SYMTYPE,
                    links[name],
                    0o777,
                )
                archive.addfile(entry)
                continue
            runs = name.startswith("bin/") or _is_library(name)
            entry.mode = 0o755 if runs else 0o644
            entry.size = os.path.getsize(files[name])
            total += entry.size
            with open(files[name], "rb") as source:
                archive.addfile(entry, source)
    return total


def _is_library(name: str) -> bool:
    return name.endswith(".so") or ".so." in name.rpartition("/")[2]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
