"""Calls of uv, which resolves, builds and unpacks wheels.

The module also checks that the extra ``build`` is installed.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from reporting_framework._text.install_command import install_command
from reporting_framework._text.messages import one_line
from reporting_framework.errors import BuildError, SettingsError

NEEDED = {"cyclonedx": "cyclonedx-python-lib", "packaging": "packaging", "uv": "uv"}
"""Modules of the extra ``build``, and their distributions."""

EPOCH = "315532800"
"""1980-01-01T00:00:00Z, the earliest time that a zip file can hold."""

_FINDING = threading.Lock()


def check_installed(needed: dict[str, str] = NEEDED) -> None:
    """Check that the extra ``build`` is installed.

    Raises:
        SettingsError: A part of it is missing.
    """
    missing = [
        name
        for module, name in needed.items()
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        raise SettingsError(
            f"reporting build needs {', '.join(missing)}, which is not installed:"
            f" {install_command('build')}"
        )


def uv(
    *arguments: str | Path, doing: str, variables: Mapping[str, str] | None = None
) -> str:
    """Run uv and return its output.

    Args:
        arguments: Its command line.
        doing: Description of the step, for the message if it fails.
        variables: Environment variables for this call.

    Raises:
        BuildError: uv failed; the message ends with uv's own.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    done = subprocess.run(  # noqa: S603 - our own arguments, and no shell
        [_program(), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment
        | {
            "NO_COLOR": "1",
            "UV_NO_PROGRESS": "1",
            "SOURCE_DATE_EPOCH": EPOCH,
            **(variables or {}),
        },
    )
    if done.returncode:
        raise BuildError(
            f"{doing}: uv says: {one_line(done.stderr or done.stdout, 480)}"
        )
    return done.stdout


def _program() -> str:
    """Return the path of uv.

    One thread at a time: the module `sysconfig`, which looks for the path, may answer
    with nothing while another thread uses it for the first time.
    """
    from uv import find_uv_bin

    with _FINDING:
        return find_uv_bin()


def interpreter(version: str) -> str:
    """Return the path of a CPython of that version.

    It is the running interpreter, an installed one, or one that uv installs.

    Raises:
        BuildError: No such Python was found, and uv could not install one.
    """
    if (
        sys.implementation.name == "cpython"
        and version == f"{sys.version_info.major}.{sys.version_info.minor}"
    ):
        return sys.executable
    try:
        return installed_interpreter(version)
    except BuildError:
        uv(
            "python",
            "install",
            f"cpython-{version}",
            doing=f"there is no Python {version} to compile with; installing one",
        )
    return installed_interpreter(version)


def installed_interpreter(version: str) -> str:
    """Return the path of an installed CPython of that version.

    uv looks among its own and on `PATH`. Versions of pyenv are looked at, too: on
    `PATH` are only its shims, which fail unless their version is the active one.

    Raises:
        BuildError: No such Python was found.
    """
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    path = os.environ.get("UV_PYTHON_SEARCH_PATH") or os.environ.get("PATH", os.defpath)
    folders = [path, *map(str, sorted(Path(root).glob(f"versions/{version}.*/bin")))]
    return uv(
        "python",
        "find",
        "--no-project",
        f"cpython-{version}",
        doing=f"looking for a Python {version}",
        variables={"UV_PYTHON_SEARCH_PATH": os.pathsep.join(folders)},
    ).strip()
