"""Columns are typed by the data dictionary."""

from datetime import date, datetime, time

import polars as pl
import pytest

from reporting_framework.errors import SettingsError, StorageUnavailable
from reporting_redcap.columns import choices_of, columns_of
from reporting_redcap.testing import Project, Row, field
from reporting_redcap.testing.server import Answer
from tests.plugins.redcap.projects import every_type, visits

FULL = {
    "record_id": "1",
    "name": 'Ann, "A." O\'Hara',
    "born": date(1950, 2, 28),
    "seen": datetime(2026, 1, 5, 9, 30),
    "logged": datetime(2026, 1, 5, 9, 30, 15),
    "woke": time(6, 45),
    "slept": time(22, 15, 30),
    "visits": 3,
    "weight": 70.25,
    "score": 6.0,
    "pain": 40,
    "smoker": True,
    "agreed": False,
    "sex": -9,
    "site": "01",
    "race___1": False,
    "race____2": True,
    "race___cx": False,
    "scan": "[document]",
    "form_1_complete": 2,
    "remarks": "first line\nsecond “line”, ü",
    "end_complete": 0,
}
EMPTY = {"record_id": "2", "race___1": False, "race____2": False, "race___cx": False}


def test_each_type_of_field(reader):
    made = reader(every_type())
    assert made.rows() == [FULL, EMPTY]
    assert list(made.source.schema()) == list(FULL)
    [batch] = made.read()
    assert batch.frame.schema == made.source.schema()


@pytest.mark.parametrize(
    ("values", "sex", "more"),
    [
        ("labels", "Not, or other", {"site": "North", "form_1_complete": "Complete"}),
        ("both", -9, {"sex__label": "Not, or other", "site": "01"}),
    ],
)
def test_labels_of_choices(reader, values, sex, more):
    made = reader(every_type(), values=values)
    row = made.rows()[0]
    assert {name: row[name] for name in more} == more
    assert row["sex"] == sex
    [batch] = made.read()
    assert batch.frame.schema == made.source.schema()


def test_missing_data_codes_are_null_or_kept(reader):
    def project():
        made = every_type(missing_codes={"-99": "Unknown", "NASK": "Not asked"})
        made.put([Row("2", {"born": "NASK", "visits": "-99", "race___nask": "1"})])
        return made

    unknown = {"race____99": False, "race___nask": True}
    assert reader(project()).rows()[1] == {**EMPTY, **unknown}
    kept = reader(project(), missing_data_codes="keep")
    row = kept.rows()[1]
    assert (row["born"], row["visits"]) == ("NASK", "-99")
    assert set(kept.source.schema().values()) == {pl.String()}


def test_a_value_of_another_type_rejects_its_row(reader):
    project = every_type()
    project.put([Row("3", {"visits": "three", "pain": "much"})])
    [batch] = reader(project).read()
    assert list(batch.source_keys) == ["1", "2"]
    [rejection] = batch.rejected
    assert rejection.source_key == "3"
    assert (rejection.error_type, rejection.field) == ("wrong_type", "visits")


def test_rows_of_events_and_repetitions_have_keys(reader):
    made = reader(visits(2))
    assert made.source.primary_key == [
        "record_id",
        "redcap_event_name",
        "redcap_repeat_instrument",
        "redcap_repeat_instance",
    ]
    [batch] = made.read()
    assert list(batch.source_keys)[:3] == [
        "0/base_arm_1//0",
        "0/later_arm_1/visit/1",
        "0/later_arm_1/visit/2",
    ]
    assert len(set(batch.source_keys)) == batch.frame.height == 8
    assert batch.frame["redcap_repeat_instance"].to_list()[:4] == [0, 1, 2, 3]


def test_fields_forms_events_and_logic_select(reader):
    made = reader(visits(3), forms=["visit"], events=["later_arm_1"])
    assert list(made.source.schema())[4:] == ["day", "visit_complete"]
    assert len(made.rows()) == 9
    one = reader(every_type(), fields=["visits"], filter_logic="[visits] > 2")
    assert one.rows() == [{"record_id": "1", "visits": 3}]


def test_data_access_groups(reader):
    project = every_type(groups={"1": "north"})
    groups = [
        row.get("redcap_data_access_group")
        for row in reader(project, data_access_groups=True).rows()
    ]
    assert groups == ["north", None]


