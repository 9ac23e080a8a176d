"""Build contexts of container images: their files, and their steps without Docker."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reporting_framework.config.file import find_config, read_config
from reporting_framework.lambda_build.build import BuildRequest
from reporting_framework.lambda_build.image import build_image, dockerfile
from reporting_framework.lambda_build.target import PYTHONS
from reporting_framework.registry.registry import load_plugins
from tests.framework.lambda_build.conftest import RUNNING

EXAMPLES = Path(__file__).parents[3] / "examples" / "visit-events"


def made(out, target, report="toy", kind="plain"):
    config = read_config(find_config(None, {}))
    registry = load_plugins()
    registry.add_reports(config)
    order = BuildRequest(report, target, out)
    return list(map(str, build_image(order, kind, registry, config, lambda text: None)))


def test_the_files_of_a_report(offline, target, toy, tmp_path):
    out = tmp_path / "dist"
    (
        wheels := [name for name in made(out, target) if name.startswith("wheels/")]
    ).sort()
    assert [name.partition("-")[0] for name in wheels] == [
        "wheels/reporting_framework",
        "wheels/reporting_toy",
    ]
    assert sorted(
        str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()
    ) == ["Dockerfile", "pylock.toml", "requirements.txt", *wheels]
    required = (out / "requirements.txt").read_text()
    assert re.search(r"^click==\S+ \\\n    --hash=sha256:[0-9a-f]{64}$", required, re.M)
    assert "reporting" not in required
    (toy.folder / "reporting.toml").write_text("[settings.toy]\ncount = 3\n")
    (out / "mine.txt").write_text("")
    assert "reporting.toml" in made(out, target)
    assert "COPY reporting.toml ./\n" in (out / "Dockerfile").read_text()
    (toy.folder / "reporting.toml").unlink()
    made(out, target)
    assert (out / "mine.txt").exists()
    assert not (out / "reporting.toml").exists()


def test_each_kind_of_image():
    options = {"has_wheels": True, "has_config": False}
    plain = dockerfile("visits", "plain", "3.13", **options).splitlines()
    assert (plain[0], plain[-3:]) == (
        "FROM python:3.13-slim",
        ["USER 10001", 'ENTRYPOINT ["reporting-run"]', 'CMD ["visits"]'],
    )
    function = dockerfile("visits", "lambda", "3.13", **options).splitlines()
    assert (function[0], function[-2:]) == (
        "FROM public.ecr.aws/lambda/python:3.13",
        [
            "ENV REPORTING_REPORT=visits",
            'CMD ["reporting_framework.aws_lambda.handler.handler"]',
        ],
    )
    assert "wheels" not in dockerfile(
        "visits", "plain", "3.13", has_wheels=False, has_config=True
    )


@pytest.mark.parametrize("kind", ["plain", "lambda"])
@pytest.mark.parametrize("has", [True, False])
def test_a_linter_finds_nothing(kind, has):
    hadolint = Path(sys.executable).with_name("hadolint")
    text = dockerfile("visits", kind, "3.13", has_wheels=has, has_config=has)
    done = subprocess.run(
        [hadolint, "-"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(
    RUNNING not in PYTHONS,
    reason=f"there is no image of Lambda for Python {RUNNING}",
)
def test_the_steps_of_the_file_give_a_program_that_runs_the_report(target, tmp_path):
    out = tmp_path / "dist"
    made(out, target, "event-log-checkpoint")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    environment = {
        **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
    }
    app = tmp_path / "app"
    app.mkdir()
    start: list[str] = []
    for line in (out / "Dockerfile").read_text().splitlines():
        what, _, rest = line.partition(" ")
        if what == "COPY":
            name, place = rest.split()
            copy = shutil.copytree if (out / name).is_dir() else shutil.copyfile
            copy(out / name, app / place / name if place == "./" else app / place)
        elif what == "RUN":
            subprocess.run(rest, shell=True, check=True, cwd=app, env=environment)
        elif what in ("ENTRYPOINT", "CMD"):
            start += json.loads(rest)
    arguments = [*start, "--source", EXAMPLES, "--checkpoint", tmp_path / "e.parquet"]
    done = subprocess.run(
        shlex.join(map(str, arguments)),
        shell=True,
        check=True,
        cwd=app,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "accepted          290" in done.stdout
