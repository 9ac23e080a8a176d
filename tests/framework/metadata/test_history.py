"""The history of runs: what it costs, what is merged, and that nothing of it can do harm."""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    ObjectMissing,
    StorageUnavailable,
)
from reporting_framework.metadata import history as history_module
from reporting_framework.metadata import lineage as lineage_module
from reporting_framework.metadata.history import RunHistory
from reporting_framework.metadata.lineage import Lineage
from reporting_framework.plugin_api.result import RunRecord
from reporting_framework.storage import attempts, open_store, parse_location
from reporting_framework.storage.folder import FolderStore
from tests.support import Fault
from tests.support.plugins import (
    GivenRecords,
    Notes,
    batch,
    checkpoint,
    event,
    execute,
    metadata,
    name_of,
    pipeline,
    source,
    source_keys_of,
    take,
)

AT = datetime(2024, 1, 1, tzinfo=UTC)


def record(number, **more):
    began = AT + timedelta(minutes=number)
    return RunRecord(
        run_id=f"run-{number}",
        report="test",
        started_at=began,
        finished_at=began,
        status="ok",
        complete=True,
        **more,
    )


@pytest.fixture
def folder(tmp_path):
    return parse_location(str(tmp_path / "_runs" / "x"))


@pytest.fixture
def events(tmp_path):
    made = tmp_path / "events"
    made.mkdir()
    for number in range(3):
        (made / name_of(number)).write_bytes(event(number))
    (made / name_of(9)).write_bytes(b"not JSON")
    return made


@pytest.fixture
def hanging(monkeypatch):
    """Reading the file of runs hangs until the test is over."""
    release, get = threading.Event(), FolderStore.get

    def slow(store, key, **more):
        if key == history_module.LOG:
            release.wait(30)
        return get(store, key, **more)

    monkeypatch.setattr(FolderStore, "get", slow)
    monkeypatch.setattr(history_module, "TIMEOUT_SECONDS", 0.1)
    yield
    release.set()


def test_a_file_that_cannot_be_read_in_time_holds_up_no_run(
    hanging, events, tmp_path, caplog
):
    with caplog.at_level(logging.WARNING):
        result = take(events, tmp_path / "out" / "x.parquet")
    assert (result.status, result.accepted, result.rejected) == ("ok", 3, 1)
    assert len(caplog.messages) == 2
    assert all(
        message.endswith("the storage did not answer within 0.1 s")
        for message in caplog.messages
    )


def test_a_record_with_times_of_no_zone_is_passed_over(folder, caplog):
    history = RunHistory(folder, 10)
    history.add_run(record(1))
    with open(history.uri, "a") as file:
        file.write(
            record(2).model_dump_json().replace("+00:00", "").replace("Z", "") + "\n"
        )
    with caplog.at_level(logging.WARNING):
        assert [each.run_id for each in RunHistory(folder, 10).records()] == ["run-1"]
    assert "1 lines are not records of runs" in caplog.messages[0]


def test_only_records_that_are_asked_for_are_parsed(folder, caplog):
    history = RunHistory(folder, 10)
    history.add_run(record(1))
    with open(history.uri, "a") as file:
        file.write("none\n")
    history.add_run(record(2))
    records = RunHistory(folder, 10).newest()
    with caplog.at_level(logging.WARNING):
        assert next(records).run_id == "run-2"
        assert not caplog.messages, "the damaged line behind it was parsed"
        assert [each.run_id for each in records] == ["run-1"]
    assert "1 lines are not records of runs" in caplog.messages[0]


def test_a_huge_file_of_runs_is_not_read_and_begun_anew(folder, caplog):
    history = RunHistory(folder, 10)
    history.add_run(record(1))
    with open(history.uri, "ab") as file:
        file.truncate(history_module.HUGE + 1)
    with caplog.at_level(logging.WARNING):
        assert RunHistory(folder, 10).records() == []
    assert caplog.messages == [
        f"{history.uri}: too large to be records of runs; the next run replaces it"
    ]
    RunHistory(folder, 10).add_run(record(2))
    assert [each.run_id for each in RunHistory(folder, 10).records()] == ["run-2"]


