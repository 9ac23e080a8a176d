"""The function's own settings."""

import pytest

from reporting_framework.aws_lambda.settings import FunctionSettings
from reporting_framework.errors import SettingsError


def test_every_setting_has_its_variable():
    settings = FunctionSettings.of(
        {
            "REPORTING_REPORT": "visits",
            "REPORTING_ON_ERROR": "raise",
            "REPORTING_MARGIN": "2.5",
            "REPORTING_CONTINUE": "self",
            "REPORTING_CONTINUE_LIMIT": "3",
            "REPORTING_ENVIRONMENT": "prod",
            "REPORTING_METRICS_NAMESPACE": "Mine",
            "REPORTING_AFTER": "report",
            "REPORTING_PAGE": "yearly",
        }
    )
    assert list(settings.model_dump().values()) == [
        "visits",
        "raise",
        2.5,
        "self",
        3,
        "prod",
        "Mine",
        "report",
        "yearly",
    ]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {},
            "environment variable REPORTING_REPORT is not set; set it to the name of the report to run",
        ),
        (
            {"REPORTING_REPROT": "x"},
            "to the name of the report to run; did you mean REPORTING_REPROT?",
        ),
        (
            {"REPORTING_REPORT": ""},
            "environment variable REPORTING_REPORT: String should have at least 1 character",
        ),
        (
            {"REPORTING_REPORT": "x", "REPORTING_ON_ERROR": "never"},
            "REPORTING_ON_ERROR: Input should be 'auto', 'raise' or 'respond'",
        ),
        (
            {"REPORTING_REPORT": "x", "REPORTING_MARGIN": "-1"},
            "REPORTING_MARGIN: Input should be greater than or equal to 0",
        ),
        (
            {"REPORTING_REPORT": "x", "REPORTING_CONTINUE": "other"},
            "REPORTING_CONTINUE: Input should be 'self' or 'no'",
        ),
        (
            {"REPORTING_REPORT": "x", "REPORTING_CONTINUE_LIMIT": "0"},
            "REPORTING_CONTINUE_LIMIT: Input should be greater than or equal to 1",
        ),
    ],
)
def test_what_is_not_allowed_is_told(variables, said):
    with pytest.raises(SettingsError) as caught:
        FunctionSettings.of(variables)
    assert said in str(caught.value)
