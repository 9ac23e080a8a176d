"""Errors of a worker process, as data and as errors again."""

from __future__ import annotations

import pickle
import traceback
from itertools import pairwise
from typing import NamedTuple

from reporting_framework._text.messages import WORKER_FRAMES
from reporting_framework.errors import ReportingError


class SentError(NamedTuple):
    """Error of another process.

    Attributes:
        pickled: The error; `None` if it cannot be pickled.
        module: Module of its class.
        name: Qualified name of its class.
        message: Its message.
        base: Nearest class of it that is one of the framework's errors, if any.
        frames: The lines of code that it went through, as text.
    """

    pickled: bytes | None
    module: str
    name: str
    message: str
    base: type[ReportingError] | None
    frames: str


def sent(error: BaseException) -> list[SentError]:
    """Return an error and its causes as data that can be pickled."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or (
            None if link.__suppress_context__ else link.__context__
        )
    return [_sent(link) for link in links]


def received(links: list[SentError]) -> BaseException:
    """Return the error again, with its causes and where they were raised."""
    errors = [_received(link) for link in links]
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


def _sent(error: BaseException) -> SentError:
    kind = type(error)
    own = ReportingError.__module__
    base = next((base for base in kind.__mro__ if base.__module__ == own), None)
    pickled: bytes | None
    try:
        pickled = pickle.dumps(error)
        if type(pickle.loads(pickled)) is not kind:  # noqa: S301 - from the line above
            pickled = None
    except Exception:  # an error's own class may raise anything
        pickled = None
    frames = "".join(traceback.format_tb(error.__traceback__))
    return SentError(
        pickled, kind.__module__, kind.__qualname__, str(error), base, frames
    )


def _received(link: SentError) -> BaseException:
    error: BaseException | None = None
    if link.pickled is not None:
        try:
            error = pickle.loads(link.pickled)  # noqa: S301 - of `sent`
        except Exception:  # it was of a module that is not here
            error = None
    if error is None and link.base is not None:
        error = link.base(link.message)
    if error is None:
        named = {"__module__": link.module, "__qualname__": link.name}
        error = type(link.name.rpartition(".")[2], (Exception,), named)(link.message)
    error.__dict__[WORKER_FRAMES] = link.frames
    error.add_note(f"in a worker process:\n{link.frames.rstrip()}")
    return error
