"""Runs with the engine `processes` give what runs with `local` give: same bytes, same results, same errors."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from reporting_framework import (
    PluginError,
    SplitResult,
    StepFailed,
    hookimpl,
    run_report,
)
from reporting_framework.execution.tracebacks import traceback_text
from reporting_framework.testing.s3 import S3Server
from tests.framework.distributions import Site, program

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[3] / "examples" / "visit-events"

PLUGIN = '''
import os
from pathlib import Path

import polars as pl

from reporting_framework import (
    Batch, ObjectInfo, ObjectRecords, ObjectSource, ReadFailure, Rejection, Source, Split, Transform,
)
from reporting_framework.errors import AccessDenied, StorageUnavailable
from reporting_framework.plugin_api.settings import Settings


class FolderSettings(Settings):
    uri: str = "orders"


class Orders(ObjectSource):
    name = "orders"
    Settings = FolderSettings
    split_objects = 3

    def __init__(self, settings):
        super().__init__(settings)
        self.unsendable = lambda: None

    def list_objects(self):
        return [ObjectInfo(path.name, path.stat().st_size, "v1") for path in sorted(Path(self.settings.uri).iterdir())]

    def read_object(self, key):
        Path("pids").mkdir(exist_ok=True)
        Path("pids", str(os.getpid())).touch()
        if "denied" in key:
            raise AccessDenied(f"{key}: denied")
        if "large" in key:
            return Rejection(key, "v1", "too_large")
        return ObjectRecords(Path(self.settings.uri, key).read_bytes().splitlines(), "v1", multi_record=True)


class Framed(Source):
    """Frames with deletes; the newer version of a row comes later."""
    name = "framed"
    output_format = "frames"
    natural_keys = True
    versions_ordered = True

    def plan(self, ledger):
        return [Split(str(number), {"number": number}) for number in range(20)]

    def schema(self):
        return pl.Schema({"number": pl.Int64(), "at": pl.Datetime("us", "UTC")})

    def read(self, split):
        number = split.data["number"]
        frame = pl.DataFrame({"number": range(number, number + 50), "at": [0] * 50}, schema=self.schema())
        keys = [f"order/{each}" for each in range(number, number + 50)]
        deletes = pl.DataFrame(
            {"source_key": [f"order/{number}"], "_version": [f"{number:03}"], "_deleted_at": [0]},
            schema={"source_key": pl.String, "_version": pl.String, "_deleted_at": pl.Datetime("us", "UTC")},
        )
        yield Batch(keys, [f"{number:03}"] * 50, frame=frame, deletes=deletes)


class Cheap(Transform):
    name = "cheap"

    def apply(self, frame):
        return frame.filter(pl.col("price") < 50)


class Breaks(Transform):
    name = "breaks"

    def apply(self, frame):
        if frame.height and os.getpid() != int(os.environ["HOME_PID"]):
            raise ValueError("SECRET-VALUE")
        return frame


class Local(Transform):
    """Its settings cannot be sent anywhere."""
    name = "local-only"

    class Settings(Settings):
        def __reduce__(self):
            raise TypeError("it is a handle of this process")

    def apply(self, frame):
        return frame
'''
HOOKS = """
@hookimpl
def reporting_sources():
    return [LazyPlugin("orders", "toy_orders:Orders"), LazyPlugin("framed", "toy_orders:Framed")]

@hookimpl
def reporting_transforms():
    return [LazyPlugin(name, f"toy_orders:{name.title().partition('-')[0]}") for name in ("cheap", "breaks", "local-only")]
"""
MODELS = """
from typing import Self
from pydantic import AwareDatetime, BaseModel, model_validator

class Order(BaseModel):
    number: int
    price: float
    placed_at: AwareDatetime

    @model_validator(mode="after")
    def positive(self) -> Self:
        if self.price < 0:
            raise ValueError("SECRET-VALUE")
        return self
"""
CONFIG = """
[reports.shop]
source     = { use = "orders", uri = "orders" }
validator  = { use = "pydantic", model = "toy_models:Order" }
transforms = [{ use = "cheap" }]
sinks      = [
    { use = "parquet-checkpoint", uri = "OUT/orders.parquet", timestamp = "placed_at" },
    { use = "parquet-checkpoint", uri = "OUT/by-number-{number}.parquet", timestamp = "placed_at" },
]

