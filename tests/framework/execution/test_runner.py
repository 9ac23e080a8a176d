"""A run as a whole, on the real source, sink and engine: what it takes, what it leaves, and what it says of it."""

import json
import logging
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from reporting_framework import (
    AccessDenied,
    Batch,
    CorruptCheckpoint,
    LocationError,
    PlanStats,
    ReadFailure,
    Rejection,
    StepFailed,
    StorageUnavailable,
    hookimpl,
)
from reporting_framework.builtin.engine import LocalEngine, LocalEngineSettings
from tests.support.plugins import (
    GivenRecords,
    Notes,
    SinkWith,
    WithoutStudy,
    batch,
    checkpoint,
    event,
    execute,
    metadata,
    name_of,
    pipeline,
    rows_of,
    snapshot,
    source,
    source_keys_of,
    take,
    unprivileged,
)


@pytest.fixture
def events(tmp_path):
    """A folder of twenty events and one bad one."""
    folder = tmp_path / "events"
    folder.mkdir()
    for number in range(20):
        (folder / name_of(number)).write_bytes(
            event(number, study="beta" if number % 5 == 0 else "alpha")
        )
    (folder / name_of(20)).write_bytes(b'{"study": "SECRET-VALUE"}')
    (folder / "notes.txt").write_text("not an event")
    return folder


@pytest.fixture
def place(tmp_path):
    return tmp_path / "out" / "events.parquet"


def quarantined(place):
    return pl.read_parquet(place.parent / "_quarantine" / place.name)


def visible(place):
    """Names of what lies there, but for the history of runs."""
    return {name for name in snapshot(place.parent) if not name.startswith("_runs")}


def raising(error):
    def act(*_, **__):
        raise error

    return act


# -- what a run takes ---------------------------------------------------------------------------------------------------


def test_a_run_takes_what_is_new_and_the_next_one_nothing(events, place):
    first = take(events, place)
    assert (first.status, first.complete, first.remaining) == ("ok", True, 0)
    assert (first.records_read, first.accepted, first.rejected) == (21, 20, 1)
    assert (first.objects_ignored, first.ignored_samples) == (1, ["notes.txt"])
    assert [(each.type, each.field, each.count) for each in first.rejections] == [
        ("missing", "number", 1)
    ]
    assert first.last_processed_timestamp == datetime(2024, 1, 1, 0, 19, tzinfo=UTC)
    [output] = first.outputs
    assert (output.uri, output.rows, output.new_rows, output.bytes) == (
        str(place),
        20,
        20,
        place.stat().st_size,
    )
    assert source_keys_of(place) == [name_of(number) for number in range(20)]
    before = place.read_bytes()
    second = take(events, place)
    assert (
        second.records_read,
        second.outputs[0].rows,
        second.outputs[0].new_rows,
    ) == (0, 20, 0)
    assert second.quarantine.rows == 1
    assert place.read_bytes() == before


def test_the_counts_are_what_each_stage_took_time_for(events, place):
    seconds = take(events, place).seconds
    assert min(seconds.plan, seconds.read, seconds.validate_, seconds.commit) > 0
    assert seconds.transform == 0
    assert seconds.total < 60


def test_a_rejected_record_is_set_down_and_read_again_once_it_has_changed(
    events, place
):
    result = take(events, place)
    assert result.quarantine.uri == str(place.parent / "_quarantine" / place.name)
    [row] = quarantined(place).rows(named=True)
    assert (row["source_key"], row["error_type"], row["field"], row["run_id"]) == (
        name_of(20),
        "missing",
        "number",
        result.run_id,
    )
    assert abs(row["rejected_at"] - datetime.now(UTC)) < timedelta(minutes=1)
    (events / name_of(20)).write_bytes(event(20))
    result = take(events, place)
    assert (result.records_read, result.accepted, result.quarantine.rows) == (1, 1, 0)
    assert name_of(20) in source_keys_of(place)


