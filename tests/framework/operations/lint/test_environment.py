"""Problems that are not in the file: environment variables, and plugins that cannot be used."""

from __future__ import annotations

from pathlib import Path

from reporting_framework.aws_lambda.settings import FunctionSettings
from reporting_framework.config.variables import VARIABLES
from reporting_framework.operations.lint import lint
from reporting_framework.registry.registry import load_plugins
from tests.framework.operations.lint.test_corpus import CORPUS, found
from tests.framework.operations.lint.test_corpus import sample as sample

FINE = CORPUS / "fine.toml"


def test_a_variable_that_nothing_reads_has_the_nearest_name_that_something_reads(
    sample,
):
    assert found(FINE, REPORTING_SAMPLES="1", REPORTING_SOMETHING_ELSE="x") == [
        "REPORTING_SAMPLES warning: environment variable REPORTING_SAMPLES: nothing"
        " reads it; did you mean REPORTING_SAMPLE?",
        "REPORTING_SOMETHING_ELSE warning: environment variable"
        " REPORTING_SOMETHING_ELSE: nothing reads it; remove it",
    ]


def test_variables_of_the_framework_and_of_plugins_are_read(sample):
    names = [*VARIABLES, "REPORTING_SAMPLE", "REPORTING_OPENLINEAGE"]
    assert found(FINE, **dict.fromkeys(names, "1")) == []


def test_every_variable_of_a_function_is_known():
    names = {info.alias or name for name, info in FunctionSettings.model_fields.items()}
    assert {f"REPORTING_{name.upper()}" for name in names} <= VARIABLES.keys()


def test_every_variable_that_the_framework_names_is_known():
    import re

    import reporting_framework

    root = Path(reporting_framework.__file__).parent
    texts = [path.read_text() for path in root.rglob("*.py")]
    named = {
        name for text in texts for name in re.findall(r'"(REPORTING_[A-Z_]+)"', text)
    }
    completion = "REPORTING_RUN"
    declared = {"REPORTING_API", "REPORTING_SETTINGS", "REPORTING_VARIABLES"}
    assert named - {completion, *declared, "REPORTING_"} <= VARIABLES.keys()


def test_a_setting_of_a_report_that_does_not_exist(sample):
    assert found(FINE, REPORTING_ORDES__SOURCE="x", REPORTING_ZZZ__A="1") == [
        "REPORTING_ORDES__SOURCE warning: environment variable"
        " REPORTING_ORDES__SOURCE: there is no such report; did you mean"
        " REPORTING_ORDERS?",
        "REPORTING_ZZZ__A warning: environment variable REPORTING_ZZZ__A: there is no"
        " such report; remove it",
    ]


def test_a_wrong_setting_of_the_environment_has_its_variable_as_place(sample):
    timestamp, include, sumary = found(
        FINE,
        REPORTING_ORDERS__SUMARY="x",
        REPORTING_ORDERS__SINKS__0__TIMESTAMP="nothing",
        REPORTING_ORDERS__SOURCE__INCLUDE="a/b",
    )
    assert include.startswith("REPORTING_ORDERS__SOURCE__INCLUDE error: report orders:")
    assert timestamp.startswith("REPORTING_ORDERS__SINKS__0__TIMESTAMP error: sink")
    assert sumary.startswith(
        "REPORTING_ORDERS__SUMARY error: orders: there is no setting sumary"
    )


def test_plugins_that_cannot_be_used(sample, monkeypatch):
    sample.add("fake-broken", "raise ValueError('no')", version="3")
    registry = load_plugins(
        ["sample", "fake-broken", "reporting-object-stor", "reporting-object-store"]
    )
    broken, uninstalled = found(FINE, registry)
    assert broken == "warning: plugin fake-broken of fake-broken: ValueError: no"
    assert uninstalled.startswith(
        "REPORTING_PLUGINS warning: REPORTING_PLUGINS names reporting-object-stor,"
        " which is not installed; did you mean reporting-"
    )


def test_a_blocked_plugin_is_an_error_for_a_report_that_needs_it(sample):
    (problem,) = found(FINE, load_plugins(["sample"]))[:1]
    assert problem.startswith("2:15 error: there is no source 'object-store-json'")
    assert "of reporting-aws is blocked" in problem


def test_without_a_file_only_the_environment_is_checked(sample):
    linted = lint(None, load_plugins(), {"REPORTING_PLUGIN": "x"})
    assert linted.reports == []
    assert [each.place for each in linted.problems] == ["REPORTING_PLUGIN"]


def test_an_installed_report_with_variables_alone_is_checked(sample):
    environment = {"REPORTING_EVENT_LOG_CHECKPOINT__SOURCE": "s3:/x"}
    linted = lint(None, load_plugins(), environment)
    assert linted.reports == ["event-log-checkpoint"]
    assert [(each.severity, each.variable) for each in linted.problems] == [
        ("error", None),
    ]
