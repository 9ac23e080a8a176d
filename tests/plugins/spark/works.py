"""Work on splits that says where it was done."""

import logging
import os
import signal
from dataclasses import dataclass
from pathlib import Path

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
