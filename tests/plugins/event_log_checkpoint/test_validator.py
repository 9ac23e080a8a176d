"""What holds for both validators, whatever the events are and however they are written."""

import io
import json
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from reporting_event_log_checkpoint import models
from reporting_event_log_checkpoint.validator import (
    VisitEventV2Validator,
    VisitEventValidator,
)
from reporting_framework.builtin.unknown_fields import OTHER
from tests.framework.builtin.validating import made, properties, reasons, run
from tests.plugins.event_log_checkpoint.strategies import (
    ABSENT,
    COLUMNS,
    DICOM,
    FORM,
    VALIDATORS,
    as_event,
    changed,
    invalid_values,
    samples,
    written,
)
from tests.support.properties import given_few

kinds = st.sampled_from(VALIDATORS)
extras = st.sampled_from(["ignore", "reject", "keep"])
SENTINEL = "Zq7SECRETzQ"


@st.composite
def several(draw, most=5):
    """A validator and valid events for it."""
    kind = draw(kinds)
    return kind, draw(st.lists(samples(kind), max_size=most))


@properties
@given(several(), extras, st.data())
def test_every_valid_event_is_exactly_one_row_with_equal_values(
    given_events, extra, data
):
    """JSON completeness: nothing that is valid is lost, doubled, reordered or changed."""
    kind, events = given_events
    found = run(made(kind, extra), *(data.draw(written(each.event)) for each in events))
    assert not found.rejections
    assert found.frame.select(COLUMNS).to_dicts() == [each.row for each in events]
    assert found.ignored_fields == {}


@properties
@given(several())
def test_a_row_written_as_an_event_gives_the_same_row_again(given_events):
    """JSON round-trip: reading what was read changes nothing."""
    kind, events = given_events
    once = run(made(kind), *(each.event for each in events)).frame
    again = [
        {**each.event, **as_event(row)}
        for each, row in zip(events, once.to_dicts(), strict=True)
    ]
    assert run(made(kind), *again).frame.equals(once)


@given_few(several())
def test_a_frame_written_as_parquet_is_the_same_frame_again(given_events):
    """Parquet round-trip: what is written is read back, values and types."""
    kind, events = given_events
    frame = run(made(kind), *(each.event for each in events)).frame
    file = io.BytesIO()
    frame.write_parquet(file)
    again = pl.read_parquet(file.getvalue())
    assert again.equals(frame, null_equal=True)
    assert again.schema == frame.schema


@properties
@given(several())
def test_timestamps_keep_their_instant_and_dates_their_day(given_events):
    """Type conversion: any offset becomes UTC, none is UTC; days are as they were written."""
    kind, events = given_events
    frame = run(made(kind), *(each.event for each in events)).frame
    for each, row in zip(events, frame.to_dicts(), strict=True):
        written_at = datetime.fromisoformat(each.event["timestamp"])
        assert row["timestamp"] == (
            written_at if written_at.tzinfo else written_at.replace(tzinfo=UTC)
        )
        assert row["timestamp"].utcoffset().total_seconds() == 0
        assert row["visit_date"] == date.fromisoformat(each.event["visit_date"])


@properties
@given(several())
def test_null_stays_null_and_nothing_else_becomes_null(given_events):
    """Null preservation: null and absent are null, an empty string is an empty string."""
    kind, events = given_events
    frame = run(made(kind), *(each.event for each in events)).frame
    for each, row in zip(events, frame.to_dicts(), strict=True):
        assert {name for name in COLUMNS if row[name] is None} == {
            name for name in COLUMNS if each.event.get(name) is None and name != "study"
        }


