"""Quarantined records read again: they land once, whatever else happens meanwhile, and whenever it is stopped."""

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NotRequired

import polars as pl
import pytest
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from reporting_framework.errors import PluginError
from reporting_framework.metadata.quarantine import ParquetQuarantine
from reporting_framework.operations.quarantine import read_records
from reporting_framework.storage import open_store
from reporting_framework.testing.faults.calls import Attempt, Killed
from tests.support.plugins import (
    EventValidator,
    GivenRecords,
    WithoutStudy,
    batch,
    checkpoint,
    event,
    execute,
    metadata,
    name_of,
    pipeline,
    source,
)

_numbers = itertools.count(1)

BARE = b'{"number": %d, "timestamp": "2024-01-01T00:%02d:00Z"}'


class LooseEvent(TypedDict):
    study: NotRequired[str]
    number: int
    timestamp: str


class Loose(EventValidator):
    """Today's validator: a study may be missing."""

    _loose = TypeAdapter(LooseEvent).validate_json

    def validate(self, batch):
        filled = [
            payload.replace(b'{"number"', b'{"study": "none", "number"')
            for payload in batch.payloads
        ]
        return super().validate(batch._replace(payloads=filled))


def objects():
    """Good events, one without a study, lines of which some are without, and one that nothing can be made of."""
    lines = [event(10), BARE % (11, 11), event(12), BARE % (13, 13), b'{"number": "x"}']
    return {
        name_of(0): event(0),
        name_of(1): BARE % (1, 1),
        name_of(2): BARE % (2, 2),
        name_of(3): b"\n".join(lines),
        name_of(4): b"not JSON",
    }


class World:
    """A source and a checkpoint of their own."""

    def __init__(self, base, template="x.parquet"):
        self.base, self.template = base, template
        store = open_store(f"{base}/events")
        for key, data in objects().items():
            store.put(key, data, if_version=None)

    def run(self, *, validator=None, **how):
        sink = checkpoint(f"{self.base}/out/{self.template}")
        return execute(
            pipeline(source(f"{self.base}/events"), sink, validator=validator), **how
        )

    def entries(self):
        return metadata(
            checkpoint(f"{self.base}/out/{self.template}")
        ).quarantine.entries()

    def replay(self, *, validator=None, **how):
        replayed = sorted(
            {
                source_key.partition("#")[0]
                for source_key in self.entries()["source_key"]
            }
        )
        return self.run(validator=validator or Loose(), replay=replayed, **how)

    def rows(self):
        store, found = open_store(f"{self.base}/out"), []
        for page in store.list():
            keys = [
                each.key
                for each in page
                if each.key.endswith("x.parquet") and not each.key.startswith("_")
            ]
            found += [
                row
                for key in keys
                for row in pl.read_parquet(store.get(key).data)["source_key"]
            ]
        return sorted(found)

    def state(self):
        """Rows, and what is in quarantine with its reason."""
        return self.rows(), self.entries().select(
            "source_key", "error_type", "field"
        ).rows()


@pytest.fixture
def world():
    return World(f"memory://replay-{next(_numbers)}")


@pytest.fixture(scope="module")
def done():
    """What a run and a replay leave that nothing disturbs, and the bytes of the checkpoint."""
    world = World(f"memory://replay-{next(_numbers)}")
    world.run()
    world.replay()
    return world.state()


def test_what_is_accepted_now_lands_and_leaves_the_quarantine(world):
    first = world.run()
    assert (first.accepted, first.rejected, first.quarantine.rows) == (3, 6, 6)
    again = world.replay()
    assert (again.records_read, again.accepted, again.duplicates, again.rejected) == (
        8,
        4,
        2,
        2,
    )
    assert (again.status, again.complete, again.quarantine.rows) == ("ok", True, 2)
    bad, lines = name_of(4), name_of(3)
    assert world.rows() == sorted(
        [
            name_of(0),
            name_of(1),
            name_of(2),
            *(f"{lines}#{number}" for number in range(1, 5)),
        ]
    )
    assert [row[0] for row in world.entries().rows()] == [f"{lines}#5", bad]
    assert world.run().records_read == 0


def test_the_table_is_the_same_as_if_it_had_been_accepted_at_once(world):
    world.run()
    world.replay()
    other = World(f"memory://replay-{next(_numbers)}")
    other.run(validator=Loose())
    data = [
        open_store(f"{each.base}/out").get("x.parquet").data for each in (world, other)
    ]
    assert data[0] == data[1]


def test_a_second_replay_brings_nothing(world):
    world.run()
    world.replay()
    before = world.state()
    again = world.replay()
    assert (again.accepted, again.rejected, again.duplicates) == (0, 2, 4)
    assert world.state() == before


