"""The sink of a database table that the page shows is that of the tests, and runs."""

import re
from pathlib import Path

import polars as pl

from reporting_framework import SOURCE_KEY, Split

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-sink.md"


def test_the_smallest_table_keeps_rows_as_the_page_shows(tmp_path):
    section = PAGE.read_text().partition("### A database table")[2]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL).group(1)
    assert len(code.splitlines()) <= 25
    names = {"__name__": "shown"}
    exec(compile(code, str(PAGE), "exec"), names)
    kind, frame = names["SqliteTable"], pl.DataFrame({"a": [1], SOURCE_KEY: ["k"]})
    settings = kind.Settings(path=str(tmp_path / "a.db"), table="orders")
    for duplicates in (0, 1):
        sink = kind(settings)
        sink.open(frame.schema)
        part = sink.stage(frame, Split("s", {}), 0)
        assert sink.commit([part]).duplicates == duplicates
        sink.close()
    assert sink.scan().collect().equals(frame)
