"""Records and rows checked by rules of other programs.

The output is in the folder ``out``: two tables, and what was rejected.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def reporting(*words: str) -> None:
    """Show and run a command of the framework in this folder."""
    print(f"\n$ {' '.join(words)}", flush=True)
    program = Path(sys.executable).with_name(words[0])
    environment = {**os.environ, "PYTHONPATH": str(HERE)}  # where schemas.py is
    done = subprocess.run([program, *words[1:]], cwd=HERE, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def main() -> None:
    """Run both reports, and show what they accepted and rejected."""
    shutil.rmtree(HERE / "out", ignore_errors=True)
    for name, query in (
        ("scans", "SELECT parcel, tour, scanned_at, status, signed_by FROM scans"),
        ("tours", "SELECT tour, day, van, loaded, delivered FROM tours"),
    ):
        reporting("reporting-run", name, "--quiet")
        reporting("reporting", "sql", name, query)
        reporting("reporting", "quarantine", name, "list")


if __name__ == "__main__":
    main()
