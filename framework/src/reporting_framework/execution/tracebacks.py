"""Tracebacks without values of records and without secrets of URIs."""

from __future__ import annotations

from reporting_framework._text.messages import WORKER_FRAMES, redacted
from reporting_framework.errors import ReportingError


def traceback_text(error: BaseException, *, verbose: bool) -> str:
    """Return the traceback of an error and its causes.

    Without `verbose`, messages of errors other than `ReportingError` are left out, as
    they may hold values of records.
    """
    import traceback  # only errors need it

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
        frames += link.__dict__.get(WORKER_FRAMES, "")
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
