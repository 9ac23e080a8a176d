"""Whatever request fails, in whatever way, and whenever a run is killed: the next run makes it good, byte for byte.

After SQLite's tests: one fault at every request in turn, once and for good. The whole sweep is marked slow; a sample of
it, drawn with a seed, is run each time.
"""

import itertools
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from reporting_framework.errors import ReportingError
from reporting_framework.storage import open_store, sending
from reporting_object_store.parquet_sink import checkpoint as checkpoint_module
from tests.support import Fault
from tests.support.plugins import checkpoint, event, execute, name_of, pipeline, source

FAULTS = {
    "busy for good": (Fault.answer(503, "SlowDown"), None),
    "busy once": (Fault.answer(503, "SlowDown"), 1),
    "cut for good": (Fault.cut(), None),
    "cut once": (Fault.cut(), 1),
    "answer lost": (Fault.lose(), 1),
    "answers lost": (Fault.lose(), None),
    "answer truncated": (Fault.truncate(), 1),
    "conflict once": (Fault.answer(409, "ConditionalRequestConflict"), 1),
    "denied once": (Fault.answer(403, "AccessDenied"), 1),
    "denied for good": (Fault.answer(403, "AccessDenied"), None),
    "archived once": (Fault.answer(403, "InvalidObjectState"), 1),
    "no such bucket": (Fault.answer(404, "NoSuchBucket"), 1),
    "no such thing": (Fault.answer(404, "NotFound"), 1),
    "internal error": (Fault.answer(500, "InternalError"), 1),
}
TEMPLATES = ("x.parquet", "{study}/x.parquet")
REQUESTS = 40
"""More than any of these runs makes; a fault that comes too late changes nothing, which is checked too."""

CASES = list(
    itertools.product(FAULTS, TEMPLATES, (False, True), range(1, REQUESTS + 1))
)
SAMPLE = random.Random(20240101).sample(CASES, 12)

_numbers = itertools.count(1)


def objects(half):
    """Single events, lines of several studies, bad ones: what a run must bring in order, in two halves."""
    numbers = range(0, 3) if half == 1 else range(3, 6)
    found = {
        name_of(number): event(number, study="abc"[number])
        if number < 3
        else event(number)
        for number in numbers
    }
    lines = [event(number + 10, study="abc"[number % 3]) for number in numbers]
    found[name_of(20 + half, action="pass-qc")] = b"\n".join([*lines, b'{"study": 1}'])
    found[name_of(30 + half)] = b"not JSON"
    found[f"other-{half}.txt"] = b""
    return found


@dataclass
class World:
    """A source and a checkpoint in a folder of the bucket, of their own."""

    base: str
    template: str

    def fill(self, half):
        store = open_store(f"{self.base}/events")
        for key, data in objects(half).items():
            store.put(key, data, if_version=None)

    def run(self):
        sink = checkpoint(f"{self.base}/out/{self.template}")
        return execute(pipeline(source(f"{self.base}/events"), sink))

    def files(self):
        """Checkpoints by key, and what is in quarantine."""
        store, kept = open_store(f"{self.base}/out"), {}
        for page in store.list():
            keys = [entry.key for entry in page if entry.key.endswith(".parquet")]
            kept |= {
                key: store.get(key).data for key in keys if not key.startswith("_runs/")
            }
        quarantine = kept.pop(f"_quarantine/{self.template}", None)
        rows = pl.read_parquet(quarantine) if quarantine else None
        return kept, [] if rows is None else rows.select(
            "source_key", "error_type"
        ).rows()


@pytest.fixture
def bucket_behind(s3_environment, proxy, bucket, monkeypatch):
    """A bucket behind the proxy, and the proxy; what fails is tried once more."""
    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return bucket, proxy


@pytest.fixture(scope="module")
def undisturbed():
    """What runs without faults leave, in memory, by template."""
    found = {}
    for template in TEMPLATES:
        world = World(f"memory://faults-{next(_numbers)}", template)
        world.fill(1)
        states = [world.files()]
        for half in (1, 2):
            if half == 2:
                world.fill(2)
            assert world.run().status == "ok"
            states.append(world.files())
        found[template] = states
    return found


def disturb(case, bucket, proxy, undisturbed):
    fault_name, template, incremental, nth = case
    states = undisturbed[template]
    world = World(f"s3://{bucket}/{next(_numbers)}", template)
    proxy.reset()
    world.fill(1)
    if incremental:
        assert world.run().status == "ok"
        world.fill(2)
    (before, _), (after, _) = (
        states[1 if incremental else 0],
        states[2 if incremental else 1],
    )
    assert world.files()[0] == before

    proxy.reset()
    fault, times = FAULTS[fault_name]
    rule = proxy.inject(fault, nth=nth, times=times)
    accepted, partial = 0, False
    try:
        result = world.run()
    except ReportingError as error:
        assert error.exit_code in (1, 2)
        assert rule.fired
    else:
        accepted, partial = result.accepted, result.objects_unread > 0
        assert (result.status == "ok") == (not partial)
        assert rule.fired or not partial
    proxy.reset()
    left, _ = world.files()
    if not partial:
        assert all(
            data in (before.get(key), after[key]) for key, data in left.items()
        ), "old or new, nothing between"
        assert before.keys() <= left.keys()
    if fault_name in ("answer lost", "busy once", "cut once") and not partial:
        assert accepted in (0, 6), (
            "what was written is counted as new, not as duplicates"
        )

    assert world.run().status == "ok"
    assert world.files() == states[2 if incremental else 1]
    assert world.run().records_read == 0


