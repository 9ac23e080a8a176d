"""The promises of every sink, with rows of our own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from reporting_framework import SOURCE_KEY, CorruptCheckpoint
from reporting_framework.testing import CANARY, Faults, SinkContract

from {{ cookiecutter.__package }}.sink import NdjsonTable

SCHEMA = pl.Schema({"number": pl.Int64, "note": pl.String, SOURCE_KEY: pl.String})


class TestNdjsonTable(SinkContract):
    plugin = NdjsonTable
    strict = True
    bounded = False  # a commit has the whole table in memory

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Mapping[str, Any]:
        return {"uri": str(tmp_path / "table.ndjson")}

    @pytest.fixture
    def rows(self) -> Callable[[Sequence[int]], pl.DataFrame]:
        return lambda numbers: pl.DataFrame(
            [{"number": n, "note": CANARY, SOURCE_KEY: f"{n}.json"} for n in numbers], schema=SCHEMA
        )

    @pytest.fixture
    def visible(self, tmp_path: Path) -> Callable[[], pl.DataFrame]:
        path = tmp_path / "table.ndjson"
        return lambda: pl.DataFrame(
            [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else [], schema=SCHEMA
        )

    @pytest.fixture
    def files(self, tmp_path: Path) -> Callable[[], Mapping[str, bytes]]:
        return lambda: {path.name: path.read_bytes() for path in tmp_path.glob("*.ndjson")}

    @pytest.fixture
    def clear(self, tmp_path: Path) -> Callable[[], object]:
        return lambda: (tmp_path / "table.ndjson").unlink(missing_ok=True)

    @pytest.fixture
    def faults(self, reporting_store_faults: Faults) -> Faults:
        return reporting_store_faults


def test_what_is_no_table_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "table.ndjson"
    path.write_text("[]\n")
    sink = NdjsonTable(NdjsonTable.Settings(uri=str(path)))
    with pytest.raises(CorruptCheckpoint, match="is not a table of this sink; move it away"):
        sink.ledger()
    assert path.read_text() == "[]\n"
