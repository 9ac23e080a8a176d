"""reporting-event-log-checkpoint keeps the promises of its roles."""

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from reporting_event_log_checkpoint.queries import (
    counts,
    durations,
    pass_rate,
    per_visit,
)
from reporting_event_log_checkpoint.transform import ExcludeProjects
from reporting_event_log_checkpoint.validator import (
    VisitEventV2Validator,
    VisitEventValidator,
)
from reporting_framework import SOURCE_KEY
from reporting_framework.testing import (
    CANARY,
    QueryContract,
    TransformContract,
    ValidatorContract,
)
from tests.conformance.unknown_fields import UNKNOWN_FIELDS
from tests.plugins.event_log_checkpoint.strategies import ABSENT, DICOM, FORM, changed


def payload(event, **changes):
    return json.dumps(changed(event, **changes)).encode()


class TestVisitEvent(ValidatorContract):
    plugin = VisitEventValidator

    @pytest.fixture(params=UNKNOWN_FIELDS)
    def settings(self, request):
        return {"extra": request.param}

    @pytest.fixture
    def good(self):
        return [
            payload(FORM, packet=CANARY),
            payload(FORM, study=CANARY, visit_number=CANARY),
        ]

    @pytest.fixture
    def bad(self):
        return [
            (payload(FORM, ptid=CANARY), "string_pattern_mismatch", "ptid"),
            (
                payload(FORM, visit_number=ABSENT, packet=CANARY),
                "missing",
                "visit_number",
            ),
            (payload(FORM, datatype=CANARY), "literal_error", "datatype"),
            (payload(FORM, pipeline_adcid=CANARY), "int_type", "pipeline_adcid"),
            (payload(FORM, packet=CANARY)[:-9], "json_invalid", None),
        ]


class TestVisitEventV2(TestVisitEvent):
    plugin = VisitEventV2Validator

    @pytest.fixture
    def good(self):
        return [
            payload(FORM, packet=CANARY, visit_number=None),
            payload(DICOM, modality=CANARY),
        ]

    @pytest.fixture
    def bad(self):
        return [
            (payload(FORM, ptid=f"{CANARY} of"), "string_pattern_mismatch", "ptid"),
            (payload(FORM, module=ABSENT, packet=CANARY), "missing", "module"),
            (payload(DICOM, module=CANARY), "not_expected", "module"),
        ]


class TestExcludeProjects(TransformContract):
    plugin = ExcludeProjects

    @pytest.fixture
    def settings(self):
        return {"patterns": ["sandbox-*", "?"]}

    @pytest.fixture
    def frame(self):
        labels = ["ingest-form", "sandbox-form", None, "x", "Sandbox-form"]
        return pl.DataFrame(
            {
                "project_label": labels,
                "study": [CANARY] * len(labels),
                SOURCE_KEY: [f"{number}.json" for number in range(len(labels))],
            }
        )

    @pytest.fixture
    def expected(self, frame):
        return frame[[0, 2, 4]]


ACTIONS = ["submit", "not-pass-qc", "submit", "pass-qc", "delete", "submit", "pass-qc"]


def event(number):
    """One of three visits a participant; events of two of them share their moments, so that there are ties."""
    return {
        "action": ACTIONS[number % 7],
        "study": ("adrc", "dlb")[number % 2],
        "pipeline_adcid": (1, None)[number % 5 == 0],
        "project_label": CANARY,
        "center_label": "alpha",
        "gear_name": "logger",
        "ptid": f"P{number % 3}",
        "visit_date": date(2024, 1, 1 + number % 3),
        "visit_number": (None, "1")[number % 3 == 0],
        "datatype": "form",
        "module": (None, "UDS")[number % 2],
        "packet": None,
        "timestamp": datetime(2024, 1, 1, tzinfo=UTC)
        + timedelta(hours=number // 2 * 7, microseconds=number // 4),
        SOURCE_KEY: f"{(number * 7) % 40:02}.json",
    }


@pytest.fixture(scope="module")
def events():
    schema = VisitEventValidator(VisitEventValidator.Settings()).schema
    return pl.DataFrame([event(number) for number in range(40)], schema=schema)


class Query(QueryContract):
    """Of events as the checkpoint has them."""

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def rows(self, events):
        return events


class GroupedQuery(Query):
    """By a column of the visit, by one that is not, and by none."""

    @pytest.fixture(
        params=[
            [],
            ["study", "packet"],
            pytest.param(["center_label"], marks=pytest.mark.slow),
        ]
    )
    def settings(self, request):
        return {"by": request.param}


class TestCounts(GroupedQuery):
    plugin = counts.Counts

    @pytest.fixture
    def settings(self):
        return {"by": ["study"]}

    @pytest.fixture
    def expected(self):
        return pl.DataFrame({"study": ["adrc", "dlb"], "events": [20, 20]})


class TestLatestPerVisit(Query):
    plugin = per_visit.LatestPerVisit


class TestMonthlyErrors(Query):
    plugin = counts.MonthlyErrors


class TestVolumes(GroupedQuery):
    plugin = counts.Volumes


class TestPassRate(GroupedQuery):
    plugin = pass_rate.PassRate


class TestQcTiming(GroupedQuery):
    plugin = durations.QcTiming


class TestTimeToPass(GroupedQuery):
    plugin = durations.TimeToPass


class TestCompleteness(Query):
    plugin = per_visit.Completeness
