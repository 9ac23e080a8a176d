"""Commands that messages suggest, as they can be pasted."""

from __future__ import annotations

import os


def prefixed(command: str) -> str:
    """The command as whoever began this one in an environment of hatch must type it.

    Hatch doubles braces.
    """
    active = os.environ.get("HATCH_ENV_ACTIVE")
    if not active:
        return command
    name = "" if active == "default" else f"{active}:"
    return f"hatch run {name}{command.replace('{', '{{').replace('}', '}}')}"