def files_of(place):
    return sorted((place / "rows").glob("*.parquet"))


# -- what a run leaves --------------------------------------------------------------------------------------------------


def test_a_run_leaves_its_record_and_where_its_rows_come_from(events, tmp_path):
    place = tmp_path / "out" / "x.parquet"
    result = take(events, place)
    history = metadata(checkpoint(place)).history
    [kept] = history.records()
    assert (
        kept.run_id,
        kept.status,
        kept.records_read,
        kept.accepted,
        kept.rejected,
    ) == (result.run_id, "ok", 4, 3, 1)
    assert (kept.inputs, kept.outputs) == ([str(events)], result.outputs)
    assert (kept.rejections, kept.error) == (result.rejections, None)
    assert kept.started_at < kept.finished_at
    found = history.lineage([*source_keys_of(place), name_of(9)])
    assert found["source_key"].to_list() == source_keys_of(place), (
        "what was rejected is not among the rows"
    )
    assert found["version"].to_list() == [
        open_store(str(events)).head(key).version for key in source_keys_of(place)
    ]
    assert found.select("run_id", "validator", "at").unique().rows() == [
        (result.run_id, "test-event", kept.started_at)
    ]


def test_nothing_of_it_is_in_the_checkpoint(events, tmp_path):
    take(events, tmp_path / "a" / "x.parquet")
    execute(
        pipeline(source(events), checkpoint(tmp_path / "b" / "x.parquet", keep_runs=0))
    )
    assert (tmp_path / "a" / "x.parquet").read_bytes() == (
        tmp_path / "b" / "x.parquet"
    ).read_bytes()
    assert not (tmp_path / "b" / "_runs").exists()
    assert (
        metadata(checkpoint(tmp_path / "b" / "x.parquet", keep_runs=0)).history is None
    )


def test_a_failed_run_is_kept_and_a_dry_run_is_not(tmp_path):
    place = tmp_path / "out" / "x.parquet"
    with pytest.raises(Exception, match="no such folder"):
        take(tmp_path / "nowhere", place)
    [kept] = metadata(checkpoint(place)).history.records()
    assert (kept.status, kept.complete, kept.error, kept.accepted) == (
        "failed",
        False,
        "LocationError",
        0,
    )
    (tmp_path / "nowhere").mkdir()
    execute(pipeline(source(tmp_path / "nowhere"), checkpoint(place)), dry_run=True)
    assert len(metadata(checkpoint(place)).history.records()) == 1


def test_a_run_that_dies_in_the_commit_has_told_where_its_rows_come_from(
    events, tmp_path
):
    place = tmp_path / "out" / "x.parquet"

    class Dies(type(checkpoint(place))):
        def commit(self, staged_parts, context=None):
            super().commit(staged_parts, context)
            raise StorageUnavailable("the network is gone")

    with pytest.raises(StorageUnavailable):
        execute(pipeline(source(events), Dies(checkpoint(place).settings)))
    history = metadata(checkpoint(place)).history
    [failed] = history.records()
    assert (failed.status, failed.error) == ("failed", "StorageUnavailable")
    assert (
        history.lineage(source_keys_of(place))["run_id"].to_list()
        == [failed.run_id] * 3
    )


def test_a_file_is_written_only_for_rows(events, tmp_path):
    place = tmp_path / "out" / "x.parquet"
    for _ in range(3):
        take(events, place)
    assert len(files_of(tmp_path / "out" / "_runs" / "x")) == 1
    assert len(metadata(checkpoint(place)).history.records()) == 3


def test_groups_share_a_history(events, tmp_path):
    sink = checkpoint(tmp_path / "{study}" / "x.parquet")
    assert metadata(sink).history.uri == f"{tmp_path}/_runs/{{study}}/x/runs.ndjson"
    take(events, tmp_path / "{study}" / "x.parquet")
    assert take(events, tmp_path / "{study}" / "x.parquet").accepted == 0
    assert len(metadata(sink).history.records()) == 2


