"""CPython that runs in any folder, for an archive that brings its interpreter.

uv installs the builds of the project python-build-standalone. They need glibc 2.17 and
nothing else of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.target import MACHINES, Target
from reporting_framework.lambda_build.uv import uv

_LIBRARY = re.compile(r"libpython3[^/]*\.so[^/]*")

_UNUSED = {
    "EXTERNALLY-MANAGED",
    "__pycache__",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "site-packages",
    "test",
    "tkinter",
    "turtledemo",
}
"""Names in the standard library of what no report imports."""

_PREFIX = "/install"
"""Folder that these builds say they are in, before uv writes its own."""


def python_home(target: Target, folder: Path) -> dict[str, Path]:
    """Install a CPython and return its files by their names in its folder.

    These are the program, its library and the standard library, without links.

    Args:
        target: Target of the archive.
        folder: Folder to install to. No file that is returned names it.

    Raises:
        BuildError: uv has no such Python, or cannot download it.
    """
    request = f"cpython-{target.python}-linux-{MACHINES[target.arch]}-gnu"
    uv(
        *("python", "install", "--no-bin", "--install-dir", folder, request),
        doing=f"installing {request} for the archive",
    )
    homes = [path for path in folder.glob("cpython-*") if not path.is_symlink()]
    files = {
        str(name): home / name for home in homes for name in _used(home, target.python)
    }
    if f"bin/python{target.python}" not in files:
        raise BuildError(
            f"{request}: uv installed no program bin/python{target.python}; use another"
            " version of uv"
        )
    for name, path in files.items():
        if "_sysconfigdata_" in name:
            text = path.read_text(encoding="utf-8")
            for home in homes:
                text = text.replace(str(home), _PREFIX)
            path.unlink()  # it may be a link to uv's cache
            path.write_text(text, encoding="utf-8")
    return files


def _used(home: Path, python: str) -> Iterator[PurePosixPath]:
    for path in home.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        name = PurePosixPath(path.relative_to(home))
        match name.parts:
            case ("bin", file):
                used = file == f"python{python}"
            case ("lib", file):
                used = _LIBRARY.fullmatch(file) is not None
            case ("lib", folder, *inner) if folder == f"python{python}":
                used = not (_UNUSED & {*inner} or inner[0].startswith("config-"))
            case _:
                used = False
        if used:
            yield name
