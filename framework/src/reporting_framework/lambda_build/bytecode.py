"""Compilation of a package's modules: `x.pyc` instead of `x.py`.

Sources are left out: with both, the packages of a report would be larger than Lambda
allows (see ``docs/decisions/0007-lambda-packages.md``). A source that the target's
Python cannot compile stays a source. Positions within a line are left out, since a
traceback shows them only beside the source.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from reporting_framework._text.messages import one_line
from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.file_filter import packaged_files
from reporting_framework.lambda_build.unpack import Unpacked

Files = dict[str, Path]
"""Path of each file's content, by the file's name in the package."""


def compile_all(
    distributions: Sequence[tuple[Unpacked, str]], folder: Path, python: str
) -> list[Files]:
    """Return the files to package of each distribution, compiled in parallel.

    Args:
        distributions: Each with the folder that Lambda will unpack it to, which
            tracebacks show.
        folder: Folder for the compiled files.
        python: An interpreter of the target's version.

    Raises:
        BuildError: The interpreter fails.
    """
    with ThreadPoolExecutor() as pool:
        return list(
            pool.map(
                lambda task: _compile(task[0], task[1], folder / task[0].name, python),
                distributions,
            )
        )


def _compile(unpacked: Unpacked, place: str, folder: Path, python: str) -> Files:
    files = packaged_files(unpacked.files)
    modules = [file for file in files if file.suffix == ".py"]
    jobs = [
        (str(unpacked.folder / module), str(folder / f"{module}c"), f"{place}/{module}")
        for module in modules
    ]
    failed = _run(jobs, python, unpacked.name)
    return dict(_placed(unpacked.folder, folder, file, failed) for file in files)


def _placed(
    source: Path, compiled: Path, path: PurePosixPath, failed: set[str]
) -> tuple[str, Path]:
    original = source / path
    if path.suffix != ".py" or str(original) in failed:
        return str(path), original
    return f"{path}c", compiled / f"{path}c"


def _run(jobs: Sequence[tuple[str, str, str]], python: str, name: str) -> set[str]:
    if not jobs:
        return set()
    done = subprocess.run(  # noqa: S603 - our own program
        [
            python,
            *("-s", "-S", "-X", "no_debug_ranges"),
            str(Path(__file__).with_name("bytecode_worker.py")),
        ],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PYTHON")
        }
        | {"PYTHONHASHSEED": "0"},
    )
    if done.returncode:
        raise BuildError(
            f"{python} cannot compile {name}: {one_line(done.stderr[-400:])}"
        )
    return set(json.loads(done.stdout))
