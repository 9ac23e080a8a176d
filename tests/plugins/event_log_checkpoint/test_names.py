"""Names of event files."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_event_log_checkpoint.names import RANGE_PATTERN, EventName, parse_name

actions = st.sampled_from(["submit", "pass-qc", "not-pass-qc", "delete", "duplicate-submit", "an-action-of-tomorrow"])
days = st.dates().map(lambda day: f"{day.year:04d}{day.month:02d}{day.day:02d}")
times = st.times().map(lambda time: time.strftime("%H%M%S"))
adcids = st.integers(0, 99_999_999).map(str)
projects = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+){0,3}", fullmatch=True)
ptids = st.from_regex(r"[A-Z0-9]{1,10}", fullmatch=True)
visits = st.one_of(st.from_regex(r"[0-9]{1,3}", fullmatch=True), st.dates().map(lambda day: day.isoformat()))
folders = st.sampled_from(["", "2024/", "a/b-20240101-c/"])


@given(actions, days, times, adcids, projects, ptids, visits)
def test_names_of_both_producers_say_what_they_were_made_of(action, day, time, adcid, project, ptid, visit):
    """Name patterns: a name made of its parts is taken apart into them, hyphens in action and project included."""
    name = f"log-{action}-{day}-{time}-{adcid}-{project}-{ptid}-{visit}.json"
    assert parse_name(name) == EventName(action, f"{day}-{time}", adcid, project, ptid, visit)


@given(actions, days)
def test_the_legacy_form_says_action_and_day(action, day):
    """Name patterns: the legacy form holds an action and a day, nothing else."""
    assert parse_name(f"log-{action}-{day}.json") == EventName(action, day)


@given(folders, actions, days, times, adcids, projects, ptids, visits)
def test_the_range_of_a_name_is_its_folder_and_action(folder, action, day, time, adcid, project, ptid, visit):
    """Name patterns: of every form the range is what stands before the timestamp, so that names of a range sort by it."""
    for rest, timestamp in ((f"-{time}-{adcid}-{project}-{ptid}-{visit}.json", f"{day}-{time}"), (".json", day)):
        found = re.match(RANGE_PATTERN, f"{folder}log-{action}-{day}{rest}")
        assert found is not None
        assert (found["range"], found["timestamp"]) == (f"{folder}log-{action}-", timestamp)


@pytest.mark.parametrize(
    "name", ["log.json", "log-submit.json", "submit-20240101.json", "log-submit-2024.json", "x.csv"]
)
def test_other_names_say_nothing(name):
    assert parse_name(name) is None
    assert re.match(RANGE_PATTERN, name) is None