[reports.frames]
source     = { use = "framed" }
validator  = { use = "frame", columns = { number = { type = "int64", le = 60 }, at = { type = "datetime" } } }
sinks      = [{ use = "parquet-checkpoint", uri = "OUT/frames.parquet", timestamp = "at" }]
write_mode = "upsert"
"""


class Results:
    """Keeps the results of splits."""

    def __init__(self) -> None:
        self.found: list[SplitResult] = []

    @hookimpl
    def reporting_split_finished(self, split_result: SplitResult) -> None:
        self.found.append(split_result)

    def plain(self) -> list[object]:
        """The parts that do not depend on the time."""
        return [
            (
                each.split,
                list(each.source_keys),
                list(each.versions),
                each.accepted,
                each.rejections,
                each.unread,
                each.ignored,
                each.ignored_fields,
                [[part.rows for part in parts] for parts in each.staged_parts],
                None if each.deletes is None else each.deletes.rows(),
                each.position,
                sorted(each.seconds),
                sorted(each.spans),
            )
            for each in self.found
        ]


@pytest.fixture
def shop(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A folder of orders, and plugins and a model that only this folder has."""
    monkeypatch.chdir(site.folder)
    (site.folder / "toy_orders.py").write_text(PLUGIN)
    (site.folder / "toy_models.py").write_text(MODELS)
    (site.folder / "reporting.toml").write_text(CONFIG.replace("OUT", "out"))
    site.add("toy-orders", HOOKS)
    orders = site.folder / "orders"
    orders.mkdir()
    for number in range(40):
        records = [
            {
                "number": number % 7,
                "price": (number * 7 + line) % 60 - 2,
                "placed_at": f"2024-01-{line + 1:02}T00:00:{number:02}Z",
                "note": "x",
            }
            for line in range(5)
        ]
        texts = [json.dumps(record) for record in records] + ["{"] * (number % 3)
        kind = "denied" if number == 9 else "large" if number == 17 else "order"
        (orders / f"{number:02}-{kind}.ndjson").write_text("\n".join(texts))
    return site


def run(folder: str, report: str = "shop", engine: str = "local", **how):
    """Run into a folder, and give all that a run leaves."""
    results = Results()
    result = run_report(report, {"engine": engine}, observers=[results], **how)
    Path("out").rename(folder) if Path("out").exists() else None
    return result, results.plain(), dict(_files(Path(folder)))


def _files(folder: Path) -> Iterator[tuple[str, object]]:
    """Checkpoints byte by byte; of what has times in it, the rest."""
    for path in sorted(folder.rglob("*.parquet")):
        name = str(path.relative_to(folder))
        if name.startswith("_"):
            frame = pl.read_parquet(path)
            steady = [column for column in frame.columns if column not in TIMES]
            yield name.partition("/")[0], frame.select(steady).to_dicts()
        else:
            yield name, path.read_bytes()


TIMES = {
    "run_id",
    "at",
    "rejected_at",
    "quarantined_at",
    "first_seen",
    "last_seen",
    "loaded_at",
    "started_at",
    "finished_at",
}


def without_times(result):
    return result.model_dump(
        exclude={
            "run_id": True,
            "seconds": True,
            "outputs": {"__all__": {"version"}},
            "traffic": {"bytes_written"},  # ids and times in the history
        }
    )


def test_everything_is_the_same(shop):
    """Payloads, two sinks, a transform, rejected, unread and ignored fields; plugins that only an entry point names."""
    local = run("one", engine="local")
    pids = {path.name for path in Path("pids").iterdir()}
    shared = run("two", engine="processes")
    assert len(pids) == 1
    assert len(list(Path("pids").iterdir())) > len(pids), "workers had their share"
    assert without_times(shared[0]) == without_times(local[0])
    assert shared[1] == local[1]
    assert shared[2].keys() == local[2].keys()
    assert shared[2] == local[2]
    assert (shared[0].rejected, shared[0].filtered, shared[0].objects_unread) > (
        0,
        0,
        0,
    )


def test_frames_with_versions_and_deletes_are_the_same(shop):
    local = run("one", "frames", "local")
    shared = run("two", "frames", "processes")
    assert without_times(shared[0]) == without_times(local[0])
    assert shared[1:] == local[1:]
    assert (shared[0].inserted, shared[0].deleted) > (0, 0)
    assert shared[0].rejected


