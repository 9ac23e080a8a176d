"""Tracebacks that tell where an error was raised and of which type.

They hold no value of a record and no secret of a URI.
"""

from __future__ import annotations

import traceback

from reporting_framework._text.messages import redacted
from reporting_framework.errors import ReportingError


def traceback_text(error: BaseException, *, verbose: bool) -> str:
    """The traceback of an error and its causes.

    Without `verbose` only where and which type a foreign error is: its message may hold
    values of records.
    """
    if verbose:
        return redacted("".join(traceback.format_exception(error)).rstrip())
    parts = []
    for link in reversed(_chain(error)):
        kind = f"{type(link).__module__}.{type(link).__qualname__}".removeprefix(
            "builtins."
        )
        shown = (
            str(link)
            if isinstance(link, ReportingError)
            else "(message withheld; --verbose shows it)"
        )
        frames = "".join(traceback.format_tb(link.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{kind}: {shown}")
    return redacted("\n\nwhich led to:\n\n".join(parts))


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (
            None if link.__suppress_context__ else link.__context__
        )
    return chain
