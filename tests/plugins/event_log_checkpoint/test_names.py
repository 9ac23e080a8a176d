"""Names of event files: the three forms, and what guides the search in them."""

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_event_log_checkpoint.names import INCLUDE, RANGE_PATTERN
from tests.framework.builtin.validating import properties

actions = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z][a-z0-9]{0,5}){0,3}", fullmatch=True)
projects = st.from_regex(
    r"[A-Za-z0-9_.]{1,8}(-[A-Za-z_.][A-Za-z0-9_.]{0,8}){0,4}", fullmatch=True
)
visits = st.from_regex(r"[A-Za-z0-9_.]{1,8}", fullmatch=True)
days = st.dates().map(str)
ptids = st.from_regex(r"[A-Z0-9]{1,10}", fullmatch=True)
stamps = st.datetimes().map(lambda moment: f"{moment.year:04}{moment:%m%d-%H%M%S}")


@st.composite
def event_names(draw):
    """A name of one of the three forms, its action and its timestamp."""
    action, stamp = draw(actions), draw(stamps)
    if draw(st.integers(0, 2)) == 0:
        return f"log-{action}-{stamp[:8]}.json", action, stamp[:8]
    adcid, project, ptid = str(draw(st.integers(0, 10**8))), draw(projects), draw(ptids)
    visit = draw(days | visits)
    return f"log-{action}-{stamp}-{adcid}-{project}-{ptid}-{visit}.json", action, stamp


@properties
@given(event_names())
def test_every_form_of_name_is_read(made):
    """Name patterns: all three forms, with hyphens in actions and in project labels."""
    assert fnmatchcase(made[0], INCLUDE)


@properties
@given(
    event_names(), st.sampled_from(["", "prod/", "a/b-20240101/", "log-x-20240101/"])
)
def test_the_range_is_all_before_the_timestamp(made, folder):
    """Search: names of one action and folder differ first in their timestamp, so listing can begin at one."""
    name, action, timestamp = made
    found = re.search(RANGE_PATTERN, folder + name)
    assert found is not None
    assert found["range"] == f"{folder}log-{action}-"
    assert found["timestamp"] == timestamp


@properties
@given(actions, projects, ptids, st.lists(stamps, min_size=2, max_size=6))
def test_names_of_one_action_sort_as_their_timestamps(action, project, ptid, when):
    """Search: the order of names is the order of time within a range."""
    names = [f"log-{action}-{stamp}-42-{project}-{ptid}-1.json" for stamp in when]
    assert [
        re.search(RANGE_PATTERN, name)["timestamp"] for name in sorted(names)
    ] == sorted(when)


@pytest.mark.parametrize(
    "name",
    ["log-submit.json", "readme.txt", "log-submit-2024.json", "x/log-20240102.json"],
)
def test_a_name_without_a_timestamp_has_no_range(name):
    assert re.search(RANGE_PATTERN, name) is None
