"""PyCap reads the same from the loopback server as the source does."""

import pytest
from redcap import Project as PyCap

from tests.plugins.redcap.projects import every_type, visits


@pytest.mark.parametrize("make", [every_type, lambda: visits(3)])
def test_the_source_agrees_with_pycap(reader, make):
    made = reader(make(), values="labels")
    api = PyCap(made.server.url, made.server.token)
    assert api.def_field == made.source.schema().names()[0]
    theirs = api.export_records(raw_or_label="label", export_data_access_groups=False)
    ours = [row for batch in made.read() for row in batch.frame.to_dicts()]
    assert len(ours) == len(theirs)
    for own, other in zip(ours, theirs, strict=True):
        assert {name: _shown(value) for name, value in own.items()} == {
            name: _plain(value) for name, value in other.items()
        }
    names = {each["export_field_name"] for each in api.export_field_names()}
    assert names <= set(made.source.schema())


def test_a_saved_report_agrees_with_pycap(reader):
    project = visits(7)
    project.reports["7"] = [
        *("record_id", "redcap_event_name", "redcap_repeat_instrument"),
        *("redcap_repeat_instance", "day"),
    ]
    made = reader(project, report_id="7")
    api = PyCap(made.server.url, made.server.token)
    assert len(made.rows()) == len(api.export_report("7")) == 28
    assert len(api.export_records(records=["1", "2", "9"], fields=["day"])) == 8


def _shown(value):
    """Return a value as PyCap has it: a text."""
    if value is None or (value == 0 and not isinstance(value, bool | float)):
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return f"{value:g}"
    if hasattr(value, "minute"):
        whole = value.isoformat(" ") if hasattr(value, "year") else value.isoformat()
        return whole.removesuffix(":00")
    return str(value)


def _plain(value):
    """Return a value of PyCap without the labels of checkboxes and yes or no."""
    known = {"Checked": "True", "Unchecked": "False", "Yes": "True", "No": "False"}
    return known.get(value, str(value))