def named(case):
    fault, template, incremental, nth = case
    return f"{fault}, {'next' if incremental else 'first'} run, {'groups' if '{' in template else 'one file'}, at {nth}"


@pytest.mark.parametrize("case", SAMPLE, ids=named)
def test_the_run_after_a_fault_makes_it_good(case, bucket_behind, undisturbed):
    disturb(case, *bucket_behind, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("incremental", [False, True])
def test_the_whole_sweep(fault, template, incremental, bucket_behind, undisturbed):
    for nth in range(1, REQUESTS + 1):
        disturb((fault, template, incremental, nth), *bucket_behind, undisturbed)


@pytest.mark.parametrize(
    "fault",
    ["busy for good", "cut once", "answer truncated", "denied once", "no such bucket"],
)
@pytest.mark.parametrize("nth", [1, 2, 4])
def test_faults_where_a_checkpoint_is_read_in_part(
    fault, nth, bucket_behind, undisturbed, monkeypatch
):
    """A large checkpoint is read by polars, which has errors of its own."""
    monkeypatch.setattr(checkpoint_module, "READ_WHOLE", 10)
    bucket, proxy = bucket_behind
    world = World(f"s3://{bucket}/{next(_numbers)}", "x.parquet")
    world.fill(1)
    assert world.run().status == "ok"
    world.fill(2)
    before, after = (undisturbed["x.parquet"][state] for state in (1, 2))
    proxy.reset()
    kind, times = FAULTS[fault]
    proxy.inject(kind, key="*/out/x.parquet", nth=nth, times=times)
    try:
        world.run()
    except ReportingError as error:
        assert str(error)
    proxy.reset()
    assert world.files()[0] in (before[0], after[0])
    assert world.run().status == "ok"
    assert world.files() == after


@pytest.mark.parametrize(
    "fault",
    [
        "busy once",
        "cut for good",
        "denied for good",
        "conflict once",
        "answer truncated",
    ],
)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_no_fault_in_the_history_fails_a_run_or_changes_what_it_does(
    fault, nth, bucket_behind, undisturbed
):
    bucket, proxy = bucket_behind
    world = World(f"s3://{bucket}/{next(_numbers)}", "x.parquet")
    world.fill(1)
    proxy.reset()
    kind, times = FAULTS[fault]
    rule = proxy.inject(kind, key="*/_runs/*", nth=nth, times=times)
    assert world.run().status == "ok"
    assert rule.fired
    proxy.reset()
    assert world.files() == undisturbed["x.parquet"][1]


def test_every_request_of_a_run_is_within_the_sweep(bucket_behind):
    bucket, proxy = bucket_behind
    for template in TEMPLATES:
        world = World(f"s3://{bucket}/{next(_numbers)}", template)
        for half in (1, 2):
            world.fill(half)
            proxy.reset()
            world.run()
            assert 10 < proxy.count() <= REQUESTS


# -- killed -------------------------------------------------------------------------------------------------------------

CHILD = """
import sys
from tests.support.plugins import checkpoint, execute, pipeline, source
made = pipeline(source(sys.argv[1]), checkpoint(sys.argv[2]))
print("ready", flush=True)
execute(made)
print("done", flush=True)
"""


def start(events, place):
    """A run in a process of its own, which is about to begin."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(events), str(place)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout.readline() == "ready\n"
    return process


def checkpoints(out):
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("x.parquet")
        if not path.relative_to(out).parts[0].startswith("_")
    }


def kill_again_and_again(tmp_path, times, seed):
    events = tmp_path / "events"
    events.mkdir()
    for number in range(300):
        lines = [event(number * 10 + line, study="abcd"[line]) for line in range(4)]
        (events / name_of(number)).write_bytes(
            b"\n".join(lines) if number % 3 else lines[0]
        )
    with start(events, tmp_path / "whole" / "{study}" / "x.parquet") as process:
        began = time.monotonic()
        assert process.stdout.readline() == "done\n"
        duration = time.monotonic() - began
    rng, killed = random.Random(seed), 0
    for _ in range(times):
        with start(events, tmp_path / "out" / "{study}" / "x.parquet") as process:
            time.sleep(rng.uniform(0, duration))
            process.kill()
        killed += process.returncode == -9
        for path, data in checkpoints(tmp_path / "out").items():
            assert data == (tmp_path / "whole" / path).read_bytes(), (
                "whole or not there"
            )
    with start(events, tmp_path / "out" / "{study}" / "x.parquet") as process:
        assert process.stdout.readline() == "done\n"
    assert killed, "at least one was killed before it was done"
    assert checkpoints(tmp_path / "out") == checkpoints(tmp_path / "whole")
    assert len(checkpoints(tmp_path / "whole")) == 4
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_killed_at_random_moments_a_run_is_made_good_by_the_next(tmp_path):
    kill_again_and_again(tmp_path, 5, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_at_many_random_moments(tmp_path, seed):
    kill_again_and_again(tmp_path, 20, seed)
