"""Every rule of a visit event, one value at a time: what is taken and what is not, and what is said of it."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from reporting_event_log_checkpoint.validator import (
    VisitEventV2Validator,
    VisitEventValidator,
)
from reporting_framework import Rejection
from tests.framework.builtin.validating import made, reason, row, run
from tests.plugins.event_log_checkpoint.strategies import (
    ABSENT,
    COLUMNS,
    DICOM,
    FORM,
    VALIDATORS,
    changed,
)

V1, V2 = VALIDATORS
BOTH = pytest.mark.parametrize("kind", VALIDATORS)

STRINGS = ("study", "project_label", "center_label", "gear_name", "visit_number")
NOT_STRINGS = (1, 1.5, True, [], ["x"], {}, {"x": 1})


@BOTH
@pytest.mark.parametrize("extra", ["ignore", "reject", "keep"])
def test_the_columns_are_those_of_the_published_table(kind, extra):
    assert dict(made(kind, extra).schema) == {
        **dict.fromkeys(COLUMNS, pl.String),
        "pipeline_adcid": pl.Int32,
        "visit_date": pl.Date,
        "timestamp": pl.Datetime("us", "UTC"),
        **({"extra": pl.String} if extra == "keep" else {}),
        "source_key": pl.String,
    }
    assert list(made(kind, extra).schema) == [
        *COLUMNS,
        *(["extra"] if extra == "keep" else []),
        "source_key",
    ]


@BOTH
@pytest.mark.parametrize("extra", ["ignore", "reject", "keep"])
def test_a_valid_event_is_a_row(kind, extra):
    found = row(run(made(kind, extra), FORM))
    found.pop("extra", None)
    assert found == {
        **FORM,
        "visit_date": date(2024, 1, 2),
        "timestamp": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    }


def taken(kind, event):
    return not run(made(kind), event).rejections


@BOTH
@pytest.mark.parametrize(
    "field",
    [
        name
        for name in FORM
        if name not in ("study", "module", "packet", "visit_number")
    ],
)
def test_a_field_that_must_be_there(kind, field):
    assert reason(run(made(kind), changed(FORM, **{field: ABSENT}))) == (
        "missing",
        field,
    )
    assert not taken(kind, changed(FORM, **{field: None}))


@BOTH
@pytest.mark.parametrize("extra", ["ignore", "reject", "keep"])
def test_a_study_that_is_absent_is_adrc_and_null_is_rejected(kind, extra):
    with_study, without = changed(FORM, study="dlb"), changed(FORM, study=ABSENT)
    found = run(made(kind, extra), with_study, without, without, with_study)
    assert found.frame["study"].to_list() == ["dlb", "adrc", "adrc", "dlb"]
    assert reason(run(made(kind, extra), changed(FORM, study=None))) == (
        "string_type",
        "study",
    )


@BOTH
@pytest.mark.parametrize(
    "text", ['{"action": "caf\u00e9"}', '{"action": "submit", "caf\u00e9": 1']
)
def test_text_that_is_not_utf_8_is_the_reason(kind, text):
    assert reason(run(made(kind), text.encode("latin-1"))) == ("not_utf_8", None)


@BOTH
def test_a_field_that_is_there_twice_is_rejected_where_the_study_is_absent(kind):
    text = (
        json.dumps(changed(FORM, study=ABSENT)).removesuffix("}")
        + ', "action": "submit"}'
    )
    assert reason(run(made(kind), text.encode())) == ("duplicate_key", "action")


@BOTH
def test_a_study_is_never_null_in_the_schema(kind):
    assert not made(kind).column_facts()["study"].nullable


def test_visit_number_is_required_as_published_and_optional_today():
    for value in (None, ABSENT):
        assert not taken(V1, changed(FORM, visit_number=value))
        assert (
            row(run(made(V2), changed(FORM, visit_number=value)))["visit_number"]
            is None
        )
    assert reason(run(made(V2), changed(FORM, visit_number=""))) == (
        "string_too_short",
        "visit_number",
    )


@BOTH
@pytest.mark.parametrize("field", STRINGS)
def test_strings_are_not_empty_and_nothing_else_is_a_string(kind, field):
    assert reason(run(made(kind), changed(FORM, **{field: ""}))) == (
        "string_too_short",
        field,
    )
    for value in NOT_STRINGS:
        assert reason(run(made(kind), changed(FORM, **{field: value}))) == (
            "string_type",
            field,
        )
    for value in ("x", " ", "ü", "a\u0000b", "0", "null", "x" * 5000):
        assert row(run(made(kind), changed(FORM, **{field: value})))[field] == value


@BOTH
@pytest.mark.parametrize("field", ["module", "packet"])
def test_module_and_packet_are_strings_or_null_or_absent(kind, field):
    event = FORM if field == "packet" else changed(FORM, datatype="apoe")
    for value in (None, ABSENT):
        assert row(run(made(kind), changed(event, **{field: value})))[field] is None
    for value in NOT_STRINGS:
        assert reason(run(made(kind), changed(event, **{field: value}))) == (
            "string_type",
            field,
        )
    assert row(run(made(kind), changed(FORM, **{field: "I"})))[field] == "I"


def test_an_empty_packet_or_published_module_stays_empty():
    assert (
        row(run(made(V1), changed(FORM, module="", packet=""))).items()
        >= {"module": "", "packet": ""}.items()
    )
    assert row(run(made(V2), changed(FORM, packet="")))["packet"] == ""
    assert reason(run(made(V2), changed(FORM, module=""))) == (
        "string_too_short",
        "module",
    )


@BOTH
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0, None),
        (-1, None),
        (2**31 - 1, None),
        (-(2**31), None),
        (2**31, "less_than_equal"),
        (-(2**31) - 1, "greater_than_equal"),
        (2**63, "less_than_equal"),
        (10**30, "less_than_equal"),
        ("0", None),
        ("42", None),
        ("00042", None),
        (str(2**31 - 1), None),
        (str(2**31), "int_type"),
        ("9" * 5000, "int_type"),
        ("-42", "int_type"),
        ("+42", "int_type"),
        (" 42", "int_type"),
        ("42\n", "int_type"),
        ("4_2", "int_type"),
        ("42.0", "int_type"),
        ("4e1", "int_type"),
        ("0x2a", "int_type"),
        ("\u0664\u0662", "int_type"),
        ("adrc", "int_type"),
        ("", "int_type"),
        (42.0, "int_type"),
        (42.5, "int_type"),
        (True, "int_type"),
        (None, "int_type"),
        ([], "int_type"),
        ({}, "int_type"),
        (float("nan"), "int_type"),
    ],
)
def test_pipeline_adcid_is_an_integer_of_32_bits_or_a_string_of_digits(
    kind, value, error
):
    found = run(made(kind), changed(FORM, pipeline_adcid=value))
    if error is None:
        assert row(found)["pipeline_adcid"] == int(value)
    else:
        assert reason(found) == (error, "pipeline_adcid")


@pytest.mark.parametrize(
    ("value", "published", "today"),
    [
        ("A", True, True),
        ("0", True, True),
        ("ABCDE01234", True, True),
        ("ABCDE012345", False, False),
        ("", False, False),
        ("A\n", False, False),
        ("\nA", False, False),
        ("A B", False, False),
        (" ", False, False),
        ("abc", False, True),
        ("A-1", False, True),
        ("!~", False, True),
        ("a/b\\c", False, True),
        ("Ä", False, False),
        ("\u0660", False, False),
        ("A\u0000", False, False),
        ("A\u007f", False, False),
    ],
)
def test_ptid(value, published, today):
    for kind, allowed in ((V1, published), (V2, today)):
        found = run(made(kind), changed(FORM, ptid=value))
        if allowed:
            assert row(found)["ptid"] == value
        else:
            assert reason(found) == ("string_pattern_mismatch", "ptid")
    assert reason(run(made(V1), changed(FORM, ptid=12))) == ("string_type", "ptid")


@BOTH
@pytest.mark.parametrize(
    "value", ["0001-01-01", "2024-02-29", "2000-02-29", "9999-12-31"]
)
def test_real_days(kind, value):
    assert row(run(made(kind), changed(FORM, visit_date=value)))[
        "visit_date"
    ] == date.fromisoformat(value)


@BOTH
@pytest.mark.parametrize(
    "value",
    [
        "2023-02-29",
        "1900-02-29",
        "2024-13-01",
        "2024-00-10",
        "2024-01-32",
        "0000-01-01",
        "2024-1-2",
        "2024-01-2",
        "24-01-02",
        "20240102",
        "2024/01/02",
        "2024-01-02\n",
        " 2024-01-02",
        "2024-01-02T00:00:00",
        "2024-01-02 ",
        "+2024-01-02",
        "-024-01-02",
        "\u0662\u0660\u0662\u0664-01-02",
        "1704067200",
        "2024-W01-1",
        "",
        1704067200,
        19724,
        1.5,
        True,
        None,
        [],
    ],
)
def test_what_is_not_a_real_day(kind, value):
    (rejection,) = run(made(kind), changed(FORM, visit_date=value)).rejections
    assert rejection.field == "visit_date"


@BOTH
@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2024-01-02T03:04:05Z", datetime(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02t03:04:05z", datetime(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02 03:04:05", datetime(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02T03:04", datetime(2024, 1, 2, 3, 4)),
        ("2024-01-02T03:04+00:00", datetime(2024, 1, 2, 3, 4)),
        ("2024-01-02T03:04:05+05:30", datetime(2024, 1, 1, 21, 34, 5)),
        ("2024-01-02T03:04:05-05:30", datetime(2024, 1, 2, 8, 34, 5)),
        ("2024-01-02T03:04:05+05", datetime(2024, 1, 1, 22, 4, 5)),
        ("2024-01-02 03:04:05.123456+00", datetime(2024, 1, 2, 3, 4, 5, 123456)),
        ("2024-01-02T03:04-11", datetime(2024, 1, 2, 14, 4)),
        ("2024-01-02T03:04:05+0530", datetime(2024, 1, 1, 21, 34, 5)),
        ("2024-01-02T03:04:05+23:59", datetime(2024, 1, 1, 3, 5, 5)),
        ("2024-01-02T03:04:05.1Z", datetime(2024, 1, 2, 3, 4, 5, 100000)),
        ("2024-01-02T03:04:05.123456Z", datetime(2024, 1, 2, 3, 4, 5, 123456)),
        ("2024-01-02T03:04:05.123456999Z", datetime(2024, 1, 2, 3, 4, 5, 123456)),
        ("0001-01-01T00:00:00Z", datetime.min),
        ("9999-12-31T23:59:59.999999Z", datetime.max),
        ("0001-01-01T00:00:00-01:00", datetime(1, 1, 1, 1)),
        ("9999-12-31T23:59:59+01:00", datetime(9999, 12, 31, 22, 59, 59)),
        ("1969-12-31T23:59:59.999999Z", datetime(1969, 12, 31, 23, 59, 59, 999999)),
    ],
)
def test_timestamps_become_utc(kind, value, instant):
    assert row(run(made(kind), changed(FORM, timestamp=value)))[
        "timestamp"
    ] == instant.replace(tzinfo=UTC)


@BOTH
@pytest.mark.parametrize(
    "value",
    [
        "2024-01-02",
        "2024-01-02T03",
        "2024-01-02T24:00:00",
        "2024-01-02T03:60:00",
        "2024-01-02T03:04:60Z",
        "2024-01-02T03:04:61Z",
        "2023-02-29T03:04:05Z",
        "2024-01-02T03:04:05+24:00",
        "2024-01-02T03:04:05+5",
        "2024-01-02T03:04:05+24",
        "2024-01-02T03:04:05+05:",
        "2024-01-02T03:04:05+05\n",
        "2024-01-02+05",
        "2024-01-02T03:04:05Z\n",
        " 2024-01-02T03:04:05Z",
        "2024-01-02T03:04:05 UTC",
        "2024-01-02_03:04:05",
        "2024-01-02  03:04:05",
        "20240102T030405Z",
        "Tue, 02 Jan 2024 03:04:05 GMT",
        "1704164645",
        "1704164645.5",
        "",
        1704164645,
        1704164645.5,
        True,
        None,
        {},
    ],
)
def test_what_is_not_a_timestamp(kind, value):
    (rejection,) = run(made(kind), changed(FORM, timestamp=value)).rejections
    assert rejection.field == "timestamp"


@BOTH
@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999999-00:01"]
)
def test_a_timestamp_outside_the_calendar_in_utc_is_rejected(kind, value):
    found = run(made(kind), FORM, changed(FORM, timestamp=value), FORM)
    assert found.rejections == [Rejection("o1", "v1", "out_of_range", "timestamp")]


ACTIONS = ("submit", "pass-qc", "not-pass-qc", "delete")
DATATYPES = (
    "apoe",
    "biomarker",
    "dicom",
    "enrollment",
    "form",
    "genetic-availability",
    "gwas",
    "imputation",
    "scan-analysis",
)


@pytest.mark.parametrize(
    "action",
    [*ACTIONS, "duplicate-submit", "Submit", "submit ", "", "resubmit", 1, None],
)
def test_actions(action):
    event = changed(FORM, action=action)
    for kind, allowed in ((V1, ACTIONS), (V2, (*ACTIONS, "duplicate-submit"))):
        found = run(made(kind), event)
        if action in allowed:
            assert row(found)["action"] == action
        else:
            assert reason(found) == ("literal_error", "action")


@pytest.mark.parametrize(
    "datatype",
    [
        *DATATYPES,
        "data-freeze",
        "participant-summary",
        "Form",
        "forms",
        "",
        None,
        1,
        ["form"],
    ],
)
def test_datatypes(datatype):
    event = changed(
        FORM,
        datatype=datatype,
        module="UDS" if datatype == "form" else None,
        modality="MR" if datatype == "dicom" else ABSENT,
    )
    for kind, allowed in (
        (V1, DATATYPES),
        (V2, (*DATATYPES, "data-freeze", "participant-summary")),
    ):
        found = run(made(kind), event)
        if datatype in allowed:
            assert row(found)["datatype"] == datatype
        else:
            assert reason(found) == ("literal_error", "datatype")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"datatype": "form", "module": None}, ("missing", "module")),
        ({"datatype": "form", "module": ABSENT}, ("missing", "module")),
        ({"datatype": "apoe", "module": "UDS"}, ("not_expected", "module")),
        (
            {"datatype": "dicom", "module": "UDS", "modality": "MR"},
            ("not_expected", "module"),
        ),
        ({"datatype": "dicom", "module": None}, ("missing", "modality")),
        (
            {"datatype": "dicom", "module": None, "modality": None},
            ("missing", "modality"),
        ),
        (
            {"datatype": "dicom", "module": None, "modality": ""},
            ("string_too_short", "modality"),
        ),
        (
            {"datatype": "dicom", "module": None, "modality": 1},
            ("string_type", "modality"),
        ),
        ({"modality": "MR"}, ("not_expected", "modality")),
        (
            {"datatype": "gwas", "module": None, "modality": "MR"},
            ("not_expected", "modality"),
        ),
        ({"datatype": "form", "module": "UDS"}, None),
        ({"datatype": "form", "module": "UDS", "modality": None}, None),
        ({"datatype": "dicom", "module": None, "modality": "MR"}, None),
        ({"datatype": "dicom", "module": ABSENT, "modality": "MR"}, None),
        ({"datatype": "participant-summary", "module": None}, None),
    ],
)
def test_todays_module_goes_with_forms_and_modality_with_dicom(changes, expected):
    found = run(made(V2), changed(FORM, **changes))
    if expected is None:
        assert found.frame.height == 1
    else:
        assert reason(found) == expected


@pytest.mark.parametrize("datatype", DATATYPES)
@pytest.mark.parametrize("module", [None, "UDS"])
def test_as_published_any_datatype_goes_with_any_module(datatype, module):
    assert taken(V1, changed(FORM, datatype=datatype, module=module))


def test_modality_is_checked_and_kept_only_with_the_unknown_fields():
    event = {**DICOM, "naccid": "N1"}
    assert run(made(V2), event).ignored_fields == {"naccid": 1}
    assert (
        row(run(made(V2, "keep"), event))["extra"] == '{"modality":"MR","naccid":"N1"}'
    )
    assert row(run(made(V2, "keep"), {**FORM, "modality": None}))["extra"] is None
    assert taken(V2, DICOM)
    assert reason(run(made(V2, "reject"), event)) == ("extra_forbidden", None)
    assert not run(made(V2, "reject"), DICOM).rejections
    assert run(made(V1), DICOM).ignored_fields == {"modality": 1}


@BOTH
def test_both_validators_are_those_of_the_report(kind):
    assert kind in (VisitEventValidator, VisitEventV2Validator)
    assert kind.input_format == "both"
    assert (
        kind.name
        == {
            "VisitEventValidator": "visit-event",
            "VisitEventV2Validator": "visit-event-v2",
        }[kind.__name__]
    )
