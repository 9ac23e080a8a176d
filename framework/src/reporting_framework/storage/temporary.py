"""Temporary files and folders under a lock of the process that uses them.

Those without one were abandoned.

A lock ends with its process, however that ends. The age of a file tells nothing: a run
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
"""What is named otherwise in the system's temporary folder is never removed."""


class LockedPath:
    """A temporary file or folder under a lock, removed by `close`.

    Attributes:
        path: Where it is.

    Args:
        prefix: What its name begins with.
        folder: Where it is made; the system's temporary folder unless given.
        is_file: Whether it is a file.
    """

    def __init__(
        self, prefix: str, *, folder: Path | None = None, is_file: bool = False
    ) -> None:
        while (lock := self._try(prefix, folder, is_file=is_file)) is None:
            pass  # another process took it for abandoned before it was locked
        self._lock = lock

    def _try(self, prefix: str, folder: Path | None, *, is_file: bool) -> int | None:
        """Make it and lock it; `None` if it was removed in between."""
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
        """Remove it, unless it was moved, and give up the lock."""
        _remove(self.path)
        os.close(self._lock)


def temporary_root() -> Path:
    """Return the system's temporary folder.

    Raises:
        StorageUnavailable: None of those that Python tries can be written to.
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
    """Name the file in errors of the operating system that do not.

    Those of writing name none, and libraries in Rust raise errors of their own. The
    file must be a temporary one, since it may be written to in order to learn the
    cause.
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
    """Make a folder in the system's temporary folder.

    What killed processes left there is removed.
    """
    sweep(temporary_root(), f"{PREFIX}*")
    return LockedPath(f"{PREFIX}{kind}-")


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """Make a folder for this block alone.

    It is the owner's alone, and goes whatever happens.
    """
    locked = locked_folder(kind)
    try:
        yield locked.path
    finally:
        locked.close()


def abandoned_temporary() -> list[Path]:
    """Return what killed processes left in the system's temporary folder."""
    return [
        path
        for path in sorted(temporary_root().glob(f"{PREFIX}*"))
        if _is_abandoned(path)
    ]


def sweep(folder: Path, pattern: str) -> None:
    """Remove the files and folders of this pattern that no process has locked."""
    for path in folder.glob(pattern):
        _is_abandoned(path, remove=True)


def _is_abandoned(path: Path, *, remove: bool = False) -> bool:
    """Return whether no process holds a lock on `path`.

    What cannot be opened is another user's.
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
