"""Context of an observer in a run: its own table of the file, and notes that only one run at a time changes."""

import logging

import pytest

from reporting_framework import CommitConflict, ReportingError, run_report
from reporting_framework.config.file import Config, read_config
from reporting_framework.errors import SettingsError
from reporting_framework.execution.runner import run
from reporting_framework.execution.streams import assemble_all
from reporting_framework.metadata.notes import ObserverNotes
from reporting_framework.plugin_api.markers import hookimpl
from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
from reporting_framework.registry.registry import load_plugins
from reporting_framework.storage import parse_location
from tests.support.plugins import checkpoint, event, name_of, pipeline, source


class Context:
    """An observer that keeps what it is given."""

    def __init__(self):
        self.contexts = {}

    @hookimpl
    def reporting_run_started(self, context):
        self.contexts["started"] = context

    @hookimpl
    def reporting_run_finished(self, context):
        self.contexts["finished"] = context

    @hookimpl
    def reporting_run_failed(self, context):
        self.contexts["failed"] = context


@pytest.fixture
def observed():
    """An observer, and a registry in which the file has settings for it."""
    observer, registry = Context(), load_plugins([])
    registry.register(observer, "a-distribution:mine")
    return observer, registry


def test_an_observer_has_its_table_of_the_file_and_notes_about_the_report(
    observed, tmp_path
):
    observer, registry = observed
    registry.add_reports(Config(observers={"mine": {"a": 1}, "other": {"a": 2}}))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / name_of(1)).write_bytes(event(1))
    made = pipeline(source(folder), checkpoint(tmp_path / "x.parquet"))
    run(made, lifecycle=registry.lifecycle(), dry_run=True)
    started, finished = (observer.contexts[hook] for hook in ("started", "finished"))
    assert started.settings == finished.settings == {"a": 1}
    assert (started.dry_run, finished.dry_run) == (True, True)
    assert started.settings_name == "[observers.mine] in reporting.toml"
    assert started.notes.load() == ({}, None)
    version = started.notes.save({"said": ["x"]}, if_version=None)
    assert finished.notes.load() == ({"said": ["x"]}, version)
    with pytest.raises(CommitConflict):
        finished.notes.save({}, if_version=None)
    assert (tmp_path / "_observers" / "x" / "mine.json").is_file()


def test_damaged_notes_are_empty_and_can_be_replaced(tmp_path):
    (tmp_path / "a.json").write_text("[1")
    notes = ObserverNotes(parse_location(f"{tmp_path}/a.json"))
    content, version = notes.load()
    assert content == {}
    notes.save({"a": 1}, if_version=version)
    assert notes.load()[0] == {"a": 1}


def test_settings_of_an_observer_that_is_not_loaded_are_named_once(observed, caplog):
    _, registry = observed
    registry.add_reports(Config(observers={"mein": {}}))
    lifecycle = registry.lifecycle()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            lifecycle.run_failed(report="r", run_id="1", error=ValueError())
    assert caplog.messages == [
        "[observers.mein] in reporting.toml: no such observer is loaded; correct the"
        " name, or see: reporting plugins"
    ]


def test_the_tables_of_observers_are_tables(tmp_path):
    path = tmp_path / "reporting.toml"
    path.write_text('[observers]\nmine = "x"\n')
    with pytest.raises(SettingsError, match=r"one table for each observer, as in"):
        read_config(path)


@pytest.mark.parametrize("place", ["x.parquet", "{stream}.parquet"])
def test_notes_of_a_report_whose_source_cannot_be_reached(observed, tmp_path, place):
    observer, _ = observed
    everything = load_plugins()
    everything.register(observer, "a-distribution:mine")
    composition = PipelineSpec(
        PluginRef(
            "sql-table",
            {
                "url": "sqlite:////nowhere/x.db",
                "table": "t",
                "primary_key": ["id"],
            },
        ),
        PluginRef("frame"),
        [PluginRef("parquet-checkpoint", {"uri": f"{tmp_path}/{place}"})],
    )
    with pytest.raises(ReportingError):
        assemble_all("r", composition, everything, lifecycle=everything.lifecycle())
    notes = observer.contexts["failed"].notes
    if place == "x.parquet":
        notes.save({"a": 1}, if_version=None)
        assert (tmp_path / "_observers" / "x" / "mine.json").is_file()
    else:
        assert notes is None


def test_an_observer_has_pages_of_the_report_as_it_was_run(tmp_path):
    class Page:
        @hookimpl
        def reporting_run_finished(self, result, context):
            self.html = context.page(result.report, "table-overview")

    folder, page = tmp_path / "in", Page()
    folder.mkdir()
    (folder / "a.json").write_text('{"number": 7}')
    (tmp_path / "reporting.toml").write_text(
        '[reports.r]\nsource = { use = "object-store-json", uri = "in/" }\n'
        'validator = { use = "json-schema", schema = "s.json" }\n'
        'sinks = [{ use = "parquet-checkpoint", uri = "nowhere/x.parquet" }]\n'
    )
    (tmp_path / "s.json").write_text(
        '{"type": "object", "properties": {"number": {"type": "integer"}}}'
    )
    settings = {
        "source": {"use": "object-store-json", "uri": f"{folder}/"},
        "validator": {"use": "json-schema", "schema": f"{tmp_path}/s.json"},
        "sinks": [{"use": "parquet-dataset", "uri": f"{tmp_path}/out/"}],
    }
    run_report("r", settings, config=tmp_path / "reporting.toml", observers=[page])
    assert "<html" in page.html
    assert "number" in page.html
