"""Small and read-only file systems, mounted in a namespace of the process alone."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

UNSHARE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
"""Command that runs a script in a namespace of mounts of its own."""


def mounted(folder: str | Path, options: str) -> str:
    """Return the command that mounts a file system with these options on a folder."""
    return f"mount -t tmpfs -o {options} tmpfs {shlex.quote(str(folder))}"


def mounting_is_allowed() -> bool:
    """Return whether this user may mount in a namespace of its own."""
    try:
        return not subprocess.run(
            [*UNSHARE, mounted("/mnt", "size=4k")], capture_output=True, check=False
        ).returncode
    except FileNotFoundError:
        return False


needs_mounts = pytest.mark.skipif(
    not mounting_is_allowed(),
    reason="this user may not mount in a namespace of its own",
)
