"""The promises of every source, with files of our own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from reporting_framework import Batch, Split
from reporting_framework.testing import CANARY, Faults, SourceContract

from {{ cookiecutter.__package }}.source import CsvFiles


class TestCsvFiles(SourceContract):
    plugin = CsvFiles
    strict = True
    crowd = 500

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Mapping[str, Any]:
        return {"uri": str(tmp_path)}

    @pytest.fixture
    def records(self, tmp_path: Path) -> Mapping[str, bytes]:
        (tmp_path / "a.csv").write_text(f"id,note\n1,{CANARY}\n2,\n3,x\n")
        (tmp_path / "b.csv").write_text(f"id,note\n4,{CANARY}\n5,\n")
        notes = {1: CANARY, 3: "x", 4: CANARY}
        found = {f"a.csv#{n}" if n < 4 else f"b.csv#{n - 3}": {"id": str(n), "note": notes.get(n)} for n in range(1, 6)}
        return {source_key: encoded(record) for source_key, record in found.items()}

    @pytest.fixture
    def add(self, tmp_path: Path) -> Callable[[int], tuple[str, bytes]]:
        def added(number: int) -> tuple[str, bytes]:
            note = CANARY * 100
            (tmp_path / f"new-{number}.csv").write_text(f"id,note\n{number},{note}\n")
            return f"new-{number}.csv#1", encoded({"id": str(number), "note": note})

        return added

    @pytest.fixture
    def faults(self, reporting_store_faults: Faults) -> Faults:
        return reporting_store_faults


def encoded(record: Mapping[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in record.items() if value}).encode()


def read(folder: Path, **settings: Any) -> Batch:
    """What the source makes of the file ``a.csv``."""
    source = CsvFiles(CsvFiles.Settings(uri=str(folder), **settings))
    [batch] = source.read(Split("a.csv", {"key": "a.csv"}))
    return batch


@pytest.mark.parametrize(
    ("data", "settings", "error_type", "source_key"),
    [
        (b"id\n1\n2,3\n", {}, "too_many_cells", "a.csv#2"),
        (b"id\n\xff\n", {}, "undecodable", "a.csv"),
        (b"id\n1\n", {"max_object_bytes": 3}, "too_large", "a.csv"),
    ],
)
def test_what_cannot_be_taken_is_rejected(
    tmp_path: Path, data: bytes, settings: dict[str, Any], error_type: str, source_key: str
) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    assert [each[:1] + each[2:3] for each in read(tmp_path, **settings).rejected] == [(source_key, error_type)]


def test_a_file_that_is_gone_is_unread(tmp_path: Path) -> None:
    assert [each.reason for each in read(tmp_path).unread] == ["missing"]