def test_filtered_rows_are_counted_and_quarantined_and_not_read_again(events, place):
    made = pipeline(
        source(events), checkpoint(place), transforms=[WithoutStudy("beta")]
    )
    result = execute(made)
    assert (
        result.accepted,
        result.filtered,
        result.rejected,
        result.quarantine.rows,
    ) == (16, 4, 1, 5)
    assert result.rejections[0].type == "missing", (
        "a filtered record has no reason of its own"
    )
    assert sorted(quarantined(place)["error_type"].to_list()) == ["filtered"] * 4 + [
        "missing"
    ]
    again = execute(
        pipeline(source(events), checkpoint(place), transforms=[WithoutStudy("beta")])
    )
    assert (again.records_read, again.quarantine.rows) == (0, 5)


def test_no_valid_record_makes_no_file(tmp_path, place):
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / name_of(1)).write_bytes(b"not JSON")
    result = take(tmp_path / "events", place)
    assert (result.rejected, result.outputs, result.last_processed_timestamp) == (
        1,
        [],
        None,
    )
    assert not place.exists()
    assert take(tmp_path / "events", place).records_read == 0


def test_an_empty_source_changes_nothing(tmp_path, place):
    (tmp_path / "events").mkdir()
    result = take(tmp_path / "events", place)
    assert (result.status, result.records_read, result.quarantine.rows) == ("ok", 0, 0)
    assert visible(place) == set()


# -- unread objects -----------------------------------------------------------------------------------------------------


def test_an_unread_object_makes_the_run_partial_and_is_tried_again(events, place):
    (events / name_of(50)).symlink_to(events / "nothing")
    result = take(events, place)
    assert (result.status, result.complete, result.objects_unread, result.accepted) == (
        "partial",
        True,
        1,
        20,
    )
    assert take(events, place).objects_unread == 1
    (events / name_of(50)).unlink()
    (events / name_of(50)).write_bytes(event(50))
    result = take(events, place)
    assert (result.status, result.objects_unread, result.accepted) == ("ok", 0, 1)


def test_an_object_that_may_not_be_read_is_unread(tmp_path, public_folder):
    (public_folder / name_of(1)).write_bytes(event(1))
    (public_folder / name_of(2)).write_bytes(event(2))
    (public_folder / name_of(1)).chmod(0)
    with unprivileged():
        result = execute(
            pipeline(source(public_folder), checkpoint("memory://unread/x.parquet")),
            notes := Notes(),
        )
    assert (result.status, result.objects_unread, result.accepted) == ("partial", 1, 1)
    assert notes.split_results[0].unread == [ReadFailure(name_of(1), "denied")]


def test_a_quarantined_object_that_cannot_be_read_again_stays_in_quarantine(
    tmp_path, place
):
    """A quarantined object that is given out and not read keeps what is set down of it; rows of it may be lost else."""
    events = tmp_path / "events"
    events.mkdir()
    lines = events / "log-a-20240101-000000-1.json"
    lines.write_bytes(event(1) + b"\n" + b'{"study": 1}' + b"\n" + event(3))
    assert (take(events, place).accepted, quarantined(place).height) == (2, 1)
    lines.rename(tmp_path / "kept")
    lines.symlink_to(events / "nothing")
    result = take(events, place)
    assert (result.objects_unread, result.records_read, result.quarantine.rows) == (
        1,
        0,
        1,
    )
    lines.unlink()
    lines.write_bytes(event(1) + b"\n" + event(2) + b"\n" + event(3))
    result = take(events, place)
    assert (
        result.records_read,
        result.accepted,
        result.duplicates,
        result.quarantine.rows,
    ) == (3, 1, 2, 0)
    assert [row[1] for row in rows_of(place)] == [1, 2, 3]


# -- objects of several records -----------------------------------------------------------------------------------------


def several(folder):
    folder.mkdir()
    studies = ("a", "b", "c")
    for name, numbers in (
        ("log-x-20240101-000000-1.json", (1, 2, 3)),
        ("log-x-20240102-000000-2.json", (4, 5, 6)),
    ):
        lines = [event(number, study=studies[number % 3]) for number in numbers]
        (folder / name).write_bytes(b"\n".join([*lines, b'{"study": null}']))
    return folder


def read_groups(out):
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*.parquet")
        if not path.relative_to(out).parts[0].startswith("_")
    }


