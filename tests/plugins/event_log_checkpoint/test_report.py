"""The report as a composition, and how lightly its plugin loads."""

import subprocess
import sys

import pytest

from reporting_event_log_checkpoint import plugin
from reporting_event_log_checkpoint.names import INCLUDE, RANGE_PATTERN
from reporting_event_log_checkpoint.report import EventLogCheckpoint
from reporting_framework import PluginRef
from reporting_framework.registry.registry import load_plugins
from tests.plugins.event_log_checkpoint.strategies import VALIDATORS


def composed(**values):
    """The composition for these settings."""
    report = EventLogCheckpoint()
    return report.compose(
        report.Settings(**{"source": "events", "checkpoint": "out/k.parquet", **values})
    )


def test_the_defaults():
    composition = composed()
    assert composition.source == PluginRef(
        "object-store-json",
        {
            "uri": "events",
            "include": INCLUDE,
            "name_pattern": RANGE_PATTERN,
            "lookback_days": 35,
            "full_scan_every_days": 7,
            "full_scan": False,
            "max_in_flight": 64,
            "max_record_bytes": 1024 * 1024,
        },
    )
    assert composition.validator == PluginRef("visit-event", {"extra": "ignore"})
    assert composition.transforms == []
    assert composition.sinks == [
        PluginRef(
            "parquet-checkpoint",
            {
                "uri": "out/k.parquet",
                "compression": "zstd",
                "quarantine": None,
                "keep_runs": 500,
            },
        )
    ]
    assert composition.engine == PluginRef("local")


def test_every_setting_finds_its_place():
    composition = composed(
        source_bucket="b",
        prefix="p",
        source="",
        validator="visit-event-v2",
        extra="keep",
        exclude_projects=["sandbox-*"],
        quarantine="q.parquet",
        lookback_days=1,
        full_scan_every_days=2,
        full_scan=True,
        max_in_flight=3,
        max_record_bytes=4,
        compression="snappy",
        keep_runs=7,
    )
    assert composition.source.settings.items() >= {
        ("uri", "s3://b/p"),
        ("lookback_days", 1),
        ("full_scan_every_days", 2),
        ("full_scan", True),
        ("max_in_flight", 3),
        ("max_record_bytes", 4),
    }
    assert composition.validator == PluginRef("visit-event-v2", {"extra": "keep"})
    assert composition.transforms == [
        PluginRef("exclude-projects", {"patterns": ["sandbox-*"]})
    ]
    assert composition.sinks[0].settings == {
        "uri": "out/k.parquet",
        "compression": "snappy",
        "quarantine": "q.parquet",
        "keep_runs": 7,
    }


@pytest.mark.parametrize("validator", ["visit-event", "visit-event-v2"])
def test_every_part_is_a_plugin_that_takes_its_settings(validator, tmp_path):
    registry = load_plugins()
    composition = composed(
        source=str(tmp_path / "in"),
        checkpoint=str(tmp_path / "out" / "k.parquet"),
        validator=validator,
        exclude_projects=["x"],
    )
    uses = [
        ("source", composition.source),
        ("validator", composition.validator),
        *(("transform", each) for each in composition.transforms),
        *(("sink", each) for each in composition.sinks),
        ("engine", composition.engine),
    ]
    for role, use in uses:
        registry.find(role, use.name).Settings(**use.settings)


def test_the_plugin_brings_what_it_names():
    lazy = [
        *plugin.reporting_validators(),
        *plugin.reporting_transforms(),
        *plugin.reporting_reports(),
    ]
    loaded = [each.load() for each in lazy]
    assert [each.name for each in lazy] == [each.name for each in loaded]
    assert loaded[:2] == VALIDATORS
    assert all(each.summary for each in lazy)
    assert EventLogCheckpoint.summary == lazy[-1].summary


def test_the_plugin_itself_imports_nothing_heavy():
    code = (
        "import sys, reporting_event_log_checkpoint.plugin; "
        "print(sorted({'polars', 'pydantic', 'obstore', 'boto3'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
