"""Projects that tests read."""

from reporting_redcap.testing import Project, Row, field


def every_type(**more) -> Project:
    """Return a project with a field of each type, and two records."""
    fields = [
        field("record_id", validation="integer"),
        field("name"),
        field("born", validation="date_dmy"),
        field("seen", validation="datetime_mdy"),
        field("logged", validation="datetime_seconds_ymd"),
        field("woke", validation="time"),
        field("slept", validation="time_hh_mm_ss"),
        field("visits", validation="integer"),
        field("weight", validation="number_2dp_comma_decimal"),
        field("score", "calc", choices="[visits] * 2"),
        field("pain", "slider"),
        field("smoker", "yesno"),
        field("agreed", "truefalse"),
        field("sex", "radio", choices="0, Male | 1, Female | -9, Not, or other"),
        field("site", "dropdown", choices="01, North | B2, South"),
        field("race", "checkbox", choices="1, One | -2, Two | Cx, Three"),
        field("intro", "descriptive"),
        field("scan", "file"),
        field("remarks", "notes", form="end"),
    ]
    full = {
        "name": 'Ann, "A." O\'Hara',
        "born": "1950-02-28",
        "seen": "2026-01-05 09:30",
        "logged": "2026-01-05 09:30:15",
        "woke": "06:45",
        "slept": "22:15:30",
        "visits": "3",
        "weight": "70.25",
        "score": "6",
        "pain": "40",
        "smoker": "1",
        "agreed": "0",
        "sex": "-9",
        "site": "01",
        "race____2": "1",
        "scan": "[document]",
        "remarks": "first line\nsecond “line”, ü",
        "form_1_complete": "2",
        "end_complete": "0",
    }
    project = Project(fields, **more)
    project.put([Row("1", full), Row("2", {})])
    return project


def numbered(count: int, **more) -> Project:
    """Return a project with records of one number each."""
    project = Project(
        [field("record_id"), field("number", validation="integer")], **more
    )
    project.put([Row(str(at), {"number": str(at)}) for at in range(count)])
    return project


def visits(count: int) -> Project:
    """Return a longitudinal project with repeating visits, four rows a record."""
    project = Project(
        [field("record_id"), field("age"), field("day", form="visit")],
        events=["base_arm_1", "later_arm_1"],
        repeating=True,
    )
    for at in range(count):
        project.put(
            [
                Row(str(at), {"age": "50"}, "base_arm_1"),
                *(
                    Row(str(at), {"day": f"{day}"}, "later_arm_1", "visit", day)
                    for day in (1, 2, 3)
                ),
            ]
        )
    return project
