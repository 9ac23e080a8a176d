"""reporting-event-log-checkpoint keeps the promises of its roles."""

import json

import polars as pl
import pytest

from reporting_event_log_checkpoint.transform import ExcludeProjects
from reporting_event_log_checkpoint.validator import VisitEventV2Validator, VisitEventValidator
from reporting_framework import ORIGIN_COLUMN
from reporting_framework.testing import CANARY, TransformContract, ValidatorContract
from tests.plugins.event_log_checkpoint.strategies import ABSENT, DICOM, FORM, changed


def payload(event, **changes):
    return json.dumps(changed(event, **changes)).encode()


class TestVisitEvent(ValidatorContract):
    plugin = VisitEventValidator

    @pytest.fixture(params=["ignore", *(pytest.param(each, marks=pytest.mark.slow) for each in ("keep", "reject"))])
    def settings(self, request):
        return {"extra": request.param}

    @pytest.fixture
    def good(self):
        return [payload(FORM, packet=CANARY), payload(FORM, study=CANARY, visit_number=CANARY)]

    @pytest.fixture
    def bad(self):
        return [
            (payload(FORM, ptid=CANARY), "string_pattern_mismatch", "ptid"),
            (payload(FORM, visit_number=ABSENT, packet=CANARY), "missing", "visit_number"),
            (payload(FORM, datatype=CANARY), "literal_error", "datatype"),
            (payload(FORM, pipeline_adcid=CANARY), "int_type", "pipeline_adcid"),
            (payload(FORM, packet=CANARY)[:-9], "json_invalid", None),
        ]


class TestVisitEventV2(TestVisitEvent):
    plugin = VisitEventV2Validator

    @pytest.fixture
    def good(self):
        return [payload(FORM, packet=CANARY, visit_number=None), payload(DICOM, modality=CANARY)]

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
                ORIGIN_COLUMN: [f"{number}.json" for number in range(len(labels))],
            }
        )

    @pytest.fixture
    def expected(self, frame):
        return frame[[0, 2, 4]]
