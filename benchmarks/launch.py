"""A launcher that runs a command and says what it cost.

`python -I -S launch.py COMMAND…` prints one line of JSON after its output.

A process of its own, small and started by no one's fork of something large: on Linux a
child's peak memory includes what its parent held when it forked, even after exec, so
that a large parent would be measured instead of the child.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Run the rest of the command line; its standard output passes through."""
    began = time.perf_counter()
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    kilobytes = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss // 1024
    cost = {
        "code": child.returncode,
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": kilobytes * 1024,
    }
    print("\n" + json.dumps(cost), flush=True)


if __name__ == "__main__":
    main()
