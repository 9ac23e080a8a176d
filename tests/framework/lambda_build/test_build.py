"""Whole builds of a toy report, without a network; and one of the real report, which needs one."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import reporting_framework
from reporting_framework.config.file import find_config, read_config
from reporting_framework.errors import BuildError, PluginError
from reporting_framework.lambda_build.build import BuildRequest, build
from reporting_framework.lambda_build.limits import UNZIPPED
from reporting_framework.lambda_build.manifest import Manifest
from reporting_framework.lambda_build.target import PYTHONS, Target
from reporting_framework.registry.registry import load_plugins
from tests.framework.lambda_build.conftest import RUNNING
from tests.framework.lambda_build.making import make_wheel

FILES = [
    "data-layer.zip",
    "function.zip",
    "manifest.json",
    "powertools-layer.zip",
    "pylock.toml",
    "sbom.json",
]


def order(
    out: Path, target: Target, report: str = "toy", **more
) -> tuple[Manifest, list[str]]:
    """Build; what there is then, and what was said meanwhile."""
    said: list[str] = []
    config = read_config(find_config(None, {}))
    registry = load_plugins()
    registry.add_reports(config)
    manifest, built = build(
        BuildRequest(report, target, out, **more), registry, config, said.append
    )
    assert built is bool(said)
    return manifest, said


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def written(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.iterdir()
    }


@pytest.fixture
def out(offline, tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("results") / "dist"


@pytest.fixture
def make(target) -> Callable[..., list[str]]:
    """Build for `target`; what was said."""
    return lambda out, **more: order(out, target, **more)[1]


@pytest.fixture
def built(out, make) -> Path:
    assert make(out) == [
        "building wheels of reporting-framework, reporting-toy", f"resolving for x86_64, Python {RUNNING}",
        "fetching and unpacking", "compiling", "compressing",
    ]  # fmt: skip
    return out


def test_what_is_made(built):
    assert sorted(contents(built)) == FILES
    version = reporting_framework.__version__
    assert names(built / "function.zip") == [
        f"reporting_framework-{version}.dist-info/METADATA",
        f"reporting_framework-{version}.dist-info/entry_points.txt",
        "reporting_framework.pyc",
        "reporting_toy-1.2.dist-info/METADATA",
        "reporting_toy-1.2.dist-info/entry_points.txt",
        "reporting_toy/__init__.pyc",
        "reporting_toy/plugin.pyc",
    ]
    tools = {name.split("-1.0")[0] for name in names(built / "powertools-layer.zip")}
    assert tools == {
        "python/made_up_shared",
        "python/made_up_shared.pyc",
        "python/made_up_tools",
        "python/made_up_tools.pyc",
    }
    assert "python/frames/x.so" in names(built / "data-layer.zip")
    assert "python/made_up_models.pyc" in names(built / "data-layer.zip")


def test_the_manifest_and_the_bill_of_materials_tell_the_same(built):
    manifest = json.loads((built / "manifest.json").read_text())
    assert (manifest["report"], manifest["arch"], manifest["python"]) == (
        "toy",
        "x86_64",
        RUNNING,
    )
    assert manifest["left_out"] == {"click": "1.0", "made-up-colours": "1.0"}
    shipped = {
        each["name"]: each
        for package in manifest["packages"].values()
        for each in package["distributions"]
    }
    bill = json.loads((built / "sbom.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    parts = {each["name"]: each for each in bill["components"]}
    assert set(parts) == set(shipped)
    for name, part in parts.items():
        assert part["version"] == shipped[name]["version"]
        assert part["hashes"] == [
            {"alg": "SHA-256", "content": shipped[name]["sha256"]}
        ]
        assert part["licenses"] == [{"license": {"id": "MIT"}}]
    needs = {each["ref"]: each.get("dependsOn") for each in bill["dependencies"]}
    assert needs["pkg:pypi/made-up-tools@1.0"] == ["pkg:pypi/made-up-shared@1.0"]
    assert needs["toy"] == ["pkg:pypi/made-up-tools@1.0", "pkg:pypi/reporting-toy@1.2"]


def test_two_builds_in_different_places_give_the_same_bytes(
    built, make, tmp_path_factory
):
    other = tmp_path_factory.mktemp("elsewhere") / "deep" / "er"
    make(other)
    assert contents(other) == contents(built)


def test_nothing_is_built_when_nothing_has_changed(built, target):
    before = written(built)
    manifest, said = order(built, target)
    assert said == []
    assert manifest.as_json() == (built / "manifest.json").read_text()
    assert written(built) == before


def test_what_is_missing_or_damaged_is_built_again(built, make):
    good = contents(built)
    (built / "function.zip").write_bytes(b"")
    (built / "sbom.json").unlink()
    assert make(built)
    assert contents(built) == good


def test_the_lock_decides_versions_until_upgrade(built, make, offline):
    make_wheel(offline, "made-up-models", "2.0")
    (built / "manifest.json").unlink()
    make(built)
    assert "made_up_models-1.0" in " ".join(names(built / "data-layer.zip"))
    make(built, upgrade=True)
    assert "made_up_models-2.0" in " ".join(names(built / "data-layer.zip"))


def test_what_fails_leaves_everything_as_it_was(built, make, offline):
    good = contents(built)
    (offline / "made_up_models-1.0-py3-none-any.whl").unlink()
    with pytest.raises(BuildError, match="^resolving for x86_64-manylinux_2_28"):
        make(built, upgrade=True)
    assert contents(built) == good


def test_a_folder_that_was_made_goes_when_the_build_fails(out, make, offline):
    (offline / "made_up_models-1.0-py3-none-any.whl").unlink()
    with pytest.raises(BuildError):
        make(out)
    assert not out.exists()


@pytest.mark.slow
def test_what_is_larger_than_lambda_allows_is_not_written(built, make, offline):
    good = contents(built)
    make_wheel(
        offline, "made-up-models", "2.0", files={"models/large.bin": "0" * UNZIPPED}
    )
    with pytest.raises(
        BuildError, match="more than the 262,144,000 that Lambda allows"
    ):
        make(built, upgrade=True)
    assert contents(built) == good


def test_other_files_in_the_folder_stay(built, make):
    (built / "mine.txt").write_text("")
    make(built, upgrade=True)
    assert sorted(contents(built)) == sorted([*FILES, "mine.txt"])


def test_a_report_from_an_index_is_packaged_in_its_installed_version(
    out, make, offline, toy
):
    record = toy.folder / "reporting_toy-1.2.dist-info" / "direct_url.json"
    wheel = Path(json.loads(record.read_text())["url"].removeprefix("file://"))
    wheel.rename(offline / wheel.name)
    record.unlink()
    make_wheel(offline, "reporting-toy", "1.3")
    assert make(out)[0] == "building wheels of reporting-framework"
    assert "reporting_toy-1.2.dist-info/METADATA" in names(out / "function.zip")
    assert "reporting-toy" in (out / "pylock.toml").read_text()


def test_a_configuration_file_that_sets_the_report_goes_along(out, make, toy):
    (toy.folder / "reporting.toml").write_text("[settings.toy]\ncount = 3\n")
    make(out)
    assert "reporting.toml" in names(out / "function.zip")


def test_a_report_that_there_is_not_leaves_no_folder(out, make):
    with pytest.raises(PluginError, match="^there is no report 'toi'"):
        make(out, report="toi")
    assert not out.exists()


def test_a_folder_that_cannot_be_written_to(make, offline, toy):
    (toy.folder / "file").write_text("")
    with pytest.raises(
        BuildError,
        match="file/dist: Not a directory; give a folder that can be written to$",
    ):
        make(toy.folder / "file" / "dist")


LAMBDA = """
import sys
sys.path[:0] = sys.argv[1:3]
import boto3, obstore, polars, pydantic, aws_lambda_powertools, aws_xray_sdk.core
from reporting_framework.execution.assembly import assemble
from reporting_framework.config.file import Config
from reporting_framework.registry.registry import load_plugins
from reporting_framework.registry.reports import compose_report
from reporting_framework.execution.runner import run

