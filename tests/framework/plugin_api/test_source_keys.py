"""Source keys as columns: lists and series give the same."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    Batch,
    Rejection,
    Split,
    SplitResult,
    object_of,
    single_source_key,
)
from reporting_framework.plugin_api.source_keys import (
    as_series,
    multi_record_objects,
    objects_among,
    with_natural_keys,
    without,
)

KEYS = st.lists(st.text("a#10\n", max_size=6), max_size=6)
VERSIONS = st.sampled_from(["1", "2", None])


@given(KEYS)
def test_natural_keys_are_escaped_alike_in_lists_and_in_series(keys):
    expected = [single_source_key(key) for key in keys]
    deletes = pl.DataFrame(
        {SOURCE_KEY: keys, VERSION: keys, DELETED_AT: [None] * len(keys)},
        schema={SOURCE_KEY: pl.String, VERSION: pl.String, DELETED_AT: pl.Datetime},
    )
    rejected = [Rejection(key, None, "missing") for key in keys]
    of_list = with_natural_keys(Batch(keys, keys, rejected=rejected))
    of_series = with_natural_keys(Batch(as_series(keys), keys, deletes=deletes))
    assert of_list.source_keys == of_series.source_keys.to_list() == expected
    assert of_series.deletes[SOURCE_KEY].to_list() == expected
    assert [each.source_key for each in of_list.rejected] == expected


@given(KEYS)
def test_objects_of_several_records_are_found_alike(keys):
    expected = {object_of(key) for key in keys if object_of(key) != key}
    assert multi_record_objects(keys) == expected
    assert multi_record_objects(as_series(keys)) == expected


@given(KEYS, st.sets(st.text("a#10", max_size=3)))
def test_objects_that_were_read_are_found_alike(keys, objects):
    expected = objects & {object_of(key) for key in keys}
    assert objects_among(keys, objects) == expected
    assert objects_among(as_series(keys), objects) == expected


@given(st.lists(st.tuples(st.text("a#1", max_size=2), VERSIONS)), st.data())
def test_only_the_rejected_versions_are_left_out_alike(records, data):
    dropped = data.draw(st.sets(st.sampled_from(records))) if records else set()
    rejections = [Rejection(key, version, "missing") for key, version in dropped]
    keys, versions = map(list, zip(*records, strict=True)) if records else ([], [])
    for made in (list, as_series):
        kept = without(rejections, made(keys), made(versions))
        rest = [record for record in records if record not in dropped]
        assert list(zip(*map(list, kept), strict=True)) == rest


@given(st.lists(st.tuples(KEYS, st.booleans()), max_size=5))
def test_a_split_result_holds_the_keys_of_all_its_batches_in_their_order(batches):
    result = SplitResult(Split("s", {}))
    for keys, series in batches:
        made = as_series if series else list
        other = SplitResult(Split("s", {}))
        other.take(made(keys), made(keys))
        result.add(other)
    expected = [key for keys, _ in batches for key in keys]
    assert list(result.source_keys) == list(result.versions) == expected
