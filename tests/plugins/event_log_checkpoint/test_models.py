"""Every rule of the two forms of visit events."""

import pytest

from tests.plugins.event_log_checkpoint.events import DATATYPES, V2, VALID, reason

ABSENT = object()

V1_CASES = [
    ("action", "submit", None),
    ("action", "pass-qc", None),
    ("action", "not-pass-qc", None),
    ("action", "delete", None),
    ("action", "duplicate-submit", "literal_error"),
    ("action", "SUBMIT", "literal_error"),
    ("action", None, "literal_error"),
    ("study", "", "string_too_short"),
    ("study", None, "string_type"),
    ("study", 7, "string_type"),
    ("pipeline_adcid", 2**31 - 1, None),
    ("pipeline_adcid", -(2**31), None),
    ("pipeline_adcid", 2**31, "less_than_equal"),
    ("pipeline_adcid", -(2**31) - 1, "greater_than_equal"),
    ("pipeline_adcid", 2**63, "less_than_equal"),
    ("pipeline_adcid", 10**30, "less_than_equal"),
    ("pipeline_adcid", "42", "int_type"),
    ("pipeline_adcid", 42.0, "int_type"),
    ("pipeline_adcid", True, "int_type"),
    ("project_label", "", "string_too_short"),
    ("center_label", ["x"], "string_type"),
    ("gear_name", {}, "string_type"),
    ("ptid", "A", None),
    ("ptid", "ABCDEFGHI0", None),
    ("ptid", "ABCDEFGHI01", "string_pattern_mismatch"),
    ("ptid", "", "string_pattern_mismatch"),
    ("ptid", "abc", "string_pattern_mismatch"),
    ("ptid", "ABC\n", "string_pattern_mismatch"),
    ("ptid", "ABC\nDEF", "string_pattern_mismatch"),
    ("ptid", "A-1", "string_pattern_mismatch"),
    ("ptid", "\u0660\u0661", "string_pattern_mismatch"),
    ("ptid", 123, "string_type"),
    ("visit_date", "2024-02-29", None),
    ("visit_date", "2023-02-29", "date_from_datetime_parsing"),
    ("visit_date", "2024-02-30", "date_from_datetime_parsing"),
    ("visit_date", "2024-1-2", "string_pattern_mismatch"),
    ("visit_date", "2024-01-15T00:00:00", "string_pattern_mismatch"),
    ("visit_date", "1704067200", "string_pattern_mismatch"),
    ("visit_date", 1704067200, "string_type"),
    ("visit_date", "2024-01-15\n", "string_pattern_mismatch"),
    ("visit_number", None, "string_type"),
    ("visit_number", ABSENT, "missing"),
    ("visit_number", 1, "string_type"),
    ("datatype", "data-freeze", "literal_error"),
    ("datatype", "Form", "literal_error"),
    ("module", None, None),
    ("module", ABSENT, None),
    ("module", 1, "string_type"),
    ("packet", None, None),
    ("packet", ABSENT, None),
    ("packet", False, "string_type"),
    ("timestamp", "2024-01-15T10:00:00", None),
    ("timestamp", "2024-01-15 10:00:00+05:30", None),
    ("timestamp", "2024-01-15T10:00:00.123456Z", None),
    ("timestamp", "2024-01-15T10:00:00.1234567Z", None),
    ("timestamp", "2024-01-15", "string_pattern_mismatch"),
    ("timestamp", "1705312800", "string_pattern_mismatch"),
    ("timestamp", 1705312800, "string_type"),
    ("timestamp", "2024-01-15T25:00:00Z", "datetime_from_date_parsing"),
    ("timestamp", "2024-13-15T10:00:00Z", "datetime_from_date_parsing"),
    ("timestamp", "0001-01-01T00:00:00+14:00", "out_of_range"),
    ("timestamp", "9999-12-31T23:59:59-14:00", "out_of_range"),
    ("timestamp", None, "string_type"),
    *((field, ABSENT, "missing") for field in VALID if field not in ("module", "packet")),
    *(("datatype", datatype, None) for datatype in DATATYPES),
]


def changed(field: str, value: object, **more: object) -> dict[str, object]:
    event = {**VALID, **more, field: value}
    if value is ABSENT:
        del event[field]
    return event


@pytest.mark.parametrize(("field", "value", "expected"), V1_CASES)
def test_each_field_of_the_published_form(field, value, expected):
    assert reason(changed(field, value)) == (None if expected is None else (expected, field))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (changed("ptid", "a-b_c.d!~"), None),
        (changed("ptid", "with space"), ("string_pattern_mismatch", "ptid")),
        (changed("ptid", "é"), ("string_pattern_mismatch", "ptid")),
        (changed("ptid", "12345678901"), ("string_pattern_mismatch", "ptid")),
        (changed("visit_number", None), None),
        (changed("visit_number", ABSENT), None),
        (changed("action", "duplicate-submit"), None),
        (changed("datatype", "data-freeze", module=None), None),
        (changed("datatype", "participant-summary", module=None), None),
        (changed("datatype", "genetics", module=None), ("literal_error", "datatype")),
        (changed("module", None), ("missing", "module")),
        (changed("module", ABSENT), ("missing", "module")),
        (changed("module", "UDS", datatype="gwas"), ("not_expected", "module")),
        (changed("modality", "MR", datatype="dicom", module=None), None),
        (changed("module", None, datatype="dicom"), ("missing", "modality")),
        (changed("modality", "MR"), ("not_expected", "modality")),
        (changed("modality", None), None),
        (changed("naccid", "N1"), None),
    ],
)
def test_the_form_of_todays_producer(event, expected):
    assert reason(event, kind=V2) == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "json_invalid"),
        (b"[]", "dict_type"),
        (b"null", "dict_type"),
        (b'"text"', "dict_type"),
        (b"\xef\xbb\xbf{}", "json_invalid"),
        (b'{"action": "\xff"}', "json_invalid"),
        (b'{"action": "\\ud800"}', "json_invalid"),
        (b"[" * 100_000, "json_invalid"),
    ],
)
def test_what_is_not_an_object_is_rejected_as_a_whole(payload, expected):
    assert reason(payload) == (expected, None)


def test_of_several_errors_the_first_in_the_order_of_fields_is_told():
    assert reason({**VALID, "timestamp": 1, "study": 2}) == ("string_type", "study")


def test_a_repeated_key_is_rejected_since_readers_disagree_on_which_counts():
    payload = b'{"study": "first", ' + repr(VALID)[1:].replace("'", '"').encode()
    assert reason(payload) == ("duplicate_key", "study")
