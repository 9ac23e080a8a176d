"""What the suites of all roles share: a plugin, its settings, and the promises that every plugin makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NoReturn

import pytest

from reporting_framework.testing.faults import Faults

CANARY = "canary-5d1f"
"""Put it into values of records: the suites look for it where no value of a record may be."""


class PluginContract:
    """The promises of every plugin; not inherited from directly.

    To give:
        plugin: Class attribute: the plugin's class.
        settings: Fixture: what its `Settings` model is made from, a mapping as it would be in ``reporting.toml``. It is
            asked for once for each test, and must lead to a place of that test's own (``tmp_path``).

    To give if you can:
        faults: Fixture: what makes the n-th I/O call of the plugin fail (`Faults`). Without it, tests of faults are
            skipped. `reporting_faults` is one for whatever speaks to S3 at ``AWS_ENDPOINT_URL``; `CallFaults` wraps
            functions and objects of this process.

    To say:
        bounded: Class attribute: False for a plugin whose memory grows with a run, and whose documentation says so.

    To use:
        make: Fixture: makes the plugin from `settings`, a new object with each call; arguments replace settings.
    """

    plugin: ClassVar[Any]
    bounded: ClassVar[bool] = True

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        """What the plugin's settings are made from."""
        self._lacks("settings", "a mapping that the plugin's Settings model takes")

    @pytest.fixture
    def faults(self) -> Faults | None:
        """What breaks the plugin's I/O, or None."""
        return None

    @pytest.fixture
    def make(self, settings: Mapping[str, Any]) -> Iterator[Callable[..., Any]]:
        """Makes the plugin."""
        yield lambda **changed: self.plugin(self.plugin.Settings.model_validate({**settings, **changed}))

    def _lacks(self, fixture: str, what: str) -> NoReturn:
        pytest.fail(f"{type(self).__name__}: the fixture `{fixture}` must be given: {what}", pytrace=False)
