"""The real command line, in processes of its own; and the functions that are built of it."""

import json
import os
import platform
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from reporting_framework.lambda_build.target import PYTHONS
from reporting_framework.testing.s3 import REGION
from tests.support import S3Server
from tests.support.packages import find_python, python_version

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "visit-events"
PROGRAM = Path(sys.executable).parent / "reporting-run"
HANDLER = "reporting_framework.aws_lambda.handler.handler"

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the report; what still runs at the end of the test is killed."""
    processes: list[subprocess.Popen[str]] = []

    def begin(source: object, checkpoint: object, *more: str) -> subprocess.Popen[str]:
        command = [
            str(PROGRAM),
            "event-log-checkpoint",
            "--source",
            str(source),
            "--checkpoint",
            str(checkpoint),
        ]
        process = subprocess.Popen(
            [*command, "--format", "json", "--quiet", *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"NO_COLOR": "1"},
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def report(start: Start) -> Callable[..., dict[str, Any]]:
    """Runs the report to its end and gives its result."""

    def run(source: object, checkpoint: object, *more: str) -> dict[str, Any]:
        return finish(start(source, checkpoint, *more))

    return run


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The result of a process that ends well; the counts must add up."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out)
    parts = ("accepted", "rejected", "filtered", "duplicates")
    assert result["records_read"] == sum(result[part] for part in parts)
    return result


def open_bucket(s3: S3Server, bucket: str) -> S3Store:
    """The bucket, past everything of ours."""
    return S3Store(
        bucket,
        endpoint=s3.endpoint,
        access_key_id=s3.access_key,
        secret_access_key=s3.secret_key,
        region=REGION,
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )


def fill(s3: S3Server, bucket: str) -> S3Store:
    """Put the example's events into a bucket, below ``events/``."""
    store = open_bucket(s3, bucket)
    for path in EXAMPLE.iterdir():
        obstore.put(store, f"events/{path.name}", path.read_bytes())
    return store


@pytest.fixture(scope="session")
def python() -> str:
    """An interpreter of the version that functions are built for: 3.12 where there is one."""
    return find_python("3.12")


@pytest.fixture(scope="session")
def built(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the packages of event-log-checkpoint, with what pages after a run are made with."""
    return build(
        "event-log-checkpoint",
        python,
        tmp_path_factory.mktemp("packages") / "dist",
        "--with",
        "reporting-pages",
    )


def build(report: str, python: str, out: Path, *more: str) -> Path:
    """The folder of a report's packages, for this machine's architecture, by the command that users have."""
    arch = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    version = ".".join(python_version(python).split(".")[:2])
    if version not in PYTHONS:
        pytest.skip(
            f"packages are for Python {', '.join(PYTHONS)}; there is none of them here but {version}"
        )
    command = [
        str(PROGRAM.with_name("reporting")),
        "build",
        report,
        "--arch",
        arch,
        "--python",
        version,
        *more,
    ]
    path = os.pathsep.join(
        [str(Path(python).parent), os.environ.get("PATH", os.defpath)]
    )  # where uv looks for it
    done = subprocess.run(
        [*command, "--out", str(out)],
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path},
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def unpacked(built: Path) -> dict[str, Any]:
    """The packages as Lambda unpacks them, not to be written to: where `lambda_function` finds the code."""
    places = {}
    for name in ("function", "powertools-layer", "data-layer"):
        places[name] = built.parent / name
        with zipfile.ZipFile(built / f"{name}.zip") as archive:
            archive.extractall(places[name])
        for path in sorted(places[name].rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
    return {
        "task_root": places["function"],
        "layers": [places["powertools-layer"], places["data-layer"]],
    }


@pytest.fixture(params=["installed", pytest.param("packages", marks=pytest.mark.slow)])
def code(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Where a function's code comes from: this environment, or the packages on the Python they were built for."""
    if request.param == "installed":
        return {"pythonpath": [sysconfig.get_paths()["purelib"]]}
    return {
        **request.getfixturevalue("unpacked"),
        "python": request.getfixturevalue("python"),
    }
