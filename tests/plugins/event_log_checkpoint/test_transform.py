"""The transform `exclude-projects`."""

import fnmatch

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting_event_log_checkpoint.transform import ExcludeProjects

labels = st.lists(st.text("abS-*?[]!\n.", max_size=6), max_size=8)


def excluded(frame: pl.DataFrame, *patterns: str) -> pl.DataFrame:
    return ExcludeProjects(ExcludeProjects.Settings(patterns=list(patterns))).apply(frame)


@given(labels, st.lists(st.text("abS-*?[]!\n.", max_size=4), min_size=1, max_size=3))
def test_patterns_mean_what_fnmatch_says(names, patterns):
    """A row is dropped exactly if fnmatch, minding case, matches its label as a whole with one of the patterns."""
    frame = pl.DataFrame(
        {"project_label": names, "source_key": map(str, range(len(names)))},
        schema_overrides={"project_label": pl.String, "source_key": pl.String},
    )
    kept = [name for name in names if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    assert excluded(frame, *patterns)["project_label"].to_list() == kept


def test_a_frame_without_rows_stays_one():
    frame = pl.DataFrame(schema={"project_label": pl.String, "source_key": pl.String})
    assert excluded(frame, "sandbox-*").equals(frame)


def test_a_pattern_must_be_given():
    with pytest.raises(ValidationError, match="at least 1 item"):
        ExcludeProjects.Settings(patterns=[])
