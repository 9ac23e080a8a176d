"""An early start only saves time: what is wrong, or comes too late, changes nothing of the run."""

from types import SimpleNamespace

import pytest

from reporting_framework import (
    FirstReads,
    MetadataLocation,
    PipelineSpec,
    PluginRef,
    Source,
)
from reporting_framework.errors import StorageUnavailable
from reporting_framework.execution.early_start import EarlyStart, start_early
from reporting_framework.plugin_api.records import Trigger
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import open_store, parse_location

FOLDER = "memory://early/out"


class Listed(Source):
    """A source that can prefetch, and records with what."""

    name = "listed"
    Settings = Settings

    def __init__(self, settings=None):
        self.hints, self.closed = [], False

    def plan(self, ledger):
        return ()

    def read(self, split):
        return iter(())

    def prefetch(self, hints):
        self.hints.append(hints)

    def close(self):
        self.closed = True


@pytest.fixture
def in_network(monkeypatch):
    """Stores in memory count as such in the network, and hold hints."""
    monkeypatch.setattr(
        "reporting_framework.execution.early_start._is_remote", lambda _: True
    )
    open_store(FOLDER).replace(
        "_quarantine/e.json", b'{"uri": "x"}', content_type="text/plain", metadata={}
    )
    return MetadataLocation(FOLDER, "e")


def composition() -> PipelineSpec:
    return PipelineSpec(
        source=PluginRef("listed"),
        validator=PluginRef("any"),
        sinks=[PluginRef("table", {"uri": FOLDER})],
    )


def registry(first_reads, source=Listed):
    return SimpleNamespace(
        first_reads=lambda role, name, settings: first_reads(settings),
        find=lambda role, name: source,
    )


def test_the_source_gets_the_hints_as_they_are_stored(in_network):
    start = EarlyStart()
    start.read(in_network, [])
    source = Listed()
    start.prefetch(source)
    assert start.wait()
    assert (source.hints, start.source) == ([{"uri": "x"}], source)


def test_without_hints_nothing_is_listed(in_network):
    start = EarlyStart()
    start.read(in_network._replace(name="unknown"), [])
    source = Listed()
    start.prefetch(source)
    assert not start.wait()
    assert source.hints == []


def test_without_metadata_no_source_is_built_early():
    start = EarlyStart()
    start.read(None, [FirstReads()])
    start.prefetch(Listed())
    assert not start.wait()
    assert start.source is None


def test_a_folder_is_read_when_it_is_needed(tmp_path):
    start = EarlyStart()
    start.read(
        MetadataLocation(str(tmp_path), "e"),
        [FirstReads(None, {f"{tmp_path}/e.parquet": None})],
    )
    assert start._reads._begun == {}


def test_a_cancelled_start_begins_no_listing(in_network):
    start = EarlyStart()
    start.read(in_network, [])
    start.cancel()
    source = Listed()
    start.prefetch(source)
    assert not start.wait()
    assert source.hints == []


def test_an_error_of_the_listing_is_that_of_the_run(in_network):
    class Broken(Listed):
        def prefetch(self, hints):
            raise StorageUnavailable("x://y: it does not answer")

    start = EarlyStart()
    start.read(in_network, [])
    start.prefetch(Broken())
    with pytest.raises(StorageUnavailable, match="does not answer"):
        start.wait()


def test_a_source_is_closed_if_the_report_cannot_be_assembled(in_network):
    start = EarlyStart()
    start.read(in_network, [])
    source = Listed()
    start.prefetch(source)
    with pytest.raises(LookupError), start.serve():
        raise LookupError
    assert source.closed


def test_a_function_that_fails_is_no_error():
    def fails(settings):
        raise ZeroDivisionError

    start = start_early("report", composition(), registry(fails), None)
    assert (start.source, start.wait()) == (None, False)


def test_a_trigger_that_names_the_work_needs_no_listing(in_network):
    known = registry(lambda settings: FirstReads(in_network))
    assert start_early("report", composition(), known, None).source is not None
    named = Trigger("s3", {}, names_work=True)
    assert start_early("report", composition(), known, named).source is None


@pytest.mark.parametrize(
    "change",
    [
        {"write_mode": "replace"},
        {"sinks": [PluginRef("table", {"uri": FOLDER, "mode": "replace"})]},
        {"stream": "orders"},
    ],
)
def test_a_run_that_lists_no_window_has_none_listed_early(in_network, change):
    known = registry(lambda settings: FirstReads(in_network))
    start = start_early("report", composition()._replace(**change), known, None)
    assert start.source is None


def test_the_metadata_is_that_of_the_first_sink(in_network, monkeypatch):
    read = []
    monkeypatch.setattr(
        EarlyStart, "read", lambda self, location, sinks: read.append(location)
    )
    sinks = [PluginRef("other", {}), PluginRef("table", {"uri": FOLDER})]
    known = registry(lambda settings: FirstReads(in_network if settings else None))
    start_early("report", composition()._replace(sinks=sinks), known, None)
    assert read == [None]


def test_a_quarantine_in_a_folder_is_read_when_it_is_needed(tmp_path, monkeypatch):
    start = EarlyStart()
    location = MetadataLocation("s3://bucket/out", "e", str(tmp_path / "q.parquet"))
    begun = []
    monkeypatch.setattr(start._reads, "head", lambda place: begun.append(place.uri))
    monkeypatch.setattr(start._reads, "get", lambda place: begun.append(place.uri))
    start.read(location, [])
    assert begun == ["s3://bucket/out/_quarantine/e.reset"]


def test_the_setting_metadata_comes_before_that_of_a_sink(in_network, monkeypatch):
    read = []
    monkeypatch.setattr(
        EarlyStart, "read", lambda self, location, sinks: read.append(location)
    )
    known = registry(lambda settings: FirstReads(in_network))
    start_early("report", composition()._replace(metadata="s3://x/y"), known, None)
    assert read == [MetadataLocation("s3://x/y", "report")]
    assert parse_location(read[0].folder).root == "x"
