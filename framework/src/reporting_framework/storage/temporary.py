"""Temporary files and folders, each under a lock of the process that uses it.

A temporary file without a lock was abandoned.

A lock ends with its process, even a killed one. The age of a file proves nothing: a run
may take hours.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reporting_framework._text.messages import TEMPORARY_PREFIX, system_number
from reporting_framework.errors import StorageUnavailable

PREFIX = TEMPORARY_PREFIX
"""Prefix of the framework's names in the system's temporary folder; other names are
never removed.
"""


class LockedPath:
    """A temporary file or folder under a lock, removed by `close`.

    Attributes:
        path: Path of the file or folder.

    Args:
        prefix: Prefix of its name.
        folder: Parent folder; the system's temporary folder by default.
        is_file: Whether to make a file instead of a folder.
    """

    def __init__(
        self, prefix: str, *, folder: Path | None = None, is_file: bool = False
    ) -> None:
        while (lock := self._try(prefix, folder, is_file=is_file)) is None:
            pass  # another process removed it as abandoned before it was locked
        self._lock = lock

    def _try(self, prefix: str, folder: Path | None, *, is_file: bool) -> int | None:
        """Make and lock the path; return `None` if it was removed in between."""
        if is_file:
            lock, name = tempfile.mkstemp(".tmp", prefix, folder or temporary_root())
            self.path = Path(name)
        else:
            self.path = Path(tempfile.mkdtemp(None, prefix, folder or temporary_root()))
            try:
                lock = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
        fcntl.flock(lock, fcntl.LOCK_EX)
        if self.path.exists():
            return lock
        os.close(lock)
        return None

    def close(self) -> None:
        """Remove the file or folder, unless it was moved, and release the lock."""
        _remove(self.path)
        os.close(self._lock)


def temporary_root() -> Path:
    """Return the system's temporary folder.

    Raises:
        StorageUnavailable: No candidate of Python's `tempfile` can be written to.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        wanted = os.environ.get("TMPDIR")
        tried = [*([wanted] if wanted else []), "/tmp", "/var/tmp"]  # noqa: S108
        raise StorageUnavailable(
            f"temporary files: none of {', '.join(tried)} and the working directory can"
            " be written to; make room there, or set TMPDIR to another folder"
        ) from None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file's name to errors of the operating system that lack one.

    Errors of writing name no file, and Rust libraries raise errors of their own. The
    file must be a temporary one: to learn the cause, it may be written to.
    """
    try:
        yield
    except Exception as error:
        number = system_number(error)
        if number is None and "transport error" in str(error):
            number = _refusal(path)  # polars' parquet writer hides a full disk
        if number is None or getattr(error, "filename", None) is not None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def _refusal(path: Path) -> int | None:
    """Return the number of the error by which the system refuses to write a file."""
    try:
        with path.open("ab") as file:
            file.write(bytes(1024 * 1024))
    except OSError as error:
        return error.errno
    return None


def locked_folder(kind: str) -> LockedPath:
    """Make a folder in the system's temporary folder; remove leftovers there first.

    Leftovers are the temporary files and folders of killed processes.
    """
    sweep(temporary_root(), f"{PREFIX}*")
    return LockedPath(f"{PREFIX}{kind}-")


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """Make a folder for this block; remove it at the end, even after an error.

    Only the user who runs the process can enter the folder.
    """
    locked = locked_folder(kind)
    try:
        yield locked.path
    finally:
        locked.close()


def abandoned_temporary() -> list[Path]:
    """Return the leftovers of killed processes in the system's temporary folder."""
    return [
        path
        for path in sorted(temporary_root().glob(f"{PREFIX}*"))
        if _is_abandoned(path)
    ]


def sweep(folder: Path, pattern: str) -> None:
    """Remove the files and folders that match and that no process has locked."""
    for path in folder.glob(pattern):
        _is_abandoned(path, remove=True)


def _is_abandoned(path: Path, *, remove: bool = False) -> bool:
    """Return whether no process holds a lock on `path`.

    A path that cannot be opened belongs to another user: False.
    """
    try:
        descriptor = os.open(
            path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if remove:
            _remove(path)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
