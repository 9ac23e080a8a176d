"""Measure the bars of the "Speed" table in one command.

    python benchmarks/run.py                    everything: over half an hour,
                                                longer the first time
    python benchmarks/run.py --quick            a tenth of the data
    python benchmarks/run.py --only help first-run
                                                the rows whose names begin so
    python benchmarks/run.py --check            no row worse than in history.jsonl

The programs we compare with, and what the measuring itself needs, live in an
environment of their own, which this script makes in `benchmarks/.cache/`; then it hands
over to `benchmarks.suite` there. The two reports are measured in another environment
there, with wheels of this tree, as users have them. Other rows are measured with the
`reporting-run` beside the interpreter that runs this script or on PATH; `--program`
names another.
"""

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "peers" / "requirements.txt"
REPORTS = (
    "framework",
    "plugins/object-store",
    "plugins/aws",
    "plugins/event-log-checkpoint",
    "plugins/event-processor",
)
"""Packages of the two reports."""


def main() -> None:
    """Resolve the program, make the environment, hand over."""
    options = _parse()
    program = _found(shlex.split(options.program))
    cache = HERE / ".cache"
    python = str(_peers(cache) / "python")
    command = [
        python,
        "-m",
        "benchmarks.suite",
        "--program",
        shlex.join(program),
        "--reports",
        str(_reports(cache) / "reporting-run"),
        "--only",
        *options.only,
    ]
    command += [f"--{name}" for name in ("quick", "check") if getattr(options, name)]
    os.environ.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # everyone's modules are compiled by the first of several runs
    os.chdir(HERE.parent)  # `-m` finds `benchmarks` and `tests` here
    os.execv(python, command)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the bars of the Speed table.")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a tenth of the data; the written tables stay as they are",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help=(
            "end with status 1 if a row is worse by 15 %% than in history.jsonl, or"
            " takes more memory; the files stay as they are"
        ),
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[""],
        metavar="NAME",
        help=(
            "only the rows whose names begin with a NAME; the written tables stay as"
            " they are"
        ),
    )
    parser.add_argument(
        "--program",
        default="reporting-run",
        help="the command to measure (default: reporting-run)",
    )
    return parser.parse_args()


def _found(words: list[str]) -> list[str]:
    """Make the program's path absolute.

    It stays in its own environment while the rest moves to another.
    """
    places = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    )
    path = shutil.which(words[0], path=places)
    if path is None:
        sys.exit(
            f"benchmarks: no program {words[0]!r} beside this Python nor on PATH;"
            " install the workspace first"
        )
    return [str(Path(path).absolute()), *words[1:]]


def _peers(cache: Path) -> Path:
    """Return the folder of the environment of the peers, and of what measures."""
    editable = ["--editable", str(HERE.parent / "framework")]  # for its S3 on loopback
    return _environment(
        cache,
        "peers",
        REQUIREMENTS.read_bytes(),
        ["--requirement", str(REQUIREMENTS), *editable],
    )


def _reports(cache: Path) -> Path:
    """Return the folder of an environment that has what users of the reports install.

    An editable workspace has more plugins, and a place on the path for each of them.
    """
    sources = hashlib.sha256()
    for package in REPORTS:
        for path in sorted((HERE.parent / package).rglob("*.*")):
            if path.is_file() and path.suffix != ".pyc":
                sources.update(path.relative_to(HERE.parent).as_posix().encode())
                sources.update(path.read_bytes())
    packages = [
        f"{HERE.parent / package}{'[aws,sql]' if package == 'framework' else ''}"
        for package in REPORTS
    ]
    return _environment(cache, "reports", sources.digest(), packages)


def _environment(
    cache: Path, name: str, wanted: bytes, requirements: Sequence[str]
) -> Path:
    """Make an environment unless it is there, and return its folder of programs.

    A change of Python or of what is wanted makes a new one.
    """
    key = hashlib.sha256(f"{sys.version_info[:2]}".encode() + wanted).hexdigest()[:12]
    folder = cache / f"{name}-{key}"
    programs = folder / "bin"
    done = folder / "complete"
    if not done.exists():
        print(
            f"making an environment in {folder.relative_to(HERE.parent)} …",
            file=sys.stderr,
        )
        shutil.rmtree(folder, ignore_errors=True)
        beside = os.pathsep.join(
            [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        )
        uv = shutil.which("uv", path=beside)
        python = str(programs / "python")
        venv.create(folder, with_pip=uv is None)
        pip = (
            [uv, "pip", "install", "--python", python]
            if uv
            else [python, "-m", "pip", "install"]
        )
        subprocess.run([*pip, "--quiet", *requirements], check=True)
        done.touch()
    return programs


if __name__ == "__main__":
    main()
