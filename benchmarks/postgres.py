"""A PostgreSQL server of the measuring's own, on a Unix socket."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import BenchmarkError

USER = "postgres"
"""The server does not run as root: then this user runs it."""


@contextmanager
def server() -> Iterator[str]:
    """Start a server, and yield the URI of its only database; stop and remove it.

    Raises:
        BenchmarkError: PostgreSQL is not installed.
    """
    if shutil.which("initdb") is None or shutil.which("pg_ctl") is None:
        raise BenchmarkError("initdb and pg_ctl are not on PATH; install PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path must be short
    data, socket = folder / "data", folder / "s"
    socket.mkdir()
    if os.getuid() == 0:
        for path in (folder, socket):
            shutil.chown(path, USER)
    try:
        _run(["initdb", "-D", str(data), "-U", "bench", "-A", "trust", "--no-sync"])
        options = f"-c listen_addresses='' -c unix_socket_directories='{socket}'"
        options += " -c fsync=off -c max_wal_size=4GB"
        log = str(folder / "log")
        _run(["pg_ctl", "-D", str(data), "-w", "-l", log, "-o", options, "start"])
        try:
            yield f"postgresql://bench@/postgres?host={socket}"
        finally:
            _run(["pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str]) -> None:
    as_user = ["runuser", "-u", USER, "--"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*as_user, *command], capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode:
        raise BenchmarkError(f"{command[0]}: {done.stderr.strip()[-300:]}")
