"""The things that a plugin module needs at import time, and nothing more.

These are `hookimpl`, `LazyPlugin` and the names they go by.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import pluggy

PROJECT = "reporting_framework"
"""Name of the pluggy project and of the entry-point group."""

API_VERSION = 1
"""Version of the plugin API: the hooks, the roles and the records. It grows when a
plugin must change to go on.
"""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of the same name."""

hookspec = pluggy.HookspecMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class LazyPlugin:
    """A plugin class that is imported only when a report needs it.

    A registration hook may return these in the place of classes, so that listing
    plugins stays cheap.

    Attributes:
        name: The name that users select it by.
        target: ``package.module:Class``.
        summary: One line for listings.
    """

    name: str
    target: str
    summary: str = ""

    def load(self) -> Any:
        """Import the module and return the class."""
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)
