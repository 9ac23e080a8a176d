"""Where things are: one way to write any place, ``s3://bucket/key``, ``file:///path``, a plain path or ``memory://``."""

from __future__ import annotations

import os
import re
from typing import Literal, NamedTuple
from urllib.parse import unquote

from reporting_framework.errors import LocationError

Scheme = Literal["s3", "file", "memory"]

ODD_KEY = re.compile(r"[\x00-\x1f\x7f]|(?:^|/)(?:\.{0,2})(?:/|$)")
"""Keys in a bucket that are legal, rare, and not to be named in a URI."""


class Location(NamedTuple):
    """A place in some storage.

    Attributes:
        scheme: ``s3``, ``file`` or ``memory``.
        root: The bucket, the name of the memory store, or ``/`` for files.
        key: Path within the root, without a leading or trailing slash; "" is the root itself.
    """

    scheme: Scheme
    root: str
    key: str

    @property
    def uri(self) -> str:
        """The place as a user would write it: files as plain absolute paths."""
        return f"/{self.key}" if self.scheme == "file" else f"{self.scheme}://{self.root}/{self.key}".rstrip("/")

    @property
    def name(self) -> str:
        """Last segment of the key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> Location:
        """The folder that holds it."""
        return Location(self.scheme, self.root, self.key.rpartition("/")[0])

    def join(self, key: str) -> Location:
        """The place at `key`, relative to this one."""
        return Location(self.scheme, self.root, f"{self.key}/{key}" if self.key else key)

    def holds(self, other: Location) -> bool:
        """Whether `other` is this place or lies below it."""
        same = (self.scheme, self.root) == (other.scheme, other.root)
        return same and (not self.key or self.key == other.key or other.key.startswith(f"{self.key}/"))


def parse_location(uri: str) -> Location:
    """The place that `uri` names; a relative path is taken from the working directory.

    Raises:
        LocationError: The scheme is not known, or the bucket is missing.
    """
    scheme, separator, rest = uri.partition("://")
    if not uri.strip() or "\0" in uri:
        raise LocationError("a location is empty or holds a NUL character; give a path or an s3:// URI")
    if any("\ud800" <= character <= "\udfff" for character in uri):
        raise LocationError(f"{uri!a}: not valid Unicode; rename the folder or the file")
    if not separator:
        return Location("file", "/", _absolute(os.path.expanduser(uri)))
    if scheme == "file":
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost") or not slash:
            raise LocationError(f"{uri}: a file URI has three slashes, as in file:///data/events")
        return Location("file", "/", _absolute(unquote(f"/{path}")))
    if scheme in ("s3", "memory"):
        root, _, key = rest.partition("/")
        if not root:
            raise LocationError(f"{uri}: the bucket is missing; write {scheme}://bucket/key")
        key = key.strip("/")
        if key and ODD_KEY.search(key):
            raise LocationError(f"{uri}: an empty, . or .. segment or a control character cannot be part of a URI")
        return Location("s3" if scheme == "s3" else "memory", root, key)
    raise LocationError(f"{uri}: unknown scheme {scheme!r}; allowed are s3://, file://, memory:// and plain paths")


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path).strip("/")
    except FileNotFoundError:
        raise LocationError(f"{path}: the working directory is not there any more; give an absolute path") from None
