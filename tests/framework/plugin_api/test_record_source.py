"""A source of pages: each is fetched once, and a page that fails keeps what came before it."""

from datetime import date

import polars as pl
import pytest

from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    AccessDenied,
    Batch,
    PluginError,
    RecordSource,
    StorageUnavailable,
)
from reporting_framework.cli.exit_codes import UNREAD, exit_code
from reporting_framework.execution.pipeline import prepared
from reporting_framework.operations.state import Reset
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.testing.harness.ledger import KnownObjects
from tests.framework.plugin_api.upserting import UpsertSink
from tests.framework.tables.databases import SqliteTable
from tests.support.plugins import START, event, execute, pipeline


class ApiSettings(Settings):
    full_scan: bool = False


class Api(RecordSource):
    """Pages of two records; `failing` says which page cannot be fetched."""

    name = "test-api"
    Settings = ApiSettings
    versions_ordered = True

    def __init__(self, count, failing=None, error=StorageUnavailable, **settings):
        super().__init__(ApiSettings(**settings))
        self.count, self.failing, self.error = count, failing, error
        self.fetched = []

    def pages(self, after):
        for page in range(after["page"] + 1 if after else 0, self.count):
            if page == self.failing:
                raise self.error(f"source {self.name}: no answer")
            self.fetched.append(page)
            numbers = range(2 * page, 2 * page + 2)
            yield Batch(
                [f"orders/{number}" for number in numbers],
                ["1"] * 2,
                [event(number) for number in numbers],
                position={"page": page},
            )


@pytest.fixture
def sink():
    return UpsertSink()


def run(source, sink):
    return execute(pipeline(source, sink)._replace(write_modes=["upsert"]))


def keys(count):
    return {f"orders/{number}" for number in range(count)}


def test_each_page_is_fetched_once(sink):
    first, second, third = Api(3), Api(5), Api(5)
    assert run(first, sink).inserted == 6
    assert run(second, sink).inserted == 4
    assert run(third, sink).records_read == 0
    assert (first.fetched, second.fetched, third.fetched) == ([0, 1, 2], [3, 4], [])
    assert sink.rows.keys() == keys(10)


def test_a_page_that_fails_ends_the_reading_and_the_next_run_goes_on(sink):
    result = run(Api(4, failing=2), sink)
    assert (result.status, result.objects_unread, result.inserted) == ("partial", 1, 4)
    assert (result.complete, result.cut_short) == (False, True)
    assert exit_code(result, None)[0] == UNREAD
    again = Api(4)
    assert run(again, sink).status == "ok"
    assert again.fetched == [2, 3]
    assert sink.rows.keys() == keys(8)


def test_a_first_page_that_fails_keeps_the_state(sink):
    run(Api(2), sink)
    state = sink.state
    assert run(Api(4, failing=2), sink).objects_unread == 1
    assert sink.state == state
    again = Api(4)
    run(again, sink)
    assert again.fetched == [2, 3]


def test_the_log_names_the_source_once(sink, caplog):
    run(Api(2, failing=1), sink)
    assert caplog.messages.count("page not read: source test-api: no answer") == 1


def test_a_position_that_is_not_json_is_the_source_s_fault(sink):
    source = Api(1)
    source.pages = lambda after: [Batch(position={"day": date(2024, 1, 1)})]
    with pytest.raises(
        PluginError, match=r"source test-api: its state is not a mapping"
    ):
        run(source, sink)
    assert sink.commits == 0


def test_it_says_what_the_next_run_reads():
    first, later = KnownObjects(), KnownObjects(state={"page": 0})
    assert Api(1).describe_hints(first) == ["Reads all pages, from the beginning."]
    assert Api(1).describe_hints(later) == [
        "Reads the pages after the last one that was committed."
    ]
    again = Api(1, full_scan=True)
    assert again.describe_hints(later) == again.describe_hints(first)


def test_an_error_that_stays_fails_the_run_and_commits_nothing(sink):
    with pytest.raises(AccessDenied):
        run(Api(4, failing=2, error=AccessDenied), sink)
    assert (sink.rows, sink.state, sink.commits) == ({}, None, 0)


def test_a_dry_run_of_an_upsert_adds_up(sink):
    result = execute(
        pipeline(Api(2), sink)._replace(write_modes=["upsert"]), dry_run=True
    )
    assert (result.accepted, result.inserted, sink.rows) == (4, None, {})


def test_a_full_scan_starts_from_the_beginning(sink):
    run(Api(2), sink)
    again = Api(3, full_scan=True)
    run(again, sink)
    assert again.fetched == [0, 1, 2]
    later = Api(4)
    run(later, sink)
    assert later.fetched == [3]


