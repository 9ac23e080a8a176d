"""Properties of the validators over any events."""

import io
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.event_log_checkpoint.events import (
    V2,
    VALID,
    batch,
    in_utc,
    reason,
    valid_events,
    validate,
    validator,
)

COLUMNS = {
    "action": pl.String,
    "study": pl.String,
    "pipeline_adcid": pl.Int32,
    "project_label": pl.String,
    "center_label": pl.String,
    "gear_name": pl.String,
    "ptid": pl.String,
    "visit_date": pl.Date,
    "visit_number": pl.String,
    "datatype": pl.String,
    "module": pl.String,
    "packet": pl.String,
    "timestamp": pl.Datetime("us", "UTC"),
    "source_key": pl.String,
}


@pytest.mark.parametrize("kind", [type(validator()), V2])
def test_both_forms_fill_the_columns_of_the_published_table(kind):
    assert dict(validator(kind).schema) == COLUMNS
    assert list(validator(kind).schema) == list(COLUMNS)
    assert list(validator(kind, "keep").schema)[-2:] == ["extra", "source_key"]
    assert validate(kind=kind).frame.schema == validator(kind).schema


@given(st.lists(valid_events, max_size=5))
def test_json_completeness(events):
    """JSON completeness: every valid event is exactly one row, with its values, in the order given."""
    validated = validate(*events)
    assert not validated.rejections
    assert validated.frame["source_key"].to_list() == [f"o{n}" for n in range(len(events))]
    for row, event in zip(validated.frame.iter_rows(named=True), events, strict=True):
        for field in COLUMNS.keys() - {"source_key", "visit_date", "timestamp"}:
            assert row[field] == event.get(field)


@given(valid_events)
def test_type_conversion(event):
    """Type conversion: a timestamp of any offset is the same instant in UTC, a date the same day."""
    row = validate(event).frame.row(0, named=True)
    assert row["timestamp"] == in_utc(event["timestamp"])
    assert row["visit_date"].isoformat() == event["visit_date"]


@given(valid_events)
def test_null_preservation(event):
    """Null preservation: null and absent are null, a text is the text; never the one for the other."""
    row = validate(event).frame.row(0, named=True)
    assert (row["module"], row["packet"]) == (event.get("module"), event.get("packet"))


@given(valid_events)
def test_json_round_trip(event):
    """JSON round-trip: a row, written as JSON and validated again, gives the same row."""
    first = validate(event).frame
    row = first.drop("source_key").row(0, named=True)
    again = validate(json.dumps(row, default=lambda value: value.isoformat()).encode()).frame
    assert again.equals(first)


@given(st.lists(valid_events, min_size=1, max_size=5))
def test_parquet_round_trip(events):
    """Parquet round-trip: what is written is read back, values and types."""
    frame = validate(*events).frame
    file = io.BytesIO()
    frame.write_parquet(file)
    again = pl.read_parquet(file.getvalue())
    assert again.equals(frame, null_equal=True)
    assert again.schema == frame.schema


invalid = st.one_of(st.booleans(), st.floats(), st.lists(st.none()), st.dictionaries(st.text(), st.none()))


@given(st.lists(valid_events, min_size=1, max_size=4), st.data())
def test_validation(events, data):
    """Validation: one field made invalid rejects exactly its record and names the field; the others are kept."""
    number = data.draw(st.integers(0, len(events) - 1))
    field = data.draw(st.sampled_from(sorted(VALID)))
    broken = [dict(event) for event in events]
    broken[number][field] = data.draw(invalid)
    payloads = [json.dumps(event).encode() for event in broken]
    validated = validator().validate(batch(*payloads))
    assert [rejection.origin for rejection in validated.rejections] == [f"o{number}"]
    assert validated.rejections[0].field in (field, None)
    assert validated.frame.height == len(events) - 1


@given(st.lists(st.one_of(st.binary(max_size=50), valid_events.map(lambda event: json.dumps(event).encode()))))
def test_error_resilience(payloads):
    """Error resilience: arbitrary bytes never raise; rows and rejections together are the records, each once."""
    validated = validator().validate(batch(*payloads))
    origins = [*validated.frame["source_key"], *(rejection.origin for rejection in validated.rejections)]
    assert sorted(origins) == sorted(f"o{n}" for n in range(len(payloads)))


SENTINEL = "SeNtInElVaLuE"


@given(
    st.dictionaries(
        st.sampled_from([*VALID, f"{SENTINEL} key", f"{SENTINEL}-key"]),
        st.sampled_from([SENTINEL, [SENTINEL], {SENTINEL: SENTINEL}, 1]),
    ),
    st.sampled_from(["ignore", "reject"]),
    st.sampled_from([type(validator()), V2]),
)
def test_a_value_is_never_told(changes, extra, kind):
    """Never a value: no value and no odd key of a record is in a rejection or among the names of ignored fields."""
    validated = validate({**VALID, **changes}, {**changes}, kind=kind, extra=extra)
    assert SENTINEL not in repr(validated.rejections) + repr(validated.ignored_fields)


def test_unknown_fields_are_ignored_and_counted_by_name():
    validated = validate({**VALID, "naccid": "N1", "odd key": 1}, {**VALID, "naccid": None}, VALID)
    assert validated.frame.height == 3
    assert validated.ignored_fields == {"naccid": 2, "(other)": 1}


def test_unknown_fields_are_rejected():
    assert reason({**VALID, "naccid": "N1"}, extra="reject") == ("extra_forbidden", None)
    assert reason(VALID, extra="reject") is None


def test_unknown_fields_are_kept_as_canonical_json():
    event = {**VALID, "b": {"z": 1, "a": [10**30, "é"]}, "a": None}
    frame = validate(event, VALID, extra="keep").frame
    assert frame["extra"].to_list() == ['{"a":null,"b":{"a":[1000000000000000000000000000000,"é"],"z":1}}', None]


def test_modality_has_no_column_and_is_kept_where_unknown_fields_are():
    event = {**VALID, "datatype": "dicom", "module": None, "modality": "MR"}
    assert validate(event, kind=V2).ignored_fields == {}
    assert validate(event, kind=V2, extra="keep").frame["extra"].to_list() == ['{"modality":"MR"}']
