"""The machine's resources that this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_PROCESS = Path("/proc/self")


def usable_cores() -> int:
    """Return the number of cores: of the CPU affinity and the control group's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    for folder in control_groups("cpu"):
        with suppress(OSError, ValueError):  # "max" is no quota
            quota, period = (folder / "cpu.max").read_text().split()
            cores = min(cores, int(quota) // int(period))
        with suppress(OSError, ValueError):
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
            if int(quota) > 0:
                cores = min(cores, int(quota) // int(period))
    return max(1, cores)


def free_memory() -> int | None:
    """Return the number of bytes that are free here, `None` if that is not known.

    Pages of files that the system can drop count as free.
    """
    free = []
    with suppress(OSError, ValueError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        [available] = [line for line in lines if line.startswith("MemAvailable:")]
        free.append(int(available.split()[1]) * 1024)
    for folder in control_groups("memory"):
        for limit, used in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            with suppress(OSError, ValueError):  # "max" is no limit
                most = int((folder / limit).read_text())
                bytes_used = int((folder / used).read_text())
                free.append(most - bytes_used + _droppable(folder))
    return max(0, min(free)) if free else None


def control_groups(controller: str) -> Iterator[Path]:
    """Yield the folders of the control groups that this process is in.

    Args:
        controller: Resource that they limit, such as ``cpu``.
    """
    with suppress(OSError):
        for line in (_PROCESS / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            root = _CGROUPS / controller if controllers else _CGROUPS
            folder = root / path.lstrip("/")
            for group in (folder, *folder.parents):
                yield group
                if group == root:
                    break


def _droppable(folder: Path) -> int:
    """Return the bytes of a control group that hold files which nobody uses."""
    for line in (folder / "memory.stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name in ("total_inactive_file", "inactive_file"):
            return int(value)
    return 0