def test_only_what_is_asked_for_is_read(world):
    world.run()
    result = world.run(validator=Loose(), replay=[name_of(2)])
    assert (result.records_read, result.accepted, result.quarantine.rows) == (1, 1, 5)
    assert world.run(validator=Loose(), replay=[]).records_read == 0


def test_what_cannot_be_read_stays_as_it_was(tmp_path):
    world = World(str(tmp_path))
    world.run()
    before = world.entries()
    (tmp_path / "events" / name_of(1)).unlink()
    result = world.replay()
    assert (result.objects_unread, result.unread_reasons, result.status) == (
        1,
        {"missing": 1},
        "partial",
    )
    kept = world.entries()
    assert kept.filter(source_key=name_of(1)).equals(
        before.filter(source_key=name_of(1))
    )
    assert kept.height == 3


def test_what_is_rejected_again_has_the_new_reason_and_run(world):
    world.run()
    before = {row[0]: row for row in world.entries().rows()}
    again = world.run(replay=[name_of(1)], validator=Numberless())
    after = {row[0]: row for row in world.entries().rows()}
    assert after.pop(name_of(1))[2:5] == ("greater_than", "number", again.run_id)
    before.pop(name_of(1))
    assert after == before


class Numberless(EventValidator):
    def validate(self, batch):
        found = super().validate(batch)
        return found._replace(
            rejections=[
                each._replace(error_type="greater_than", field="number")
                for each in found.rejections
            ]
        )


def test_what_a_transform_drops_now_is_filtered(world):
    world.run()
    made = pipeline(
        source(f"{world.base}/events"),
        checkpoint(f"{world.base}/out/x.parquet"),
        validator=Loose(),
        transforms=[WithoutStudy("none")],
    )
    result = execute(made, replay=[name_of(1)])
    assert (result.accepted, result.filtered) == (0, 1)
    assert world.entries().filter(source_key=name_of(1))["error_type"].to_list() == [
        "filtered"
    ]


def test_the_hints_stay_as_they_were_over_the_outputs_that_the_replay_made(world):
    world.run()
    before = metadata(checkpoint(f"{world.base}/out/x.parquet")).hints
    assert before["listed"]
    world.replay()
    assert metadata(checkpoint(f"{world.base}/out/x.parquet")).hints == before


def test_new_objects_are_left_to_the_next_run(world):
    world.run()
    open_store(f"{world.base}/events").put(name_of(50), event(50), if_version=None)
    assert name_of(50) not in (world.replay(), world.rows())[1]
    assert world.run().accepted == 1


def test_a_dry_run_writes_nothing(world):
    world.run()
    before = world.state()
    result = world.replay(dry_run=True, limit=10**9)
    assert (result.dry_run, result.records_read, result.rejected) == (True, 8, 2)
    assert world.state() == before


def test_a_deadline_leaves_the_rest_in_quarantine(tmp_path):
    world = World(str(tmp_path))
    world.run()
    before = world.entries().height
    result = world.replay(deadline=time.monotonic() - 1)
    assert result.accepted == 4, "the first split is always taken"
    assert (result.complete, world.entries().height) == (True, before - 4)


def test_a_source_that_reads_no_single_objects_is_refused(tmp_path):
    made = pipeline(GivenRecords({"a": [batch(1)]}), checkpoint(tmp_path / "x.parquet"))
    with pytest.raises(
        PluginError, match="test-given cannot read single objects again; a full scan"
    ):
        execute(made, replay=["a"])
    entries = metadata(checkpoint(tmp_path / "x.parquet")).quarantine.entries()
    with pytest.raises(
        PluginError, match="test-given cannot read single objects again; a full scan"
    ):
        list(read_records(made, entries))


# -- discarded ------------------------------------------------------------------------------------------------------------


def test_what_was_dropped_is_not_read_again_until_it_changes(tmp_path):
    world = World(str(tmp_path))
    world.run()
    quarantine = metadata(checkpoint(f"{world.base}/out/x.parquet")).quarantine
    assert quarantine.discard(quarantine.entries()) == 6
    assert world.entries().height == 0
    assert world.run().records_read == 0
    (tmp_path / "events" / name_of(1)).write_bytes(event(1))
    result = world.run()
    assert (result.records_read, result.accepted, result.quarantine.rows) == (1, 1, 0)


# -- stopped anywhere -----------------------------------------------------------------------------------------------------

CALLS = 40
"""More storage calls than a replay makes."""
TEMPLATES = ("x.parquet", "{study}/x.parquet")
KINDS = (
    "killed before",
    "killed after",
    "fails once",
    "fails for good",
    "done once, answer lost",
)