@pytest.mark.parametrize("survivors", [0, 1, 2])
@pytest.mark.parametrize("unreachable", [False, True])
def test_a_run_that_dies_between_two_commits_is_made_good_by_the_next(
    tmp_path, survivors, unreachable
):
    events = several(tmp_path / "events")
    take(events, tmp_path / "whole" / "{study}" / "x.parquet")
    out = tmp_path / "out"
    sink = checkpoint(out / "{study}" / "x.parquet")
    put, done = sink.store.put, []

    def dying(key, data, *, if_version):
        if len(done) == survivors:
            raise StorageUnavailable("the disk is gone")
        done.append(key)
        return put(key, data, if_version=if_version)

    sink.store.put = dying
    with pytest.raises(StorageUnavailable, match="the disk is gone"):
        execute(pipeline(source(events), sink))
    assert len(read_groups(out)) == survivors
    if unreachable:  # the next run cannot read them, or stops before: nothing of what is begun may be forgotten
        path = events / "log-x-20240101-000000-1.json"
        path.rename(tmp_path / "kept")
        path.symlink_to(events / "nothing")
        assert take(events, out / "{study}" / "x.parquet").objects_unread == 1
        path.unlink()
        (tmp_path / "kept").rename(path)
    result = take(events, out / "{study}" / "x.parquet")
    assert result.status == "ok"
    assert read_groups(out) == read_groups(tmp_path / "whole")
    quarantine = pl.read_parquet(out / "_quarantine" / "{study}" / "x.parquet")
    assert quarantine["error_type"].to_list() == ["string_type"] * 2, (
        "nothing is left begun"
    )
    assert take(events, out / "{study}" / "x.parquet").records_read == 0


def test_an_object_that_was_begun_and_not_reached_stays_begun(tmp_path):
    """The deadline comes before an object that was begun is read again: it is still read by the run after that."""
    events = several(tmp_path / "events")
    sink = checkpoint(tmp_path / "out" / "{study}" / "x.parquet")
    sink.store.put = raising(StorageUnavailable("the disk is gone"))
    with pytest.raises(StorageUnavailable):
        execute(pipeline(source(events), sink))
    stopped = pipeline(
        source(events),
        checkpoint(tmp_path / "out" / "{study}" / "x.parquet"),
        engine=TakesNothing(),
    )
    result = execute(stopped)
    assert (result.complete, result.records_read) == (False, 0)
    begun = pl.read_parquet(tmp_path / "out" / "_quarantine" / "{study}" / "x.parquet")[
        "error_type"
    ].to_list()
    assert begun == ["begun", "begun"]
    assert take(events, tmp_path / "out" / "{study}" / "x.parquet").accepted == 6


class TakesNothing(LocalEngine):
    """An engine whose time is up once it has seen the first split."""

    def __init__(self):
        super().__init__(LocalEngineSettings())

    def map(self, process, splits, *, parallelism, stop):
        next(iter(splits))
        yield from ()


# -- several sinks ------------------------------------------------------------------------------------------------------


def test_a_sink_that_lags_behind_catches_up_and_the_other_takes_nothing_twice(
    events, tmp_path, place
):
    other = tmp_path / "out" / "other.parquet"
    take(events, place)
    before = place.read_bytes()
    result = execute(pipeline(source(events), checkpoint(place), checkpoint(other)))
    assert (result.accepted, result.duplicates) == (20, 0)
    assert [(output.rows, output.new_rows) for output in result.outputs] == [
        (20, 0),
        (20, 20),
    ]
    assert place.read_bytes() == before == other.read_bytes()


def test_a_run_that_dies_between_two_sinks_is_made_good_by_the_next(
    events, tmp_path, place
):
    other = tmp_path / "out" / "other.parquet"
    failing = SinkWith(checkpoint(other), commit=raising(StorageUnavailable("gone")))
    with pytest.raises(StorageUnavailable, match="gone"):
        execute(pipeline(source(events), checkpoint(place), failing))
    result = execute(pipeline(source(events), checkpoint(place), checkpoint(other)))
    assert (result.accepted, result.rejected) == (20, 1)
    assert place.read_bytes() == other.read_bytes()
    assert len(source_keys_of(place)) == len(set(source_keys_of(place))) == 20


