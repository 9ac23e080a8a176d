"""``reporting-run`` in processes that are killed at a storage call, as SIGKILL kills.

The processes are forked from a server that has imported everything, since a sweep begins thousands.
"""

import multiprocessing
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_CALLS = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.scandir"}
"""Audit events of calls to the file system; the first arguments are paths."""

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    [__name__, "reporting_framework.cli.main", "polars", "obstore"]
)


class Program(NamedTuple):
    """A run of a report in the folder of its configuration.

    What it prints is in two files there, whose names end in ``.out`` and ``.err``.

    Attributes:
        folder: The folder.
        arguments: Those of ``reporting-run``.
        counted: Folder in which each call counts, beside each statement of SQLite.
        paths: Folders of what can be imported.
        environment: Variables that are set.
    """

    folder: Path
    arguments: Sequence[str]
    counted: Path
    paths: Sequence[Path]
    environment: Mapping[str, str]

    def begin(self, kill_at: int = 0) -> Any:
        """Begin a process, which kills itself at this call, the first being 1."""
        process = _processes.Process(target=_run, args=(self, kill_at))
        process.start()
        return process

    def end(self, process: Any) -> int:
        """Wait for the end of a process, and return how it ended."""
        process.join(60)
        code = process.exitcode
        if code is None:
            process.kill()
            raise TimeoutError(f"the run in {self.folder} does not end")
        process.close()
        return int(code)

    def run(self, kill_at: int = 0) -> int:
        """Run to the end, or to this call."""
        return self.end(self.begin(kill_at))


def _run(program: Program, kill_at: int) -> None:
    os.chdir(program.folder)
    os.environ.update(program.environment)
    tempfile.tempdir = str(program.folder)
    sys.path[:0] = map(str, program.paths)
    sys.argv = ["reporting-run", *program.arguments]
    for descriptor, name in ((1, f"{os.getpid()}.out"), (2, f"{os.getpid()}.err")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), descriptor)
    if kill_at:
        _Calls(str(program.counted), kill_at).install()
    from reporting_framework.cli.main import reporting_run

    reporting_run()


class _Calls:
    """Count of storage calls; the process ends at one of them."""

    def __init__(self, folder: str, kill_at: int) -> None:
        self._folder, self._left = folder, kill_at

    def install(self) -> None:
        """Count from now on, in this process."""
        connect = sqlite3.connect

        def traced(*args: Any, **more: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*args, **more)
            connection.set_trace_callback(self._count)
            return connection

        sqlite3.connect = traced  # type: ignore[assignment]
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CALLS and str(arguments[0]).startswith(self._folder):
            self._count()

    def _count(self, _: str = "") -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