def test_a_dry_run_is_the_same_and_needs_no_worker(shop):
    local = run("one", engine="local", dry_run=True, limit=50)
    shared = run("two", engine="processes", dry_run=True, limit=50)
    assert without_times(shared[0]) == without_times(local[0])
    assert shared[1] == local[1]
    assert len(list(Path("pids").iterdir())) == 1
    assert not Path("out").exists()


def test_a_run_that_must_stop_keeps_what_is_done(shop):
    """At least the first split is read; the next run continues, and the bytes are those of one run."""
    first, _, _ = run("one", engine="processes", time_budget=0.001)
    assert not first.complete
    assert 0 < first.records_read < 200
    Path("one").rename("out")
    _, _, files = run("two", engine="processes")
    _, _, whole = run("three", engine="local")
    checkpoints = [name for name in whole if not name.startswith("_")]
    assert {name: files[name] for name in checkpoints} == {
        name: whole[name] for name in checkpoints
    }


def test_an_error_of_a_plugin_in_a_worker_names_the_plugin(shop, monkeypatch):
    monkeypatch.setenv("HOME_PID", str(os.getpid()))
    transforms = [{"use": "breaks"}]
    with pytest.raises(StepFailed) as raised:
        run_report("shop", {"engine": "processes", "transforms": transforms})
    assert (
        str(raised.value)
        == "report shop: transform breaks raised ValueError; see the log for where"
    )
    assert type(raised.value.__cause__) is ValueError
    shown = traceback_text(raised.value, verbose=False)
    assert "toy_orders.py" in shown
    assert "(message withheld; --verbose shows it)" in shown
    assert not list(Path("out").glob("*.parquet")), "nothing was written"


def test_a_report_that_cannot_be_built_elsewhere_is_an_error(shop):
    transforms = [{"use": "local-only"}]
    with pytest.raises(PluginError) as raised:
        run_report("shop", {"engine": "processes", "transforms": transforms})
    assert str(raised.value) == (
        "report shop: transform local-only: it cannot be built in another process"
        " (TypeError: it is a handle of this process); define its class in a module that"
        " can be imported and give it plain settings, or use engine local"
    )
    assert run_report("shop", {"transforms": transforms}).accepted


def test_from_the_command_line_with_a_model_in_the_working_directory(shop):
    """Neither PYTHONPATH nor an installed package has it."""
    inside = shop.folder / "inside"
    inside.mkdir()
    (shop.folder / "toy_models.py").rename(inside / "toy_models.py")
    (inside / "reporting.toml").write_text(CONFIG.replace("OUT", "out"))
    (shop.folder / "orders").rename(inside / "orders")
    said = {}
    for engine in ("local", "processes"):
        done = program(
            "reporting-run", "shop", "--engine", engine, "--format", "json",
            site=inside, PYTHONPATH=str(shop.folder),
        )  # fmt: skip
        assert done.returncode == 4, done.stderr  # some objects are unread
        said[engine] = {
            path.name: path.read_bytes() for path in (inside / "out").glob("*.parquet")
        }
        (inside / "out").rename(inside / engine)
    assert len(list((inside / "pids").iterdir())) == 3, "two runs and a worker"
    assert said["local"] == said["processes"]


def test_a_bucket_is_the_same(shop, s3_environment: S3Server, s3_client, bucket):
    for path in sorted(EXAMPLE.glob("*.json"))[:60]:
        s3_client.put_object(Bucket=bucket, Key=path.name, Body=path.read_bytes())
    source = {"use": "object-store-json", "uri": f"s3://{bucket}/", "max_in_flight": 1}
    Path("reporting.toml").write_text(
        "[reports.bucket]\nvalidator = { use = 'visit-event' }\nsource = { use = 'object-store-json', uri = 'x' }\n"
        "sinks = [{ use = 'parquet-checkpoint', uri = 'out/x.parquet' }]"
    )
    found = {}
    for engine in ("local", "processes"):
        results = Results()
        result = run_report(
            "bucket", {"engine": engine, "source": source}, observers=[results]
        )
        found[engine] = (
            without_times(result),
            sorted(results.plain(), key=str),
            Path("out/x.parquet").read_bytes(),
        )
        Path("out").rename(engine)
    assert found["local"] == found["processes"]
    assert len(found["local"][1]) > 5
