"""Names that a plugin module needs at import time: `hookimpl` and `LazyPlugin`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import pluggy

PROJECT = "reporting_framework"
"""Name of the pluggy project and of the entry-point group."""

API_VERSION = 1
"""Version of the plugin API: the hooks, the roles and the records. It is increased when
plugins must be changed to keep working.
"""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Decorator of a function of a plugin that implements the hook of the same name."""

hookspec = pluggy.HookspecMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class LazyPlugin:
    """Plugin class that is imported only when a report needs it.

    A registration hook may return these instead of classes, so that listing plugins
    stays fast.

    Attributes:
        name: The name that users select it by.
        target: ``package.module:Class``.
        summary: One line for listings.
        early: ``package.module:function``, for a sink: the function takes the settings
            as a mapping, and returns `FirstReads`, the objects that the sink reads
            first. A run begins to read them while it imports the sink's module, so the
            function's own module should import little.
    """

    name: str
    target: str
    summary: str = ""
    early: str = ""

    def load(self) -> Any:
        """Import the module and return the class."""
        return _imported(self.target)

    def load_early(self) -> Any:
        """Import and return the function `early`."""
        return _imported(self.early)


def _imported(reference: str) -> Any:
    """Return what a reference ``package.module:name`` names."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)
