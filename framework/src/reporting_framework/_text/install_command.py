"""Command that installs an extra of a distribution, from the same origin."""

from __future__ import annotations

import json
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

FRAMEWORK = "reporting-framework"


def install_command(extra: str, distribution: str = FRAMEWORK) -> str:
    """Return the command that installs an extra of a distribution, for a message.

    A folder, a wheel, a repository or a URL is named as its installer recorded it (PEP
    610); otherwise the command uses the index.

    Args:
        extra: Name of the extra, such as ``sql``.
        distribution: The distribution that has it.
    """
    try:
        record = json.loads(
            metadata.distribution(distribution).read_text("direct_url.json") or "{}"
        )
        place = _place(record, f"{distribution}[{extra}]", extra)
    except (
        metadata.PackageNotFoundError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ):
        place = None
    return f"pip install {place or shlex.quote(f'{distribution}[{extra}]')}"


def _place(record: dict[str, Any], named: str, extra: str) -> str | None:
    """Return the requirement for an installer's record.

    Return None for an index, or if the folder or wheel no longer exists.
    """
    parts = urlsplit(str(record["url"]))
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
        return f"{editable}{shlex.quote(f'{path}[{extra}]')}" if path.exists() else None
    return (
        None if parts.query else shlex.quote(f"{named} @ {_public(str(record['url']))}")
    )


def _public(url: str) -> str:
    """Return a URL without possible secrets: password, token, query."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(
        netloc=f"git@{host}" if user == "git" else host, query="", fragment=""
    ).geturl()
