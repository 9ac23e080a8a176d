"""What others rely on by name."""

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import reporting_framework

PUBLIC = re.findall(
    r"\w+",
    """
API_VERSION Absence FILTERED LOOKS_LIKE SOURCE_KEY AccessDenied Batch CommitConflict PipelineSpec ConfigurationError CorruptCheckpoint DatedObject Engine
FatalError FirstReads StagedPart ColumnFacts ColumnSource query_report InvariantBroken LazyPlugin Ledger LocationError PageContext ModelValidator Notes ObserverContext ObjectMissing SplitResult Page ParquetFile Permission Plugin PluginError MetadataLocation
Query CommitResult Rejection Report ReportingError TriggerResponse RunLedger SecretReference SecretText SettingsError Shape ShownError Sink Source Split StepFailed StorageUnavailable
PlanStats Timestamp Transform TransientError Trigger TriggerError ReadFailure PluginRef Validated Validator holds_several hookimpl install_command line_source_key object_of
run_report single_source_key supports optional NotSupported CommitContext DELETED_AT FinishedSplit IncompleteRun ROWS_ONLY UpsertCounts VERSION WriteMode ObjectInfo ObjectPlan ObjectRecords ObjectSource PushSource RejectedMessage
CheckFailed CheckRef CheckSetting FAULTY quote_identifier TableSink TableSinkSettings RecordSource TableInfo TableQuery TableSettings TableSource
    """,
)


def test_the_public_names_are_these():
    assert sorted(reporting_framework.__all__) == sorted(PUBLIC)


def test_the_plugin_api_has_this_version():
    assert reporting_framework.API_VERSION == 1


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_comes_from_where_it_is_made(name):
    value = getattr(reporting_framework, name)
    home = getattr(value, "__module__", "reporting_framework.plugin_api.records")
    assert home.startswith(("reporting_framework.", "pluggy", "typing", "datetime"))


def test_what_is_not_public_is_an_attribute_error():
    with pytest.raises(
        AttributeError, match="module 'reporting_framework' has no attribute 'nothing'"
    ):
        _ = reporting_framework.nothing


def test_the_package_is_typed():
    assert (Path(reporting_framework.__file__).parent / "py.typed").exists()


def test_the_two_programs_are_installed():
    scripts = {
        point.name: point.value for point in entry_points(group="console_scripts")
    }
    assert scripts["reporting"] == "reporting_framework.cli.main:reporting"
    assert scripts["reporting-run"] == "reporting_framework.cli.main:reporting_run"


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, reporting_framework; "
        "print([name for name in ('pydantic', 'polars', 'boto3', 'obstore', 'rich', 'click') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
