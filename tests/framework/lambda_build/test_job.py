"""Archives and scripts of jobs on Spark: of a toy report without a network, and of the real report on a cluster."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reporting_framework import run_report
from reporting_framework.config.file import find_config, read_config
from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.archive import sha256
from reporting_framework.lambda_build.build import BuildRequest
from reporting_framework.lambda_build.job import build_job
from reporting_framework.lambda_build.manifest import Manifest
from reporting_framework.lambda_build.target import Service, Target
from reporting_framework.registry.registry import load_plugins
from tests.framework.lambda_build.conftest import RUNNING
from tests.framework.lambda_build.making import offered

EVENTS = Path(__file__).parents[3] / "examples" / "visit-events"
FILES = ["environment.tar.gz", "job.py", "manifest.json", "pylock.toml", "sbom.json"]
PACKAGES = f"lib/python{RUNNING}/site-packages"


def order(
    out: Path, service: Service, report: str = "toy", **more
) -> tuple[Manifest, list[str]]:
    """Build; the manifest, and what was said meanwhile."""
    said: list[str] = []
    config = read_config(find_config(None, {}))
    registry = load_plugins()
    registry.add_reports(config)
    request = BuildRequest(report, Target("x86_64", RUNNING, service), out, **more)
    manifest, built = build_job(request, registry, config, said.append)
    assert built is bool(said)
    return manifest, said


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as packed:
        return packed.getnames()


def links(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as packed:
        return {each.name: each.linkname for each in packed if each.issym()}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def make(spark, tmp_path_factory) -> Callable[..., Path]:
    """Build in a new folder, which is the result."""

    def made(service: Service, **more) -> Path:
        out = tmp_path_factory.mktemp("results") / "dist"
        order(out, service, **more)
        return out

    return made


def test_an_archive_for_emr_serverless_brings_its_interpreter(make):
    out = make("emr-serverless")
    assert sorted(contents(out)) == FILES
    own = [
        name
        for name in names(out / "environment.tar.gz")
        if not name.startswith(f"{PACKAGES}/")
    ]
    library = f"lib/python{RUNNING}"
    assert own == [
        "bin/python",
        "bin/python3",
        f"bin/python{RUNNING}",
        f"lib/libpython{RUNNING}.so.1.0",
        f"{library}/_sysconfigdata__linux_x86_64-linux-gnu.py",
        f"{library}/json/__init__.py",
        f"{library}/os.py",
    ]
    assert links(out / "environment.tar.gz") == {
        "bin/python": f"python{RUNNING}",
        "bin/python3": f"python{RUNNING}",
    }


def test_an_archive_for_glue_is_a_virtual_environment_of_its_interpreter(make):
    archive = make("glue") / "environment.tar.gz"
    assert links(archive) == {
        "bin/python": f"python{RUNNING}",
        "bin/python3": f"python{RUNNING}",
        f"bin/python{RUNNING}": f"/usr/bin/python{RUNNING}",
        "lib64": "lib",
    }
    with tarfile.open(archive) as packed:
        settings = packed.extractfile("pyvenv.cfg").read().decode().splitlines()
    assert settings[:2] == ["home = /usr/bin", "include-system-site-packages = false"]


@pytest.mark.parametrize("service", ["emr-serverless", "glue"])
def test_the_packages_are_those_of_the_report_and_the_engine_without_pyspark(
    make, service
):
    out = make(service)
    prefix = f"{PACKAGES}/"
    modules = {
        name.removeprefix(prefix)
        for name in names(out / "environment.tar.gz")
        if name.startswith(prefix) and name.endswith((".py", ".so"))
    }
    assert modules == {
        "click.py",
        "frames/x.so",
        "made_up_colours.py",
        "made_up_models.py",
        "made_up_shared.py",
        "reporting_framework.py",
        "reporting_spark/__init__.py",
        "reporting_toy/__init__.py",
        "reporting_toy/plugin.py",
    }
    assert "py4j" not in (out / "pylock.toml").read_text()
    manifest = json.loads((out / "manifest.json").read_text())
    package = manifest["packages"]["environment.tar.gz"]
    assert package["sha256"] == sha256(out / "environment.tar.gz")
    bill = json.loads((out / "sbom.json").read_text())
    assert [each["name"] for each in package["distributions"]] == sorted(
        each["name"] for each in bill["components"]
    )


@pytest.mark.parametrize("service", ["emr-serverless", "glue"])
def test_two_builds_in_different_places_give_the_same_bytes(make, service):
    assert contents(make(service)) == contents(make(service))


def test_modes_and_times_are_fixed(make):
    with tarfile.open(make("emr-serverless") / "environment.tar.gz") as packed:
        rows = {
            each.name: oct(each.mode) for each in packed.getmembers() if each.isfile()
        }
        assert {each.mtime for each in packed} == {315_532_800}
    assert rows[f"bin/python{RUNNING}"] == "0o755"
    assert rows[f"{PACKAGES}/frames/x.so"] == "0o755"
    assert rows[f"{PACKAGES}/click.py"] == "0o644"


def test_nothing_is_built_when_nothing_has_changed(make):
    out = make("glue")
    before = contents(out)
    assert order(out, "glue")[1] == []
    assert contents(out) == before
    assert order(out, "emr-serverless")[1] != []
    assert contents(out) != before


def test_the_script_runs_the_report_and_holds_its_configuration(make, toy):
    text = "[settings.toy]\ncount = 3  # \"''' \\n\n"
    (toy.folder / "reporting.toml").write_text(text)
    for service, options in (
        ("emr-serverless", "sys.argv[1:]"),
        ("glue", "glue_options(sys.argv)"),
    ):
        script = (make(service) / "job.py").read_text()
        assert f"run_job('toy', {options}, engine='spark', config=CONFIG)" in script
        config = next(
            each.value
            for each in ast.parse(script).body
            if isinstance(each, ast.Assign)
        )
        assert ast.literal_eval(config) == text


def test_an_interpreter_without_its_program(
    spark, home, tmp_path, monkeypatch, tmp_path_factory
):
    (home / "bin" / f"python{RUNNING}").rename(home / "bin" / "python9")
    offered(tmp_path / "other", monkeypatch, home, RUNNING)
    with pytest.raises(
        BuildError, match=f"uv installed no program bin/python{RUNNING}; use another"
    ):
        order(tmp_path_factory.mktemp("results"), "emr-serverless")


def test_an_interpreter_that_uv_does_not_offer(spark, tmp_path, monkeypatch):
    listed = tmp_path / "none.json"
    listed.write_text("{}")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", str(listed))
    with pytest.raises(
        BuildError,
        match=f"^installing cpython-{RUNNING}-linux-x86_64-gnu for the archive: uv says: ",
    ):
        order(tmp_path / "out", "emr-serverless")
    assert not (tmp_path / "out").exists()


def running_python(folder: Path) -> Path:
    """A copy of the running interpreter without packages, which stands for one that uv downloads."""
    base, library = Path(sys.base_prefix), f"lib/python{RUNNING}"
    ignored = shutil.ignore_patterns("__pycache__", "site-packages", "test", "config-*")
    shutil.copytree(base / library, folder / library, ignore=ignored)
    (folder / "bin").mkdir()
    for path in (
        base / "bin" / f"python{RUNNING}",
        *(base / "lib").glob("libpython*.so*"),
    ):
        shutil.copyfile(path, folder / path.relative_to(base))
    (folder / "bin" / f"python{RUNNING}").chmod(0o755)
    return folder


def submitted(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a job as the services do: with its archive in the working directory, and PySpark of the cluster."""
    import pyspark

    with tarfile.open(folder / "dist" / "environment.tar.gz") as packed:
        packed.extractall(folder / "environment", filter="fully_trusted")
    cluster = Path(pyspark.__file__).parent
    python = "./environment/bin/python"
    return subprocess.run(
        [
            str(cluster / "bin" / "spark-submit"),
            *("--master", "local-cluster[2,1,1024]"),
            *("--conf", "spark.archives=dist/environment.tar.gz#environment"),
            *("--conf", f"spark.executorEnv.PYSPARK_PYTHON={python}"),
            *("--conf", "spark.eventLog.enabled=true"),
            *("--conf", f"spark.eventLog.dir={folder}"),
            *("--conf", "spark.eventLog.compress=false"),
            *("--conf", "spark.eventLog.rolling.enabled=false"),
            "dist/job.py",
            *arguments,
        ],
        cwd=folder,
        env={
            "HOME": str(folder),
            "PATH": os.defpath,
            "PYSPARK_DRIVER_PYTHON": python,
            "PYSPARK_PYTHON": python,
            "SPARK_HOME": str(cluster),
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("service", ["emr-serverless", "glue"])
def test_the_real_report_on_a_cluster_gives_the_bytes_of_the_engine_local(
    tmp_path, monkeypatch, service
):
    pytest.importorskip("pyspark", reason="hatch run spark:test installs pyspark")
    if service == "glue" and not Path(f"/usr/bin/python{RUNNING}").exists():
        pytest.skip(f"there is no /usr/bin/python{RUNNING}, which Glue has")
    home = running_python(tmp_path / "home")
    offered(tmp_path / "offered", monkeypatch, home, RUNNING)
    order(tmp_path / "dist", service, "event-log-checkpoint")
    options = ["--source", str(EVENTS), "--checkpoint", "e.parquet", "--format", "json"]
    done = submitted(
        tmp_path,
        *(
            options
            if service == "emr-serverless"
            else ["--JOB_NAME", "visits", "--report-options", " ".join(options)]
        ),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted"] == 290
    (log,) = tmp_path.glob("app-*")
    tasks = [
        each["Task Info"]["Executor ID"]
        for each in map(json.loads, log.read_text().splitlines())
        if each["Event"] == "SparkListenerTaskEnd"
    ]
    assert tasks
    assert "driver" not in tasks
    settings = {"source": str(EVENTS), "checkpoint": str(tmp_path / "local.parquet")}
    run_report("event-log-checkpoint", settings)
    assert (tmp_path / "e.parquet").read_bytes() == (
        tmp_path / "local.parquet"
    ).read_bytes()
