"""A reset in several steps: whatever stops it or runs beside it, no row is lost and nothing stays half."""

import random
import threading
from functools import partial

import pytest

from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    LocationError,
    ReportingError,
)
from reporting_framework.execution.pipeline import prepared
from reporting_framework.metadata import reset as marker
from reporting_framework.operations.quarantine import metadata_store
from reporting_framework.operations.state import (
    Reset,
    finish_resets,
    stored,
    unfinished_resets,
)
from reporting_framework.storage import open_store, parse_location
from reporting_framework.testing.faults.calls import Killed
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint
from tests.support import Fault
from tests.support.plugins import (
    checkpoint,
    event,
    execute,
    name_of,
    pipeline,
    source,
)

STUDIES = "abc"
MARKER = "_quarantine/{study}/x.reset"


class World:
    """Objects of a good line in each of three studies and a bad one, read into one file for each study."""

    def __init__(self, base):
        self.base, self.number = base, 0
        self.events, self.out = open_store(f"{base}/in"), open_store(f"{base}/out")
        for _ in range(3):
            self.add()

    def add(self, studies=STUDIES):
        self.number += 1
        lines = [
            event(self.number * 10 + at, study=study)
            for at, study in enumerate(studies)
        ]
        self.events.put(
            name_of(self.number), b"\n".join([*lines, b"{}"]), if_version=None
        )

    def made(self):
        return pipeline(
            source(f"{self.base}/in"),
            checkpoint(f"{self.base}/out/{{study}}/x.parquet"),
        )

    def run(self, made=None):
        return execute(made or self.made())

    def reset(self, part="all", name="b"):
        with prepared(made := self.made()):
            reset = Reset(made, part)
            reset.back_up(name)
            reset.remove()

    def finish(self):
        with prepared(made := self.made()):
            finish_resets(made)

    def shows(self):
        """Every row's source key, and every quarantined one."""
        with prepared(made := self.made()) as (sink,):
            made.metadata.warn_of_reset()
            rows = sink.scan()
            found = (
                []
                if rows is None
                else rows.select("source_key").collect()["source_key"].to_list()
            )
            return sorted(found), sorted(
                made.metadata.quarantine.entries()["source_key"]
            )

    def is_whole(self):
        objects = range(1, self.number + 1)
        names = [name_of(each) for each in objects]
        rows, entries = self.shows()
        assert rows == sorted(f"{name}#{line}" for name in names for line in (1, 2, 3))
        assert entries == sorted(f"{name}#4" for name in names)


@pytest.fixture(params=["folder", "s3"])
def world(request, tmp_path):
    if request.param == "folder":
        return World(tmp_path)
    request.getfixturevalue("s3_environment")
    return World(f"s3://{request.getfixturevalue('bucket')}/w")


def kill_at(monkeypatch, store, nth):
    """Kill the process before the `nth` removal from now on."""
    count, real = [0], type(store).delete

    def delete(self, key, *, if_version):
        count[0] += 1
        if count[0] >= nth:
            raise Killed
        real(self, key, if_version=if_version)

    monkeypatch.setattr(type(store), "delete", delete)


def kill_a_reset(world, nth, part="all"):
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, world.out, nth)
        with pytest.raises(Killed):
            world.reset(part)


# -- killed ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nth", range(1, 6))
def test_a_reset_that_was_killed_between_two_removals_is_finished_before_anything_else_is_done(
    world, nth
):
    world.run()
    kill_a_reset(world, nth)
    assert world.out.head(MARKER) is not None
    if world.out.remote:
        replay, again = (
            partial(execute, replay=[name_of(1)]),
            partial(world.reset, name="c"),
        )
        for act in (
            world.run,
            lambda: replay(world.made()),
            again,
            lambda: discard(world),
        ):
            with pytest.raises(
                CommitConflict,
                match="x.reset: a reset has begun and not ended; wait for its end or",
            ):
                act()
        world.finish()
    assert world.run().status == "ok"
    assert world.out.head(MARKER) is None
    world.is_whole()
    assert world.run().records_read == 0


def discard(world):
    with metadata_store(world.made(), changing=True) as store:
        store.discard(store.quarantine.entries())


def test_only_what_is_read_is_shown_of_a_reset_that_was_killed_and_the_log_says_so(
    world, caplog
):
    world.run()
    kill_a_reset(world, 3)
    told = stored(world.made()).unfinished
    assert len(told) == 1
    assert f"{MARKER}: a reset began at 20" in told[0]
    world.shows()
    assert "a reset has begun and not ended" in caplog.text
    finding = world.made().metadata.health_checks()["quarantine"]()
    assert (finding.status, finding.advice) == (
        "warn",
        "finish it: reporting state REPORT reset",
    )
    assert execute(world.made(), dry_run=True).status in ("ok", "partial")
    assert world.out.head(MARKER) is not None, "what only reads changes nothing"


