"""Rows of ``reporting plugins``, and the roles that they name."""

from __future__ import annotations

from typing import Literal, NamedTuple

from reporting_framework._text.messages import one_line

ROLES = (
    "source",
    "validator",
    "transform",
    "sink",
    "engine",
    "query",
    "page",
    "report",
)
"""What a plugin can bring; `role_hook` is the hook of each."""


class PluginInfo(NamedTuple):
    """A row of ``reporting plugins``.

    Attributes:
        name: The name to select it by; for a plugin that was not loaded, its entry
            point's.
        role: One of `ROLES`, ``command``, ``observer``, or ``plugin`` where nothing
            more is known.
        distribution: The distribution that brings it.
        version: Version of the distribution.
        status: ``registered``; ``loaded`` once `Registry.check` has imported it;
            ``blocked`` by the allow-list; ``broken``.
        reason: Why it cannot be used, on one line.
        summary: What it is, on one line.
    """

    name: str
    role: str
    distribution: str
    version: str
    status: Literal["registered", "loaded", "blocked", "broken"] = "registered"
    reason: str = ""
    summary: str = ""


def role_hook(role: str) -> str:
    """Name of the hook by which plugins bring what they have of a role."""
    return f"reporting_{plural(role)}"


def plural(role: str) -> str:
    """The role's word for several."""
    return "queries" if role == "query" else f"{role}s"


def summary_of(item: object) -> str:
    """Return the summary of a plugin's item, else the first line of its docstring."""
    try:
        summary = getattr(item, "summary", None)
        text = doc_line(item) if summary is None else str(summary)
    except Exception as error:  # a property of the plugin's own
        text = f"(its summary raised {type(error).__name__})"
    return one_line(text)


def doc_line(item: object) -> str:
    """Return the first line of a docstring, or nothing."""
    return (getattr(item, "__doc__", None) or "").strip().partition("\n")[0]
