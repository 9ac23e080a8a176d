"""Origin of this installation's templates: repository and commit, if known."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from reporting_framework.registry.discovery import FRAMEWORK

TEMPLATES = Path(__file__).with_name("templates")
"""Folder of the templates in every installation; in the repository, ``templates`` at
the top is a link to it.
"""

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.:-]*://)(?:(?P<user>.*)@)?(?P<place>[^?#]*)"
)
_SCP = re.compile(r"[\w.-]+@[\w.-]+:")

MODULE = "{module}"
"""Placeholder for a Terraform module's name."""


class Repository(NamedTuple):
    """A repository of this project.

    Attributes:
        url: URL that git clones.
        commit: Commit of the templates, or None if their files differ from it.
        folder: Its folder on this machine, or None.
    """

    url: str
    commit: str | None
    folder: Path | None

    @property
    def modules(self) -> str:
        """Address of the Terraform modules, with `MODULE` for a module's name."""
        if self.folder is not None and (
            self.commit is None or self.url == str(self.folder)
        ):
            return f"{self.folder.as_posix()}/terraform/modules/{MODULE}"
        return f"git::{self.url}//terraform/modules/{MODULE}?ref={self.commit}"


def repository() -> Repository | None:
    """Return the repository of this installation, or None.

    For an installation from an index or a wheel, it is not known.
    """
    try:
        return recorded(
            importlib.metadata.distribution(FRAMEWORK).read_text("direct_url.json")
        )
    except importlib.metadata.PackageNotFoundError:  # on the path, but not installed
        return None


def recorded(text: str | None) -> Repository | None:
    """Return the repository in an installer's record (PEP 610), or None.

    A damaged record counts as none.
    """
    try:
        record = json.loads(text or "{}")
        url = str(record["url"])
        if "vcs_info" in record:
            return Repository(
                without_secrets(url), str(record["vcs_info"]["commit_id"]), None
            )
        if "dir_info" in record and url.startswith("file://"):
            return checkout(Path(unquote(urlsplit(url).path)))
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    return None


def checkout(folder: Path) -> Repository | None:
    """Return the repository that holds a folder, or None."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    commit = _git(folder, "rev-parse", "HEAD")
    if not top or not commit:
        return None
    changed = (
        _git(Path(top), "status", "--porcelain", "--", str(TEMPLATES))
        if TEMPLATES.is_relative_to(top)
        else ""
    )
    url = _git(folder, "remote", "get-url", "origin") or ""
    known = (
        url if _URL.match(url) or _SCP.match(url) or Path(url).is_absolute() else top
    )
    return Repository(without_secrets(known), None if changed else commit, Path(top))


def without_secrets(url: str) -> str:
    """Return the URL of a repository, without possible secrets.

    The user, the query and the fragment may hold a password or a token.

    The user of SSH stays, as in ``ssh://git@host/``: it is a part of the address and
    never a secret.
    """
    if (match := _URL.fullmatch(url.partition("#")[0].partition("?")[0])) is None:
        return url
    user = (match["user"] or "").partition(":")[0]
    kept = (
        f"{user}@"
        if user
        and "/" not in user
        and match["scheme"].lower() in ("ssh://", "git+ssh://")
        else ""
    )
    return f"{match['scheme']}{kept}{match['place']}"


def _git(folder: Path, *arguments: str) -> str | None:
    """Return git's output; None if git is missing or fails."""
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
