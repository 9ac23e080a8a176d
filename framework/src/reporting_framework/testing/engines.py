"""The promises of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from reporting_framework.testing.contract import PluginContract


class EngineContract(PluginContract):
    """The promises of an `Engine`. The class attribute `plugin` is all that there is to give.

    To give if it needs any:
        settings: Fixture: what its `Settings` model is made from; nothing unless given.

    To say:
        look_ahead: Class attribute: how many splits it may have taken and not finished at the most.
    """

    look_ahead: ClassVar[int] = 64

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        """Settings of the engine."""
        return {}
