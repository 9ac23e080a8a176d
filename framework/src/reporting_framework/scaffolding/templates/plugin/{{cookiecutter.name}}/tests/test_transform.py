"""The promises of every transform, with rows of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from reporting_framework import SOURCE_KEY, SettingsError
from reporting_framework.testing import CANARY, TransformContract

from {{ cookiecutter.__package }}.transform import LeaveOut


class TestLeaveOut(TransformContract):
    plugin = LeaveOut

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {"column": "kind", "values": ["test"]}

    @pytest.fixture
    def frame(self) -> pl.DataFrame:
        source_keys = [f"{n}.json" for n in range(4)]
        return pl.DataFrame({"kind": ["test", CANARY, None, "real"], SOURCE_KEY: source_keys})

    @pytest.fixture
    def expected(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame[1:]


@pytest.mark.parametrize("column", ["absent", "number"])
def test_a_column_that_it_cannot_look_at_is_refused(column: str) -> None:
    frame = pl.DataFrame(schema={"number": pl.Int64, SOURCE_KEY: pl.String})
    transform = LeaveOut(LeaveOut.Settings(column=column, values=("test",)))
    with pytest.raises(SettingsError, match=f"setting column names {column}, which is not a column of String"):
        transform.apply(frame)
