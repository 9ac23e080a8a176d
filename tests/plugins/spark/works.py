"""Work on splits that says where it was done."""

import logging
import os
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, field_validator

from reporting_framework import AccessDenied, SplitResult
from reporting_framework.plugin_api.traffic import count


@dataclass(frozen=True)
class Work:
    """Work that says in which process it was done.

    The second process that begins split 3 finds that the first one has killed itself, if there is a folder.
    """

    folder: Path | None = None
    error: str | None = None

    def __call__(self, split):
        logging.getLogger("tests.spark").info("split %s", split.id)
        if self.error is not None:
            raise AccessDenied(self.error) from ValueError("SECRET-VALUE")
        if self.folder is not None and split.id == "3":
            mark = self.folder / "killed"
            if not mark.exists():
                mark.write_text("")
                os.kill(os.getpid(), signal.SIGKILL)
        return SplitResult(split, accepted=os.getpid(), source_keys=[split.id])


class Dies(Work):
    """Work that ends each process."""

    def __call__(self, split):
        os.kill(os.getpid(), signal.SIGKILL)


class Requests(Work):
    """Work that sends two requests for each split."""

    def __call__(self, split):
        count("get", 2)
        count("bytes_read", 5)
        return SplitResult(split, source_keys=[split.id])


class Event(BaseModel):
    """A record on whose first validation on an executor something happens.

    Number 13 kills its executor, and number 77 takes longer than the other attempt
    that Spark then starts. `MARKS` is the folder that says that it has happened.
    """

    number: int
    timestamp: AwareDatetime = datetime(2024, 1, 1, tzinfo=UTC)

    @field_validator("number")
    @classmethod
    def _disturb(cls, value: int) -> int:
        if value == 13 and _first("killed"):
            os.kill(_executor(), signal.SIGKILL)
            time.sleep(20)
        if value == 77:
            if _first("slow"):
                time.sleep(20)
            _first("fast")
        return value


def _first(name):
    """Return whether this is the first time; never, without a folder."""
    if not (folder := os.environ.get("MARKS")):
        return False
    try:
        (Path(folder) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _executor():
    """Return the id of the executor's JVM: the parent of the parent of this process."""
    parent = Path(f"/proc/{os.getppid()}/stat").read_text()
    return int(parent.rpartition(")")[2].split()[1])