def test_what_was_accepted_in_part_reaches_a_sink_that_is_added_later(tmp_path, place):
    events = several(tmp_path / "events")
    take(events, place)
    result = execute(
        pipeline(
            source(events),
            checkpoint(place),
            checkpoint(tmp_path / "out" / "other.parquet"),
        )
    )
    assert (result.accepted, result.rejected) == (6, 2)
    assert (tmp_path / "out" / "other.parquet").read_bytes() == place.read_bytes()
    assert len(rows_of(place)) == 6


def test_a_source_that_does_not_ask_what_is_known_adds_nothing_twice(place):
    given = GivenRecords({"one": [batch(1, 2)], "two": [batch(3)]})
    assert execute(pipeline(given, checkpoint(place))).accepted == 3
    again = GivenRecords({"one": [batch(2, 3)], "two": [batch(4)]})
    result = execute(pipeline(again, checkpoint(place)))
    assert (result.accepted, result.duplicates) == (1, 2)
    assert [row[1] for row in rows_of(place)] == [1, 2, 3, 4]


# -- the deadline -------------------------------------------------------------------------------------------------------


def test_repeated_runs_against_the_deadline_converge_to_the_same_bytes(
    tmp_path, place, monkeypatch
):
    """A run whose time is up takes one split all the same, commits it and says what remains."""
    monkeypatch.setattr("reporting_object_store.json_source.source.SPLIT_FILES", 4)
    events = tmp_path / "events"
    events.mkdir()
    for number in range(18):
        (events / name_of(number)).write_bytes(event(number))
    take(events, tmp_path / "whole.parquet")
    remaining = []
    for _ in range(20):
        result = execute(
            pipeline(source(events), checkpoint(place)), deadline=time.monotonic() - 1
        )
        remaining.append(result.remaining)
        assert (result.status == "ok") == result.complete
        assert 0 < result.accepted <= 4
        if result.complete:
            break
    assert remaining == [14, 10, 6, 2, 0]
    assert place.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_share_of_the_time_is_kept_for_the_commit(events, place):
    taken = []

    class Slow(GivenRecords):
        def read(self, split):
            taken.append(split.id)
            time.sleep(0.05)
            yield from super().read(split)

    splits = {str(number): [batch(number)] for number in range(100)}
    began = time.monotonic()
    result = execute(pipeline(Slow(splits), checkpoint(place)), deadline=began + 1.5)
    assert not result.complete
    assert 3 <= len(taken) <= 30
    assert result.accepted == len(taken)


def test_time_enough_is_time_enough(events, place):
    result = execute(
        pipeline(source(events), checkpoint(place)), deadline=time.monotonic() + 60
    )
    assert (result.complete, result.accepted) == (True, 20)


# -- dry runs -----------------------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_at_all(events, place):
    result = execute(pipeline(source(events), checkpoint(place)), dry_run=True)
    assert (result.dry_run, result.accepted, result.rejected, result.quarantine) == (
        True,
        20,
        1,
        None,
    )
    assert not place.parent.exists()
    take(events, place)
    (events / name_of(30)).write_bytes(event(30))
    (events / name_of(31)).write_bytes(b"")
    before = snapshot(place.parent)
    result = execute(pipeline(source(events), checkpoint(place)), dry_run=True)
    assert (result.accepted, result.rejected, result.outputs[0].rows) == (1, 1, 20)
    assert snapshot(place.parent) == before


def test_a_dry_run_leaves_objects_of_several_records_alone(tmp_path, place):
    events = several(tmp_path / "events")
    result = execute(pipeline(source(events), checkpoint(place)), dry_run=True)
    assert (result.accepted, result.rejected) == (6, 2)
    assert not place.parent.exists()


@pytest.mark.parametrize(
    ("limit", "read"), [(1, 1), (7, 7), (21, 21), (500, 21), (None, 21)]
)
def test_the_limit_of_a_dry_run_is_exact(events, place, limit, read):
    result = execute(
        pipeline(source(events), checkpoint(place)), dry_run=True, limit=limit
    )
    assert result.records_read == read
    assert result.complete == (read < (limit or 1000))


def test_a_limit_counts_what_the_source_itself_rejects(place):
    rejected = [Rejection(f"r{number}", None, "too_large") for number in range(5)]
    splits = {
        "one": [batch(1, 2, rejected=rejected)],
        "two": [Batch(rejected=rejected)],
        "three": [batch(3)],
    }
    for limit in range(1, 14):
        result = execute(
            pipeline(GivenRecords(splits), checkpoint(place)), dry_run=True, limit=limit
        )
        assert result.records_read == min(limit, 13)


