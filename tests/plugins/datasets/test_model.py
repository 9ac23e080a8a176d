"""Any runs, races, kills and compactions give the rows of the model, to every reader."""

import itertools

import pytest

from reporting_framework.storage.bucket import BucketStore
from reporting_framework.storage.folder import FolderStore
from reporting_framework.testing.faults.calls import CallFaults
from tests.plugins.datasets.worlds import World

STEPS = 10
_numbers = itertools.count(1)


@pytest.fixture
def faults(monkeypatch):
    """Faults in all calls of the storage, removal included."""
    faults = CallFaults()
    for store in (FolderStore, BucketStore):
        for name in ("list", "get", "head", "put", "replace", "delete"):
            monkeypatch.setattr(store, name, faults.around(getattr(store, name)))
    return faults


def lived(world, steps=STEPS):
    for _ in range(steps):
        world.step()
        world.check()


def ended(world):
    """A last run, after which nothing of killed ones is left."""
    parts = world.changes()
    world.staged(parts)()
    world.model_run(parts)
    world.check()


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize(
    "seed",
    [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 60))],
)
def test_any_runs_in_a_folder_give_the_rows_of_the_model(tmp_path, faults, mode, seed):
    settings = {"deletes": "soft", "target_file_bytes": 8000}
    world = World(str(tmp_path / "out" / "table"), seed, faults, mode, **settings)
    lived(world)
    ended(world)
    world.check_files()
    world.check_readers()


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=pytest.mark.slow) for seed in range(12)],
)
def test_any_runs_in_a_bucket_give_the_rows_of_the_model(
    bucket, s3_environment, faults, mode, seed, monkeypatch
):
    """A killed process counts as dead at once."""
    monkeypatch.setattr(
        "reporting_datasets.parquet_sink.manifest_store.MAYBE_ALIVE_SECONDS", -1
    )
    world = World(f"s3://{bucket}/out/table", seed, faults, mode)
    lived(world, 6)
    ended(world)
    world.check_files()
    assert world.sink().scan().collect().height == len(world.model.rows)
