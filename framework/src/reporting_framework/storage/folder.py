"""Store for a folder of the local file system, read with plain system calls.

A read takes 5 µs a file, a tenth of any library's time.
"""

from __future__ import annotations

import fcntl
import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from typing_extensions import override

from reporting_framework._text.messages import system_problem
from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    LocationError,
    ObjectMissing,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.plugin_api.traffic import BYTES_READ, BYTES_WRITTEN, count
from reporting_framework.storage.file_snapshot import FileSnapshot
from reporting_framework.storage.location import Location
from reporting_framework.storage.maintenance import FolderMaintenance
from reporting_framework.storage.store import (
    Entry,
    Object,
    Page,
    ScanTarget,
    TooLargeError,
)
from reporting_framework.storage.temporary import LockedPath, sweep

PAGE_SIZE = 1000
_READ = (
    os.O_RDONLY
    | os.O_NONBLOCK
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


class _Pages(Iterator[Page]):
    """Pages of keys, which are looked up for the first page."""

    def __init__(self, find: Callable[[], Sequence[str]]) -> None:
        self._find, self._at = find, 0
        self._keys: Sequence[str] | None = None

    def __next__(self) -> Page:
        if self._keys is None:
            self._keys = self._find()
        keys = self._keys[self._at : self._at + PAGE_SIZE]
        if not keys:
            raise StopIteration
        self._at += PAGE_SIZE
        return [Entry(key, None, None) for key in keys]

    def __length_hint__(self) -> int:
        left = 0 if self._keys is None else len(self._keys) - self._at
        return max(0, -(-left // PAGE_SIZE))


class FolderStore(FolderMaintenance):
    """Store for a folder; see `Store`.

    A write goes to a temporary file, is flushed to disk, and is renamed into place
    under a lock.
    """

    supports_list_after = False
    remote = False

    def __init__(self, location: Location) -> None:
        self.location = location
        self._base = location.uri.rstrip("/")
        self._root = self._base or "/"
        self.shared: Mapping[str, Sequence[str]] = {}

    def _path(self, key: str) -> str:
        return f"{self._base}/{key}"

    def list(self, *, after: str = "", before: str | None = None) -> Iterator[Page]:
        """See `Store.list`.

        The whole folder is read: a file system cannot list from a name onwards. The
        length hint of the iterator is then the number of pages that are left.
        """
        return _Pages(partial(self._keys, after, before))

    def _keys(self, after: str, before: str | None) -> Sequence[str]:
        if not os.path.isdir(self._root):
            raise LocationError(
                f"{self._root}: no such folder; check the path of the source"
            )
        keys = sorted(self._walk())
        if after or before is not None:
            keys = [
                key for key in keys if key > after and (before is None or key < before)
            ]
        return keys

    def _walk(self) -> Sequence[str]:
        """Return the keys of all files below, and of folders that are not entered.

        The key of such a folder ends with a slash. Not entered are symbolic links,
        which may form a cycle, and folders whose names begin with a dot, which belong
        to a program: a Kubernetes volume has a second copy of all files there.
        """
        folders, inodes = [""], list[int]()
        files, others = list[str](), list[str]()
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(self._path(folder)) as entries:
                    for entry in entries:
                        key = f"{folder}{entry.name}"
                        if entry.is_file(follow_symlinks=False):
                            files.append(key)
                            inodes.append(entry.inode())
                        elif entry.is_symlink() and _is_object(entry):
                            files.append(key)
                            inodes.append(_target_inode(entry))
                        elif entry.is_dir(
                            follow_symlinks=False
                        ) and not entry.name.startswith("."):
                            folders.append(f"{key}/")
                        elif entry.is_dir():
                            others.append(f"{key}/")
            except OSError as error:
                raise self._translate(error, folder) from error
        groups: dict[int, list[str]] = {}
        if len(set(inodes)) < len(inodes):
            for inode, key in zip(inodes, files, strict=True):
                groups.setdefault(inode, []).append(key)
        self.shared = {
            key: names
            for group in groups.values()
            if len(group) > 1
            for names in self._same_files(group)
            for key in names
        }
        return files + others

    def _same_files(self, keys: Sequence[str]) -> Iterable[Sequence[str]]:
        """Return the groups of keys that name the same file, symbolic links last."""
        groups: dict[tuple[int, int], list[str]] = {}
        for key in sorted(keys, key=lambda key: (os.path.islink(self._path(key)), key)):
            with suppress(OSError):
                status = os.stat(self._path(key))
                groups.setdefault((status.st_dev, status.st_ino), []).append(key)
        return [names for names in groups.values() if len(names) > 1]

    def get(
        self,
        key: str,
        *,
        limit: int | None = None,
        admit: Callable[[int], None] | None = None,
    ) -> Object:
        """See `Store.get`."""
        try:
            descriptor = os.open(self._path(key), _READ)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise IsADirectoryError
                if limit is not None and status.st_size > limit:
                    raise TooLargeError(_version(status), status.st_size)
                if admit is not None:
                    admit(status.st_size)
                data = os.read(descriptor, status.st_size)
                if len(data) < status.st_size:
                    data = self._read_rest(descriptor, data, status.st_size)
                count(BYTES_READ, len(data))
                return Object(data, _version(status))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._translate(error, key) from error

    @staticmethod
    def _read_rest(descriptor: int, data: bytes, size: int) -> bytes:
        """Read the bytes that one call left out; the system returns at most 2 GiB."""
        parts = [data]
        while (missing := size - sum(map(len, parts))) > 0 and (
            more := os.read(descriptor, missing)
        ):
            parts.append(more)
        return b"".join(parts)

    @override
    def head(self, key: str) -> Entry | None:
        try:
            status = os.stat(self._path(key))
        except FileNotFoundError:
            self._refuse_link(key)
            return None
        except OSError as error:
            raise self._translate(error, key) from error
        if not stat.S_ISREG(status.st_mode):
            raise self._translate(IsADirectoryError(), key)
        return Entry(key, status.st_size, _version(status))

    def put(self, key: str, data: bytes | Path, *, if_version: str | None) -> str:
        """See `Store.put`.

        A file must come from `temp_path`, within `lock`, unless no other writer uses
        the key; for bytes, `put` takes the lock itself.
        """
        if isinstance(data, bytes):
            with self.lock(key), self.temp_path(key) as scratch:
                try:
                    scratch.write_bytes(data)
                except OSError as error:
                    raise self._translate(error, key) from error
                return self.put(key, scratch, if_version=if_version)
        try:
            current = self.head(key)
            if (current.version if current else None) != if_version:
                raise CommitConflict(
                    f"{self._path(key)}: another run has written it meanwhile; run"
                    " again"
                )
            return self._move(data, key)
        except OSError as error:
            raise self._translate(error, key) from error

    def replace(
        self, key: str, data: bytes, *, content_type: str, metadata: Mapping[str, str]
    ) -> str:
        """See `Store.replace`.

        Take no lock: a lock leaves a file behind, and renaming alone is atomic.
        """
        try:
            folder = Path(self._path(key)).parent
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder, ".*.????????.tmp")
            with self.temp_path(key) as scratch:
                scratch.write_bytes(data)
                return self._move(scratch, key)
        except OSError as error:
            raise self._translate(error, key) from error

    def _move(self, scratch: Path, key: str) -> str:
        """Move a file into place, flushed to disk; return its version there."""
        _flush(scratch)
        count(BYTES_WRITTEN, os.stat(scratch).st_size)
        os.makedirs(os.path.dirname(self._path(key)), exist_ok=True)
        os.replace(scratch, self._path(key))
        _flush(Path(self._path(key)).parent)
        return _version(os.stat(self._path(key)))

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """See `Store.lock`.

        The lock ends with the process; leftovers of a killed one are removed.
        """
        path = Path(self._path(key))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(
                path.parent / f".{path.name}.lock",
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
                0o666,
            )
        except OSError as error:
            raise self._translate(error, key) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in path.parent.glob(f".{glob.escape(path.name)}.????????.tmp"):
                left.unlink(missing_ok=True)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def temp_path(self, key: str) -> Iterator[Path]:
        """See `Store.temp_path`.

        The file is in the target's folder, so that renaming is atomic.
        """
        path = Path(self._path(key))
        try:
            locked = LockedPath(f".{path.name}.", folder=path.parent, is_file=True)
            locked.path.chmod(0o666 & ~_umask())
        except OSError as error:
            raise self._translate(error, key) from error
        try:
            yield locked.path
        finally:
            locked.close()

    def scan(self, key: str) -> ScanTarget:
        """See `Store.scan`."""
        return ScanTarget(self._path(key))

    def pin(self, key: str, *, held: bool = True) -> FileSnapshot | None:
        """See `Store.pin`."""
        translate = partial(self._translate, key=key)
        try:
            return FileSnapshot(
                self._path(key), held=held, version_of=_version, translate=translate
            )
        except FileNotFoundError:
            self._refuse_link(key)
            return None
        except OSError as error:
            raise translate(error) from error

    def _refuse_link(self, key: str) -> None:
        """Raise if the key is a link: its target may only be out of reach.

        Raises:
            LocationError: The key is a link whose target does not exist.
        """
        if os.path.islink(self._path(key)):
            raise LocationError(
                f"{self._path(key)}: a symbolic link whose target does not exist; mount"
                " the volume of its target, or remove the link"
            )

    def _translate(self, error: Exception, key: str) -> ReportingError:
        """Return the framework's error for the system's."""
        where = self._path(key)
        if isinstance(error, FileNotFoundError):
            return ObjectMissing(f"{where}: no such file")
        if isinstance(error, PermissionError):
            return AccessDenied(
                f"{where}: the system denies access; check the permissions of the file"
                " and its folder"
            )
        if isinstance(error, NotADirectoryError | IsADirectoryError | FileExistsError):
            return LocationError(
                f"{where}: expected a file and found something else, or the other way"
                " round; correct the path"
            )
        return StorageUnavailable(
            f"{where}: {system_problem(error) or type(error).__name__}"
        )


def _is_object(entry: os.DirEntry[str]) -> bool:
    """Return whether the entry is a file or a dangling link.

    Reading a dangling link fails and is reported.
    """
    try:
        return entry.is_file() or (
            entry.is_symlink() and not os.path.exists(entry.path)
        )
    except OSError:
        return True


def _target_inode(entry: os.DirEntry[str]) -> int:
    """Return the inode number of a link's target; its own if there is none."""
    try:
        return entry.stat().st_ino
    except OSError:
        return entry.inode()


def _version(status: os.stat_result) -> str:
    """Return the version of a file: modification time, size and inode number.

    Two different files at one path almost certainly differ in it.
    """
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"


def _flush(path: Path) -> None:
    """Wait until the file, or the folder's entries, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    """Return the process's umask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