@properties
@given(several(), extras, st.data())
def test_one_invalid_value_rejects_its_record_names_its_field_and_keeps_the_others(
    given_events, extra, data
):
    """Validation: any value that a field does not allow, in any event among any others."""
    kind, events = given_events
    assume(events)
    at = data.draw(st.integers(0, len(events) - 1))
    field = data.draw(st.sampled_from(COLUMNS))
    payloads: list[Any] = [each.event for each in events]
    payloads[at] = changed(
        payloads[at], **{field: data.draw(invalid_values(kind, field))}
    )
    found = run(made(kind, extra), *payloads)
    (rejection,) = found.rejections
    assert (rejection.source_key, rejection.field) == (f"o{at}", field)
    assert found.frame.select(COLUMNS).to_dicts() == [
        each.row for n, each in enumerate(events) if n != at
    ]


@properties
@given(kinds, extras, st.lists(st.binary(max_size=80), max_size=4), st.data())
def test_arbitrary_bytes_never_raise(kind, extra, payloads, data):
    """Error resilience: bytes of any kind, and events with bytes changed, are each a row or a rejection."""
    for _ in range(3):
        damaged = bytearray(
            json.dumps(data.draw(st.sampled_from([FORM, DICOM]))).encode()
        )
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(damaged) - 1))
            match data.draw(st.sampled_from(["put", "cut", "add", "end"])):
                case "put":
                    damaged[at] = data.draw(st.integers(0, 255))
                case "cut":
                    del damaged[at : at + data.draw(st.integers(1, 20))]
                case "add":
                    damaged[at:at] = data.draw(st.binary(max_size=8))
                case _:
                    del damaged[at + 1 :]
            damaged = damaged or bytearray(b"{")
        payloads = [*payloads, bytes(damaged)]
    run(made(kind, extra), *payloads)  # which accounts for every source key


unknown_fields = st.dictionaries(
    (
        st.text(max_size=6)
        | st.sampled_from(["naccid", "extra", "source_key", "a b", "é"])
    ).filter(lambda name: name not in {*COLUMNS, "modality"}),
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(max_size=6)
    | st.lists(st.integers()),
    max_size=4,
)


@properties
@given(several(most=3), unknown_fields)
def test_unknown_fields_are_counted_kept_or_a_reason_to_reject(given_events, unknown):
    """Unknown fields: they never change a row; what becomes of them is as it was set."""
    kind, events = given_events
    payloads = [{**unknown, **each.event} for each in events]
    ignoring, rejecting, keeping = (
        run(made(kind, extra), *payloads) for extra in ("ignore", "reject", "keep")
    )
    rows = [each.row for each in events]
    assert (
        ignoring.frame.select(COLUMNS).to_dicts()
        == keeping.frame.select(COLUMNS).to_dicts()
        == rows
    )
    plain = [name for name in unknown if name.isascii() and name.isidentifier()]
    others = (len(unknown) - len(plain)) * len(events)
    assert ignoring.ignored_fields == (
        {**dict.fromkeys(plain, len(events)), **({OTHER: others} if others else {})}
        if events
        else {}
    )
    assert [(each.error_type, each.field) for each in rejecting.rejections] == (
        [("extra_forbidden", None)] * len(events) if unknown else []
    )
    for each, extra in zip(events, keeping.frame["extra"], strict=True):
        kept = {
            **unknown,
            **(
                {"modality": each.event["modality"]} if "modality" in each.event else {}
            ),
        }
        assert extra == (
            json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            if kept
            else None
        )


