"""What is promised to the people who run the report, shown on the bundled example by real processes."""

import random
import shutil
import signal
import time
from pathlib import Path

import obstore
import polars as pl
import pytest
from obstore.store import S3Store

from reporting_framework import run_report
from reporting_framework.testing.s3 import S3Server
from tests.end_to_end.conftest import EXAMPLE, finish


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The bytes of the checkpoint that one undisturbed run makes."""
    path = tmp_path_factory.mktemp("undisturbed") / "events.parquet"
    chosen = {"source": str(EXAMPLE), "checkpoint": str(path)}
    assert run_report("event-log-checkpoint", chosen).accepted == 290
    return path.read_bytes()


def test_a_second_run_finds_nothing_new(report, tmp_path):
    path = tmp_path / "events.parquet"
    first = report(EXAMPLE, path)
    before = path.read_bytes()
    second = report(EXAMPLE, path)
    assert (first["accepted"], first["rejected"], first["objects_ignored"]) == (
        290,
        13,
        2,
    )
    assert (
        second["records_read"],
        second["outputs"][0]["new_rows"],
        second["outputs"][0]["rows"],
    ) == (0, 0, 290)
    assert path.read_bytes() == before


def test_late_and_same_second_events_are_taken_and_nothing_else(report, tmp_path):
    source = tmp_path / "events"
    shutil.copytree(EXAMPLE, source)
    held = {name: source / name for name in _late_and_twin(source)}
    for path in held.values():
        path.rename(tmp_path / path.name)
    assert report(source, tmp_path / "out" / "events.parquet")["accepted"] == 288
    for path in held.values():
        (tmp_path / path.name).rename(path)
    assert report(source, tmp_path / "out" / "events.parquet")["accepted"] == 2
    rows = pl.read_parquet(tmp_path / "out" / "events.parquet")
    assert set(held) <= set(rows["source_key"])


def _late_and_twin(source: Path) -> list[str]:
    """One event older than all of February, one of several in the same second."""
    names = sorted(path.name for path in source.glob("log-submit-*.json"))
    return [
        next(name for name in names if "-LATE" in name),
        next(name for name in names if "-TWIN" in name),
    ]


def test_s3_gives_the_same_bytes(
    report, undisturbed, s3: S3Server, bucket, s3_environment
):
    store = S3Store(
        bucket,
        endpoint=s3.endpoint,
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )
    for path in EXAMPLE.iterdir():
        obstore.put(store, f"prod/{path.name}", path.read_bytes())
    checkpoint = f"s3://{bucket}/out/events.parquet"
    assert report(f"s3://{bucket}/prod/", checkpoint)["accepted"] == 290
    assert report(f"s3://{bucket}/prod/", checkpoint)["records_read"] == 0
    assert obstore.get(store, "out/events.parquet").bytes() == undisturbed


def test_one_file_per_combination_holds_the_same_rows_in_all(
    report, undisturbed, tmp_path
):
    result = report(
        EXAMPLE, tmp_path / "out" / "{study}" / "{datatype}" / "events.parquet"
    )
    files = sorted((tmp_path / "out").glob("[!_]*/*/events.parquet"))
    assert len(files) == len(result["outputs"]) > 3
    grouped = pl.concat(
        [pl.read_parquet(file, hive_partitioning=False) for file in files]
    )
    assert grouped.sort("timestamp", "source_key").equals(pl.read_parquet(undisturbed))
    for file in files:
        assert set(
            pl.read_parquet(file).select("study", "datatype").unique().row(0)
        ) == set(file.parts[-3:-1])


def _killed_at_random(start, undisturbed, folder: Path, times: int, seed: int) -> None:
    rng = random.Random(seed)
    began = time.monotonic()
    finish(start(EXAMPLE, folder / "timed" / "events.parquet"))
    whole = time.monotonic() - began
    for number in range(times):
        path = folder / str(number) / "events.parquet"
        process = start(EXAMPLE, path)
        time.sleep(rng.uniform(0.3, 1.05) * whole)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        finish(start(EXAMPLE, path))
        assert path.read_bytes() == undisturbed, f"seed {seed}, kill {number}"


def test_killed_and_run_again_gives_the_same_bytes(start, undisturbed, tmp_path):
    _killed_at_random(
        start, undisturbed, tmp_path, times=4, seed=random.randrange(10**6)
    )


@pytest.mark.slow
def test_killed_at_twenty_moments_and_run_again_gives_the_same_bytes(
    start, undisturbed, tmp_path
):
    _killed_at_random(
        start, undisturbed, tmp_path, times=20, seed=random.randrange(10**6)
    )


def test_four_at_once_lose_and_double_nothing(start, undisturbed, tmp_path):
    path = tmp_path / "events.parquet"
    results = [finish(process) for process in [start(EXAMPLE, path) for _ in range(4)]]
    assert path.read_bytes() == undisturbed
    assert sum(result["accepted"] for result in results) == 290


def test_four_at_once_on_s3_lose_and_double_nothing(
    start, undisturbed, s3: S3Server, bucket, s3_environment
):
    checkpoint = f"s3://{bucket}/out/events.parquet"
    results = [
        finish(process) for process in [start(EXAMPLE, checkpoint) for _ in range(4)]
    ]
    assert sum(result["accepted"] for result in results) == 290
    store = S3Store(
        bucket,
        endpoint=s3.endpoint,
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )
    assert obstore.get(store, "out/events.parquet").bytes() == undisturbed
