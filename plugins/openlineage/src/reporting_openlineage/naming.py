"""Names of datasets by OpenLineage's rules.

The rules are at https://openlineage.io/docs/spec/naming.
"""

from __future__ import annotations

from typing import NamedTuple


class Name(NamedTuple):
    """A dataset's namespace and its name in the namespace."""

    namespace: str
    name: str


def name_of(uri: str) -> Name:
    """Return the dataset for a URI or a path.

    Namespace and name are ``s3://bucket`` and the key, ``file`` and the path, or host
    and path.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return Name("file", uri)
    if scheme == "file":
        return Name("file", f"/{rest.lstrip('/')}")
    authority, _, path = rest.partition("/")
    return Name(f"{scheme}://{authority}", path.strip("/") or "/")