def test_a_saved_report_has_its_own_columns(reader):
    project = visits(2)
    project.reports["7"] = [
        *("record_id", "redcap_event_name", "redcap_repeat_instrument"),
        *("redcap_repeat_instance", "age"),
    ]
    made = reader(project, report_id=7)
    assert list(made.source.schema()) == list(project.reports["7"])
    assert len(made.rows()) == 8
    contents = [params["content"][0] for params in made.server.requests]
    assert contents == ["project", "metadata", "report"], "it is exported once"


def test_a_report_without_the_key_is_refused(reader):
    project = every_type()
    project.reports["7"] = ["name"]
    with pytest.raises(
        SettingsError, match=r"report 7 has no column record_id, .* add"
    ):
        reader(project, report_id="7").source.schema()


def test_a_project_without_records(reader):
    assert reader(Project([field("record_id")])).rows() == []


@pytest.mark.parametrize(
    ("fields", "settings", "message"),
    [
        (
            [field("race", "checkbox", choices="1, A"), field("race___1")],
            {},
            "code 1 of the checkbox race and the field race___1 are both the column"
            " race___1; rename",
        ),
        (
            [field("race", "checkbox", choices="B, One | b, Two | c, Three")],
            {},
            "code B of the checkbox race and code b of the checkbox race are both the"
            " column race___b; rename",
        ),
        (
            [field("sex__label"), field("sex", "radio", choices="1, A")],
            {"values": "both"},
            "the field sex__label and the label of sex are both the column sex__label;",
        ),
        (
            [field("redcap_read_at")],
            {"read_at": True},
            "the field redcap_read_at and the setting read_at are both the column",
        ),
        (
            [field("form_1_complete")],
            {},
            "the field form_1_complete and the field form_1_complete are both",
        ),
    ],
)
@pytest.mark.parametrize("of_report", [False, True])
def test_two_columns_with_one_name_are_refused(
    reader, fields, settings, message, of_report
):
    project = Project([field("record_id"), *fields])
    project.put([Row("1", {})])
    names = [name for name, _ in project.export_names()]
    project.reports["7"] = list(dict.fromkeys(names))
    settings = settings | ({"report_id": "7"} if of_report else {})
    with pytest.raises(SettingsError, match=message):
        reader(project, **settings).source.schema()


def test_one_of_two_columns_with_one_name_may_be_read(reader):
    fields = [field("race", "checkbox", choices="1, A"), field("race___1")]
    project = Project([field("record_id"), *fields])
    project.put([Row("1", {"race___1": "1"})])
    rows = reader(project, fields=["race"]).rows()
    assert rows == [{"record_id": "1", "race___1": True}]


@pytest.mark.parametrize(
    ("choices", "labels"),
    [
        ("1, a|b | 2, c", {"1": "a|b", "2": "c"}),
        ("1, a | b, and so on | 2, c", {"1": "a", "b": "and so on", "2": "c"}),
        ("1, a | b or c | 2, d", {"1": "a | b or c", "2": "d"}),
        ("1, a|2, b", {"1": "a", "2": "b"}),
        ("1,a |-2,b, c|C_x , d", {"1": "a", "-2": "b, c", "C_x": "d"}),
        ("1, a | 2, | 3, c |", {"1": "a", "2": "", "3": "c"}),
        ("1 | 2", {"1": "", "2": ""}),
        ("", {}),
    ],
)
def test_choices_of_a_field(choices, labels):
    assert choices_of(field("x", "radio", choices=choices)) == labels


def test_a_label_with_the_sign_between_choices(reader):
    choices = "1, a|b | 2, c"
    project = Project(
        [
            field("record_id"),
            field("race", "checkbox", choices=choices),
            field("sex", "radio", choices=choices),
        ]
    )
    project.put([Row("1", {"race___2": "1", "sex": "1"})])
    assert reader(project, values="labels").rows() == [
        {"record_id": "1", "race___1": False, "race___2": True, "sex": "a|b"}
    ]


def test_a_dictionary_without_a_field_is_refused(reader):
    made = reader(every_type())
    made.server.faults.append(
        lambda params, right: (
            Answer(200, b"[]") if params["content"] == ["metadata"] else None
        )
    )
    with pytest.raises(StorageUnavailable, match=r"data dictionary has no field, .* c"):
        made.source.schema()


@pytest.mark.parametrize("kind", ["descriptive", "checkbox"])
def test_the_first_field_is_a_text_whatever_its_kind(kind):
    [first, *_] = columns_of([field("id", kind, choices="1, a")], [])
    assert (first.name, first.kind) == ("id", "text")
