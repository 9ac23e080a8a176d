"""The promises of an observer: of whoever implements lifecycle hooks."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest


class ObserverContract:
    """The promises of an observer.

    To give:
        plugin: Class attribute: the module or object that implements the hooks, or a class that is called without
            arguments to make one. Not needed where `observer` is given.

    To give if it is made otherwise:
        observer: Fixture: the object that implements the hooks.
    """

    plugin: ClassVar[Any]

    @pytest.fixture
    def observer(self) -> Any:
        """The object that implements the hooks."""
        return self.plugin() if isinstance(self.plugin, type) else self.plugin
