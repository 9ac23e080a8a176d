"""The promises of every source, with files of our own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from reporting_framework import Rejection
from reporting_framework.testing import CANARY, Faults, SourceContract

from {{ cookiecutter.__package }}.object_source import CsvFiles


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
        (tmp_path / "b.csv").write_text(f"id,note\n4,{CANARY}\n")
        notes = {"a.csv#1": ("1", CANARY), "a.csv#2": ("2", ""), "a.csv#3": ("3", "x"), "b.csv#1": ("4", CANARY)}
        return {key: json.dumps({"id": number, "note": note}).encode() for key, (number, note) in notes.items()}

    @pytest.fixture
    def add(self, tmp_path: Path) -> Callable[[int], tuple[str, bytes]]:
        def added(number: int) -> tuple[str, bytes]:
            note = CANARY * 100
            (tmp_path / f"new-{number}.csv").write_text(f"id,note\n{number},{note}\n")
            return f"new-{number}.csv#1", json.dumps({"id": str(number), "note": note}).encode()

        return added

    @pytest.fixture
    def faults(self, reporting_store_faults: Faults) -> Faults:
        return reporting_store_faults


@pytest.mark.parametrize("data", [b"id\n\xff\n", b'id\n"1\n'], ids=["not UTF-8", "an open quote"])
def test_a_file_that_is_not_csv_is_rejected_as_a_whole(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    found = CsvFiles(CsvFiles.Settings(uri=str(tmp_path))).read_object("a.csv")
    assert isinstance(found, Rejection)
    assert (found.source_key, found.error_type) == ("a.csv", "undecodable")
