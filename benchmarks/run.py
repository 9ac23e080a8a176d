"""Measure the bars of the "Speed" table in one command.

    python benchmarks/run.py                    everything: 25 minutes,
                                                half an hour the first time
    python benchmarks/run.py --quick            a tenth of the data
    python benchmarks/run.py --only help first-run
                                                the rows whose names begin so
    python benchmarks/run.py --check            no row worse than in history.jsonl

The programs we compare with, and what the measuring itself needs, live in an
environment of their own, which this script makes in `benchmarks/.cache/`; then it hands
over to `benchmarks.suite` there. The program that is measured is `reporting-run`,
beside the interpreter that runs this script or on PATH; `--program` names another.
"""

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "peers" / "requirements.txt"


def main() -> None:
    """Resolve the program, make the environment, hand over."""
    options = _parse()
    program = _found(shlex.split(options.program))
    python = _environment(HERE / ".cache")
    command = [
        str(python),
        "-m",
        "benchmarks.suite",
        "--program",
        shlex.join(program),
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
        help="only the rows whose names begin with a NAME",
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


def _environment(cache: Path) -> Path:
    """Make the environment unless it is there.

    A change of Python or of the requirements makes a new one.
    """
    wanted = f"{sys.version_info[:2]}".encode() + REQUIREMENTS.read_bytes()
    folder = cache / f"peers-{hashlib.sha256(wanted).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        print(
            "making an environment for the peers in"
            f" {folder.relative_to(HERE.parent)} …",
            file=sys.stderr,
        )
        shutil.rmtree(folder, ignore_errors=True)
        beside = os.pathsep.join(
            [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        )
        uv = shutil.which("uv", path=beside)
        venv.create(folder, with_pip=uv is None)
        pip = (
            [uv, "pip", "install", "--python", str(python)]
            if uv
            else [str(python), "-m", "pip", "install"]
        )
        ours = [
            "--editable",
            str(HERE.parent / "framework"),
        ]  # for its S3 on loopback; what is measured is elsewhere
        subprocess.run(
            [*pip, "--quiet", "--requirement", str(REQUIREMENTS), *ours], check=True
        )
        done.touch()
    return python


if __name__ == "__main__":
    main()
