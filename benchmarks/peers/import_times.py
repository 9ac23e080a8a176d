"""The imports of a program of ours, and those that it needs: CODE MODULES.

CODE is run by this interpreter with `-X importtime`, in turn with `import MODULES`.
Prints the seconds that our own modules take without what they import, the seconds of
MODULES with all that they import, and how many modules of ours there are. The time of
each module is the median of all turns: a busy machine slows down a few of them in each.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from statistics import median

LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")
OURS = "reporting_"
TURNS = 15


def imported(code: str) -> Mapping[str, float]:
    """Return the modules that some code imports, with the own seconds of each.

    Modules of Python's start are left out: `site` is the last one of these. A module
    that is imported lazily has several lines.
    """
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = [match.groups() for match in LINE.finditer(done.stderr)]
    started = [name for _, name in lines].index("site") + 1
    taken: defaultdict[str, float] = defaultdict(float)
    for microseconds, name in lines[started:]:
        taken[name] += int(microseconds) / 1e6
    return taken


def main(code: str, modules: str) -> None:
    """Measure both."""
    ours: defaultdict[str, list[float]] = defaultdict(list)
    others: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(TURNS):
        for name, seconds in imported(code).items():
            if name.startswith(OURS):
                ours[name].append(seconds)
        for name, seconds in imported(f"import {modules}").items():
            others[name].append(seconds)
    answer = {
        "ours": sum(map(median, ours.values())),
        "others": sum(map(median, others.values())),
        "modules": len(ours),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
