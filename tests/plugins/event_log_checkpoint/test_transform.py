"""The transform `exclude-projects`, pattern by pattern, and where there is nothing to match."""

import time
from fnmatch import fnmatchcase

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting_event_log_checkpoint.transform import (
    ExcludeProjects,
    ExcludeProjectsSettings,
)
from reporting_framework import SettingsError
from tests.framework.builtin.validating import made, run
from tests.plugins.event_log_checkpoint.strategies import FORM, VALIDATORS, changed


def left(labels, patterns):
    """Source keys of the rows that are left."""
    frame = pl.DataFrame(
        {"project_label": labels, "source_key": [str(n) for n in range(len(labels))]},
        schema={"project_label": pl.String, "source_key": pl.String},
    )
    shaped = ExcludeProjects(ExcludeProjectsSettings(patterns=patterns)).apply(frame)
    assert shaped.schema == frame.schema
    return shaped["source_key"].to_list()


@pytest.mark.parametrize(
    ("pattern", "excluded"),
    [
        ("sandbox-*", ["sandbox-", "sandbox-form", "sandbox-a\nb"]),
        ("sandbox-form", ["sandbox-form"]),
        ("*form", ["sandbox-form", "Sandbox-form"]),
        ("sandbox-?", []),
        (
            "[Ss]andbox*",
            ["sandbox-", "sandbox-form", "sandbox", "Sandbox-form", "sandbox-a\nb"],
        ),
        ("[!s]*", ["Sandbox-form", "my-sandbox-x", "a.b"]),
        ("a.b", ["a.b"]),
        ("a?b", ["a.b"]),
        ("", []),
        (
            "*",
            [
                "sandbox-",
                "sandbox-form",
                "sandbox",
                "Sandbox-form",
                "my-sandbox-x",
                "a.b",
                "sandbox-a\nb",
            ],
        ),
    ],
)
def test_labels_are_matched_as_a_whole_upper_and_lower_case_apart(pattern, excluded):
    labels = [
        "sandbox-",
        "sandbox-form",
        "sandbox",
        "Sandbox-form",
        "my-sandbox-x",
        "a.b",
        "sandbox-a\nb",
    ]
    assert left(labels, [pattern]) == [
        str(n) for n, label in enumerate(labels) if label not in excluded
    ]


def test_any_of_several_patterns_excludes():
    assert left(["a", "b", "c"], ["a", "c"]) == ["1"]


def test_a_row_without_a_label_stays():
    assert left(["a", None, "b"], ["*"]) == ["1"]


@pytest.mark.parametrize("columns", [{"study": ["x"]}, {"project_label": [1]}])
def test_events_without_labels_are_refused_before_any_is_read(columns):
    transform = ExcludeProjects(ExcludeProjectsSettings(patterns=["x"]))
    with pytest.raises(
        SettingsError,
        match="transform exclude-projects: there is no column project_label of strings",
    ):
        transform.apply(pl.DataFrame(columns).clear())


def test_it_takes_what_the_validators_give():
    for kind in VALIDATORS:
        frame = run(made(kind), changed(FORM, project_label="sandbox-a"), FORM).frame
        shaped = ExcludeProjects(ExcludeProjectsSettings(patterns=["sandbox-*"])).apply(
            frame
        )
        assert shaped["source_key"].to_list() == ["o1"]


@given(
    st.lists(st.text("abS-*?[]!\n.", max_size=6), max_size=8),
    st.lists(st.text("abS-*?[]!\n.", max_size=4), min_size=1, max_size=3),
)
def test_patterns_mean_what_fnmatch_says(labels, patterns):
    """A row is dropped exactly if fnmatch, minding case, matches its label as a whole with one of the patterns."""
    kept = [
        n
        for n, label in enumerate(labels)
        if not any(fnmatchcase(label, pattern) for pattern in patterns)
    ]
    assert left(labels, patterns) == list(map(str, kept))


def test_a_pattern_must_be_given():
    with pytest.raises(ValidationError, match="at least 1 item"):
        ExcludeProjectsSettings(patterns=[])


def test_a_pattern_of_any_length_is_answered_quickly():
    began = time.process_time()
    with pytest.raises(ValidationError, match="at most 256 characters"):
        ExcludeProjectsSettings(patterns=["[" * 100_000])
    ExcludeProjects(ExcludeProjectsSettings(patterns=["[" * 256] * 100))
    assert time.process_time() - began < 2
