"""The promises of a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reporting_framework.records import Trigger
from reporting_framework.testing.contract import PluginContract


class SourceContract(PluginContract):
    """The promises of a `Source`.

    To give, beside what `PluginContract` says:
        records: Fixture: what must come out, by origin: payloads (bytes), or rows (mappings) where the source yields
            frames. It also puts them where the source finds them. At least two, better five, with `CANARY` in their values.

    To give if you can:
        add: Fixture: a function that puts one more record where the source finds it, and returns its origin and what
            must come out. It is given a number from 0 on, which makes the record a new one.
        trigger: Fixture: the `Trigger` that names the work, for a source that records are pushed to.
    """

    @pytest.fixture
    def records(self) -> Mapping[str, Any]:
        """What must come out, by origin."""
        self._lacks("records", "a mapping of origins to what must come out, which lies where the source finds it")

    @pytest.fixture
    def add(self) -> Callable[[int], tuple[str, Any]] | None:
        """Adds a record."""
        return None

    @pytest.fixture
    def trigger(self) -> Trigger | None:
        """What names the work."""
        return None