# -- observers ----------------------------------------------------------------------------------------------------------


def test_observers_are_told_what_happens_in_order(events, place):
    notes = Notes()
    result = execute(pipeline(source(events), checkpoint(place)), notes)
    assert notes.calls == ["started", "split", "rejected", "finished"]
    assert (
        sum(split_result.accepted for split_result in notes.split_results)
        == result.accepted
    )
    assert [rejection.source_key for rejection in notes.rejections] == [name_of(20)]


def test_observers_are_told_of_a_run_that_fails(events, place):
    notes, error = Notes(), AccessDenied("s3://b/k: denied")
    failing = SinkWith(checkpoint(place), ledger=raising(error))
    with pytest.raises(AccessDenied):
        execute(pipeline(source(events), failing), notes)
    assert notes.calls == ["started", "failed"]
    assert notes.error is error


def test_an_observer_that_fails_never_fails_a_run(events, place, caplog):
    with caplog.at_level(logging.WARNING):
        result = execute(
            pipeline(source(events), checkpoint(place)),
            FailingObserver(),
            notes := Notes(),
        )
    assert result.accepted == 20
    assert notes.calls == ["started", "split", "rejected", "finished"]
    assert caplog.text.count("raised ValueError; the run goes on") == 4
    assert "SECRET" not in caplog.text


class FailingObserver:
    """Raises at everything it is told."""

    @hookimpl
    def reporting_run_started(self):
        raise ValueError("SECRET-VALUE")

    @hookimpl
    def reporting_split_finished(self):
        raise ValueError("SECRET-VALUE")

    @hookimpl
    def reporting_records_rejected(self):
        raise ValueError("SECRET-VALUE")

    @hookimpl
    def reporting_run_finished(self):
        raise ValueError("SECRET-VALUE")


# -- steps that fail ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["plan", "plan_stats", "next_hints", "read"])
def test_a_source_that_raises_is_named_and_its_message_is_not_told(
    events, place, method
):
    broken = SinkWith(source(events), **{method: raising(ValueError("SECRET-VALUE"))})
    broken.name, broken.output_format, broken.parallelism = "test-broken", "payloads", 1
    with pytest.raises(StepFailed) as raised:
        execute(pipeline(broken, checkpoint(place)))
    assert (
        str(raised.value)
        == "report test: source test-broken raised ValueError; see the log for where"
    )


def test_a_plan_that_breaks_off_is_the_source_s_failure(events, place):
    class BreaksOff(GivenRecords):
        def plan(self, ledger):
            yield from list(super().plan(ledger))[:1]
            raise KeyError("SECRET-VALUE")

    with pytest.raises(
        StepFailed,
        match="report test: source test-given raised KeyError; see the log for where",
    ):
        execute(
            pipeline(
                BreaksOff({"one": [batch(1)], "two": [batch(2)]}), checkpoint(place)
            )
        )
    assert not place.exists()


@pytest.mark.parametrize("method", ["open", "ledger", "stage", "commit"])
def test_a_sink_that_raises_is_named(events, place, method):
    broken = SinkWith(
        checkpoint(place), **{method: raising(ValueError("SECRET-VALUE"))}
    )
    with pytest.raises(StepFailed) as raised:
        execute(pipeline(source(events), broken))
    assert (
        str(raised.value)
        == "report test: sink test-sink-with raised ValueError; see the log for where"
    )


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("mark_in_progress", "quarantine SinkWith"),
        ("replace_entries", "quarantine SinkWith"),
        ("save_hints", "metadata store"),
    ],
)
def test_a_quarantine_that_raises_is_named(tmp_path, place, method, part):
    made = pipeline(source(several(tmp_path / "events")), checkpoint(place))
    broken = {method: raising(ValueError("SECRET-VALUE"))}
    if method == "save_hints":
        made = made._replace(metadata=SinkWith(made.metadata, **broken)).guarded()
    else:
        made.metadata.quarantine = SinkWith(made.metadata.quarantine, **broken)
    with pytest.raises(
        StepFailed,
        match=f"report test: {part} raised ValueError; see the log for where",
    ):
        execute(made)


