"""Names of event files: the three forms, and what guides the search in them."""

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_event_log_checkpoint.names import INCLUDE, RANGE_PATTERN, EventName, parse_name
from tests.framework.builtin.validating import properties

WHEN = "20240102-030405"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            f"log-submit-{WHEN}-42-ingest-form-adrc-AB12-1.json",
            EventName("submit", WHEN, "42", "ingest-form-adrc", "AB12", "1"),
        ),
        (
            f"log-not-pass-qc-{WHEN}-42-ingest-form-adrc-AB12-2024-01-02.json",
            EventName("not-pass-qc", WHEN, "42", "ingest-form-adrc", "AB12", "2024-01-02"),
        ),
        ("log-pass-qc-20240102.json", EventName("pass-qc", "20240102")),
        (f"log-submit-{WHEN}-42-p-A-1.json", EventName("submit", WHEN, "42", "p", "A", "1")),
        (f"log-v2-submit-{WHEN}-42-p-A-1.json", EventName("v2-submit", WHEN, "42", "p", "A", "1")),
        (f"log-submit-{WHEN}-20240102-p-A-1.json", EventName("submit", WHEN, "20240102", "p", "A", "1")),
        (f"log-submit-{WHEN}-42-form-2023-AB12-1.json", EventName("submit", WHEN, "42", "form-2023", "AB12", "1")),
        (f"log-submit-{WHEN}-42-p-a/b-1.json", EventName("submit", WHEN, "42", "p", "a/b", "1")),
        ("log-submit.json", None),
        ("log-submit-2024.json", None),
        ("log--20240102.json", None),
        (f"log-submit-{WHEN}.json", None),
        (f"log-submit-{WHEN}-42-p-1.json", None),
        (f"log-submit-{WHEN}-x-p-A-1.json", None),
        (f"log-submit-{WHEN}-42-p-ABCDEFGHIJK-1.json", None),
        ("log-submit-20240102.json\n", None),
        ("log-submit-20240102.JSON", None),
        ("xlog-submit-20240102.json", None),
    ],
)
def test_the_parts_of_a_name(name, expected):
    assert parse_name(name) == expected


actions = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z][a-z0-9]{0,5}){0,3}", fullmatch=True)
projects = st.from_regex(r"[A-Za-z0-9_.]{1,8}(-[A-Za-z_.][A-Za-z0-9_.]{0,8}){0,4}", fullmatch=True)
visits = st.from_regex(r"[A-Za-z0-9_.]{1,8}", fullmatch=True)
days = st.dates().map(str)
ptids = st.from_regex(r"[A-Z0-9]{1,10}", fullmatch=True)
stamps = st.datetimes().map(lambda moment: f"{moment.year:04}{moment:%m%d-%H%M%S}")


@st.composite
def event_names(draw):
    """A name of one of the three forms, and its parts."""
    action, stamp = draw(actions), draw(stamps)
    if draw(st.integers(0, 2)) == 0:
        return f"log-{action}-{stamp[:8]}.json", EventName(action, stamp[:8])
    adcid, project, ptid = str(draw(st.integers(0, 10**8))), draw(projects), draw(ptids)
    visit = draw(days | visits)
    parts = EventName(action, stamp, adcid, project, ptid, visit)
    return f"log-{action}-{stamp}-{adcid}-{project}-{ptid}-{visit}.json", parts


@properties
@given(event_names())
def test_a_name_gives_back_the_parts_that_it_was_made_of(made):
    """Name patterns: all three forms, with hyphens in actions and in project labels."""
    name, parts = made
    assert parse_name(name) == parts
    assert fnmatchcase(name, INCLUDE)


@properties
@given(event_names(), st.sampled_from(["", "prod/", "a/b-20240101/", "log-x-20240101/"]))
def test_the_range_is_all_before_the_timestamp(made, folder):
    """Search: names of one action and folder differ first in their timestamp, so listing can begin at one."""
    name, parts = made
    found = re.search(RANGE_PATTERN, folder + name)
    assert found is not None
    assert found["range"] == f"{folder}log-{parts.action}-"
    assert found["timestamp"] == parts.timestamp


@properties
@given(actions, projects, ptids, st.lists(stamps, min_size=2, max_size=6))
def test_names_of_one_action_sort_as_their_timestamps(action, project, ptid, when):
    """Search: the order of names is the order of time within a range."""
    names = [f"log-{action}-{stamp}-42-{project}-{ptid}-1.json" for stamp in when]
    assert [re.search(RANGE_PATTERN, name)["timestamp"] for name in sorted(names)] == sorted(when)


@pytest.mark.parametrize("name", ["log-submit.json", "readme.txt", "log-submit-2024.json", "x/log-20240102.json"])
def test_a_name_without_a_timestamp_has_no_range(name):
    assert re.search(RANGE_PATTERN, name) is None


@properties
@given(st.text(max_size=40) | st.from_regex(r"log-[a-z0-9-]{0,30}\.json", fullmatch=True))
def test_any_name_has_parts_or_none(name):
    """Error resilience: no name is too odd, and one that has parts is one that is read."""
    if parse_name(name) is not None:
        assert fnmatchcase(name, INCLUDE)