@pytest.mark.parametrize(
    "template", ["_{a}/{b}/rows/{c}.parquet", "_{a}.parquet", "{a}/{b}/{c}.parquet"]
)
def test_no_checkpoint_is_looked_for_in_the_history(template):
    sink = checkpoint(f"memory://m/{template}")
    runs = parse_location(metadata(sink).history.uri).parent
    assert not sink.layout.owns(runs.join("rows/20240101T000000Z-run-1-1.parquet"))


# -- what it costs ------------------------------------------------------------------------------------------------------


def test_an_idle_run_reads_it_once_and_writes_it_once(
    s3_environment, proxy, bucket, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    store = open_store(f"s3://{bucket}/events")
    place = f"s3://{bucket}/out/x.parquet"
    asked = []
    for new in ([1, 2], [], [3]):
        for number in new:
            store.put(name_of(number), event(number), if_version=None)
        proxy.reset()
        take(f"s3://{bucket}/events", place, full_scan=True)
        kinds = [each.kind for each in proxy.requests if "_runs/" in each.key]
        asked.append(sorted(kinds))
    assert asked == [["GET", "PUT", "PUT"], ["GET", "PUT"], ["GET", "PUT", "PUT"]]


# -- what goes wrong ----------------------------------------------------------------------------------------------------


class Broken:
    """A history whose methods of some names raise."""

    def __init__(self, error, *names):
        self.error, self.names, self.called = error, names, []

    def load(self):
        pass

    def clear(self):
        pass

    def __getattr__(self, name):
        def act(*_, **__):
            self.called.append(name)
            if name in self.names:
                raise self.error

        return act


@pytest.mark.parametrize(
    "error",
    [AccessDenied("s3://b/x: access denied"), ValueError("SECRET"), SystemExit(3)],
)
@pytest.mark.parametrize("name", ["add_rows", "flush", "add_run"])
def test_a_history_that_raises_does_no_harm(events, tmp_path, caplog, name, error):
    broken = Broken(error, name)
    made = pipeline(source(events), checkpoint(tmp_path / "out" / "x.parquet"))
    made.metadata.history = broken
    result = execute(made, notes := Notes())
    assert (result.status, result.accepted, notes.calls[-1]) == ("ok", 3, "finished")
    assert broken.called == {"add_rows": ["add_rows", "add_run"]}.get(
        name, ["add_rows", "flush", "add_run"]
    ), "what could not be noted in full is not set down"
    [warning] = [each for each in caplog.records if each.levelno == logging.WARNING]
    expected = "this run's rows" if name != "add_run" else "does not have this run"
    assert expected in warning.getMessage()
    assert "SECRET" not in warning.getMessage()


def test_a_history_that_cannot_be_had_does_no_harm(
    events, tmp_path, caplog, monkeypatch
):
    def raising(*arguments):
        raise ValueError

    monkeypatch.setattr(history_module.RunHistory, "__init__", raising)
    assert take(events, tmp_path / "out" / "x.parquet").accepted == 3
    assert (
        "there is no history of this run: report test: metadata store raised ValueError"
        in caplog.text
    )


def test_ctrl_c_passes(events, tmp_path):
    made = pipeline(source(events), checkpoint(tmp_path / "out" / "x.parquet"))
    made.metadata.history = Broken(KeyboardInterrupt(), "flush")
    with pytest.raises(KeyboardInterrupt):
        execute(made)


def test_the_first_history_serves_the_run(events, tmp_path):
    execute(
        pipeline(
            source(events),
            checkpoint(tmp_path / "a.parquet"),
            checkpoint(tmp_path / "b.parquet"),
        )
    )
    assert (tmp_path / "_runs" / "a" / "runs.ndjson").exists()
    assert not (tmp_path / "_runs" / "b").exists()


def test_records_that_others_keep_meanwhile_are_kept_too(folder):
    early, late = RunHistory(folder, 10), RunHistory(folder, 10)
    early.load()
    late.load()
    late.add_run(record(2))
    early.add_run(record(1))
    assert [each.run_id for each in RunHistory(folder, 10).records()] == [
        "run-2",
        "run-1",
    ]


def test_a_race_that_is_never_won_is_given_up(folder, monkeypatch):
    monkeypatch.setattr(attempts.time, "sleep", lambda seconds: None)
    history = RunHistory(folder, 10)

    def lose(*_, **__):
        raise CommitConflict("another")

    history._store.put = lose
    with pytest.raises(
        CommitConflict, match=r"runs.ndjson: other runs were faster 20 times in a row"
    ):
        history.add_run(record(1))


def test_what_cannot_be_read_at_the_start_is_read_at_the_end(folder):
    RunHistory(folder, 10).add_run(record(1))
    history = RunHistory(folder, 10)
    get, answers = history._store.get, [StorageUnavailable("busy")]

    def once(key, **more):
        if answers:
            raise answers.pop()
        return get(key, **more)

    history._store.get = once
    history.load()
    history.add_run(record(2))
    assert len(RunHistory(folder, 10).records()) == 2


# -- the file of records ------------------------------------------------------------------------------------------------


def test_lines_that_are_none_are_passed_over_and_what_is_new_is_left_out(
    folder, caplog
):
    RunHistory(folder, 10).add_run(record(1))
    store = open_store(folder)
    [head, line, _] = store.get("runs.ndjson").data.split(b"\n")
    newer = json.loads(line) | {"run_id": "newer", "mood": "good", "outputs": [
        {"uri": "u", "rows": 1, "new_rows": 1, "bytes": 1, "colour": "red"}]}  # fmt: skip
    lines = [head, line, b"{", b"\xff\xfe", b"[]", json.dumps({**newer, "status": "odd"}).encode(), b"",
             json.dumps(newer).encode()]  # fmt: skip
    store.put(
        "runs.ndjson", b"\n".join(lines), if_version=store.head("runs.ndjson").version
    )
    found = RunHistory(folder, 10).records()
    assert [each.run_id for each in found] == ["run-1", "newer"] or [
        each.run_id for each in found
    ] == [
        "newer",
        "run-1",
    ]
    assert caplog.messages == [
        f"{folder.uri}/runs.ndjson: 4 lines are not records of runs; skipped"
    ]
    RunHistory(folder, 10).add_run(record(2))
    assert b'"mood": "good"' in store.get("runs.ndjson").data, (
        "what a newer version wrote is not lost"
    )


@pytest.mark.parametrize(
    "head",
    [b"", b"{}", b"null", b'{"history": 1}', b'{"history": 1, "files": "x"}', b"["],
)
def test_a_first_line_that_is_none_does_no_harm(folder, head):
    store = open_store(folder)
    store.put("runs.ndjson", head, if_version=None)
    RunHistory(folder, 10).add_run(record(1))
    assert [each.run_id for each in RunHistory(folder, 10).records()] == ["run-1"]


def test_the_file_is_bounded_in_bytes_too(folder, monkeypatch):
    monkeypatch.setattr(history_module, "LARGEST", 1000)
    for number in range(20):
        RunHistory(folder, 500).add_run(record(number))
    assert len(open_store(folder).get("runs.ndjson").data) < 1100
    assert RunHistory(folder, 500).records()[0].run_id == "run-19"
    RunHistory(folder, 500).add_run(record(20, inputs=["x" * 2000]))
    assert [each.run_id for each in RunHistory(folder, 500).records()] == ["run-20"], (
        "the last one in any case"
    )


# -- the files of source keys -----------------------------------------------------------------------------------------------


def write(folder, run, source_keys, *, at=AT):
    lineage = Lineage(folder)
    lineage.add_rows(source_keys, ["v"] * len(source_keys))
    return lineage.flush(run_id=run, validator="v", at=at)


def test_a_long_run_waits_on_the_disk_and_makes_several_files(tmp_path, monkeypatch):
    monkeypatch.setattr(lineage_module, "FULL", 10)
    lineage = Lineage(parse_location(str(tmp_path)))
    source_keys = [f"{number:03}" for number in range(95)]
    for start, end in ((0, 4), (4, 40), (40, 50), (50, 95)):
        lineage.add_rows(source_keys[start:end], [None] * (end - start))
        assert sum(frame.height for frame in lineage._held) < 10
    assert lineage.flush(run_id="r", validator="v", at=AT) == 10
    assert [
        pl.read_parquet(path).height for path in sorted(tmp_path.glob("*.parquet"))
    ].count(10) == 9
    assert sorted(lineage.of(source_keys)["source_key"]) == source_keys
    assert lineage.flush(run_id="r", validator="v", at=AT) == 0, (
        "what is written is let go of"
    )


def test_what_is_not_written_leaves_nothing_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(lineage_module, "FULL", 2)
    lineage = Lineage(parse_location(str(tmp_path / "rows")))
    lineage.add_rows(["a", "b", "c"], [None] * 3)
    scratch = lineage._spool.path
    assert len(list(scratch.iterdir())) == 1
    lineage.clear()
    assert not scratch.exists()
    assert not (tmp_path / "rows").exists()


@pytest.fixture
def few(monkeypatch):
    """So that a handful of files are too many."""
    monkeypatch.setattr(lineage_module, "MAX_FILES", 4)
    monkeypatch.setattr(history_module, "MAX_FILES", 4)


def test_the_oldest_files_are_merged(events, tmp_path, few):
    place, runs = tmp_path / "out" / "x.parquet", []
    for number in range(20, 40):
        (events / name_of(number)).write_bytes(event(number))
        runs.append(take(events, place).run_id)
        assert len(files_of(tmp_path / "out" / "_runs" / "x")) <= 5
    found = metadata(checkpoint(place)).history.lineage(
        [name_of(number) for number in range(20, 40)]
    )
    assert found["run_id"].to_list() == runs[::-1]


def test_merging_stops_at_a_file_s_size_and_leaves_large_files_alone(
    tmp_path, monkeypatch, few
):
    monkeypatch.setattr(lineage_module, "FULL", 10)
    folder = parse_location(str(tmp_path))
    for number in range(9):
        source_keys = [f"{number}-{row}" for row in range(6 if number == 0 else 3)]
        write(folder, f"run{number}", source_keys, at=AT + timedelta(minutes=number))
    assert Lineage(folder).merge() == 5, (
        "three of the eight small ones made a large one"
    )
    assert [
        int(path.stem.rpartition("-")[2]) for path in sorted(tmp_path.glob("*.parquet"))
    ] == [6, 9, 3, 3, 3, 3, 3]
    assert Lineage(folder).merge() == 2
    assert Lineage(folder).merge() == 2, "so few are left as they are"
    assert Lineage(folder).of([f"{number}-0" for number in range(9)]).height == 9


def test_a_crash_in_a_merge_leaves_nothing_twice(tmp_path, few):
    folder = parse_location(str(tmp_path))
    for number in range(6):
        write(folder, f"run{number}", [f"{number}"])
    lineage = Lineage(folder)

    def crash(key, *, if_version):
        raise StorageUnavailable("killed")

    lineage._store.delete = crash
    with pytest.raises(StorageUnavailable):
        lineage.merge()
    assert len(list(tmp_path.glob("*.parquet"))) == 7
    assert Lineage(folder).of([f"{number}" for number in range(6)]).height == 6
    assert Lineage(folder).merge() == 1
    [path] = tmp_path.glob("*.parquet")
    assert pl.read_parquet(path)["source_key"].to_list() == [
        f"{number}" for number in range(6)
    ]


def test_two_merges_at_once_lose_nothing(tmp_path, few):
    folder = parse_location(str(tmp_path))
    for number in range(12):
        write(folder, f"run{number}", [f"{number}"])
    barrier, failed = threading.Barrier(2), []

    def merge():
        barrier.wait(timeout=10)
        try:
            Lineage(folder).merge()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=merge) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert Lineage(folder).of([f"{number}" for number in range(12)]).height == 12


