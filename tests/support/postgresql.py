"""A PostgreSQL server of the tests, on a Unix socket."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

USER = "postgres"
"""The server does not run as root: then this user runs it."""

FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/bin")
"""Places of its programs that are not always in the path."""

OPTIONS = (
    "fsync=off",
    "full_page_writes=off",
    "listen_addresses=",
    "max_connections=60",
    "synchronous_commit=off",
)


def programs() -> Path | None:
    """Return the folder of ``initdb`` and ``pg_ctl``, `None` if they are missing."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    for pattern in FOLDERS:
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            if (folder / "initdb").exists():
                return folder
    return None


class Server:
    """A server with an empty database; `start` and `stop` may alternate.

    Args:
        folder: Folder of its data and its socket; the path must be short.
        bin_folder: Folder of its programs.
    """

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder, self._bin = folder, bin_folder
        self.socket = folder / "s"

    def create(self) -> None:
        """Create the database."""
        self.socket.mkdir()
        if os.getuid() == 0:
            for path in (self.folder, self.socket):
                shutil.chown(path, USER)
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "test", "-A", "trust", "--no-sync")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = [f"-c {option}" for option in OPTIONS]
        options.append(f"-c unix_socket_directories={self.socket}")
        self._ctl(
            "-w", "-l", str(self.folder / "log"), "-o", " ".join(options), "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server and all connections; ``fast`` keeps what is written."""
        self._ctl("-w", "-m", mode, "stop")

    def url(self, **options: str) -> str:
        """Return the URL of the database, with further options."""
        more = "".join(f"&{name}={value}" for name, value in options.items())
        return f"postgresql://test@/postgres?host={self.socket}{more}"

    def _ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [str(self._bin / program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def running(bin_folder: Path) -> Iterator[Server]:
    """Run a server; it is stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = Server(folder, bin_folder)
    try:
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
