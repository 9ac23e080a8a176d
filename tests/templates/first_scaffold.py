"""From an empty folder to the first green scaffold, measured: made, environment, tests, example, packages.

    python -m tests.templates.first_scaffold [--build]

hatch makes the environment of the new package, as a newcomer would; the package cache is as it is.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from uv import find_uv_bin

from tests.support.terraform import Terraform, missing

ROOT = Path(__file__).parents[2]
NAME = "monthly-visits"


def timed(what: str, *command: str, folder: Path, environment: dict[str, str]) -> tuple[float, str]:
    """Run a command, say how long it took, and give that and what it printed.

    Raises:
        SystemExit: It failed.
    """
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{what}: {(done.stdout + done.stderr)[-4000:]}")
    print(f"{what:<24} {seconds:6.1f} s", flush=True)
    return seconds, done.stdout


def builds() -> bool:
    """Whether there is a Python here that packages for Lambda can be compiled with."""
    found = subprocess.run(
        [find_uv_bin(), "python", "find", "--no-project", "--no-python-downloads", "cpython-3.12"], capture_output=True
    )
    return found.returncode == 0


def measure(folder: Path, *, build: bool) -> dict[str, float]:
    """Seconds of each step, and `green` for those until the tests have passed."""
    foreign = ("REPORTING_", "AWS_", "COV_", "HATCH_", "PYTHON", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    environment = kept | {"PATH": path, "HATCH_DATA_DIR": str(folder / "hatch"), "NO_COLOR": "1"}
    within, seconds = folder / NAME, {}
    new = ["reporting", "new", "lambda", NAME, "--framework", str(ROOT), "--no-input"]
    new += ["--modules", f"{ROOT.as_posix()}/terraform/modules/{{module}}"]
    hatch = ["hatch", "run"]
    seconds["new"], _ = timed("reporting new lambda", *new, folder=folder, environment=environment)
    seconds["test"], said = timed("hatch run test", *hatch, "test", folder=within, environment=environment)
    print(said.strip().splitlines()[-1])
    seconds["green"] = seconds["new"] + seconds["test"]
    seconds["example"], said = timed("hatch run example", *hatch, "example", folder=within, environment=environment)
    print(said.strip().splitlines()[0])
    if build:
        seconds["build"], said = timed("hatch run build", *hatch, "build", folder=within, environment=environment)
        print(said.strip().splitlines()[0])
    if not missing():
        began = time.perf_counter()
        terraform = Terraform(within / "terraform")
        terraform.init()
        terraform("validate")
        seconds["terraform"] = time.perf_counter() - began
        print(f"{'terraform validate':<24} {seconds['terraform']:6.1f} s")
    print(f"{'until green':<24} {seconds['green']:6.1f} s")
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", action="store_true", help="make the packages for Lambda too")
    with tempfile.TemporaryDirectory() as place:
        measure(Path(place), build=parser.parse_args().build)
