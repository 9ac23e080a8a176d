"""Rows of ``reporting plugins``, and the roles of plugins."""

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
"""Roles of plugins; `role_hook` returns the hook of a role."""


class PluginInfo(NamedTuple):
    """Row of ``reporting plugins``.

    Attributes:
        name: The name to select it by; for a plugin that was not loaded, the name of
            its entry point.
        role: One of `ROLES`, ``command``, ``observer``, or ``plugin`` if nothing more
            is known.
        distribution: The distribution that contains it.
        version: Version of the distribution.
        status: ``registered``; ``loaded`` once `Registry.check` has imported it;
            ``blocked`` by the allow-list; ``broken``.
        reason: Reason why it cannot be used, on one line.
        summary: Summary, on one line.
    """

    name: str
    role: str
    distribution: str
    version: str
    status: Literal["registered", "loaded", "blocked", "broken"] = "registered"
    reason: str = ""
    summary: str = ""


def role_hook(role: str) -> str:
    """Return the name of the hook that registers plugins of a role."""
    return f"reporting_{plural(role)}"


def plural(role: str) -> str:
    """Return the plural of a role's name."""
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
    """Return the first line of a docstring, or an empty text."""
    return (getattr(item, "__doc__", None) or "").strip().partition("\n")[0]