registry = load_plugins()
assert {row.status for row in registry.check()} == {"loaded"}, registry.check()
options = {"source": sys.argv[3], "checkpoint": sys.argv[4]}
composition = compose_report("event-log-checkpoint", registry, Config(), environment={}, options=options)
result = run(assemble("event-log-checkpoint", composition, registry), lifecycle=registry.lifecycle())
ours = [module for name, module in sys.modules.items() if name.startswith(("reporting_", "polars", "pydantic"))]
assert all(str(getattr(module, "__file__", "")).endswith((".pyc", ".so")) for module in ours if module.__spec__.origin)
print(result.accepted, polars.read_parquet(sys.argv[4]).height)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    RUNNING not in PYTHONS,
    reason=f"Lambda has no Python {RUNNING} that these packages could be for",
)
def test_the_real_report_twice_alike_and_unpacked_read_only(target, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for out in (one, two):
        order(out, target, "event-log-checkpoint")
    assert contents(one) == contents(two)
    manifest = json.loads((one / "manifest.json").read_text())
    assert manifest["unzipped"] <= 240_000_000
    assert manifest["packages"]["function.zip"]["zipped"] < 1_000_000
    places = {
        "function.zip": "task",
        "powertools-layer.zip": "opt",
        "data-layer.zip": "opt",
    }
    for name, place in places.items():
        with zipfile.ZipFile(one / name) as archive:
            archive.extractall(tmp_path / place)
    for path in [*(tmp_path / "task").rglob("*"), *(tmp_path / "opt").rglob("*")]:
        path.chmod(path.stat().st_mode & 0o555)
    examples = Path(__file__).parents[3] / "examples" / "visit-events"
    where = [
        tmp_path / "task",
        tmp_path / "opt" / "python",
        examples,
        tmp_path / "events.parquet",
    ]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAMBDA, *map(str, where)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["290", "290"]
