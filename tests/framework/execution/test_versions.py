"""Versions of rows in staged frames."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION, Batch, Rejection
from reporting_framework.execution.versions import (
    delete_rows,
    versions_apart,
    with_versions,
)

AT = datetime(2024, 1, 1, tzinfo=UTC)


def rows(*keys):
    return pl.DataFrame({"n": [1] * len(keys), SOURCE_KEY: keys})


@pytest.mark.parametrize("series", [False, True])
@pytest.mark.parametrize("kept", [["a", "b", "c"], ["c", "a"], ["b"], []])
def test_a_row_has_the_version_of_its_source_key(kept, series):
    keys, versions = ["a", "b", "c"], ["1", None, "3"]
    if series:
        keys, versions = pl.Series(keys), pl.Series(versions)
    frame = with_versions(
        rows(*kept).cast({SOURCE_KEY: pl.String}), Batch(keys, versions)
    )
    expected = {"a": "1", "b": None, "c": "3"}
    assert frame.columns == ["n", SOURCE_KEY, VERSION, DELETED_AT]
    assert frame[VERSION].to_list() == [expected[key] for key in kept]
    assert frame[DELETED_AT].null_count() == len(kept)


@given(st.lists(st.sampled_from("abc"), max_size=8), st.booleans())
def test_versions_of_one_source_key_go_into_batches_of_their_own(keys, series):
    versions, payloads = (
        [str(at) for at in range(len(keys))],
        [b"%d" % at for at in range(len(keys))],
    )
    batch = Batch(
        pl.Series(keys, dtype=pl.String) if series else keys,
        pl.Series(versions, dtype=pl.String) if series else versions,
        None if series else payloads,
        pl.DataFrame({"n": list(range(len(keys)))}) if series else None,
        rejected=[Rejection("z", None, "missing")],
    )
    pieces = list(versions_apart(batch))
    seen = []
    for piece in pieces:
        assert len(set(piece.source_keys)) == len(piece.source_keys)
        values = (
            piece.frame["n"].to_list()
            if series
            else [int(payload) for payload in piece.payloads]
        )
        seen += list(zip(piece.source_keys, piece.versions, values, strict=True))
    assert sorted(seen) == sorted(zip(keys, versions, range(len(keys)), strict=True))
    assert sum(len(piece.rejected) for piece in pieces) == 1
    for key in set(keys):
        of_key = [int(version) for name, version, _ in seen if name == key]
        assert of_key == sorted(of_key), "in the order in which they came"


def test_a_delete_is_a_row_of_nulls_with_a_version():
    deletes = pl.DataFrame(
        {DELETED_AT: [AT], SOURCE_KEY: ["a"], VERSION: ["7"]},
        schema_overrides={DELETED_AT: pl.Datetime("us", "UTC")},
    )
    schema = pl.Schema({"n": pl.Int64(), "text": pl.String(), SOURCE_KEY: pl.String()})
    [row] = delete_rows(deletes, schema).rows(named=True)
    assert row == {
        "n": None,
        "text": None,
        SOURCE_KEY: "a",
        VERSION: "7",
        DELETED_AT: AT,
    }