@properties
@given(kinds, extras, st.data())
def test_no_value_and_no_odd_name_is_ever_told(kind, extra, data):
    """Never a value: not of a known field, not of an unknown one, not a key that is data."""
    values = [
        SENTINEL,
        f"{SENTINEL}\n",
        [SENTINEL],
        {SENTINEL: SENTINEL},
        {"x": {SENTINEL: [SENTINEL]}},
    ]
    keys = [f"{SENTINEL} x", f"{SENTINEL}-1", f"x.{SENTINEL}", f"é{SENTINEL}"]
    event = dict(FORM)
    for field in data.draw(st.sets(st.sampled_from([*FORM, "modality"]), min_size=1)):
        event[field] = data.draw(st.sampled_from(values))
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=2)):
        event[key] = data.draw(st.sampled_from(values))
    payload = json.dumps(event)
    if data.draw(st.booleans()):
        payload = payload[: data.draw(st.integers(1, len(payload)))] + SENTINEL
    if data.draw(st.booleans()):
        payload = (
            payload.removesuffix("}")
            + f', "{SENTINEL} x": "{SENTINEL}", "{SENTINEL} x": NaN}}'
        )
    found = run(made(kind, extra), payload.encode())
    assert SENTINEL not in repr(found.rejections) + repr(found.ignored_fields)


# -- against a plain model, as anyone would write it -------------------------------------------------------------------


class Plain(TypedDict, total=False):
    """The published table in plain pydantic, read leniently."""

    action: Literal["submit", "pass-qc", "not-pass-qc", "delete"]
    study: Annotated[str, Field(min_length=1)]
    pipeline_adcid: int
    project_label: str
    center_label: str
    gear_name: str
    ptid: Annotated[str, Field(pattern=r"^[A-Z0-9]+$", max_length=10)]
    visit_date: date
    visit_number: str
    datatype: str
    module: str | None
    packet: str | None
    timestamp: datetime


LENIENT = TypeAdapter(Plain)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
)
likely = st.sampled_from(
    [
        "2024-01-02",
        "2024-1-2",
        "1704067200",
        "2024-01-02T03:04:05Z",
        "2024-01-02T03:04",
        "42",
        "A1",
        "a1",
        "form",
        "submit",
    ]
)


@properties
@given(st.sampled_from(COLUMNS), scalars | likely)
def test_what_is_taken_is_valid_for_plain_pydantic_too_and_means_the_same(field, value):
    """The strict reading never takes what a lenient one refuses, and never reads another value into it."""
    found = run(made(VisitEventValidator), changed(FORM, **{field: value}))
    try:
        lenient = LENIENT.validate_json(json.dumps(changed(FORM, **{field: value})))
    except ValidationError:
        assert found.rejections
        return
    if not found.rejections:
        expected = lenient[field]
        if isinstance(expected, datetime):
            expected = (
                expected.astimezone(UTC)
                if expected.tzinfo
                else expected.replace(tzinfo=UTC)
            )
        assert found.frame[field].to_list() == [expected]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pipeline_adcid", " 42"),
        ("pipeline_adcid", 42.0),
        ("pipeline_adcid", True),
        ("visit_date", "1704067200"),
        ("visit_date", 1704067200),
        ("visit_date", "2024-01-02T00:00:00"),
        ("timestamp", "1704164645"),
        ("timestamp", 1704164645),
        ("timestamp", "2024-01-02"),
        ("timestamp", "2024-01-02_03:04:05"),
    ],
)
def test_what_a_lenient_reading_would_let_through(field, value):
    event = changed(FORM, **{field: value})
    assert LENIENT.validate_python(event)
    for kind in VALIDATORS:
        (rejection,) = run(made(kind), event).rejections
        assert rejection.field == field


def test_a_record_rejected_as_published_can_be_replayed_as_todays_into_the_same_columns():
    event = changed(FORM, ptid="ab-1", visit_number=ABSENT, action="duplicate-submit")
    published, todays = (
        run(made(VisitEventValidator), event),
        run(made(VisitEventV2Validator), event),
    )
    assert [(each.error_type, each.field) for each in reasons(published)] == [
        ("literal_error", "action")
    ]
    assert todays.frame.height == 1
    assert todays.frame.schema == published.frame.schema


def test_every_column_is_a_field_of_both_models():
    assert set(COLUMNS) == set(models.VisitEvent.__annotations__)
    assert set(COLUMNS) | models.WITHOUT_COLUMN == set(
        models.VisitEventV2.__annotations__
    )
