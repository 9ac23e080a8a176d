"""A MariaDB server of the tests, on a Unix socket."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60


def programs() -> tuple[str, str] | None:
    """Return the programs that create and run a database, `None` if one is missing."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    install = shutil.which("mariadb-install-db", path=path)
    server = shutil.which("mariadbd", path=path)
    return (install, server) if install and server else None


@contextmanager
def running(install: str, server: str) -> Iterator[str]:
    """Run a server, and yield the URL of its database; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="maria-", dir="/tmp"))
    data, socket = folder / "data", folder / "s"
    user = "root" if os.getuid() == 0 else os.environ.get("USER", "test")
    try:
        subprocess.run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                f"--user={user}",
                "--auth-root-authentication-method=normal",
            ],
            capture_output=True,
            check=True,
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    server,
                    "--no-defaults",
                    f"--datadir={data}",
                    f"--socket={socket}",
                    f"--user={user}",
                    "--skip-networking",
                    "--innodb-flush-log-at-trx-commit=0",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            _wait(process, socket, folder / "log")
            yield f"mysql://root@localhost/test?unix_socket={socket}"
        finally:
            process.terminate()
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while not socket.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.05)
