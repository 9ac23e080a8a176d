"""Locations in storage, and the URIs that name them.

The forms are ``s3://bucket/key``, ``gs://bucket/key``, ``az://container/key``,
``file:///path``, a plain path and ``memory://``.
"""

from __future__ import annotations

import os
import re
from typing import Literal, NamedTuple
from urllib.parse import unquote

from reporting_framework.errors import InvalidLocation, LocationError

Scheme = Literal["s3", "gs", "az", "file", "memory"]

_IN_BUCKETS: dict[str, Scheme] = {
    "s3": "s3",
    "gs": "gs",
    "az": "az",
    "memory": "memory",
}

_CREDENTIALS_OF = {
    "s3": "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""Environment variables with the credentials of each kind of bucket."""

ODD_KEY = re.compile(r"[\x00-\x1f\x7f]|(?:^|/)(?:\.{0,2})(?:/|$)")
"""Keys in a bucket that are legal and rare, and that a URI cannot name."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")

_SCHEMES = "s3|s3a|s3n|gs|gcs|az|abfss?|adl|wasbs?|file|memory|https?"
_LIKE_URI = re.compile(
    rf"^[A-Za-z][A-Za-z0-9+.-]*:[/\\]|^(?:{_SCHEMES}):|/(?:{_SCHEMES}):(?:[/\\]|$)",
    re.IGNORECASE,
)
"""Paths that hold a damaged URI, such as ``s3:/bucket/key``, which `pathlib` makes of
``s3://bucket/key``.
"""


class Location(NamedTuple):
    """A location in some storage.

    Attributes:
        scheme: ``s3``, ``gs``, ``az``, ``file`` or ``memory``.
        root: The bucket or container, the name of the memory store, or ``/`` for files.
        key: Path within the root, without a leading or trailing slash; "" is the root
            itself.
    """

    scheme: Scheme
    root: str
    key: str

    @property
    def uri(self) -> str:
        """The location as a user would write it: files as plain absolute paths."""
        if self.scheme == "file":
            return f"/{self.key}"
        return (
            f"{self.scheme}://{self.root}/{self.key}"
            if self.key
            else f"{self.scheme}://{self.root}"
        )

    @property
    def name(self) -> str:
        """Last segment of the key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> Location:
        """The folder that holds this location."""
        return Location(self.scheme, self.root, self.key.rpartition("/")[0])

    def join(self, key: str) -> Location:
        """Return the location at `key`, relative to this one."""
        return Location(
            self.scheme, self.root, f"{self.key}/{key}" if self.key else key
        )

    def holds(self, other: Location) -> bool:
        """Return whether `other` is this location or below it."""
        same = (self.scheme, self.root) == (other.scheme, other.root)
        return same and (
            not self.key
            or self.key == other.key
            or other.key.startswith(f"{self.key}/")
        )


def parse_location(uri: str) -> Location:
    """Return the location that `uri` names.

    A relative path is resolved against the working directory. A URI that does not
    exactly match a form is rejected, never repaired: a repaired one could name another
    location.

    Raises:
        InvalidLocation: `uri` is none of ``s3://bucket/key``, ``gs://bucket/key``,
            ``az://container/key``, ``memory://name/key``, ``file:///path`` and a path.
        LocationError: The working directory no longer exists.
    """
    if not uri.strip() or "\0" in uri:
        raise InvalidLocation(
            "a location is empty or holds a NUL character; give a path or an s3:// URI"
        )
    _refuse_surrogates(uri, uri)
    if uri != uri.strip():
        raise InvalidLocation(
            f"{_shown(uri)!r}: white space around a location; remove it, or end a"
            " folder with / if the space is part of its name"
        )
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return Location("file", "/", _path(uri))
    if scheme == "file":
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost") or not slash:
            raise InvalidLocation(
                f"{_shown(uri)}: a file URI has three slashes, as in"
                " file:///data/events"
            )
        return Location("file", "/", _path(f"/{_unquoted(uri, path)}"))
    if scheme in _IN_BUCKETS:
        return _in_bucket(_IN_BUCKETS[scheme], uri, rest)
    raise InvalidLocation(
        f"{_shown(uri)}: unknown scheme {scheme!r}; allowed are s3://, gs://,"
        " az://, file://, memory:// and plain paths"
    )


def _in_bucket(scheme: Scheme, uri: str, rest: str) -> Location:
    """Return the location in a bucket or memory store.

    One trailing slash is allowed, because people often end folders with one.
    """
    root, _, key = rest.partition("/")
    if not root:
        raise InvalidLocation(
            f"{_shown(uri)}: the bucket is missing; write {scheme}://bucket/key"
        )
    if "@" in root:
        raise InvalidLocation(
            f"{_shown(uri)}: credentials do not belong in a URI and are not shown;"
            f" remove them, and set {_CREDENTIALS_OF.get(scheme, 'none')}"
        )
    if not _BUCKET.fullmatch(root):
        raise InvalidLocation(
            f"{_shown(uri)}: a bucket's name consists of letters, digits, . _ and -;"
            f" write {scheme}://bucket/key, and for an access point its alias"
        )
    key = key.removesuffix("/")
    if ODD_KEY.search(key) and (key or rest.endswith("//")):
        raise InvalidLocation(
            f"{_shown(uri)}: an empty, . or .. segment or a control character cannot be"
            f" part of a URI; write {scheme}://bucket/key"
        )
    return Location(scheme, root, key)


def _path(path: str) -> str:
    """Return an absolute path without its leading slash."""
    if path.startswith("arn:"):
        raise InvalidLocation(
            f"{path}: an ARN is not a path; write s3://bucket/key, with the alias of an"
            " access point as the bucket"
        )
    if _LIKE_URI.search(path):
        raise InvalidLocation(
            f"{_shown(path)}: neither a URI nor a path; write s3://bucket/key with two"
            " slashes, or ./ before a path"
        )
    expanded = os.path.expanduser(path)
    if expanded.startswith("~"):
        raise InvalidLocation(
            f"{path}: no such user; write ./ before a path whose name begins with ~"
        )
    try:
        absolute = os.path.join(
            "" if os.path.isabs(expanded) else os.getcwd(), expanded
        )
    except FileNotFoundError:
        raise LocationError(
            f"{path}: the working directory no longer exists; give an absolute path"
        ) from None
    above, up, below = f"{absolute}/".rpartition("/../")
    if up:  # only the file system knows the parent of a symbolic link's target
        absolute = f"{os.path.realpath(f'{above}/..')}/{below}"
    return os.path.normpath(absolute).strip("/")


def _unquoted(uri: str, path: str) -> str:
    """Return the path of a file URI, with its percent-encoding decoded."""
    if "%2f" in path.lower() or "%00" in path:
        raise InvalidLocation(
            f"{_shown(uri)}: a slash or NUL cannot be part of a name; give the path"
            " itself"
        )
    key = unquote(path, errors="surrogateescape")
    _refuse_surrogates(key, uri)
    return key


def _refuse_surrogates(text: str, uri: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidLocation(
            f"{uri!a}: not valid Unicode; rename the folder or the file"
        )


def _shown(uri: str) -> str:
    """Return a URI without possible credentials."""
    return _CREDENTIALS.sub("", uri)
