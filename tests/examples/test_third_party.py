"""A plugin from outside, built, installed and discovered as any user would, beside others that are no good."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.framework.distributions import Site, program
from tests.framework.lambda_build.making import make_wheel
from tests.support.http import Recorded, recorded

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "third-party-plugin"
SECRET = "canary-5d1f"
"""In values of records, and in the webhook's URL."""

POINT = "[reporting_framework]\n{0} = {0}\n"
DOUBLE = """
from reporting_framework import LazyPlugin, hookimpl

@hookimpl
def reporting_sources():
    return [LazyPlugin("object-store-json", "json:JSONDecoder")]
"""
FUTURE = "from reporting_framework import hookimpl\nREPORTING_API = 2\n@hookimpl\ndef reporting_oracles():\n    return []\n"
NEIGHBOURS = {
    "acme-broken": "import acme_not_there\n",
    "acme-double": DOUBLE,
    "acme-future": FUTURE,
    "acme-blocked": "raise SystemExit('imported all the same')\n",
}
ALLOWED = "acme-reporting,reporting-object-store,acme-broken,acme-double,acme-future"


def shop(folder: Path, *numbers: int) -> None:
    """A folder as the example has it, with these rows; every tenth is one that the model refuses."""
    folder.mkdir(exist_ok=True)
    shutil.copy(EXAMPLE / "reporting.toml", folder)
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        columns = "id INTEGER PRIMARY KEY, item TEXT, price REAL, placed_at TEXT, updated_at TEXT"
        database.execute(f"CREATE TABLE IF NOT EXISTS orders ({columns})")
        rows = [
            (
                each,
                f"{SECRET} {each}",
                2.5 if each % 10 else -1.0,
                f"2024-01-{each % 28 + 1:02}T10:00:00Z",
                f"2024-02-01T00:{each:02}:00Z",
            )
            for each in numbers
        ]
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)


def source_keys(folder: Path) -> list[str]:
    return sorted(
        pl.read_parquet(folder / "out" / "orders.parquet")["source_key"].to_list()
    )


def posts(webhook: Recorded) -> list[dict[str, object]]:
    """What was posted, which holds no value of a record."""
    taken = webhook.take()
    assert not [each for each in taken if SECRET.encode() in each.body]
    assert {(each.method, each.path) for each in taken} <= {("POST", f"/hook/{SECRET}")}
    return [json.loads(each.body) for each in taken]


def test_a_report_with_a_plugin_from_outside_runs_and_its_observer_is_told(tmp_path):
    site = Site(tmp_path)
    site.metadata(
        "acme-reporting",
        "[reporting_framework]\ntable = acme_reporting.plugin\nhook = acme_reporting.webhook\n",
    )
    shop(tmp_path, 1, 2, 10)
    with recorded(status=200) as webhook:
        path = os.pathsep.join([str(tmp_path), str(EXAMPLE / "src")])
        more = {
            "PYTHONPATH": path,
            "ACME_WEBHOOK_URL": f"{webhook.endpoint}/hook/{SECRET}",
        }
        done = program(
            "reporting-run", "orders", "--format", "json", site=tmp_path, **more
        )
        assert (done.returncode, done.stderr) == (0, "")
        (post,) = posts(webhook)
    result = json.loads(done.stdout)
    assert (result["accepted"], result["rejected"]) == (2, 1)
    assert post["run_id"] == result["run_id"]
    assert post["text"] == "orders: ok, records read 3, accepted 2, rejected 1"
    assert source_keys(tmp_path) == ["orders/1", "orders/2"]


# -- in an environment of its own --------------------------------------------------------------------------------------