def test_a_merge_that_is_denied_is_told_and_tried_again_much_later(
    s3_environment, proxy, bucket, monkeypatch, few, caplog
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    folder = parse_location(f"s3://{bucket}/_runs/x")
    proxy.inject(Fault.answer(403, "AccessDenied"), kind="POST", times=None)
    for number in range(8):
        history = RunHistory(folder, 10)
        history.add_rows([f"{number}"], ["v"])
        history.flush(run_id=f"run-{number}", validator="v", at=AT)
        history.add_run(record(number))
    assert (
        len(
            [
                each
                for each in caplog.messages
                if each.startswith("files of source keys could not be merged")
            ]
        )
        == 1
    )
    assert len(RunHistory(folder, 10).records()) == 8
    assert (
        RunHistory(folder, 10).lineage([f"{number}" for number in range(8)]).height == 8
    )
    proxy.reset()
    for number in range(8, 12):
        history = RunHistory(folder, 10)
        history.add_rows([f"{number}"], ["v"])
        history.flush(run_id=f"run-{number}", validator="v", at=AT)
        history.add_run(record(number))
    assert proxy.count("POST") >= 1
    assert (
        RunHistory(folder, 10).lineage([f"{number}" for number in range(12)]).height
        == 12
    )


def test_a_damaged_file_is_passed_over_and_never_deleted(tmp_path, few, caplog):
    folder = parse_location(str(tmp_path))
    for number in range(6):
        write(folder, f"run{number}", [f"{number}"])
    damaged = min(tmp_path.glob("*.parquet"))
    damaged.write_bytes(b"PAR1")
    assert Lineage(folder).of([f"{number}" for number in range(6)]).height == 5
    assert caplog.messages == [
        f"{damaged}: not a file of source keys that can be read; skipped"
    ]
    assert Lineage(folder).merge() == 2
    assert len(list(tmp_path.glob("*.parquet"))) == 2


def test_a_large_file_is_read_in_part(s3_environment, bucket, monkeypatch):
    monkeypatch.setattr(lineage_module, "SMALL", 10)
    folder = parse_location(f"s3://{bucket}/_runs/x/rows")
    write(folder, "r", [f"{number:04}" for number in range(200)])
    assert Lineage(folder).of(["0007", "0199", "0200"])["source_key"].to_list() == [
        "0007",
        "0199",
    ]


def test_files_that_are_merged_while_they_are_read_are_looked_for_again(tmp_path, few):
    folder = parse_location(str(tmp_path))
    for number in range(6):
        write(folder, f"run{number}", [f"{number}"])
    lineage = Lineage(folder)
    files, merged = lineage._files, []

    def meanwhile():
        found = files()
        if not merged:
            merged.append(Lineage(folder).merge())
        return found

    lineage._files = meanwhile
    assert lineage.of([f"{number}" for number in range(6)]).height == 6
    gone = Lineage(folder)
    gone._files = lambda: [lineage_module._File("20240101T000000Z-r-1-1.parquet", 1)]
    with pytest.raises(ObjectMissing):
        gone.of(["0"])


def test_versions_and_source_keys_go_together_where_some_are_turned_away(tmp_path):
    bad = batch(1, 2, 3)._replace(
        payloads=[event(1), b"{}", event(3)], versions=["v1", "v2", "v3"]
    )
    sink = checkpoint(tmp_path / "x.parquet")
    execute(pipeline(GivenRecords({"s": [bad]}), sink))
    found = metadata(checkpoint(tmp_path / "x.parquet")).history.lineage(
        [f"given.ndjson#{line}" for line in (1, 2, 3)]
    )
    assert found.select("source_key", "version").rows() == [
        ("given.ndjson#1", "v1"),
        ("given.ndjson#3", "v3"),
    ]
