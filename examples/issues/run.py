"""Issues and comments of a tracker, before and after some of them change.

The output is in the folder ``out``: a parquet file for each resource.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tracker import ISSUES, TOKEN, serving

HERE = Path(__file__).parent
OUT = HERE / "out"
COUNT = (
    "SELECT state, count(*) AS issues FROM issues_issues GROUP BY state ORDER BY state"
)


def run(*words: str) -> None:
    """Show and run a command of the framework in this folder."""
    print(f"\n$ {' '.join(words)}", flush=True)
    program = Path(sys.executable).with_name(words[0])
    environment = {**os.environ, "API_TOKEN": TOKEN}
    done = subprocess.run([program, *words[1:]], cwd=HERE, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def main() -> None:
    """Start the tracker, and run the report twice."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    with serving() as port:
        text = (HERE / "reporting.toml").read_text()
        config = OUT / "reporting.toml"
        config.write_text(text.replace(":8080", f":{port}"))
        os.environ["REPORTING_CONFIG"] = str(config)
        run("reporting-run", "issues")
        for number in (7, 42):
            ISSUES[number] |= {"state": "closed", "updated_at": "2026-02-01T00:00:00Z"}
        run("reporting-run", "issues")
        run("reporting", "sql", "issues/issues", COUNT)


if __name__ == "__main__":
    main()