@dataclass
class Outside:
    """A fresh virtual environment with the framework's and the plugin's wheels, and nothing of this repository."""

    folder: Path
    dist: Path

    def uv(self, *arguments: object) -> None:
        done = subprocess.run(
            ["uv", *map(str, arguments)], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr

    def install(self, *what: object) -> None:
        self.uv(
            "pip",
            "install",
            "--quiet",
            "--python",
            self.python,
            "--find-links",
            self.dist,
            *what,
        )

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(
        self, command: str, *arguments: str, at: Path, **more: str
    ) -> subprocess.CompletedProcess[str]:
        kept = ("HOME", "LANG", "TMPDIR")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": ".",
            "NO_COLOR": "1",
        } | more
        return subprocess.run(
            [command, *arguments],
            cwd=at,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def listed(self, at: Path, **more: str) -> list[dict[str, str]]:
        done = self.run("reporting", "plugins", "--format", "json", at=at, **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    """With the plugin alone."""
    folder = tmp_path_factory.mktemp("outside")
    made = Outside(folder / "venv", folder / "dist")
    for place in (ROOT / "framework", ROOT / "plugins" / "object-store", EXAMPLE):
        made.uv(
            "build",
            "--quiet",
            "--wheel",
            "--python",
            sys.executable,
            "--out-dir",
            made.dist,
            place,
        )
    made.uv("venv", "--quiet", "--python", sys.executable, made.folder)
    made.install(*sorted(made.dist.glob("*.whl")))
    return made


@pytest.fixture(scope="module")
def alone(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the report ran twice before any neighbour was there."""
    folder = tmp_path_factory.mktemp("alone") / "shop"
    assert twice(outside, folder) == [(27, 3), (1, 3)]
    return folder


@pytest.fixture(scope="module")
def crowded(outside: Outside, alone: Path) -> Outside:
    """With neighbours that are no good."""
    for name, source in NEIGHBOURS.items():
        module = name.replace("-", "_")
        make_wheel(
            outside.dist,
            name,
            files={f"{module}.py": source},
            points=POINT.format(module),
        )
    outside.install(*NEIGHBOURS)
    return outside


@pytest.fixture
def webhook() -> Iterator[Recorded]:
    with recorded(status=200) as server:
        yield server


def twice(outside: Outside, folder: Path, **more: str) -> list[tuple[int, int]]:
    """Accepted and rejected of a run, and of another one after a row more.

    The second one looks back to all rows, so it rejects the same ones.
    """
    counts = []
    for numbers in (range(1, 31), (31,)):
        shop(folder, *numbers)
        done = outside.run(
            "reporting-run", "orders", "--format", "json", at=folder, **more
        )
        assert (done.returncode, done.stderr) == (0, "")
        result = json.loads(done.stdout)
        counts.append((result["accepted"], result["rejected"]))
    return counts


def content(folder: Path) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """Rows and metadata of the table, without the source's state, which has the time of the run."""
    path = folder / "out" / "orders.parquet"
    metadata = pl.read_parquet_metadata(path)
    for name in ("reporting_framework.state", "reporting.checksums"):
        assert metadata.pop(name)
    return pl.read_parquet(path).rows(), metadata


def rows_of(
    listed: Sequence[dict[str, str]], distribution: str
) -> list[tuple[str, ...]]:
    keys = ("name", "role", "status", "reason")
    return [
        tuple(each[key] for key in keys)
        for each in listed
        if each["distribution"] == distribution
    ]


@pytest.mark.slow
def test_the_framework_there_is_the_wheel_and_no_other_plugin_of_this_repository_is(
    outside, tmp_path
):
    asked = "import reporting_framework; print(reporting_framework.__file__)"
    place = outside.run("python", "-c", asked, at=tmp_path).stdout
    assert Path(place).is_relative_to(outside.folder)
    known = {each["distribution"] for each in outside.listed(tmp_path)}
    assert {"reporting-framework", "reporting-object-store", "acme-reporting"} <= known
    assert not known & {
        "reporting-aws",
        "reporting-event-log-checkpoint",
        "reporting-event-processor",
    }


@pytest.mark.slow
def test_what_it_brings_is_listed(outside, tmp_path):
    assert rows_of(outside.listed(tmp_path), "acme-reporting") == [
        ("sqlite-table", "source", "registered", ""),
        ("sqlite-table", "sink", "registered", ""),
        ("webhook", "observer", "registered", ""),
    ]


@pytest.mark.slow
def test_neighbours_that_are_no_good_are_listed_each_with_its_reason(crowded, tmp_path):
    listed = crowded.listed(tmp_path, REPORTING_PLUGINS=ALLOWED)
    missing = "ModuleNotFoundError: No module named 'acme_not_there'"
    future = "it is for plugin API version 2, and reporting-framework has version 1; upgrade reporting-framework"
    assert rows_of(listed, "acme-broken") == [
        ("acme_broken", "plugin", "broken", missing)
    ]
    assert rows_of(listed, "acme-future") == [
        ("acme_future", "plugin", "broken", future)
    ]
    assert rows_of(listed, "acme-blocked") == [
        ("acme_blocked", "plugin", "blocked", "not in REPORTING_PLUGINS")
    ]
    taken = "reporting-object-store 0.1.0 has the same name"
    assert rows_of(listed, "acme-double") == [
        ("object-store-json", "source", "broken", taken)
    ]
    assert ("sqlite-table", "source", "registered", "") in rows_of(
        listed, "acme-reporting"
    )
    unblocked = crowded.listed(tmp_path)
    assert rows_of(unblocked, "acme-blocked")[0][2:] == (
        "broken",
        "SystemExit: imported all the same",
    )


@pytest.mark.slow
def test_neighbours_that_are_no_good_change_nothing_for_a_report_that_does_not_need_them(
    crowded, alone, tmp_path
):
    folder = tmp_path / "shop"
    assert twice(crowded, folder) == [(27, 3), (1, 3)]
    assert content(folder) == content(alone)
    assert len(source_keys(folder)) == 28


@pytest.mark.slow
def test_who_needs_a_name_that_two_have_is_told_so_and_can_leave_one_out(
    crowded, tmp_path
):
    shop(tmp_path, 1)
    config = tmp_path / "reporting.toml"
    config.write_text(
        """
        [reports.orders]
        source    = { use = "object-store-json", uri = "in" }
        validator = { use = "pydantic", model = "orders:Order" }
        sinks     = [{ use = "parquet-checkpoint", uri = "out/orders.parquet", timestamp = "placed_at" }]
        """
    )
    (tmp_path / "orders.py").write_text(
        "from datetime import datetime\nfrom pydantic import BaseModel\n\n\n"
        "class Order(BaseModel):\n    placed_at: datetime\n"
    )
    (tmp_path / "in").mkdir()
    done = crowded.run(
        "reporting-run", "orders", at=tmp_path, REPORTING_PLUGINS=ALLOWED
    )
    assert done.returncode == 2
    assert (
        "two plugins bring the source object-store-json: acme-double 1.0 and reporting-object-store 0.1.0"
        in done.stderr
    )
    done = crowded.run(
        "reporting-run",
        "orders",
        at=tmp_path,
        REPORTING_PLUGINS="reporting-object-store",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_webhook_is_told_of_runs_that_finish_and_of_those_that_fail(
    outside, webhook, tmp_path
):
    shop(tmp_path, 1, 2, 10)
    url = f"{webhook.endpoint}/hook/{SECRET}"
    done = outside.run(
        "reporting-run", "orders", "--format", "json", at=tmp_path, ACME_WEBHOOK_URL=url
    )
    (post,) = posts(webhook)
    assert (post["status"], post["accepted"], post["run_id"]) == (
        "ok",
        2,
        json.loads(done.stdout)["run_id"],
    )
    dry = outside.run(
        "reporting-run", "orders", "--dry-run", at=tmp_path, ACME_WEBHOOK_URL=url
    )
    assert (dry.returncode, posts(webhook)) == (0, [])
    (tmp_path / "shop.db").write_bytes(
        b"no database at all, but long enough to be looked at"
    )
    done = outside.run("reporting-run", "orders", at=tmp_path, ACME_WEBHOOK_URL=url)
    assert done.returncode == 1
    (post,) = posts(webhook)
    assert (post["status"], post["error"]) == ("failed", "LocationError")
    assert post["text"].startswith(
        "orders: failed, LocationError: shop.db: not a SQLite file that can be opened (SQLITE_NO"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "status", [500, 404, None], ids=["busy", "gone", "nobody there"]
)
def test_a_webhook_that_fails_fails_no_run_and_its_url_stays_secret(
    outside, tmp_path, status
):
    shop(tmp_path, 1)
    with recorded(status=status or 200) as server:
        endpoint = server.endpoint if status else "http://127.0.0.1:1"
        done = outside.run(
            "reporting-run",
            "orders",
            at=tmp_path,
            ACME_WEBHOOK_URL=f"{endpoint}/hook/{SECRET}",
        )
    assert done.returncode == 0
    said = (
        f"the webhook answered {status}"
        if status
        else "the webhook could not be called: URLError"
    )
    assert done.stderr == f"warning: {said}; the run is not affected\n"
    assert source_keys(tmp_path) == ["orders/1"]


@pytest.mark.slow
def test_the_commands_of_its_readme_do_what_it_says(outside, tmp_path):
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder)
    shown = (
        (EXAMPLE / "README.md")
        .read_text()
        .partition("## Try it")[2]
        .partition("[`reporting.toml`]")[0]
    )
    commands = [line.strip() for line in shown.splitlines() if line.startswith("    ")]
    installing, entering, *commands = commands
    assert (
        installing
        == "pip install ./framework ./plugins/object-store ./examples/third-party-plugin"
    )
    assert entering == "cd examples/third-party-plugin"
    make, plugins, run = commands
    kept = []
    for each in (make, plugins, run, run, make, run):
        done = outside.run("sh", "-c", each, at=folder, PYTHONPATH="")
        assert done.returncode == 0, done.stderr
        kept += re.findall(r"accepted +(\d+)\n +rejected +(\d+)", done.stdout)
    assert kept == [("2", "1"), ("0", "1"), ("2", "2")]


@pytest.mark.slow
def test_its_own_tests_pass_there(outside):
    (wheel,) = outside.dist.glob("acme_reporting-*.whl")
    outside.install(f"{wheel}[test]")
    done = outside.run(
        "python",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        at=EXAMPLE,
        PYTHONPATH="",
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
