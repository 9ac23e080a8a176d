"""Command that installs an extra of a distribution, from the same origin."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

FRAMEWORK = "reporting-framework"

_REQUIREMENT = re.compile(
    r"""(?P<name>[A-Za-z0-9._-]+).*;.*extra == ['"](?P<extra>[A-Za-z0-9._-]+)['"]"""
)


def extras_of(distribution: str) -> Iterator[tuple[str, str]]:
    """Yield the extras of an installed distribution, each with a requirement's name."""
    for requirement in metadata.requires(distribution) or ():
        if found := _REQUIREMENT.match(requirement):
            yield found["extra"], found["name"]


def install_command(extra: str, distribution: str = FRAMEWORK) -> str:
    """Return the command that installs an extra of a distribution, for a message.

    A folder, a wheel, a repository or a URL is named as its installer recorded it (PEP
    610); otherwise the command uses the index. Folders beside the folder that hold what
    the extra requires are named too, as in a clone whose packages are on no index.

    Args:
        extra: Name of the extra, such as ``sql``.
        distribution: The distribution that has it.
    """
    try:
        record = json.loads(
            metadata.distribution(distribution).read_text("direct_url.json") or "{}"
        )
        place = _place(record, distribution, extra)
    except (
        metadata.PackageNotFoundError,
        AttributeError,
        KeyError,
        OSError,
        TypeError,
        ValueError,
    ):
        place = None
    return f"pip install {place or shlex.quote(f'{distribution}[{extra}]')}"


def _place(record: dict[str, Any], distribution: str, extra: str) -> str | None:
    """Return the requirement for an installer's record.

    Return None for an index, or if the folder or wheel no longer exists.
    """
    parts, named = urlsplit(str(record["url"])), f"{distribution}[{extra}]"
    if "vcs_info" in record:
        vcs = record["vcs_info"]
        folder = (
            f"#subdirectory={record['subdirectory']}"
            if "subdirectory" in record
            else ""
        )
        revision = vcs.get("requested_revision") or vcs["commit_id"]
        return shlex.quote(
            f"{named} @ {vcs['vcs']}+{_public(str(record['url']))}@{revision}{folder}"
        )
    if parts.scheme == "file":
        path = Path(url2pathname(parts.path))
        editable = "-e " if record.get("dir_info", {}).get("editable") else ""
        needed = {name for which, name in extras_of(distribution) if which == extra}
        places = [f"{path}[{extra}]", *_projects_beside(path, needed)]
        words = [f"{editable}{shlex.quote(place)}" for place in places]
        return " ".join(words) if path.exists() else None
    return (
        None if parts.query else shlex.quote(f"{named} @ {_public(str(record['url']))}")
    )


def _projects_beside(folder: Path, names: set[str]) -> list[str]:
    """Return the folders beside `folder` that hold projects of these names."""
    return [
        str(file.parent)
        for file in sorted(folder.parent.glob("*/pyproject.toml") if names else ())
        if tomllib.loads(file.read_text()).get("project", {}).get("name") in names
    ]


def _public(url: str) -> str:
    """Return a URL without possible secrets: password, token, query."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(
        netloc=f"git@{host}" if user == "git" else host, query="", fragment=""
    ).geturl()
