"""Functions that process splits in worker processes."""

import logging
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from reporting_framework import AccessDenied, SplitResult

VALUE = "-".join(["SECRET", "VALUE"])  # a line of code may be shown


class OddError(Exception):
    """An error that cannot be pickled."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


class OddAccessDenied(AccessDenied):
    """An error of the framework that cannot be pickled."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


@dataclass(frozen=True)
class Work:
    """Work of this process; in another process, `elsewhere` is done first."""

    home: int
    folder: Path = Path()

    def __call__(self, split):
        if os.getpid() == self.home:
            time.sleep(0.05)  # so that the others get splits too
        else:
            self.elsewhere(split)
        return SplitResult(split, accepted=os.getpid(), source_keys=[split.id])

    def elsewhere(self, split):
        """Nothing else."""


class KillsItselfOnce(Work):
    """The first worker process ends in the midst of its second split."""

    def elsewhere(self, split):
        time.sleep(0.01)
        if int(split.id) > 2 and not (mark := self.folder / "killed").exists():
            mark.write_text(split.id)
            os.kill(os.getpid(), signal.SIGKILL)


class KillsItself(Work):
    """Every worker process ends."""

    def elsewhere(self, split):
        os.kill(os.getpid(), signal.SIGKILL)


class Exits(Work):
    """Every worker process ends by itself, without an error."""

    def elsewhere(self, split):
        os._exit(7)


class Raises(Work):
    """Every worker process raises an error with a cause."""

    def elsewhere(self, split):
        try:
            raise OddError(VALUE, 2)
        except OddError as error:
            raise AccessDenied("s3://bucket/key: denied") from error


class RaisesOdd(Work):
    def elsewhere(self, split):
        raise OddAccessDenied("one", "two")


class Logs(Work):
    def elsewhere(self, split):
        log = logging.getLogger("tests.worker")
        log.debug("not wanted")
        try:
            raise OddError(VALUE, 2)
        except OddError:
            log.warning("split %s", split.id, exc_info=True)
        print("printed")


class Hangs(Work):
    """Workers say that they are there, and work for a minute."""

    def elsewhere(self, split):
        (self.folder / f"{os.getpid()}.pid").touch()
        time.sleep(60)


class Broken(Work):
    """Work that cannot be unpickled in a worker process."""

    def __reduce__(self):
        return _unpicklable, (self.home,)


def _unpicklable(home):
    if os.getpid() != home:
        raise ModuleNotFoundError("No module named 'elsewhere'")


class EndsAtStart(Work):
    """Every worker process ends while it starts."""

    def __setstate__(self, state):
        if os.getpid() != state["home"]:
            os.kill(os.getpid(), signal.SIGKILL)
        self.__dict__.update(state)


class EndsAtStartOnce(Work):
    """The first worker process ends while it starts."""

    def __setstate__(self, state):
        mark = state["folder"] / "started"
        if os.getpid() != state["home"] and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        self.__dict__.update(state)
