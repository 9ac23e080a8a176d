"""Columns are typed by the data dictionary."""

from datetime import date, datetime, time

import polars as pl
import pytest

from reporting_framework.errors import SettingsError
from reporting_redcap.testing import Project, Row, field
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