def disturbed(faults, template, kind, nth, done):
    """One replay that a fault meets, and what makes it good; whether the fault was met."""
    world = World(f"memory://replay-{next(_numbers)}", template)
    world.run()
    attempt = Attempt(faults, kind, nth)
    attempt.run(world.replay)
    rows = world.rows()
    assert len(rows) == len(set(rows)), f"no row twice: {attempt}"
    assert set(done[0][0]) <= set(rows) <= set(done[1][0]), (
        f"old rows stay, none is made up: {attempt}"
    )
    lost = set(done[1][0]) - set(rows) - set(world.entries()["source_key"])
    assert not lost, f"what is not in the table is in quarantine: {attempt}"
    if kind.startswith("killed"):
        world.run()  # the schedule goes on meanwhile
        assert len(world.rows()) == len(set(world.rows()))
    world.replay()
    assert world.state() == done[1], (
        f"replayed again, all is as it should be: {attempt}"
    )
    return attempt.fired


def test_a_replay_that_is_killed_before_it_settles_leaves_no_record_in_both(
    world, done, monkeypatch
):
    """What it had committed is settled by the next run, also an object of one record."""

    def killed(*arguments, **named):
        raise Killed

    world.run()
    before = world.rows()
    with monkeypatch.context() as patch:
        quarantine = ParquetQuarantine
        patch.setattr(quarantine, "replace_entries", killed)
        with pytest.raises(Killed):
            world.replay()
    assert (world.rows(), len(before)) == (done[0], 3), "it had committed"
    assert world.run(validator=Loose()).status == "ok"
    assert world.state() == done


@pytest.fixture(scope="module")
def split_results():
    """What a run leaves, and then a replay, by template."""
    found = {}
    for template in TEMPLATES:
        world = World(f"memory://replay-{next(_numbers)}", template)
        world.run()
        before = world.state()
        world.replay()
        found[template] = (before, world.state())
    return found


SAMPLE = random.Random(20240101).sample(
    list(itertools.product(TEMPLATES, KINDS, range(1, 15))), 12
)


@pytest.mark.parametrize(("template", "kind", "nth"), SAMPLE)
def test_stopped_somewhere_a_replay_is_made_good(
    reporting_store_faults, split_results, kind, template, nth
):
    assert disturbed(
        reporting_store_faults, template, kind, nth, split_results[template]
    )


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
def test_stopped_at_every_storage_call_a_replay_is_made_good(
    reporting_store_faults, split_results, kind, template
):
    met = [
        disturbed(reporting_store_faults, template, kind, nth, split_results[template])
        for nth in range(1, CALLS)
    ]
    assert sum(met) >= 14, "there were calls to break"
    assert not met[-1], "and the sweep went to their end"


# -- at once --------------------------------------------------------------------------------------------------------------

CHILD = """
import sys
from tests.framework.operations.test_quarantine import Loose, checkpoint, execute, name_of, pipeline, source
base, what = sys.argv[1:]
made = pipeline(source(f"{base}/events"), checkpoint(f"{base}/out/x.parquet"), validator=Loose())
print("ready", flush=True)
sys.stdin.readline()
replay = [name_of(number) for number in range(1, 5)] if what == "replay" else None
print(execute(made, replay=replay).accepted, flush=True)
"""


def start(base, what):
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(base), what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout.readline() == "ready\n"
    return process


def at_once(base, *kinds):
    """How many rows each of these brought in, in processes of their own that begin together."""
    processes = [start(base, kind) for kind in kinds]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    found = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert all(process.returncode == 0 for process in processes)
    return found


@pytest.mark.slow
def test_two_replays_and_a_run_at_once_land_each_row_once(tmp_path, done):
    world = World(str(tmp_path))
    world.run()
    (tmp_path / "events" / name_of(60)).write_bytes(event(60))
    accepted = at_once(tmp_path, "replay", "replay", "run")
    assert sum(accepted) == 5
    assert world.rows() == sorted([*done[0], name_of(60)])
    assert world.state()[1] == done[1]


def test_two_replays_at_once_on_s3_land_each_row_once(s3_environment, bucket, done):
    world = World(f"s3://{bucket}/replay")
    world.run()
    gate = threading.Barrier(2)

    def replay(_):
        gate.wait()
        return world.replay().accepted

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(replay, range(2))) == 4
    assert world.state() == done


@pytest.mark.slow
def test_killed_at_random_moments_a_replay_is_made_good_by_the_next(tmp_path, done):
    rng = random.Random(20240101)
    for number in range(3):
        world = World(str(tmp_path / str(number)))
        world.run()
        process = start(world.base, "replay")
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(rng.uniform(0, 0.05))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        world.replay()
        assert world.state() == done
