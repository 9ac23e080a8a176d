"""The bars of starting: what a program imports before it does anything."""

from collections.abc import Sequence

from benchmarks.bench import Bench
from benchmarks.measure import alternate, measure
from benchmarks.rows import Group, Row, compared

PAIRS = 21
"""More than elsewhere: a run takes a fraction of a second."""


def help_text(bench: Bench) -> Sequence[Row]:
    """Compare `--help` with the import of the two packages that it needs.

    It lists the reports without importing what they need.
    """
    ours, imports = alternate(
        PAIRS,
        lambda: measure([*bench.program, "--help"]),
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


GROUPS = (Group(("help",), help_text),)
