"""A PostgreSQL server for the example, on a Unix socket, that is removed at the end."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/bin")
"""Places of PostgreSQL's programs that are not always in the path."""

USER = "postgres"
"""User that runs the server if this program runs as root: PostgreSQL refuses root."""


def programs() -> Path | None:
    """Return the folder of ``initdb`` and ``pg_ctl``, or `None` if there is none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    for pattern in FOLDERS:
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            if (folder / "initdb").exists():
                return folder
    return None


@contextmanager
def server() -> Iterator[str]:
    """Run a server for a block, which gets the URL of its database.

    Raises:
        SystemExit: PostgreSQL is not installed, or it does not start.
    """
    folder = programs()
    if folder is None:
        raise SystemExit(
            "PostgreSQL is not installed: initdb and pg_ctl were not found; install it,"
            " for example with `apt install postgresql` or `brew install postgresql`"
        )
    place = Path(
        tempfile.mkdtemp(prefix="shop-", dir="/tmp")
    )  # a socket's path is short
    data, socket, log = place / "data", place / "s", place / "log"
    socket.mkdir()
    if os.getuid() == 0:
        for path in (place, socket):
            shutil.chown(path, USER)
    options = f"-c listen_addresses= -c unix_socket_directories={socket} -c fsync=off"
    try:
        _run(folder, "initdb", "-D", data, "-U", "shop", "-A", "trust", "--no-sync")
        _run(folder, "pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
        try:
            yield f"postgresql://shop@/postgres?host={socket}"
        finally:
            _run(folder, "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run(folder: Path, program: str, *arguments: str | Path) -> None:
    as_user = ["runuser", "-u", USER, "--"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*as_user, folder / program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if done.returncode:
        raise SystemExit(f"{program}: {done.stderr.strip()[-300:]}")