def test_an_engine_that_raises_is_named(events, place):
    class Broken(TakesNothing):
        def map(self, process, splits, *, parallelism, stop):
            raise ValueError("SECRET-VALUE")

    with pytest.raises(
        StepFailed,
        match="report test: engine local raised ValueError; see the log for where",
    ):
        execute(pipeline(source(events), checkpoint(place), engine=Broken()))


def test_what_was_staged_is_gone_whatever_happens(events, place):
    for method in ("stage", "commit"):
        sink = checkpoint(place)
        folder = sink._spool.folder()
        failing = SinkWith(sink, **{method: raising(KeyboardInterrupt())})
        with pytest.raises(KeyboardInterrupt):
            execute(pipeline(source(events), failing))
        assert not folder.exists()
    assert not place.exists()


def test_a_sink_without_a_quarantine_runs_without_one(events, place):
    sink = SinkWith(checkpoint(place), metadata_location=lambda: None)
    result = execute(pipeline(source(events), sink))
    assert (result.rejected, result.quarantine) == (1, None)
    assert execute(pipeline(source(events), sink)).rejected == 1, "nothing remembers it"


def test_the_first_quarantine_serves_the_run(events, tmp_path, place):
    first = SinkWith(
        checkpoint(tmp_path / "a" / "a.parquet"), metadata_location=lambda: None
    )
    result = execute(pipeline(source(events), first, checkpoint(place)))
    assert result.quarantine.uri == str(place.parent / "_quarantine" / place.name)


# -- what is in the way -------------------------------------------------------------------------------------------------


def test_a_checkpoint_that_is_none_stops_the_run_with_nothing_changed(events, place):
    place.parent.mkdir()
    place.write_bytes(b"not parquet")
    with pytest.raises(
        CorruptCheckpoint,
        match="events.parquet: not a parquet file that can be read; move it away",
    ):
        take(events, place)
    assert visible(place) == {"events.parquet"}
    assert place.read_bytes() == b"not parquet"


def test_a_source_that_is_not_there_stops_the_run(tmp_path, place):
    with pytest.raises(
        LocationError, match="nowhere: no such folder; check the path of the source"
    ):
        take(tmp_path / "nowhere", place)
    assert visible(place) == set()


def test_nothing_of_a_record_is_told_anywhere(events, place, caplog):
    with caplog.at_level(logging.DEBUG):
        result = take(events, place)
    calls = (
        result.model_dump_json()
        + caplog.text
        + json.dumps(quarantined(place).drop("rejected_at").to_dicts())
    )
    assert "SECRET" not in calls


def test_two_runs_may_use_one_pipeline_s_parts_one_after_the_other(events, place):
    made = pipeline(source(events), checkpoint(place))
    assert execute(made).accepted == 20
    (events / name_of(40)).write_bytes(event(40))
    assert execute(made._replace(source=source(events))).accepted == 1


def test_a_survey_is_what_the_source_says(place):
    class Surveyed(GivenRecords):
        def plan_stats(self):
            return PlanStats(3, ("odd",), 2)

    result = execute(pipeline(Surveyed({"one": [batch(1)]}), checkpoint(place)))
    assert (result.objects_ignored, result.ignored_samples, result.remaining) == (
        3,
        ["odd"],
        2,
    )


def test_the_hints_are_of_the_sink_that_holds_least(tmp_path):
    calls = []

    class Marking(GivenRecords):
        def next_hints(self, **how):
            calls.append(how)
            return {"left": 1}

    one, two = (checkpoint(tmp_path / f"{name}.parquet") for name in ("one", "two"))
    execute(pipeline(GivenRecords({"one": [batch(1)]}), one))
    splits = {"one": [batch(2, unread=[ReadFailure("u", "denied")])]}
    execute(pipeline(Marking(splits), one, two))
    assert calls == [{"complete": True, "unread": ["u"], "rows": 1}]
    assert metadata(one, two).hints == {"left": 1}
    (tmp_path / "two.parquet").unlink()
    two = checkpoint(tmp_path / "two.parquet")
    assert metadata(one, two).hints == {}, "an output of another sink has gone"
