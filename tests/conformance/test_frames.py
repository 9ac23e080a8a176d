"""The suites hold for plugins that hand over frames, too: toys that read and check tables."""

from pathlib import Path

import polars as pl
import pytest

from reporting_framework import (
    SOURCE_KEY,
    Batch,
    Rejection,
    Source,
    Split,
    Validated,
    Validator,
    line_source_key,
)
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.testing import CANARY, SourceContract, ValidatorContract

SCHEMA = pl.Schema({"number": pl.Int64(), "note": pl.String(), SOURCE_KEY: pl.String()})


class FolderSettings(Settings):
    folder: Path = Path()


class CsvFiles(Source):
    """One split for each file, one record for each line."""

    name = "csv-files"
    Settings = FolderSettings
    output_format = "frames"

    def plan(self, ledger):
        names = sorted(path.name for path in self.settings.folder.glob("*.csv"))
        return [
            Split(name, {"file": name})
            for name in ledger.filter_new(names, lambda name: None)
        ]

    def read(self, split):
        frame = pl.read_csv(self.settings.folder / split.data["file"])
        source_keys = [
            line_source_key(split.data["file"], line)
            for line in range(1, frame.height + 1)
        ]
        yield Batch(source_keys, [None] * frame.height, frame=frame)


class Numbered(Validator):
    """A row must have a number."""

    name = "numbered"
    Settings = Settings
    input_format = "frames"
    schema = SCHEMA

    def validate(self, batch):
        frame = batch.frame.with_columns(
            pl.Series(SOURCE_KEY, batch.source_keys, dtype=pl.String)
        )
        versions = dict(zip(batch.source_keys, batch.versions, strict=True))
        bad = frame.filter(pl.col("number").is_null())[SOURCE_KEY]
        rejections = [
            Rejection(source_key, versions[source_key], "missing", "number")
            for source_key in bad
        ]
        return Validated(
            frame.filter(pl.col("number").is_not_null()).cast(SCHEMA), rejections
        )


class TestCsvFiles(SourceContract):
    plugin = CsvFiles

    @pytest.fixture
    def settings(self, tmp_path):
        return {"folder": str(tmp_path)}

    @pytest.fixture
    def records(self, tmp_path):
        for name in ("a.csv", "b.csv"):
            (tmp_path / name).write_text(f"number,note\n1,{CANARY}\n2,{CANARY}\n")
        return {
            f"{name}#{line}": {"number": line, "note": CANARY}
            for name in ("a.csv", "b.csv")
            for line in (1, 2)
        }

    @pytest.fixture
    def add(self, tmp_path):
        def put(number):
            (tmp_path / f"c{number}.csv").write_text(
                f"number,note\n{number},{CANARY}\n"
            )
            return f"c{number}.csv#1", {"number": number, "note": CANARY}

        return put


class TestNumbered(ValidatorContract):
    plugin = Numbered

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def good(self):
        return [{"number": number, "note": CANARY} for number in range(3)]

    @pytest.fixture
    def bad(self):
        return [({"number": None, "note": CANARY}, "missing", "number")]
