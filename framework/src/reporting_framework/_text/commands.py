"""Commands in messages, ready to paste."""

from __future__ import annotations

import os


def prefixed(command: str) -> str:
    """Return the command as it must be typed, with a prefix in an environment of hatch.

    Hatch needs doubled braces.
    """
    active = os.environ.get("HATCH_ENV_ACTIVE")
    if not active:
        return command
    name = "" if active == "default" else f"{active}:"
    return f"hatch run {name}{command.replace('{', '{{').replace('}', '}}')}"
