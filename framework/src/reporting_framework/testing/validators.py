"""The promises of a validator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from reporting_framework.testing.contract import PluginContract


class ValidatorContract(PluginContract):
    """The promises of a `Validator`.

    To give, beside what `PluginContract` says:
        good: Fixture: records that pass: payloads (bytes), or rows (mappings) where the validator takes frames. At least
            two, with `CANARY` in some value.
        bad: Fixture: records that do not, each with the type of error that it is rejected for, and the field if that is
            to be looked at too: ``(record, "missing")`` or ``(record, "missing", "ptid")``. With `CANARY` in some value.

    Records that are awkward in ways of their own (`reporting_awkward_records`) are tried besides, where the validator
    takes payloads.
    """

    @pytest.fixture
    def good(self) -> Sequence[Any]:
        """Records that pass."""
        self._lacks("good", "records that pass")

    @pytest.fixture
    def bad(self) -> Sequence[tuple[Any, ...]]:
        """Records that do not, each with its type of error."""
        self._lacks("bad", "records that do not pass, each with its type of error")
