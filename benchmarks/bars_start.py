"""The bars of starting: what a program imports before it does anything."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import REPORT, Bench
from benchmarks.measure import SHORT_PAIRS, alternate, measure
from benchmarks.rows import Group, Row, compared

SCRIPT = Path(__file__).parent / "peers" / "import_times.py"
HELP = (
    "import sys; sys.argv = ['reporting-run', '--help'];"
    " from reporting_framework.cli.main import reporting_run; reporting_run()"
)
HANDLER = "from reporting_framework.aws_lambda.handler import handler"
FUNCTION = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "REPORTING_REPORT": REPORT,
    "SOURCE_BUCKET": "events",
    "PREFIX": "prod",
    "CHECKPOINT_BUCKET": "checkpoints",
    "CHECKPOINT_KEY": "visits.parquet",
}
"""Environment variables of a function."""
IMPORTS = (
    ("imports-help", "`reporting-run --help`", HELP, "click, pluggy", 0.6, 69),
    (
        "imports-handler",
        "the Lambda handler with the report",
        HANDLER,
        "polars, pydantic, obstore",
        0.23,
        81,
    ),
)
"""The bars are what was found when they were set, a little less for times."""


def help_text(bench: Bench) -> Sequence[Row]:
    """Compare `--help` with the import of the two packages that it needs.

    It lists the reports without importing what they need.
    """
    ours, imports = alternate(
        SHORT_PAIRS,
        lambda: measure([bench.reports, "--help"]),
        lambda: bench.imports("click, pluggy"),
    )
    return [
        compared(
            "help",
            "`reporting-run --help`: time, of `import click, pluggy`",
            1.7,
            ours,
            imports,
            "wall",
        )
    ]


def imports(bench: Bench) -> Sequence[Row]:
    """Measure what our own modules add to the imports that a program needs."""
    rows = []
    for name, program, code, needed, share, count in IMPORTS:
        usage = measure([bench.reports_python, str(SCRIPT), code, needed], FUNCTION)
        answer = usage.answer
        ours, others = float(answer["ours"]), float(answer["others"])
        what = f"{program}: our own modules"
        rows += [
            Row(
                name,
                f"{what}, time of import, of `import {needed}`",
                share,
                ours / others,
                f"{ours * 1000:.0f} ms to {others * 1000:.0f} ms",
            ),
            Row(
                f"{name}-modules",
                f"{what} that are imported",
                count,
                answer["modules"],
                f"{answer['modules']}",
                unit="modules",
            ),
        ]
    return rows


NAMES = tuple(f"{name}{end}" for name, *_ in IMPORTS for end in ("", "-modules"))
GROUPS = (Group(("help",), help_text), Group(NAMES, imports))