def test_a_damaged_marker_stops_everything_that_writes(world):
    world.run()
    world.out.put(MARKER, b"{}", if_version=None)
    if not world.out.remote:
        with pytest.raises(ReportingError, match="x.reset: not the marker of a reset"):
            world.run()
    with pytest.raises(ReportingError, match="x.reset: not the marker of a reset"):
        world.finish()
    world.is_whole()


def test_a_flipped_bit_in_a_marker_is_noticed():
    """Else a reset would be finished that removes other things than were saved."""
    place = parse_location("memory://flipped/x.reset")
    saved = frozenset({("memory://flipped/x.parquet", "7")})
    whole = marker.Reset.begin(("output", "quarantine"), "b", saved)
    marker.ResetMarker(place).write(whole)
    assert marker.ResetMarker(place).read() == whole
    store = open_store(place.parent)
    found = store.get("x.reset")
    version = found.version
    for at in range(len(found.data) * 8):
        data = bytearray(found.data)
        data[at // 8] ^= 1 << at % 8
        version = store.put("x.reset", bytes(data), if_version=version)
        try:
            assert marker.ResetMarker(place).read() == whole
        except CorruptCheckpoint as error:
            assert "not the marker of a reset" in str(error)
    store.put("x.reset", found.data.replace(b"1,", b"2,", 1), if_version=version)
    with pytest.raises(CorruptCheckpoint):
        marker.ResetMarker(place).read()


@pytest.mark.parametrize("world", ["folder"], indirect=True)
def test_a_table_that_was_deleted_comes_back_whole(world, tmp_path):
    """Of each object a line is in quarantine, so that would account for the others."""
    world.run()
    for file in (tmp_path / "out").glob("?/*.parquet"):
        file.unlink()
    assert world.run().accepted == 9
    world.is_whole()


@pytest.mark.parametrize("world", ["folder"], indirect=True)
def test_a_table_whose_volume_is_not_mounted_is_no_new_one(world, tmp_path):
    world.run()
    table, away = tmp_path / "out" / "a" / "x.parquet", tmp_path / "away"
    table.rename(away)
    table.symlink_to(tmp_path / "not" / "mounted")
    with pytest.raises(
        LocationError, match="x.parquet: a symbolic link whose target does not exist"
    ):
        world.run()
    table.unlink()
    away.rename(table)
    world.run()
    world.is_whole()


def test_a_quarantine_that_is_reset_keeps_what_a_killed_run_had_begun(
    world, monkeypatch
):
    """Else the object would count as known through the rows that were committed before the kill."""
    attempt = ParquetCheckpoint.attempt

    def killed(self, file, write):
        if file.key.startswith("b/"):
            raise Killed
        return attempt(self, file, write)

    with monkeypatch.context() as patch:
        patch.setattr(ParquetCheckpoint, "attempt", killed)
        with pytest.raises(Killed):
            execute(world.made())
    world.reset("quarantine")
    assert world.run().status == "ok"
    world.is_whole()


def test_a_quarantine_that_is_reset_is_whole_again_after_the_next_run(world):
    """Of each object a part was accepted; it must be read again all the same."""
    world.run()
    world.reset("quarantine")
    assert world.shows()[1] == []
    assert world.run().status == "ok"
    world.is_whole()


# -- beside a run ---------------------------------------------------------------------------------------------------------


REMOVALS = 5
"""The most removals of a reset here: three files, what is beside them, and the marker."""

MOMENTS = [("folder", at) for at in range(REMOVALS)] + [
    ("s3", at) for at in range(REMOVALS + 1)
]
"""Before which removal of a reset the run goes on; 0 is after the last. A folder has one less."""

NEW = [STUDIES, "ad", "da", "dd"]
_rng = random.Random(20240101)
SAMPLE = [(*at, new) for at in MOMENTS for new in _rng.sample(NEW, 1)]


class Paused:
    """A run that has planned, and is about to commit, goes on when it is told to."""

    def __init__(self, world, at):
        self.go, self.there, self.error = threading.Event(), threading.Event(), None
        made = world.made()
        real = getattr(made.metadata, at)

        def waits(*arguments):
            self.there.set()
            assert self.go.wait(60)
            return real(*arguments)

        setattr(made.metadata, at, waits)
        self.thread = threading.Thread(target=self._run, args=(world, made))
        self.thread.start()
        assert self.there.wait(60)

    def _run(self, world, made):
        try:
            world.run(made)
        except ReportingError as error:
            self.error = error

    def ends(self):
        self.go.set()
        self.thread.join()


@pytest.mark.parametrize(("world", "moment", "new"), SAMPLE, indirect=["world"])
def test_a_run_beside_a_reset_loses_no_row_whenever_it_commits(world, moment, new):
    """The run has planned over what is about to go; it commits between two removals, or after the last one."""
    commit_beside_a_reset(world, moment, new)


@pytest.mark.slow
@pytest.mark.parametrize("new", NEW)
@pytest.mark.parametrize(("world", "moment"), MOMENTS, indirect=["world"])
def test_a_run_beside_a_reset_loses_no_row_at_any_moment(world, moment, new):
    commit_beside_a_reset(world, moment, new)


def commit_beside_a_reset(world, moment, new):
    """Let a run commit before the removal of this number; 0 is after the last one."""
    world.run()
    world.add(new)
    paused = Paused(world, "refuse_reset")
    count, real = [0], type(world.out).delete
    with pytest.MonkeyPatch.context() as patch:

        def delete(self, key, *, if_version):
            count[0] += 1
            if count[0] == moment:
                paused.ends()
            return real(self, key, if_version=if_version)

        patch.setattr(type(world.out), "delete", delete)
        world.reset()
    assert count[0] == REMOVALS - (not world.out.remote), "each is in the sweep"
    paused.ends()
    assert world.run().status == "ok"
    rows, entries = world.shows()
    keys = {f"{name_of(each)}#{line}" for each in range(1, 4) for line in (1, 2, 3)}
    keys |= {f"{name_of(4)}#{line}" for line in range(1, len(new) + 1)}
    assert rows == sorted(keys)
    assert entries == sorted(
        [
            *(f"{name_of(each)}#4" for each in range(1, 4)),
            f"{name_of(4)}#{len(new) + 1}",
        ]
    )
    assert world.run().records_read == 0


def test_a_commit_whose_file_was_removed_ends_the_run_and_leaves_no_hints(
    s3_environment, bucket
):
    world = World(f"s3://{bucket}/w")
    world.run()
    world.add()
    paused = Paused(world, "refuse_reset")
    world.reset()
    paused.ends()
    assert isinstance(paused.error, CommitConflict)
    assert "was removed while this run was under way" in str(paused.error)
    assert world.out.head("_quarantine/{study}/x.json") is None


def test_a_commit_beside_a_reset_that_has_not_ended_is_refused(world):
    """Also one of a new file alone, of which the reset knows nothing."""
    world.run()
    world.add("dd")
    paused = Paused(world, "refuse_reset")
    kill_a_reset(world, 2)
    paused.ends()
    assert isinstance(paused.error, CommitConflict)
    assert "x.reset: a reset has begun and not ended" in str(paused.error)
    assert world.out.head("d/x.parquet") is None


def test_hints_made_over_other_outputs_count_as_none(s3_environment, bucket):
    """Something removed a file of the table by hand: the next run lists everything, not only the look-back."""
    world = World(f"s3://{bucket}/w")
    world.run()
    with prepared(made := world.made()):
        assert made.metadata.hints["listed"]
        world.out.delete("a/x.parquet", if_version=None)
    with prepared(made := world.made()):
        assert made.metadata.hints == {}


def test_a_discard_leaves_the_hints_of_use(s3_environment, bucket):
    world = World(f"s3://{bucket}/w")
    world.run()
    discard(world)
    with prepared(made := world.made()):
        assert made.metadata.hints["listed"]


def test_a_second_reset_waits_for_the_first(s3_environment, bucket):
    world = World(f"s3://{bucket}/w")
    world.run()
    with prepared(made := world.made()):
        second = Reset(made)
        kill_a_reset(world, 2)
        with pytest.raises(CommitConflict, match="a reset has begun and not ended"):
            second.remove()
        assert unfinished_resets(made)


def test_an_object_that_is_gone_when_it_is_to_be_removed_is_a_conflict(
    s3_environment, proxy, bucket, monkeypatch
):
    """S3 answers 404 to a conditional DELETE then."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    store = open_store(f"s3://{bucket}/p")
    version = store.put("k", b"1", if_version=None)
    proxy.inject(Fault.answer(404, "NoSuchKey"), kind="DELETE", times=None)
    with pytest.raises(CommitConflict):
        store.delete("k", if_version=version)


def test_a_server_without_conditional_deletes_is_asked_for_the_version_before(
    s3_environment, proxy, bucket, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    store = open_store(f"s3://{bucket}/p")
    version = store.put("k", b"1", if_version=None)
    proxy.inject(Fault.answer(501, "NotImplemented"), kind="DELETE", times=1)
    with pytest.raises(CommitConflict):
        store.delete("k", if_version='"another"')
    store.delete("k", if_version=version)
    assert store.head("k") is None
