"""The metadata store of a report: where it is, what is read at once, and what its hints are of."""

import itertools
import threading
from datetime import UTC, datetime

import pytest

from reporting_framework import MetadataLocation, Rejection
from reporting_framework.execution.pipeline import metadata_of
from reporting_framework.metadata.store import MetadataStore, permissions_of
from reporting_framework.storage import open_store
from reporting_framework.testing.fakes import (
    GivenRecords,
    KeptRows,
    batch,
    execute,
    pipeline,
)
from tests.support.plugins import checkpoint

AT = datetime(2024, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


@pytest.fixture
def folder():
    return f"memory://store-{next(_numbers)}/kept"


class Versioned(KeptRows):
    """A sink that keeps rows in memory, and a version of them."""

    name = "test-versioned"

    def output_versions(self):
        return {"rows": str(len(self.rows))}


class Marking(GivenRecords):
    """A source that leaves hints."""

    def next_hints(self, **how):
        return {"left": 1}


def test_the_setting_of_the_report_comes_before_the_place_of_a_sink(tmp_path, folder):
    sink = checkpoint(tmp_path / "x.parquet")
    assert metadata_of("mine", folder, [sink]).quarantine.uri == (
        f"{folder}/_quarantine/mine.parquet"
    )
    assert metadata_of("mine", None, [KeptRows(), sink]).quarantine.uri == (
        f"{tmp_path}/_quarantine/x.parquet"
    )
    assert metadata_of("mine", None, [KeptRows()]) is None


@pytest.mark.parametrize(
    "folder", ["/", "/a b", "memory://root", "s3://bucket", "s3://bucket/%41 é"]
)
def test_a_folder_is_what_its_uri_says(folder):
    [written, *_] = permissions_of(MetadataLocation(folder, "x")) or [None]
    if folder.startswith("s3://"):
        assert written.resource == f"arn:aws:s3:::{folder.removeprefix('s3://')}/*"
        return
    store = MetadataStore(MetadataLocation(folder, "x"), list)
    assert store.quarantine.uri == f"{folder.rstrip('/')}/_quarantine/x.parquet"
    assert store.history.uri == f"{folder.rstrip('/')}/_runs/x/runs.ndjson"


def test_hints_are_of_the_outputs_as_they_are(folder):
    """Any sink can tell their versions."""
    sink = Versioned()
    execute(pipeline(Marking({"s": [batch(1)]}), sink, metadata=folder))
    assert metadata_of("test", folder, [sink]).hints == {"left": 1}
    sink.rows.clear()
    assert metadata_of("test", folder, [sink]).hints == {}, "its rows are gone"


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_run_that_was_overtaken_leaves_no_hints(folder, overtaken):
    class Overtaken(KeptRows):
        def commit(self, staged_parts, context=None):
            return super().commit(staged_parts, context)._replace(overtaken=overtaken)

    execute(pipeline(Marking({"s": [batch(1)]}), Overtaken(), metadata=folder))
    hints = metadata_of("test", folder, []).hints
    assert hints == ({} if overtaken else {"left": 1})


def test_hints_stay_of_use_when_entries_are_discarded(folder):
    def store():
        return metadata_of("test", folder, [])

    rejected = [Rejection("a", "1", "missing")]
    store().quarantine.replace_entries([], rejected, run_id="r", at=AT)
    store().save_hints({"left": 1})
    assert store().hints == {"left": 1}
    assert store().discard(store().quarantine.entries()) == 1
    assert store().hints == {"left": 1}


def test_hints_of_a_quarantine_that_was_written_since_are_ignored(folder):
    def store():
        return metadata_of("test", folder, [])

    store().save_hints({"left": 1})
    rejected = [Rejection("a", "1", "missing")]
    store().quarantine.replace_entries([], rejected, run_id="r", at=AT)
    assert store().hints == {}


def test_a_run_that_another_overtook_in_the_quarantine_leaves_no_hints(folder):
    one, other = (metadata_of("test", folder, []) for _ in range(2))
    one.load()
    for number, store in enumerate((other, one)):
        rejected = [Rejection(f"{number}", "1", "missing")]
        store.quarantine.replace_entries([], rejected, run_id="r", at=AT)
    one.save_hints({"left": 1})
    assert metadata_of("test", folder, []).hints == {}


def test_quarantine_hints_and_history_are_read_while_ledgers_are(folder):
    """On S3 each is a round trip; none waits for another."""
    together = threading.Barrier(3, timeout=20)

    class Slow(KeptRows):
        def ledger(self):
            together.wait()

    made = pipeline(GivenRecords({"s": [batch(1)]}), Slow(), metadata=folder)
    metadata, history = made.metadata, made.metadata.history
    for part in (metadata, history):
        part.load = together.wait
    assert execute(made).accepted == 1


def test_artifacts_are_beside_the_rest(folder):
    store = metadata_of("mine", folder, [])
    uri = store.put_artifact("reports", "a.html", b"<p>", content_type="text/html")
    assert uri == f"{folder}/_reports/mine/a.html"
    assert open_store(folder).get("_reports/mine/a.html").data == b"<p>"
