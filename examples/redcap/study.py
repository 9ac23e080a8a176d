"""Study of the example: a longitudinal project with repeating visits, invented."""

from datetime import UTC, datetime

from reporting_redcap.testing import Project, Row, field

EVENTS = ["enrollment_arm_1", "follow_up_arm_1"]
FIELDS = [
    field("record_id", form="person"),
    field("born", validation="date_mdy", form="person"),
    field("sex", "radio", form="person", choices="1, Female | 2, Male | 9, Other"),
    field(
        "history",
        "checkbox",
        form="person",
        choices="1, Stroke | 2, Diabetes | 3, Hypertension",
    ),
    field("visited", validation="datetime_mdy", form="visit"),
    field("mmse", validation="integer", form="visit"),
    field("fasting", "yesno", form="visit"),
]


def person(number: int) -> Row:
    """Return the enrollment of a person."""
    values = {
        "born": f"19{40 + number % 30}-0{number % 9 + 1}-15",
        "sex": ["1", "2", "9"][number % 3],
        "history___2": str(number % 2),
        "person_complete": "2",
    }
    return Row(f"NC{number:04}", values, EVENTS[0])


def visit(number: int, instance: int, mmse: int) -> Row:
    """Return a visit of a person."""
    values = {
        "visited": f"2026-0{instance}-10 09:30",
        "mmse": str(mmse),
        "fasting": "1",
        "visit_complete": "2",
    }
    return Row(f"NC{number:04}", values, EVENTS[1], "visit", instance)


def study() -> Project:
    """Return the project with 12 persons and two visits of each."""
    project = Project(
        FIELDS, EVENTS, repeating=True, missing_codes={"-99": "Not collected"}
    )
    for number in range(1, 13):
        visits = [visit(number, instance, 30 - number % 5) for instance in (1, 2)]
        project.put([person(number), *visits])
    project.reports["41"] = [
        *("record_id", "redcap_event_name", "redcap_repeat_instrument"),
        *("redcap_repeat_instance", "visited", "mmse"),
    ]
    return project


def change(project: Project) -> None:
    """Let a third visit take place, correct a value, and remove a person."""
    project.now = datetime.now(UTC)
    project.put([visit(3, 3, 26), visit(5, 2, 21)])
    project.delete("NC0008")
