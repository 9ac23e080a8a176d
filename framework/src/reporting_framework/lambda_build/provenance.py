"""Provenance of installed distributions, as recorded by their installer (PEP 610)."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from reporting_framework.errors import BuildError
from reporting_framework.plugin_api.markers import PROJECT
from reporting_framework.registry.discovery import normalised

_INSTEAD = "install it from an index, a wheel file or a folder"


@dataclass(frozen=True, slots=True)
class Provenance:
    """An installed distribution and its provenance.

    Attributes:
        name: Its normalised name.
        version: Its version.
        kind: A ``folder`` (editable or not), a ``wheel`` file, or an ``index``.
        path: The folder or file.
        plugin: Whether it declares a plugin.
    """

    name: str
    version: str
    kind: Literal["folder", "wheel", "index"]
    path: Path | None = None
    plugin: bool = False


def installed(name: str) -> importlib.metadata.Distribution | None:
    """Return an installed distribution, or None."""
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def provenance(distribution: importlib.metadata.Distribution) -> Provenance:
    """Return the provenance of an installed distribution.

    Raises:
        BuildError: No wheel can be made again from its provenance: a repository, a
            source archive, or a folder or file that no longer exists.
    """
    name, version = normalised(distribution.metadata["Name"]), distribution.version
    plugin = any(point.group == PROJECT for point in distribution.entry_points)
    record = _direct_url(distribution, f"{name} {version}")
    if record is None:
        return Provenance(name, version, "index", plugin=plugin)
    path = _path(str(record.get("url", "")))
    if "dir_info" in record and path is not None:
        if not path.is_dir():
            raise BuildError(
                f"{name} {version}: it was installed from {path}, which no longer"
                f" exists; {_INSTEAD}"
            )
        return Provenance(name, version, "folder", path, plugin)
    if "archive_info" in record and path is not None and path.suffix == ".whl":
        if not path.is_file():
            raise BuildError(
                f"{name} {version}: it was installed from {path}, which no longer"
                f" exists; {_INSTEAD}"
            )
        return Provenance(name, version, "wheel", path, plugin)
    place = (
        "a repository"
        if "vcs_info" in record
        else "an archive"
        if path
        else "an address on the network"
    )
    raise BuildError(
        f"{name} {version}: it was installed from {place}, from which no wheel can be"
        f" made again; {_INSTEAD}"
    )


def _direct_url(
    distribution: importlib.metadata.Distribution, shown: str
) -> dict[str, Any] | None:
    text = distribution.read_text("direct_url.json")
    if text is None:
        return None
    try:
        record = json.loads(text)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise BuildError(
            f"{shown}: its direct_url.json is not a JSON object; install it again"
        )
    return record


def _path(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
