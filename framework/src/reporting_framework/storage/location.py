"""The locations of things.

There is one way to write any place: ``s3://bucket/key``, ``file:///path``, a plain path
or ``memory://``.
"""

from __future__ import annotations

import os
import re
from typing import Literal, NamedTuple
from urllib.parse import unquote

from reporting_framework.errors import InvalidLocation, LocationError

Scheme = Literal["s3", "file", "memory"]

ODD_KEY = re.compile(r"[\x00-\x1f\x7f]|(?:^|/)(?:\.{0,2})(?:/|$)")
"""Keys in a bucket that are legal, rare, and not to be named in a URI."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")

_SCHEMES = "s3|s3a|s3n|gs|gcs|az|abfss?|adl|wasbs?|file|memory|https?"
_LIKE_URI = re.compile(
    rf"^[A-Za-z][A-Za-z0-9+.-]*:[/\\]|^(?:{_SCHEMES}):|/(?:{_SCHEMES}):(?:[/\\]|$)",
    re.IGNORECASE,
)
"""A path in which there is what was a URI, as in ``s3:/bucket/key``, which `pathlib`
makes of one.
"""


class Location(NamedTuple):
    """A place in some storage.

    Attributes:
        scheme: ``s3``, ``file`` or ``memory``.
        root: The bucket, the name of the memory store, or ``/`` for files.
        key: Path within the root, without a leading or trailing slash; "" is the root
            itself.
    """

    scheme: Scheme
    root: str
    key: str

    @property
    def uri(self) -> str:
        """The place as a user would write it: files as plain absolute paths."""
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
        """The folder that holds it."""
        return Location(self.scheme, self.root, self.key.rpartition("/")[0])

    def join(self, key: str) -> Location:
        """The place at `key`, relative to this one."""
        return Location(
            self.scheme, self.root, f"{self.key}/{key}" if self.key else key
        )

    def holds(self, other: Location) -> bool:
        """Whether `other` is this place or lies below it."""
        same = (self.scheme, self.root) == (other.scheme, other.root)
        return same and (
            not self.key
            or self.key == other.key
            or other.key.startswith(f"{self.key}/")
        )


def parse_location(uri: str) -> Location:
    """The place that `uri` names; a relative path is taken from the working directory.

    Nothing is repaired: what is not exactly one of the forms would else be taken for
    another place.

    Raises:
        InvalidLocation: It is none of ``s3://bucket/key``, ``memory://name/key``,
            ``file:///path`` and a path.
    """
    if not uri.strip() or "\0" in uri:
        raise InvalidLocation(
            "a location is empty or holds a NUL character; give a path or an s3:// URI"
        )
    _refuse_surrogates(uri, uri)
    if uri != uri.strip():
        raise InvalidLocation(
            f"{_shown(uri)!r}: white space around a location; take it out, or end a"
            " folder with / if it is of its name"
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
    if scheme in ("s3", "memory"):
        return _in_bucket("s3" if scheme == "s3" else "memory", uri, rest)
    raise InvalidLocation(
        f"{_shown(uri)}: unknown scheme {scheme!r}; allowed are s3://, file://,"
        " memory:// and plain paths"
    )


def _in_bucket(scheme: Scheme, uri: str, rest: str) -> Location:
    """Return the place in a bucket.

    One slash at the end is allowed, since people end folders with one.
    """
    root, _, key = rest.partition("/")
    if not root:
        raise InvalidLocation(
            f"{_shown(uri)}: the bucket is missing; write {scheme}://bucket/key"
        )
    if "@" in root:
        raise InvalidLocation(
            f"{_shown(uri)}: credentials do not belong in a URI and are not shown; take"
            " them out, and set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"
        )
    if not _BUCKET.fullmatch(root):
        raise InvalidLocation(
            f"{_shown(uri)}: a bucket's name is of letters, digits, . _ and -; write"
            f" {scheme}://bucket/key, and for an access point its alias"
        )
    key = key.removesuffix("/")
    if ODD_KEY.search(key) and (key or rest.endswith("//")):
        raise InvalidLocation(
            f"{_shown(uri)}: an empty, . or .. segment or a control character cannot be"
            f" part of a URI; write {scheme}://bucket/key"
        )
    return Location(scheme, root, key)


def _path(path: str) -> str:
    """Return an absolute path without the slash that it begins with."""
    if path.startswith("arn:"):
        raise InvalidLocation(
            f"{path}: an ARN is no path; write s3://bucket/key, with the alias of an"
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
            f"{path}: there is no such user; write ./ before a path whose name begins"
            " with ~"
        )
    try:
        absolute = os.path.join(
            "" if os.path.isabs(expanded) else os.getcwd(), expanded
        )
    except FileNotFoundError:
        raise LocationError(
            f"{path}: the working directory is not there any more; give an absolute"
            " path"
        ) from None
    above, up, below = f"{absolute}/".rpartition("/../")
    if up:  # only the file system can tell what is above a symbolic link
        absolute = f"{os.path.realpath(f'{above}/..')}/{below}"
    return os.path.normpath(absolute).strip("/")


def _unquoted(uri: str, path: str) -> str:
    """Return the path of a file URI with its percent-encoding decoded."""
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
    """Return a URI without what may be a password in it."""
    return _CREDENTIALS.sub("", uri)
