"""Fixtures of the promises of write modes."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl
import pytest

from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.testing.contracts.base import not_promised
from reporting_framework.testing.harness.sink_harness import Make, Rows, Visible
from reporting_framework.testing.harness.versioned_table import VersionedTable
from reporting_framework.testing.harness.versions import Edition


class VersionedSinkContract:
    """Tables of a sink with write modes; do not inherit it directly."""

    atomic: ClassVar[bool]
    _faults: Any

    @pytest.fixture
    def edition(self, rows: Rows) -> Edition:
        """Return a function of a record's editions: the values of other numbers."""

        def rows_of(number: int, edition: int) -> pl.DataFrame:
            values = rows([number + edition])
            return values.with_columns(rows([number])[SOURCE_KEY])

        return rows_of

    @pytest.fixture
    def versioned(
        self, make: Make, visible: Visible, edition: Edition
    ) -> VersionedTable:
        """Return the table of the tests of ``upsert``."""
        return self._with("upsert", make, visible, edition)

    @pytest.fixture
    def replaced(
        self, make: Make, visible: Visible, edition: Edition
    ) -> VersionedTable:
        """Return the table of the tests of ``replace``."""
        return self._with("replace", make, visible, edition)

    def _with(
        self, mode: str, make: Make, visible: Visible, edition: Edition
    ) -> VersionedTable:
        sink = make()
        if mode not in sink.write_modes:
            not_promised(f"it cannot {mode}")
        return VersionedTable(make, visible, edition)

    def _keeps_state(self, versioned: VersionedTable) -> bool:
        return supports(versioned.make(), "load_state")