def test_it_is_planned_without_reading():
    source = Api(3)
    (split,) = source.plan(KnownObjects(state={"page": 0}))
    assert split.data == {"after": {"page": 0}}
    assert source.fetched == []


@pytest.mark.parametrize(
    ("state", "full_scan", "beginning"),
    [(None, False, True), ({"page": 1}, False, False), ({"page": 1}, True, True)],
)
def test_what_the_next_run_reads_is_described(state, full_scan, beginning):
    (text,) = Api(3, full_scan=full_scan).describe_hints(KnownObjects(state=state))
    assert ("from the beginning" in text) == beginning


def test_a_page_that_fails_is_logged_as_its_error_says(caplog):
    (split,) = Api(1, failing=0).plan(KnownObjects())
    assert list(Api(1, failing=0).read(split))[-1].unread
    assert caplog.messages == ["page not read: source test-api: no answer"]


def test_a_page_that_is_no_batch_is_an_error_and_not_the_end(sink):
    class Broken(Api):
        def pages(self, after):
            first, *others = super().pages(after)
            yield from (first, None, *others)

    with pytest.raises(PluginError, match="source test-api: a batch has the type None"):
        run(Broken(3), sink)
    assert not sink.rows


@pytest.mark.parametrize(
    ("part", "runs", "effect"),
    [
        ("all", 1, "the next run starts from scratch"),
        (
            "quarantine",
            1,
            "the next run continues from the source state, so it does not read rejected"
            " records again; a full scan does: reporting run test --set"
            " source.full_scan=true",
        ),
        ("quarantine", 0, "the next run reads rejected records again"),
    ],
)
def test_a_reset_says_whether_rejected_records_are_read_again(
    tmp_path, monkeypatch, part, runs, effect
):
    """Pages before the position are not fetched again, nor are their records."""
    monkeypatch.delenv("HATCH_ENV_ACTIVE", raising=False)
    settings = SqliteTable.Settings(path=str(tmp_path / "a.db"), table="records")
    made = pipeline(Api(2), SqliteTable(settings))._replace(write_modes=["upsert"])
    for _ in range(runs):
        execute(made)
    with prepared(made):
        assert Reset(made, part).effect == effect


def test_without_a_full_scan_a_reset_of_everything_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("HATCH_ENV_ACTIVE", raising=False)

    class Plain(Api):
        Settings = Settings

    settings = SqliteTable.Settings(path=str(tmp_path / "a.db"), table="records")
    made = pipeline(Plain(2), SqliteTable(settings))._replace(write_modes=["upsert"])
    execute(made)
    with prepared(made):
        assert Reset(made, "quarantine").effect.endswith(
            "a run after a reset of everything does: reporting state test reset"
        )


class Corrected(Api):
    """Records that change within the pages: one is corrected, one damaged."""

    def pages(self, after):
        changes = [("corrected", b"{}"), ("damaged", event(1)), ("deleted", b"{}")]
        changes += [("corrected", event(2)), ("damaged", b"{}")]
        for number, (key, payload) in enumerate(changes, 1):
            yield Batch([key], [f"{number}"], [payload], position={"page": number})
        schema = {SOURCE_KEY: pl.String, VERSION: pl.String}
        deletes = pl.DataFrame([("deleted", "6")], schema, orient="row")
        moment = pl.lit(START, pl.Datetime("us", "UTC")).alias(DELETED_AT)
        yield Batch(deletes=deletes.with_columns(moment), position={"page": 6})


@pytest.mark.parametrize("runs", [1, 2])
def test_the_newest_version_decides_what_is_in_quarantine(tmp_path, runs):
    """The lineage has each accepted version, also of a record that was rejected too."""

    def made():
        table = SqliteTable.Settings(path=str(tmp_path / "shop.db"), table="orders")
        source, metadata = Corrected(0, full_scan=True), str(tmp_path)
        report = pipeline(source, SqliteTable(table), metadata=metadata)
        return report._replace(write_modes=["upsert"])

    for _ in range(runs):
        result = execute(made())
    assert result.rejected == 3
    report = made()
    with prepared(report):
        quarantined = report.metadata.quarantine.entries()
        lineage = report.history.lineage(["corrected", "damaged", "deleted"])
    assert quarantined.select(SOURCE_KEY, "version").rows() == [("damaged", "5")]
    taken = {("corrected", "4"), ("damaged", "2"), ("deleted", "6")}
    assert set(lineage.select(SOURCE_KEY, "version").rows()) == taken
