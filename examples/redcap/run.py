"""Visits of a study in REDCap: the example of this folder.

It starts a REDCap server on loopback, runs the reports, changes the study, and runs
them again. The output is in the folder ``out``.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from study import change, study

from reporting_redcap.testing import RedcapServer, serving

HERE = Path(__file__).parent
SCORES = """
    SELECT record_id, count(*) AS visits, min(mmse) AS lowest FROM visits
    WHERE redcap_repeat_instrument = 'visit' AND _deleted_at IS NULL
    GROUP BY record_id ORDER BY record_id
"""
REPORT = [
    *("--report-id", "41", "--environment", "dev", "--mode", "overwrite"),
    *("--s3-prefix", "./out", "--s3-suffix", "scores/41.parquet"),
]


def reporting(server: RedcapServer, *words: str) -> None:
    """Show and run a command of the framework in this folder."""
    print(f"\n$ {' '.join(' '.join(words).split())}", flush=True)
    program = Path(sys.executable).with_name(words[0])
    settings = {
        "REDCAP_TOKEN": server.token,
        "REPORTING_VISITS__SOURCE__URL": server.url,
        "REPORTING_REDCAP_REPORT__URL": server.url,
        "REPORTING_REDCAP_REPORT__TOKEN": "secret:env:REDCAP_TOKEN",
        "REPORTING_REDCAP_REPORT__ALLOW_PRIVATE": "true",
    }
    done = subprocess.run(
        [program, *words[1:]], cwd=HERE, env={**os.environ, **settings}, check=False
    )
    if done.returncode:
        raise SystemExit(done.returncode)


def main() -> None:
    """Run the example."""
    shutil.rmtree(HERE / "out", ignore_errors=True)
    project = study()
    with serving(project) as server:
        reporting(server, "reporting-run", "visits", "--quiet")
        reporting(server, "reporting", "sql", "visits", SCORES)
        print("\nA visit takes place, a value is corrected, a person is removed.")
        change(project)
        reporting(server, "reporting-run", "visits", "--quiet")
        reporting(server, "reporting-run", "visits", "--full-scan", "--quiet")
        reporting(server, "reporting", "sql", "visits", SCORES)
        reporting(server, "reporting-run", "redcap-report", *REPORT, "--quiet")


if __name__ == "__main__":
    main()
