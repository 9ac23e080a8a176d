"""Orders in JSON lines, read by a Singer tap, before and after they change.

The output is in the folder ``out``: the file of orders, and the table.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ORDERS = HERE / "out" / "orders" / "2026.jsonl"
FIRST = [
    {"id": 1, "sku": "BRD0001", "pieces": 2, "placed_at": "2026-01-05T09:00:00Z"},
    {"id": 2, "sku": "MLK0001", "pieces": 6, "placed_at": "2026-01-05T10:30:00Z"},
    {"id": 3, "sku": "CHS0001", "pieces": 0, "placed_at": "2026-01-06T08:15:00Z"},
]
LATER = [
    FIRST[0],
    {**FIRST[1], "pieces": 4},
    FIRST[2],
    {"id": 4, "sku": "HNY0001", "pieces": 1, "placed_at": "2026-01-07T12:00:00Z"},
]


def write_orders(orders: Sequence[dict[str, Any]], changed_at: float) -> None:
    """Write the file, as if it was changed at that time."""
    ORDERS.parent.mkdir(parents=True, exist_ok=True)
    ORDERS.write_text("".join(f"{json.dumps(order)}\n" for order in orders))
    os.utime(ORDERS, (changed_at, changed_at))


def reporting(*words: str) -> None:
    """Show and run a command of the framework in this folder."""
    print(f"\n$ {' '.join(words)}", flush=True)
    program = Path(sys.executable).with_name(words[0])
    done = subprocess.run([program, *words[1:]], cwd=HERE, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def main() -> None:
    """Run the report on the orders, twice."""
    shutil.rmtree(HERE / "out", ignore_errors=True)
    rows = "SELECT id, sku, pieces, placed_at FROM tap_orders ORDER BY id"
    now = time.time()
    for orders, changed_at in ((FIRST, now - 60), (LATER, now)):
        write_orders(orders, changed_at)
        reporting("reporting-run", "tap", "--quiet")
        reporting("reporting", "sql", "tap/orders", rows)


if __name__ == "__main__":
    main()
